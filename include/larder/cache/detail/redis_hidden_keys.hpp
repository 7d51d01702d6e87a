// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace larder {
inline namespace v0 {
namespace detail {

/// The keys that an in-process tier may hold and that cannot be told from their texts in Redis, by these texts.
///
/// Bounded: the oldest gives way to a new one. Whoever keeps something of a key that gives way is told to drop it, so that a text that is
/// not known here concerns nobody. Thread-safe; each operation takes constant time.
template <class Key>
class RedisHiddenKeys {
public:
    /// Notes a key. \param most so many keys are kept; at least 1. \param drop is called with each key that gives way.
    template <class Drop>
    void note(std::string_view text, const Key& key, std::size_t most, const Drop& drop) {
        const std::uint64_t digest = std::hash<std::string_view>()(text);
        const std::lock_guard lock(mutex_);
        const auto [known, is_new] = keys_.try_emplace(digest, key);
        if (!is_new) {
            if (known->second == key) return;
            drop(known->second);
            known->second = key;
            return;
        }
        order_.push_back(digest);
        if (order_.size() <= most) return;
        const auto oldest = keys_.find(order_.front());
        drop(oldest->second);
        keys_.erase(oldest);
        order_.pop_front();
    }

    /// Calls `drop` with the key of this text, if it is known.
    template <class Drop>
    void changed(std::string_view text, const Drop& drop) {
        const std::lock_guard lock(mutex_);
        const auto known = keys_.find(std::hash<std::string_view>()(text));
        if (known != keys_.end()) drop(known->second);
    }

private:
    std::mutex mutex_;
    std::unordered_map<std::uint64_t, Key> keys_;
    std::deque<std::uint64_t> order_; ///< The digests of all keys, oldest first.
};

} // namespace detail
} // namespace v0
} // namespace larder
