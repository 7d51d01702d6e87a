// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/near_feed.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The in-process tiers that stand in front of one connection to Redis, and the connection lease under which they serve.
///
/// Changes are applied by the connection's reader, in the order in which the server tells of them. Thread-safe.
class RedisFeed {
public:
    using Changed = std::function<void(std::string_view key)>; ///< A key changed, given without the connection's own prefix.
    using Flush = std::function<void()>;                       ///< Anything may have changed.

    explicit RedisFeed(Duration delta) noexcept : lease_(delta) {}

    /// Adds a tier. \param beginning what the keys that concern it begin with. \returns its number.
    std::uint64_t attach(std::string beginning, Changed changed, Flush flush) {
        const std::lock_guard lock(mutex_);
        listeners_.push_back({++last_, std::move(beginning), std::move(changed), std::move(flush)});
        count_.store(listeners_.size(), std::memory_order_release);
        return last_;
    }
    /// Removes a tier; it is told nothing any more when this returns.
    void detach(std::uint64_t number) {
        const std::lock_guard lock(mutex_);
        std::erase_if(listeners_, [number](const Listener& listener) { return listener.number == number; });
        count_.store(listeners_.size(), std::memory_order_release);
    }
    /// The number of tiers.
    std::size_t listeners() const noexcept { return count_.load(std::memory_order_acquire); }

    /// \param but the number of a tier that need not be told; 0: none.
    void changed(std::string_view key, std::uint64_t but = 0) {
        const std::lock_guard lock(mutex_);
        for (const Listener& listener : listeners_)
            if (listener.number != but && key.starts_with(listener.beginning)) listener.changed(key);
    }
    /// Ends the lease and empties the tiers.
    void lose() {
        lease_.disconnected();
        flush();
    }
    /// Empties the tiers.
    void flush() {
        const std::lock_guard lock(mutex_);
        for (const Listener& listener : listeners_) listener.flush();
    }

    NearFeed& lease() noexcept { return lease_; }
    const NearFeed& lease() const noexcept { return lease_; }

private:
    struct Listener {
        std::uint64_t number;
        std::string beginning;
        Changed changed;
        Flush flush;
    };

    NearFeed lease_;
    std::mutex mutex_;
    std::vector<Listener> listeners_;
    std::uint64_t last_ = 0;
    std::atomic<std::size_t> count_{0};
};

} // namespace detail
} // namespace v0
} // namespace larder
