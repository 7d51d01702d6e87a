// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace larder {
inline namespace v0 {

/// How much of a row is worth keeping.
enum class Heat : std::uint8_t {
    cold, ///< Nothing: each read goes to the database.
    warm, ///< The schema's warm fields.
    hot,  ///< The whole row.
};

/// Decides how hot a row is. \param accesses an estimate of its recent accesses, this one included. Called on loads only,
/// from any thread.
using HeatRule = std::function<Heat(std::uint32_t accesses)>;

/// The default rule by observed frequency. \param warm_from \param hot_from accesses from which a row is warm, and hot.
inline HeatRule heat_by_frequency(std::uint32_t warm_from = 2, std::uint32_t hot_from = 4) {
    return [=](std::uint32_t accesses) { return accesses >= hot_from ? Heat::hot : accesses >= warm_from ? Heat::warm : Heat::cold; };
}

/// Everything about a repository that changes no guarantee but states its bounds.
struct Options {
    /// The longest span that any option may name: a hundred years.
    static constexpr Duration longest = std::chrono::hours(24 * 365 * 100);
    /// How long a loaded row may be served; more than 0. A row's own `expires` may end it earlier.
    Duration ttl = std::chrono::hours(1);
    /// The share of the TTL by which it is shortened at random, so that what was loaded together does not end together; 0 to 1.
    double jitter = 0.1;
    /// How long "there is no such row" may be served; 0: it is not kept.
    Duration negative_ttl = std::chrono::seconds(2);
    /// How long past its TTL a row may still answer if the database fails; 0: never. Revoked rows and `never_stale` entities never do.
    Duration stale_if_error = Duration::zero();
    /// The share of the TTL after which a hit starts a refresh in the background; 0: never. Needs an executor.
    double refresh_ahead = 0;
    /// How long a load may take until its fill is refused; more than 0.
    Duration lease_for = std::chrono::seconds(10);
    /// How long a fence stands if its writer dies; more than 0, and longer than the database's own time limits.
    Duration fence_for = std::chrono::seconds(15);
    /// `touch` writes at most this often for a row; 0 or more.
    Duration touch_interval = std::chrono::minutes(1);
    /// How often a read-modify-write is tried again on a conflict.
    unsigned conflict_retries = 16;
    /// How many rows a batched query loads at the most; more than 0.
    std::size_t batch_size = 500;
    /// How many loads of single rows by primary key are under way at a time in a database that talks to a server without blocking: those
    /// beyond wait for one of them to answer and leave in its place, all in one query. 0: none waits, each is a query of its own.
    std::size_t loads_apart = 4;
    /// Declares that this repository is the only one that writes these rows, so that its in-process tier may call a write
    /// effective. Without it, and without a shared tier, a write is pending for the TTL (or for the longest that a read of this
    /// repository asked for): another process may keep the old row that long.
    bool sole_writer = false;
    /// How hot a loaded row is; empty: always hot.
    HeatRule heat = {};
    /// Where refreshes in the background run, and the handlers of asynchronous verbs that have no executor of their own.
    /// Empty: the database's executor.
    boost::asio::any_io_executor executor = {};

    /// The first thing that is wrong with the options; unset if nothing is.
    Error check() const {
        const auto wrong = [](const char* text) { return Error{errc::invalid_options, text}; };
        for (const Duration span : {ttl, negative_ttl, stale_if_error, lease_for, fence_for, touch_interval})
            if (span > longest) return wrong("no span of Options may be longer than Options::longest, a hundred years");
        if (ttl <= Duration::zero()) return wrong("Options::ttl must be more than 0");
        if (!(jitter >= 0 && jitter < 1)) return wrong("Options::jitter must be at least 0 and less than 1");
        if (negative_ttl < Duration::zero()) return wrong("Options::negative_ttl must not be less than 0");
        if (stale_if_error < Duration::zero()) return wrong("Options::stale_if_error must not be less than 0");
        if (!(refresh_ahead >= 0 && refresh_ahead < 1)) return wrong("Options::refresh_ahead must be at least 0 and less than 1");
        if (lease_for <= Duration::zero()) return wrong("Options::lease_for must be more than 0");
        if (fence_for <= Duration::zero()) return wrong("Options::fence_for must be more than 0");
        if (touch_interval < Duration::zero()) return wrong("Options::touch_interval must not be less than 0");
        if (batch_size == 0) return wrong("Options::batch_size must be more than 0");
        return {};
    }
};

} // namespace v0
} // namespace larder
