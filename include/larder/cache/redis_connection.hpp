// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/redis_call.hpp>
#include <larder/cache/detail/redis_feed.hpp>
#include <larder/cache/detail/redis_layout.hpp>
#include <larder/clock.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

/// Has larder/src.hpp compile Boost.Redis and the connection.
#ifndef LARDER_NEEDS_BOOST_REDIS
#define LARDER_NEEDS_BOOST_REDIS
#endif

namespace larder {
inline namespace v0 {

/// How a Redis (or Valkey) server is reached and used.
struct RedisOptions {
    std::string host = "127.0.0.1"; ///< Its name or address.
    std::uint16_t port = 6379;
    std::string user{};      ///< Empty: the server's default user.
    std::string password{};  ///< Empty: none is sent.
    unsigned database = 0;   ///< The number of the database, from 0.
    /// What every key begins with: letters, digits, '_', '-', '.' and ':'. Applications that share a server tell theirs apart by it.
    std::string prefix = "larder";

    bool tls = false;               ///< Whether the connection is encrypted, and the server's certificate verified.
    std::string tls_authorities{};  ///< A file of the certificates that are trusted (PEM). Empty: the system's.
    std::string tls_certificate{};  ///< A file with this client's own certificate chain (PEM). Empty: none.
    std::string tls_key{};          ///< A file with that certificate's private key (PEM).
    std::string tls_server_name{};  ///< The name that the server's certificate must bear. Empty: `host`.

    /// How long an operation may take, queueing included; beyond it, it fails with `errc::timed_out` and the connection is taken for dead.
    /// From 1 ms; noticed up to a quarter later.
    std::chrono::milliseconds timeout = std::chrono::milliseconds(500);
    /// How long it may take to connect, to log in and to prepare the connection. From 1 ms.
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(2);
    /// The pause before a second attempt to connect, doubled with each further one up to `longest_pause`; each is shortened at random by up to a half. A connection
    /// that lasts no longer than the pause counts as one more attempt.
    std::chrono::milliseconds first_pause = std::chrono::milliseconds(20);
    std::chrono::milliseconds longest_pause = std::chrono::seconds(2);

    /// How often the server is asked for its time and the cache's identity. From 1 ms, at most half of `near_delta`.
    std::chrono::milliseconds heartbeat = std::chrono::milliseconds(100);
    /// The bound of in-process tiers in front: how long one may go on serving what another process has changed, if the news of it do not come.
    std::chrono::milliseconds near_delta = std::chrono::milliseconds(500);
    /// How many bytes of publications and expulsions that failed are kept, to be delivered before anything else when there is a connection again, unless
    /// the cache has another identity then; beyond it the oldest are forgotten. 0: all are. What was sent several times, and ended with the connection each time, is
    /// forgotten too. While much is delivered, all else waits.
    std::size_t owed_bytes = std::size_t{16} << 20;
    /// How long a record is kept that has no value, so that it still knows what it must not be filled with; more than any fence or lease.
    std::chrono::milliseconds keep_floors = std::chrono::minutes(30);
};

/// The state of a connection at one moment.
struct RedisStatus {
    bool connected = false;         ///< Whether operations are sent; if not, lookups and fills fail at once.
    std::string server{};           ///< The server's version; empty if it was never reached.
    std::string identity{};         ///< The epoch of the cache's identity there.
    Error last_failure{};           ///< Why the connection was lost, or could not be made, the last time; unset if that never happened.
    std::uint64_t connections = 0;  ///< How often it was made.
    std::uint64_t commands = 0;     ///< Commands sent.
    std::uint64_t requests = 0;     ///< Operations sent; several go out in one write.
    std::uint64_t skipped = 0;      ///< Lookups and fills that were skipped while there was no connection.
    std::uint64_t timeouts = 0;     ///< Operations that took too long.
    std::uint64_t owed = 0;         ///< Publications and expulsions that failed and have yet to be delivered.
    std::uint64_t forgotten = 0;    ///< Those that were not: too many, sent too often in vain, or for another identity of the cache.
    std::uint64_t invalidations = 0;///< Keys that the server told to have changed.
    std::uint64_t flushes = 0;      ///< How often in-process tiers had to be emptied.
};

namespace detail {

/// What a tier needs of a connection. Implemented in the unit that includes larder/src.hpp. Thread-safe.
class RedisLink {
public:
    explicit RedisLink(RedisOptions options) : options_(std::move(options)), feed_(options_.near_delta - coarse) {}
    RedisLink(const RedisLink&) = delete;
    RedisLink& operator=(const RedisLink&) = delete;
    virtual ~RedisLink() = default;

    /// Sends a call as soon as it can be sent.
    virtual void submit(std::shared_ptr<RedisCall> call) = 0;
    /// The latest moment that it may be by Redis's clock now.
    virtual RedisMicros latest_now() const noexcept = 0;
    /// The earliest.
    virtual RedisMicros earliest_now() const noexcept = 0;
    /// Has the server tell of changes from now on.
    virtual void track() = 0;
    virtual RedisStatus status() const = 0;
    virtual void close() = 0;

    const RedisOptions& options() const noexcept { return options_; }
    RedisFeed& feed() noexcept { return feed_; }

private:
    /// By how much the clock may lag that the tiers in front are asked with.
    static constexpr Duration coarse = std::chrono::milliseconds(4);

    RedisOptions options_;
    RedisFeed feed_;
};

std::shared_ptr<RedisLink> open_redis(boost::asio::any_io_executor executor, RedisOptions options);

} // namespace detail

/// A connection to a Redis server, shared by all tiers that are kept there: one socket, on which the operations of all threads are pipelined.
///
/// A cheap handle: copies share the connection, which is closed with the last of them. It begins to connect at once, and keeps trying: what
/// is asked for meanwhile waits for the first attempt to end; after that, while there is no connection, lookups and fills fail at once
/// (`errc::cache_unavailable`), and writes wait for one up to `RedisOptions::timeout`. What they could not tell is told as soon as there is one again, before anything
/// is read there. A server that answers but refuses to be written to (a replica, one with too few of them, whose disk fails, that is loading or lacks a right)
/// is as good as none: the connection is dropped and tried again with pauses, and `RedisStatus::last_failure` says what the server says. It must outlive the repositories that use it, and the
/// executor's context must outlive it and be run by some thread other than those that make blocking calls.
///
/// Each connection is prepared before it is used: protocol 3, log-in, scripts, the cache's identity and, if there are in-process tiers in
/// front, client tracking. Whatever breaks the order of what the server tells (a lost connection, a flush, another identity) empties those.
///
/// Compile `larder/src.hpp` in exactly one unit of a program that uses it, and link OpenSSL. Thread-safe.
class RedisConnection {
public:
    /// \param executor where all input and output happens. \throws Failure `errc::invalid_options`.
    explicit RedisConnection(boost::asio::any_io_executor executor, RedisOptions options = {}) : owner_(std::make_shared<Owner>(detail::open_redis(std::move(executor), std::move(options)))) {}

    const RedisOptions& options() const noexcept { return owner_->link->options(); }
    RedisStatus status() const { return owner_->link->status(); }
    /// Closes the connection for good; operations under way and later ones fail with `errc::stopped`.
    void close() { owner_->link->close(); }

private:
    template <class Entity, class Env, class Codec>
    friend class BasicRedisCache;

    struct Owner {
        explicit Owner(std::shared_ptr<detail::RedisLink> made) noexcept : link(std::move(made)) {}
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        ~Owner() { link->close(); }
        std::shared_ptr<detail::RedisLink> link;
    };

    std::shared_ptr<Owner> owner_;
};

} // namespace v0
} // namespace larder
