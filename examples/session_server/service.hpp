// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "usage.hpp"

#include <larder/cache/redis_connection.hpp>
#include <larder/clock.hpp>
#include <larder/observe/snapshot.hpp>
#include <larder/session/store_options.hpp>
#include <larder/session/store_results.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace server {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// A session store, whatever it is made of: what the HTTP code stands on, so that it is compiled once.
///
/// Each verb is that of `larder::SessionStore`, ends within the time limit that the service was made with (else its answer is the error `operation_aborted`, and
/// what was begun goes on to its end), and throws nothing but `std::bad_alloc`. Safe from any thread.
class Service {
public:
    Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    virtual ~Service() = default;

    virtual Awaitable<larder::Granted> login(larder::Login order) = 0;
    virtual Awaitable<larder::Authenticated> authenticate(std::string access) = 0;
    virtual Awaitable<larder::Granted> rotate(std::string refresh) = 0;
    virtual Awaitable<larder::Granted> elevate(larder::Uuid handle) = 0;
    virtual Awaitable<larder::SessionList> list(std::int64_t user) = 0;
    virtual Awaitable<larder::SessionsEnded> revoke(larder::Uuid handle) = 0;
    virtual Awaitable<larder::SessionsEnded> revoke_others(std::int64_t user, larder::Uuid kept) = 0;
    virtual Awaitable<larder::SessionsEnded> revoke_all(std::int64_t user) = 0;
    virtual Awaitable<larder::Reaped> expire() = 0;

    /// What the library has counted, the sizes of the memory tier with it.
    virtual larder::MetricsSnapshot metrics() const = 0;
    /// The policy's name.
    virtual std::string_view policy() const = 0;
    /// Whether the caches keep rows, and not only what leads to them.
    virtual bool keeps_rows() const = 0;
    /// For how long a session may still be answered as it was after its end was acknowledged as effective or pending for no longer.
    virtual larder::Duration staleness_bound() const = 0;
    /// The state of the connection to Redis; nothing if there is none in the stack.
    virtual std::optional<larder::RedisStatus> redis() const = 0;
    /// Whether reads ask the memory tier.
    virtual void read_memory(bool on) = 0;
    /// Goes on with a database that was away. May block. What SQLite says after a failure is no different from what it says after a foreign write; so this is for
    /// whoever knows that there was none.
    virtual void take_database_back() = 0;

    /// What was noticed of the answers given.
    Usage usage;
};

} // namespace server
