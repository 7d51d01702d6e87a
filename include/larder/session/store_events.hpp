// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/entity/value.hpp>
#include <larder/session/entities.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder {
inline namespace v0 {

/// A session has ended: somebody or the reaper ended it, and the database has it so.
///
/// Told once, by whoever ended it, after the commit; not if the process dies between the two. It depends on no cache and its expiry.
struct SessionEnded {
    Uuid handle{};
    std::int64_t user_id = 0;
    std::optional<EndReason> why{};
    TimePoint at{};
};

/// What an audit trail is told of.
enum class AuditKind : std::uint8_t {
    begun,         ///< A login.
    refused,       ///< A login that would have been one session too many.
    rotated,       ///< A refresh token was exchanged.
    repeated,      ///< A refresh token that had just been exchanged was presented again, within the grace.
    reused,        ///< A refresh token that had been replaced was presented: a theft, or a client that is broken.
    unknown_token, ///< A refresh token was presented that is none of ours, or whose session is gone.
    elevated,      ///< A session was replaced by one with new secrets.
    ended,         ///< A session ended.
};

constexpr std::string_view name_of(AuditKind kind) noexcept {
    constexpr std::string_view names[] = {"begun", "refused", "rotated", "repeated", "reused", "unknown_token", "elevated", "ended"};
    return names[static_cast<std::size_t>(kind)];
}

/// A line of an audit trail. It names nobody: who and where are hashed with the trail's own salt, so that lines about the same session,
/// user or address can be told to be so, and nothing else. What is not known is all zeros.
struct SessionAudit {
    AuditKind kind{};
    TimePoint at{};
    std::optional<EndReason> why{};       ///< With `ended`.
    Hashed<std::string> session{};        ///< Of the handle.
    Hashed<std::string> family{};         ///< Of the handle of the family's first session.
    Hashed<std::string> user{};           ///< Of the user's id, in decimal digits.
    Hashed<std::string> address{};        ///< Of the address that the session was begun from.
};

} // namespace v0
} // namespace larder
