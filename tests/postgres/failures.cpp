// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"
#include "wire.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/types.h>

using namespace larder_tests;
using larder::testing::Holder;
using std::chrono::milliseconds;

namespace {

Holder holder(const std::string& name) { return {.id = 0, .name = name, .motto = {}, .version = 0}; }

/// Options for somebody who connects by TCP.
PostgresOptions over_tcp(std::uint16_t port) {
    return {.host = "127.0.0.1", .port = port, .dbname = "postgres", .user = "larder", .connect_timeout = milliseconds(300), .statement_timeout = milliseconds(500), .answer_timeout = milliseconds(600)};
}
std::uint16_t server_port() { return static_cast<std::uint16_t>(std::stoi(PostgresServer::instance().part("port"))); }

/// What a load answers, which must not take long.
Error failure_of(PostgresPlace& place, PostgresOptions options) {
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(place.pool(std::move(options)))};
    const auto began = std::chrono::steady_clock::now();
    const auto answer = holders.load(1, ReadMode::plain);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
    REQUIRE(!answer.has_value());
    return answer.error();
}

bool names(const Error& error, const std::string& words) {
    if (error.text.find(words) != std::string::npos) return true;
    MESSAGE("\"" << words << "\" is not in: " << error.text);
    return false;
}

/// A holder behind a wire.
struct Wired {
    explicit Wired(PostgresOptions options = {}) : pool(place.pool(through(wire, place, std::move(options)))), holders(PostgresDatabase<Holder>(pool)) {
        REQUIRE(succeeds(create_tables<Holder>(place.pool())));
        const auto stored = holders.insert(holder("first"));
        REQUIRE(succeeds(stored));
        row = *stored;
    }

    static PostgresOptions through(const Wire& wire, const PostgresPlace& place, PostgresOptions options) {
        options.conninfo = place.conninfo();
        options.host = "127.0.0.1";
        options.port = wire.port();
        return options;
    }

    std::future<Outcome<Version>> update(const std::string& name) {
        Holder changed = row;
        changed.name = name;
        return pending<Version>([&](auto done) { holders.asynchronous().async_update(changed, row.version, {}, std::move(done)); });
    }
    std::future<Outcome<std::optional<Holder>>> load(ReadMode mode = ReadMode::plain) {
        return pending<std::optional<Holder>>([&](auto done) { holders.asynchronous().async_load(row.id, mode, std::move(done)); });
    }
    std::string stored_version() const { return place.run("SELECT version FROM holders"); }

    PostgresPlace place;
    Wire wire{PostgresServer::instance().socket()};
    PostgresPool pool;
    WaitingPostgres<Holder> holders;
    Holder row;
};

} // namespace

TEST_CASE("options out of their range are told") {
    PostgresPlace place;
    const auto told = [&](PostgresOptions options, const std::string& words) {
        check_fails(PostgresPool::open(place.executor(), options), errc::invalid_options, words);
        CHECK_THROWS_AS(PostgresPool(place.executor(), options), Failure);
    };
    told({.readers = 0}, "readers");
    told({.writers = 1001}, "writers");
    told({.connect_timeout = milliseconds(0)}, "connect_timeout");
    told({.statement_timeout = milliseconds(-1)}, "statement_timeout");
    told({.answer_timeout = milliseconds(0)}, "answer_timeout");
    told({.max_value_bytes = 0}, "max_value_bytes");
    told({.conninfo = "host=x passwort=s3cr3t"}, "conninfo");
    CHECK(PostgresPool::open(place.executor(), {.conninfo = "s3cr3t"}).error().text.find("s3cr3t") == std::string::npos);
}

TEST_CASE("a server that can not be reached, or refuses, is told within the time limit") {
    PostgresPlace place;
    std::uint16_t free_port = 0;
    {
        const DeafServer gone;
        free_port = gone.port();
    }
    auto error = failure_of(place, over_tcp(free_port));
    CHECK(error == errc::database_unavailable);
    CHECK(names(error, std::to_string(free_port)));

    auto options = over_tcp(server_port());
    options.host = "no-such-host.invalid";
    error = failure_of(place, options);
    CHECK(error == errc::database_unavailable);
    CHECK(names(error, "no-such-host.invalid"));

    place.run("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN PASSWORD 'right'");
    options = over_tcp(server_port());
    options.user = "guest";
    options.password = "s3cr3t";
    error = failure_of(place, options);
    CHECK(error == errc::database_unavailable);
    CHECK(names(error, "password authentication failed"));
    CHECK(error.text.find("s3cr3t") == std::string::npos);
    options.password = "right";
    error = failure_of(place, options);
    CHECK(error == errc::schema_mismatch); // connected, but there is no such table
    place.run("DROP ROLE guest");

    options = over_tcp(server_port());
    options.dbname = "nowhere";
    error = failure_of(place, options);
    CHECK(error == errc::database_unavailable);
    CHECK(names(error, "nowhere"));
    CHECK(!create_tables<Holder>(place.pool(options)).has_value());
}

