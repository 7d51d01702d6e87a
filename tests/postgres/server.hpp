// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../servers/private_postgres.hpp"

#include <larder/database/postgres.hpp>
#include <larder/database/postgres_schema.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/waiting_database.hpp>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace larder_tests {

using namespace larder;

/// The private PostgreSQL server of a program, started when it is first needed and stopped with the program.
class PostgresServer {
public:
    static PrivatePostgres& instance() {
        static PrivatePostgres server;
        return server;
    }
};

/// A schema of its own on the server, and threads for a pool's executor.
class PostgresPlace {
public:
    explicit PostgresPlace(unsigned threads = 2) : name_("w" + std::to_string(next()++)), threads_(threads) { stranger().run("CREATE SCHEMA " + name_); }
    PostgresPlace(const PostgresPlace&) = delete;
    PostgresPlace& operator=(const PostgresPlace&) = delete;
    ~PostgresPlace() {
        threads_.join();
        stranger().run("DROP SCHEMA " + name_ + " CASCADE");
    }

    /// How to connect to it, with more options of the server's.
    std::string conninfo(const std::string& more = "") const { return PostgresServer::instance().conninfo() + " options='-c search_path=" + name_ + " " + more + "'"; }
    auto executor() { return threads_.get_executor(); }

    /// A pool in this place.
    PostgresPool pool(PostgresOptions options = {}) {
        if (options.conninfo.empty()) options.conninfo = conninfo();
        return PostgresPool(threads_.get_executor(), std::move(options));
    }

    /// Runs statements in this place, on a connection of their own.
    std::string run(const std::string& sql) const { return Stranger(conninfo()).run(sql); }

private:
    static std::atomic<int>& next() {
        static std::atomic<int> number{0};
        return number;
    }
    static Stranger stranger() { return Stranger(PostgresServer::instance().conninfo()); }

    std::string name_;
    boost::asio::thread_pool threads_;
};

template <class Entity>
using WaitingPostgres = testing::WaitingDatabase<Entity, PostgresDatabase<Entity>>;

/// The sample entities on the server.
struct PostgresWorld {
    PostgresWorld() : pool(place->pool()) {
        if (auto made = create_tables<testing::Pass, testing::Reading, testing::Setting, testing::Crate, testing::Coupon>(pool); !made) throw Failure(made.error());
    }
    std::unique_ptr<PostgresPlace> place = std::make_unique<PostgresPlace>();
    PostgresPool pool;

    template <class Entity>
    WaitingPostgres<Entity> database() {
        return WaitingPostgres<Entity>(PostgresDatabase<Entity>(pool));
    }
};

/// The answer to come of an operation that `start(handler)` starts.
template <class T, class Start>
std::future<Outcome<T>> pending(Start start) {
    const auto promise = std::make_shared<std::promise<Outcome<T>>>();
    auto answer = promise->get_future();
    start([promise](Outcome<T> outcome) { promise->set_value(std::move(outcome)); });
    return answer;
}

/// Waits until `sql` answers `wanted` to somebody else.
inline void until(const PostgresPlace& place, const std::string& sql, const std::string& wanted) {
    Stranger stranger(place.conninfo());
    while (stranger.run(sql) != wanted) {}
}
/// How many of others' statements wait for a lock.
inline constexpr auto waiting_for_locks = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";

/// Whether an operation succeeded; says why if it did not.
template <class T>
bool succeeds(const Outcome<T>& outcome) {
    if (!outcome) MESSAGE(outcome.error().code.message() << ": " << outcome.error().text);
    return outcome.has_value();
}

/// Checks that an operation failed with a code, and with words in its text.
template <class T>
void check_fails(const Outcome<T>& outcome, errc code, const std::string& words) {
    REQUIRE(!outcome.has_value());
    CHECK_MESSAGE(outcome.error() == code, outcome.error().code.message() << ": " << outcome.error().text);
    CHECK_MESSAGE(outcome.error().text.find(words) != std::string::npos, "\"" << words << "\" is not in: " << outcome.error().text);
}

} // namespace larder_tests
