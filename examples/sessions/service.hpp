// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "ledger.hpp"

#include <larder/cache/redis_connection.hpp>
#include <larder/session/session.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What a session service is asked, and what it answers: the same for the original code and for Larder.
namespace example {

/// Which session a service takes the client's for, if it accepts it at all.
struct Answer {
    bool accepted = false;
    larder::Uuid session{};
    larder::Version version = 0;
    larder::Error failure{};
    larder::Duration pending{}; ///< Of a write: for how long others may not know of it.
};

/// How a write ended that gives no session.
struct Ended {
    larder::Error failure{};
    larder::Duration pending{};
};

/// A request to refresh, after its session was looked up: with whatever the service needs to rotate it.
struct Opened {
    Answer answer;
    larder::Hashed<std::string> token{};
    std::optional<larder::Session> session{};
};

/// What was looked up in one cache: keys that lead to a row's key (or are a group's, for its epoch), and rows.
struct Lookups {
    std::uint64_t keys = 0;
    std::uint64_t rows = 0;
    std::uint64_t key_hits = 0;
    std::uint64_t row_hits = 0;

    std::uint64_t all() const { return keys + rows; }
};

/// What a service has done so far.
struct Counters {
    Lookups memory;             ///< In the process.
    Lookups redis;
    bool keeps_rows = true;     ///< Whether rows are looked up, and not only keys.
    std::uint64_t queries = 0;  ///< Of the database, writes included.
    std::uint64_t rebuilt = 0;  ///< Sessions built from rows of the database.
    std::size_t bytes = 0;      ///< Cached in the process now.

    void add(const Counters& other);
};

/// A session service. Safe from any thread.
class Service {
public:
    Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    virtual ~Service() = default;

    /// Whether an access token is good.
    virtual Answer validate(const Presented& presented) = 0;
    /// The first half of a refresh: the request looks its session up by refresh token, and then by jti.
    virtual Opened open(const Presented& presented) = 0;
    /// The second half: the session gets a new token and a new jti.
    virtual Answer rotate(const Opened& opened, const Presented& fresh) = 0;
    /// Marks a session as seen.
    virtual Answer keep_alive(const larder::Uuid& id) = 0;
    virtual Answer log_in(std::int64_t user, const Presented& fresh) = 0;
    virtual Ended log_out(const larder::Uuid& id) = 0;
    virtual Ended log_out_everywhere(std::int64_t user) = 0;
    virtual Counters counters() = 0;
};

/// Where the sessions are kept.
struct Site {
    std::string sqlite{};                        ///< The database file; empty: PostgreSQL.
    std::string postgres{};                      ///< How to connect to it.
    std::optional<larder::RedisOptions> redis{}; ///< The cache that processes share; none: there is one process.
};

/// What a service is made of, in the process that it is made in.
struct Surroundings {
    const Site& site;
    const larder::HashKey& hash;
    boost::asio::any_io_executor io; ///< Where connections run.
};

/// The codes under test, by their names on the command line, and in the tables.
struct Code {
    std::string_view option;
    std::string_view name;
    bool may_be_wrong = false; ///< Whether it makes no promise about what it serves.
};
inline constexpr Code codes[] = {{"original", "original code", true},
                                 {"hybrid", "Hybrid"},
                                 {"write-through", "WriteThrough"},
                                 {"versioned", "Versioned<row_probe>"},
                                 {"versioned-epoch", "Versioned<group_epoch>"}};

/// Makes the service of a code, for each combination of stores.
/// @{
std::unique_ptr<Service> make_on_sqlite(std::string_view code, const Surroundings& at);
std::unique_ptr<Service> make_on_postgres(std::string_view code, const Surroundings& at);
std::unique_ptr<Service> make_on_redis_and_sqlite(std::string_view code, const Surroundings& at);
std::unique_ptr<Service> make_on_redis_and_postgres(std::string_view code, const Surroundings& at);
/// @}

inline std::unique_ptr<Service> make_service(std::string_view code, const Surroundings& at) {
    if (at.site.redis) return at.site.sqlite.empty() ? make_on_redis_and_postgres(code, at) : make_on_redis_and_sqlite(code, at);
    return at.site.sqlite.empty() ? make_on_postgres(code, at) : make_on_sqlite(code, at);
}

inline constexpr const char* user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

inline larder::TimePoint wall_clock() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

/// What a rotation makes of a session.
inline void renew(larder::Session& session, const Presented& fresh, const larder::HashKey& hash) {
    using namespace std::chrono_literals;
    session.refresh_token = hash(fresh.refresh_token());
    session.jti = fresh.jti();
    session.access_expires_at = wall_clock() + 15min;
    session.refresh_expires_at = wall_clock() + 24h * 30;
}

/// What a login writes.
inline larder::Session new_session(std::int64_t user, const Presented& fresh, const larder::HashKey& hash) {
    larder::Session session;
    session.user_id = user;
    renew(session, fresh, hash);
    session.created_at = session.last_seen_at = wall_clock();
    session.ip_address = "198.51.100.7";
    session.user_agent = user_agent;
    return session;
}

inline void Counters::add(const Counters& other) {
    for (const auto& [sum, more] : {std::pair{&memory, &other.memory}, std::pair{&redis, &other.redis}}) {
        sum->keys += more->keys;
        sum->rows += more->rows;
        sum->key_hits += more->key_hits;
        sum->row_hits += more->row_hits;
    }
    keeps_rows = other.keeps_rows;
    queries += other.queries;
    rebuilt += other.rebuilt;
    bytes += other.bytes;
}

} // namespace example
