// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/session/session.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace example {

/// The three keys of an object.
using ThreeKeys = std::array<std::string, 3>;

/// What stands for Redis in the original where there is one process: a map of texts to whole objects with GET, SET and DEL and nothing
/// else. It is in the process, so that the original pays no round trip for it.
class PlainCache {
public:
    static constexpr bool shared = false;

    std::optional<larder::Session> get(const std::string& key) {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(key);
        if (found == entries_.end()) return std::nullopt;
        if (found->second.ends <= std::chrono::steady_clock::now()) {
            entries_.erase(found);
            return std::nullopt;
        }
        return found->second.session;
    }
    void set(const ThreeKeys& keys, const larder::Session& session, std::chrono::seconds ttl) {
        for (const auto& key : keys) {
            const Entry entry{session, std::chrono::steady_clock::now() + ttl};
            const std::lock_guard lock(mutex_);
            entries_.insert_or_assign(key, entry);
        }
    }
    void del(const ThreeKeys& keys) {
        for (const auto& key : keys) {
            const std::lock_guard lock(mutex_);
            entries_.erase(key);
        }
    }
    /// Roughly, as memory allocators see it.
    std::size_t bytes() {
        const std::lock_guard lock(mutex_);
        constexpr std::size_t node = 2 * sizeof(void*);
        std::size_t sum = entries_.bucket_count() * sizeof(void*);
        for (const auto& [key, entry] : entries_) {
            const auto& session = entry.session;
            sum += node + sizeof key + sizeof entry;
            for (const std::string* text : {&key, &session.jti, &session.ip_address, &session.user_agent, &session.user.email, &session.user.username})
                if (text->capacity() > std::string().capacity()) sum += text->capacity() + 1;
        }
        return sum;
    }

private:
    struct Entry {
        larder::Session session;
        std::chrono::steady_clock::time_point ends;
    };

    std::mutex mutex_;
    std::unordered_map<std::string, Entry> entries_;
};

} // namespace example
