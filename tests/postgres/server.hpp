// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/postgres.hpp>
#include <larder/database/postgres_schema.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/waiting_database.hpp>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace larder_tests {

using namespace larder;

/// A private PostgreSQL server, started once in a program and stopped with it (tests/servers/postgres).
class PostgresServer {
public:
    static PostgresServer& instance() {
        static PostgresServer server;
        return server;
    }

    /// How to connect to it.
    const std::string& conninfo() const noexcept { return conninfo_; }
    /// What the connection string says of a word.
    std::string part(const std::string& word) const {
        const auto from = conninfo_.find(word + "=") + word.size() + 1;
        return conninfo_.substr(from, conninfo_.find(' ', from) - from);
    }
    /// The path of its unix socket.
    std::string socket() const { return part("host") + "/.s.PGSQL." + part("port"); }

private:
    PostgresServer() {
        const auto script = (std::filesystem::path(__FILE__).parent_path().parent_path() / "servers" / "postgres").string();
        int in[2], out[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for the server");
        script_ = ::fork();
        if (script_ == 0) {
            ::dup2(in[0], 0);
            ::dup2(out[1], 1);
            ::execl(script.c_str(), script.c_str(), static_cast<char*>(nullptr));
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        end_ = in[1];
        char letter = 0;
        while (::read(out[0], &letter, 1) == 1 && letter != '\n') conninfo_ += letter;
        ::close(out[0]);
        if (conninfo_.empty()) {
            stop();
            throw std::runtime_error("the private PostgreSQL server did not start: " + (std::filesystem::exists(script) ? std::string("install the package 'postgresql', if that is missing (the script says)") : "run the program in the build folder, from which it finds " + script));
        }
    }
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;
    ~PostgresServer() { stop(); }

    void stop() const {
        ::close(end_);
        int status = 0;
        ::waitpid(script_, &status, 0);
    }

    std::string conninfo_;
    ::pid_t script_ = -1;
    int end_ = -1;
};

/// Somebody else's connection to the server, which blocks.
class Stranger {
public:
    explicit Stranger(const std::string& conninfo) : handle_(PQconnectdb(conninfo.c_str())) {
        if (PQstatus(handle_) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(handle_));
        PQsetNoticeProcessor(handle_, [](void*, const char*) {}, nullptr);
    }
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;
    ~Stranger() { PQfinish(handle_); }

    /// Runs statements; answers the first value of the last one.
    std::string run(const std::string& sql) {
        PGresult* result = PQexec(handle_, sql.c_str());
        const bool done = PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
        std::string answer = done ? (PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "") : PQresultErrorMessage(result);
        PQclear(result);
        if (!done) throw std::runtime_error(sql + ": " + answer);
        return answer;
    }

private:
    PGconn* handle_;
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
