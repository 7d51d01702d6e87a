// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <time.h>
#include <unistd.h>

namespace chaos {

/// Nanoseconds of the machine's monotonic clock, which all its processes share.
inline std::int64_t clock_now() noexcept {
    ::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

enum class Kind : std::uint8_t { find, find_by_token, find_by_jti, rotate, revoke, revoke_all, insert };
inline constexpr std::array<std::string_view, 7> kind_names{"finds row", "finds the row with token", "finds the row with jti", "rotates row", "revokes row", "revokes all of user", "inserts row"};
constexpr std::string_view name_of(Kind kind) noexcept { return kind_names[static_cast<std::size_t>(kind)]; }
constexpr bool is_read(Kind kind) noexcept { return kind <= Kind::find_by_jti; }

/// How a call ended.
enum class End : std::uint8_t {
    open,    ///< Nobody knows: its process was killed.
    done,
    refused, ///< For the row is revoked already; nothing was changed.
    failed,  ///< With an error that says that nothing was changed.
    unknown, ///< With one that says that nobody knows.
};

/// A call as its client tells of it: once before it begins, and once more when it has returned. Numbers instead of keys.
struct Call {
    std::uint64_t number = 0; ///< Unique in a round.
    std::uint32_t process = 0, client = 0;
    Kind kind = Kind::find;
    End end = End::open;
    bool found = false, revoked = false, stale = false;
    bool changed = true;
    std::uint8_t level = 0;
    std::array<char, 37> text{};  ///< Of an error.
    std::uint64_t asked = 0;      ///< The row, token, jti or user.
    std::uint64_t row = 0;        ///< That was found, or written.
    std::uint64_t version = 0, token = 0, jti = 0; ///< Of the row found, or what is to be written; 0: stays as it is.
    std::uint64_t rows = 0;       ///< That a revocation of all changed.
    std::int64_t bound = 0;       ///< That a write declared, in nanoseconds.
    std::int64_t began = 0, ended = 0;
};
static_assert(std::is_trivially_copyable_v<Call>);
static_assert(sizeof(Call) <= 512, "what is written to a pipe in one piece");

/// The calls of one process are numbered by their worker's own count.
constexpr std::uint64_t call_number(std::uint32_t client, std::uint64_t count) noexcept { return std::uint64_t{client} << 32 | count; }

/// Tells of a call. Safe from any thread, and from a process that may be killed at any moment.
inline void tell(int pipe, const Call& call) noexcept {
    if (::write(pipe, &call, sizeof call) != static_cast<::ssize_t>(sizeof call)) ::_exit(3); // nobody listens any more
}

} // namespace chaos
