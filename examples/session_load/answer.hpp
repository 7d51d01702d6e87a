// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "ending.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace load {

/// What a client asks for.
enum class Kind : std::uint8_t { login, me, refresh, elevate, list, logout, end_one, end_foreign, end_others, end_all };

inline constexpr std::size_t kind_count = 10;

constexpr std::string_view name_of(Kind kind) noexcept {
    constexpr std::array<std::string_view, kind_count> names = {"POST /login",           "GET /me",    "POST /refresh",       "POST /elevate", "GET /sessions", "POST /logout",
                                                                "DELETE /sessions/{own}", "DELETE /sessions/{foreign}", "DELETE /sessions?which=others", "DELETE /sessions?which=all"};
    return names[static_cast<std::size_t>(kind)];
}

/// Whether it changes nothing, so that nothing is in doubt where its answer is lost.
constexpr bool only_reads(Kind kind) noexcept { return kind == Kind::me || kind == Kind::list; }
/// Whether it is answered with tokens.
constexpr bool grants(Kind kind) noexcept { return kind == Kind::login || kind == Kind::refresh || kind == Kind::elevate; }

/// A session in the answer to GET /sessions.
struct Listed {
    std::string handle;
    bool current = false;
};

/// What came back.
struct Answer {
    bool lost = false;        ///< Nothing whole did; `trouble` says why.
    unsigned status = 0;      ///< Of HTTP.
    std::string code{};       ///< Of an error, and
    std::string state{};      ///< of a refusal: unknown, expired, revoked, reused;
    std::string limit{};      ///< which limit has passed: idle, absolute, access;
    std::string why{};        ///< why it was ended.
    std::string trouble{};    ///< What is wrong with the answer as such; empty: nothing.

    std::optional<std::int64_t> user{};
    std::string handle{};
    std::string access{}, refresh{}; ///< Tokens.
    Span access_life{}, life{};      ///< How long the access token, and the session, are good for at most.
    std::string source{};
    bool stale = false;
    std::uint64_t ended = 0;
    std::optional<Span> bound{}; ///< Of what was ended; unset: the answer declares none.
    std::vector<Listed> sessions{};

    /// Whether nobody knows what became of the request.
    bool in_doubt() const noexcept { return lost || status == 408 || (status >= 502 && status <= 504); }
    bool accepted() const noexcept { return !lost && status >= 200 && status < 300; }
    bool unauthorized() const noexcept { return !lost && status == 401; }
};

} // namespace load