TEST_CASE("a server that accepts and never answers is told within the time limit") {
    PostgresPlace place;
    const DeafServer deaf;
    const auto error = failure_of(place, over_tcp(deaf.port()));
    CHECK(error == errc::database_unavailable);
    CHECK(names(error, "300 ms"));

    auto patient = over_tcp(deaf.port());
    patient.connect_timeout = std::chrono::seconds(30);
    const auto late = failure_of(place, patient);
    CHECK(late == errc::database_unavailable);
}

TEST_CASE("while a server can not be reached calls fail at once, and once it can they succeed") {
    PostgresPlace place;
    std::uint16_t port = 0;
    {
        const DeafServer gone;
        port = gone.port();
    }
    std::atomic<int> asked{0};
    auto options = over_tcp(port);
    options.conninfo = place.conninfo();
    options.least_rest = milliseconds(50);
    options.most_rest = milliseconds(100);
    options.random = [&] { return static_cast<std::uint64_t>(++asked); };
    const auto pool = place.pool(options);
    REQUIRE(succeeds(create_tables<Holder>(place.pool())));
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    for (int i = 0; i < 100; ++i) CHECK(!holders.load(1, ReadMode::plain).has_value());
    CHECK(asked >= 1);
    CHECK(asked < 100); // most did not try
    const Wire wire(PostgresServer::instance().socket(), port);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    bool back = false;
    while (!back && std::chrono::steady_clock::now() < give_up) back = holders.load(1, ReadMode::plain).has_value();
    CHECK(back);
    CHECK(succeeds(holders.insert(holder("x"))));
}

TEST_CASE("a write whose answer was lost is told as unknown, and was not applied twice") {
    Wired wired;
    wired.wire.hold(true);
    auto update = wired.update("changed");
    until(wired.place, "SELECT version FROM holders", "2");
    wired.wire.hold(false);
    wired.wire.cut();
    // Holding back ended together with the cut, so the answer may just have come through.
    const auto answer = update.get();
    if (!answer) check_fails(answer, errc::outcome_unknown, "holders");
    CHECK(wired.stored_version() == "2");
    CHECK(succeeds(wired.holders.load(wired.row.id, ReadMode::plain)));
}

TEST_CASE("what was in flight on a connection that was cut: reads are repeated, writes are unknown") {
    Wired wired({.readers = 1, .writers = 1});
    REQUIRE(succeeds(wired.load().get()));
    wired.wire.hold(true);
    std::vector<std::future<Outcome<std::optional<Holder>>>> reads;
    for (int i = 0; i < 5; ++i) reads.push_back(wired.load());
    auto settled = wired.load(ReadMode::settled);
    auto insert = pending<Holder>([&](auto done) { wired.holders.asynchronous().async_insert(holder("second"), std::move(done)); });
    until(wired.place, "SELECT count(*) FROM holders", "2");
    wired.wire.cut();
    check_fails(insert.get(), errc::outcome_unknown, "holders");
    wired.wire.hold(false);
    for (auto& read : reads) {
        const auto found = read.get();
        REQUIRE(succeeds(found));
        CHECK(*found == wired.row);
    }
    CHECK(succeeds(settled.get()));
    CHECK(wired.place.run("SELECT count(*) FROM holders") == "2");
}

TEST_CASE("a server that stops answering: reads time out, writes are unknown, and others are not held up") {
    Wired wired({.readers = 1, .writers = 1, .connect_timeout = milliseconds(400), .statement_timeout = milliseconds(300), .answer_timeout = milliseconds(400)});
    REQUIRE(succeeds(wired.load().get()));
    wired.wire.hold(true);
    auto read = wired.load();
    auto update = wired.update("changed");
    check_fails(read.get(), errc::timed_out, "holders");
    check_fails(update.get(), errc::outcome_unknown, "holders");
    CHECK(wired.stored_version() == "2");
    wired.wire.hold(false);
    CHECK(succeeds(wired.load().get()));
}

TEST_CASE("a connection that ended while it was idle is replaced without anybody's notice") {
    Wired wired;
    REQUIRE(succeeds(wired.load().get()));
    for (int round = 0; round < 3; ++round) {
        wired.place.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
        until(wired.place, "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'", "0");
        CHECK(succeeds(wired.load().get()));
    }
    const auto changed = wired.update("changed").get();
    CHECK((changed.has_value() || changed.error() == errc::outcome_unknown)); // an end that has not come through the wire yet
}

