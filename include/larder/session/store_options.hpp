// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/error.hpp>
#include <larder/repository/options.hpp>
#include <larder/session/store_events.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace larder {
inline namespace v0 {

/// Who logs in, and from where.
struct Login {
    static constexpr std::size_t longest_address = 64;
    static constexpr std::size_t longest_user_agent = 512;

    std::int64_t user_id = 0;
    std::string ip_address{};          ///< Cut off at `longest_address` bytes; what is not printable ASCII becomes a question mark.
    std::string user_agent{};          ///< The same, at `longest_user_agent`.
    std::optional<std::string> data{}; ///< The application's own.
};

/// What a login does that would be one session too many.
enum class AtSessionLimit : std::uint8_t {
    refuse,     ///< It begins none.
    end_oldest, ///< It ends the oldest of the user's sessions.
};

/// The rules that a session store keeps.
struct SessionStoreOptions {
    /// The longest that `rotation_grace` may be.
    static constexpr Duration longest_grace = std::chrono::minutes(5);

    /// A session that nobody used for this long has expired; 0: none does. Use is noted at most once in `Options::touch_interval`, which must not be more
    /// than half of this; so a session may expire up to that interval early.
    Duration idle_timeout = std::chrono::minutes(30);
    /// A session expires this long after its login, whatever happens to it; more than 0.
    Duration absolute_timeout = std::chrono::hours(12);
    /// An access token is good for this long at most; 0: for as long as its session.
    Duration access_lifetime = std::chrono::minutes(15);
    /// How many active sessions a user may have; 0: any number. With a bound, logins of a user are kept apart in serializable transactions.
    std::size_t sessions_per_user = 0;
    /// What happens beyond.
    AtSessionLimit at_limit = AtSessionLimit::refuse;
    /// For how long a refresh token that was exchanged may be presented again, to get the same answer again: for clients that did not get it, or ask twice
    /// at a time. It covers the last token that was exchanged, none before it. 0: it is reused at once. At most `longest_grace`.
    Duration rotation_grace = Duration::zero();
    /// How often it may be, within that time; 1 or more.
    std::uint32_t grace_uses = 2;
    /// How long the row of a session that has ended stays before the reaper removes it. As long the session says why it ended, and its refresh tokens are recognised;
    /// and as long its user cannot be deleted from the database.
    Duration keep_ended = std::chrono::hours(24);
    /// Whether a login loads the user's sessions into the caches.
    bool preload = true;
    /// Told of each session that has ended. Called after the commit, on whichever thread ended it; for an asynchronous operation that may be the only thread of
    /// the database's executor. So it must not block, nor call a blocking operation of a store or repository, which might wait for that thread for ever: hand
    /// on what takes time. What it throws is dropped, and nobody is told: report failures within.
    std::function<void(const SessionEnded&)> on_ended = {};
    /// Told of what an audit trail should know; as `on_ended`. Needs `audit_salt`.
    std::function<void(const SessionAudit&)> on_audit = {};
    /// What the audit trail's hashes are salted with; not one of the store's keys.
    std::optional<HashKey> audit_salt = {};

    /// The first thing that is wrong with the options; unset if nothing is. \param rows the options of the repository.
    Error check(const Options& rows) const {
        const auto wrong = [](const char* text) { return Error{errc::invalid_options, text}; };
        for (const Duration span : {idle_timeout, absolute_timeout, access_lifetime, keep_ended})
            if (span < Duration::zero() || span > Options::longest) return wrong("no span of SessionStoreOptions may be less than 0, or more than Options::longest");
        if (absolute_timeout < std::chrono::milliseconds(1)) return wrong("SessionStoreOptions::absolute_timeout must be a millisecond or more");
        if (idle_timeout > Duration::zero() && rows.touch_interval > idle_timeout / 2)
            return wrong("Options::touch_interval must not be more than half of SessionStoreOptions::idle_timeout, else sessions in use would expire");
        if (rotation_grace < Duration::zero() || rotation_grace > longest_grace) return wrong("SessionStoreOptions::rotation_grace must be at least 0 and at most five minutes");
        if (grace_uses == 0) return wrong("SessionStoreOptions::grace_uses must be 1 or more");
        if (on_audit && !audit_salt) return wrong("SessionStoreOptions::on_audit needs an audit_salt");
        return {};
    }
};

} // namespace v0
} // namespace larder