TEST_CASE("a statement whose backend is ended is run again, once") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Holder>(pool)));
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    const auto stored = holders.insert(holder("first"));
    REQUIRE(succeeds(stored));
    Stranger stranger(place.conninfo());
    stranger.run("BEGIN; UPDATE holders SET motto = 'x'");
    auto changed = *stored;
    changed.name = "changed";
    auto update = pending<Version>([&](auto done) { holders.asynchronous().async_update(changed, 1, {}, std::move(done)); });
    auto settled = pending<std::optional<Holder>>([&](auto done) { holders.asynchronous().async_load(stored->id, ReadMode::settled, std::move(done)); });
    until(place, waiting_for_locks, "2");
    CHECK(place.run("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "2");
    until(place, waiting_for_locks, "2");
    stranger.run("ROLLBACK");
    const auto version = update.get();
    REQUIRE(succeeds(version));
    CHECK(*version == 2);
    CHECK(succeeds(settled.get()));
    CHECK(place.run("SELECT version FROM holders") == "2");
}

TEST_CASE("a server that crashes: what it did not answer is unknown, and it is used again once it is back") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Holder>(pool)));
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    const auto stored = holders.insert(holder("first"));
    REQUIRE(succeeds(stored));
    Stranger stranger(place.conninfo());
    stranger.run("BEGIN; UPDATE holders SET motto = 'x'");
    auto update = pending<Version>([&](auto done) { holders.asynchronous().async_update(*stored, 1, {}, std::move(done)); });
    until(place, waiting_for_locks, "1");
    const auto backend = static_cast<::pid_t>(std::stoi(place.run("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'")));
    REQUIRE(::kill(backend, SIGKILL) == 0); // the server ends all others, and recovers
    check_fails(update.get(), errc::outcome_unknown, "holders");
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    auto loaded = holders.load(stored->id, ReadMode::plain);
    while (!loaded && std::chrono::steady_clock::now() < give_up) {
        CHECK(loaded.error() == errc::database_unavailable);
        loaded = holders.load(stored->id, ReadMode::plain);
    }
    REQUIRE(succeeds(loaded));
    CHECK(*loaded == *stored);
    CHECK(succeeds(holders.update(*stored, 1, {})));
}

TEST_CASE("a server that takes no more connections is used through those that there are") {
    PostgresPlace place;
    REQUIRE(succeeds(create_tables<Holder>(place.pool())));
    const auto schema = place.run("SELECT current_schema");
    place.run("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN CONNECTION LIMIT 1; GRANT USAGE ON SCHEMA " + schema + " TO guest; GRANT ALL ON ALL TABLES IN SCHEMA " + schema + " TO guest");
    {
        WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(place.pool({.conninfo = place.conninfo(), .user = "guest", .writers = 8}))};
        for (int round = 0; round < 5; ++round) {
            std::vector<std::future<Outcome<Holder>>> inserts;
            for (int i = 0; i < 20; ++i) inserts.push_back(pending<Holder>([&](auto done) { holders.asynchronous().async_insert(holder(std::to_string(i)), std::move(done)); }));
            for (auto& insert : inserts) CHECK(succeeds(insert.get()));
        }
    }
    CHECK(place.run("SELECT count(*) FROM holders") == "100");
    until(place, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'guest'", "0");
    place.run("DROP OWNED BY guest; DROP ROLE guest");
}

TEST_CASE("a server that has become read-only refuses writes, and takes them again") {
    PostgresPlace place;
    REQUIRE(succeeds(create_tables<Holder>(place.pool())));
    const auto pool = place.pool({.conninfo = place.conninfo("-c default_transaction_read_only=on")});
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    check_fails(holders.insert(holder("x")), errc::database_unavailable, "read-only");
    CHECK(succeeds(holders.load(1, ReadMode::plain)));
}

TEST_CASE("a pool that is closed fails what is under way and what comes later") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Holder>(pool)));
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    const auto stored = holders.insert(holder("first"));
    REQUIRE(succeeds(stored));
    Stranger stranger(place.conninfo());
    stranger.run("BEGIN; UPDATE holders SET motto = 'x'");
    auto update = pending<Version>([&](auto done) { holders.asynchronous().async_update(*stored, 1, {}, std::move(done)); });
    until(place, waiting_for_locks, "1");
    pool.close();
    check_fails(update.get(), errc::outcome_unknown, "holders");
    check_fails(holders.load(stored->id, ReadMode::plain), errc::stopped, "closed");
    pool.close();
}

TEST_CASE("what is under way when the executor goes is dropped") {
    PostgresPlace place;
    REQUIRE(succeeds(create_tables<Holder>(place.pool())));
    const auto kept = std::make_shared<int>(0);
    for (const int steps : {0, 1, 3, 100}) {
        boost::asio::io_context io;
        PostgresDatabase<Holder> holders(PostgresPool(io.get_executor(), {.conninfo = place.conninfo()}));
        for (int i = 0; i < 3; ++i) holders.async_load(1, ReadMode::plain, [kept](const Outcome<std::optional<Holder>>&) {});
        for (int step = 0; step < steps && io.poll_one() != 0; ++step) {}
    }
    CHECK(kept.use_count() == 1);
}
