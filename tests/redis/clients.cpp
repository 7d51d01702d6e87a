// SPDX-License-Identifier: BSL-1.0
#include "client.hpp"

#include <atomic>
#include <future>
#include <thread>

#include <signal.h>

using namespace redis_tests;

namespace {

/// The server of these tests; each uses a prefix of its own.
RedisServer& server() {
    static RedisServer started;
    return started;
}

RedisOptions options() {
    static std::atomic<int> number{0};
    RedisOptions options = server().options();
    options.prefix = "clients" + std::to_string(++number);
    options.timeout = 5s;
    return options;
}

} // namespace

TEST_CASE("two clients see each other's fences and publications") {
    const RedisOptions shared = options();
    Client writer(shared), reader(shared);
    writer.store(1);
    CHECK(reader.hit() == 1);
    REQUIRE(writer.tier.fence(Client::keys(1), 7, 1min).has_value());
    CHECK(reader.look()->answer == Answer::bypass);
    REQUIRE(writer.publish(2, 7).has_value());
    CHECK(reader.hit() == 2);
    const auto lease = reader.tier.lookup<0>(1, {.refresh = true, .lease_for = 1min})->lease;
    CHECK(lease != 0);
    REQUIRE(writer.publish(3, 0).has_value());
    CHECK(reader.fill(lease, 2).value() == FillOutcome::lost);
    CHECK(reader.hit() == 3);
    CHECK(reader.connection.status().identity == writer.connection.status().identity);
}

TEST_CASE("a record that knows the newest version says so to whoever may fill it") {
    Client client(options());
    CHECK(!client.look(1)->floored);
    REQUIRE(client.tier.fence(Client::keys(2), 7, 1min).has_value());
    Publication<Pass> bare;
    bare.primary = 2;
    bare.version = 5;
    bare.owner = 7;
    REQUIRE(client.tier.publish(std::span(&bare, 1)).has_value());
    CHECK(!client.tier.lookup<0>(2, {.want_lease = false})->floored);
    CHECK(client.look(2)->floored);
    // Who expels it knows of a change that the record does not know of.
    REQUIRE(client.tier.expel(Client::keys(2)).has_value());
    CHECK(!client.look(2)->floored);
    REQUIRE(client.publish(5, 0, 3).has_value());
    CHECK(!client.look(3)->floored);
}

TEST_CASE("what a record knows outlives a short-lived value while older writes may be heard of") {
    Client client(options());
    REQUIRE(client.tier.fence(Client::keys(1), 7, 5s).has_value());
    Publication<Pass> brief;
    brief.primary = 1;
    brief.version = 5;
    brief.row = Client::row(1, 5);
    brief.lifetime = {.serve = 50ms};
    brief.owner = 7;
    REQUIRE(client.tier.publish(std::span(&brief, 1)).has_value());
    REQUIRE(eventually(client.io, [&] { return client.hit() == 0; }));
    REQUIRE(client.tier.fence(Client::keys(1), 8, 5s).has_value());
    REQUIRE(client.publish(4, 8).has_value());
    CHECK(client.hit() == 0);
    const auto found = client.look();
    CHECK(client.fill(found->lease, 4).value() == FillOutcome::outdated);
}

TEST_CASE("a fence that is lifted in doubt leaves doubt") {
    Client client(options());
    REQUIRE(client.tier.fence(Client::keys(1), 7, 1min).has_value());
    REQUIRE(client.publish(5, 7).has_value());
    REQUIRE(client.tier.fence(Client::keys(1), 8, 1min).has_value());
    Publication<Pass> lifted;
    lifted.primary = 1;
    lifted.owner = 8;
    REQUIRE(client.tier.publish(std::span(&lifted, 1)).has_value());
    REQUIRE(client.publish(6, 0).has_value());
    CHECK(client.hit() == 0);
    const auto found = client.look();
    CHECK(found->answer == Answer::miss);
    CHECK(client.fill(found->lease, 5).value() == FillOutcome::outdated);
}

TEST_CASE("an alternate key and its row come in one round trip") {
    Client client(options());
    const auto follow = [&](Demand row = {}) {
        std::promise<Outcome<Followed<Pass>>> promise;
        client.tier.tier().async_follow<code>("key", {.lease_for = 1min}, row, [&](Outcome<Followed<Pass>> found) { promise.set_value(std::move(found)); });
        return promise.get_future().get().value();
    };
    auto found = follow();
    CHECK(found.alias.answer == Answer::miss);
    REQUIRE(found.alias.lease != 0);
    CHECK(follow().alias.answer == Answer::wait);
    REQUIRE(client.tier.fill<code>("key", {.lease = found.alias.lease, .version = 3, .value = 1, .age = {}, .lifetime = Client::life()}).value() == FillOutcome::stored);
    found = follow();
    CHECK(found.alias.value == 1);
    CHECK(found.row.answer == Answer::miss);
    client.store(3);
    const auto before = client.connection.status().requests;
    found = follow();
    CHECK(client.connection.status().requests == before + 1);
    CHECK(found.alias.value == 1);
    REQUIRE(found.row.answer == Answer::hit);
    CHECK(*found.row.value.full == sample_row<Pass>(1, 3));
    CHECK(found.row.version == 3);
    CHECK(follow({.min_version = 4}).row.answer == Answer::miss);
    REQUIRE(client.tier.fence(Client::keys(1), 7, 1min).has_value());
    CHECK(follow().row.answer == Answer::miss);
}

TEST_CASE("every key ends by itself") {
    Client client(options());
    client.store(1);
    REQUIRE(client.tier.fence(Client::keys(2), 7, 1min).has_value());
    REQUIRE(client.publish(5, 0, 3).has_value());
    static_cast<void>(client.look(4));
    for (int number = 1; number <= 4; ++number) {
        CAPTURE(number);
        CHECK(std::stol(server().command("PTTL '" + client.record(number) + "'")) > 0);
    }
    CHECK(std::stol(server().command("PTTL " + client.connection.options().prefix + ":identity")) > 0);
}

TEST_CASE("scripts that the server has forgotten are sent again") {
    Client client(options());
    client.store(1);
    server().command("SCRIPT FLUSH");
    REQUIRE(client.tier.fence(Client::keys(1), 7, 1min).has_value());
    server().command("SCRIPT FLUSH");
    REQUIRE(client.publish(2, 7).has_value());
    CHECK(client.hit() == 2);
}

TEST_CASE("a connection that is cut is made again, and what is written meanwhile waits for it") {
    Client client(options());
    client.store(1);
    for (int round = 0; round < 5; ++round) {
        server().command("CLIENT KILL TYPE normal");
        CHECK(eventually(client.io, [&] { return client.publish(static_cast<Version>(2 + round), 0).has_value(); }));
    }
    CHECK(eventually(client.io, [&] { return client.hit() == 6; }));
    CHECK(client.connection.status().connections >= 2);
}

TEST_CASE("a tier in front holds what the other client does not change, and drops what it changes") {
    const RedisOptions shared = options();
    Client here(shared), there(shared);
    there.store(1, 1);
    there.store(1, 2);
    Near near(here);
    REQUIRE(near.fetch(1));
    REQUIRE(near.fetch(2));
    REQUIRE(there.publish(2, 0, 1).has_value());
    CHECK(eventually(here.io, [&] { return !near.holds(1); }));
    CHECK(near.holds(2));
    CHECK(near.read(1) == 2);
    CHECK(here.connection.status().invalidations > 0);

    // A copy is told of also where this client itself wrote the record meanwhile, by giving out a lease or by filling.
    REQUIRE(near.fetch(1));
    const auto lease = here.tier.lookup<0>(1, {.refresh = true, .lease_for = 1min})->lease;
    CHECK(lease != 0);
    REQUIRE(near.holds(1));
    REQUIRE(there.publish(3, 0, 1).has_value());
    CHECK(eventually(here.io, [&] { return !near.holds(1); }));

    const auto second = here.tier.lookup<0>(1, {.refresh = true, .lease_for = 1min})->lease;
    const auto placeholder = near.tier.lookup<0>(1, {.lease_for = 1min}).lease;
    REQUIRE(here.fill(second, 4).value() == FillOutcome::stored);
    near.tier.fill<0>(1, {placeholder, 4, Client::row(1, 4), {}, Client::life()});
    REQUIRE(near.holds(1));
    REQUIRE(there.tier.expel(Client::keys(1)).has_value());
    CHECK(eventually(here.io, [&] { return !near.holds(1); }));
}

TEST_CASE("two tiers in front of one connection are told of what the other writes before the writer is") {
    Client first(options());
    Near one(first);
    Env env;
    PassTier second(RedisCacheConfig<PackedCodec<>>(first.connection), env);
    MemoryCache<Pass, Env> front({.max_entries = 100}, env);
    second.tier().attach_near(front);
    first.store(1);
    REQUIRE(one.fetch());
    for (Version version = 2; version < 50; ++version) {
        Publication<Pass> publication;
        publication.primary = 1;
        publication.version = version;
        publication.row = Client::row(1, version);
        publication.lifetime = Client::life();
        REQUIRE(second.publish(std::span(&publication, 1)).has_value());
        CHECK(one.read() == version);
    }
    REQUIRE(one.fetch());
    const auto lease = second.lookup<0>(1, {.refresh = true, .lease_for = 1min})->lease;
    REQUIRE(second.fill<0>(1, {.lease = lease, .version = 60, .value = Client::row(1, 60), .age = {}, .lifetime = Client::life()}).value() == FillOutcome::stored);
    CHECK(one.read() == 60);
}

TEST_CASE("usage is counted from time to time, without waiting") {
    Client client(options());
    client.store(1);
    CHECK(eventually(client.io, [&] { return client.tier.tier().usage().entries == 1; }));
    CHECK(client.tier.tier().usage().bytes > sizeof(Pass));
    client.store(1, 2);
    CHECK(client.tier.usage()->entries == 2);
    CHECK(client.tier.tier().usage().entries == 2);
}

TEST_CASE("flushing the server empties the tiers in front and changes the identity") {
    RedisServer own;
    RedisOptions shared = own.options();
    shared.timeout = 5s;
    Client here(shared), there(shared);
    there.store(1);
    Near near(here);
    REQUIRE(near.fetch());
    const std::string identity = here.connection.status().identity;
    const auto lease = there.look(2)->lease;
    own.command("FLUSHALL");
    CHECK(eventually(here.io, [&] { return !near.holds(); }));
    CHECK(eventually(here.io, [&] { return here.connection.status().identity != identity; }));
    CHECK(eventually(here.io, [&] { return there.connection.status().identity == here.connection.status().identity; }));
    const auto filled = there.fill(lease, 1, 2);
    CHECK((filled.has_error() || filled.value() == FillOutcome::lost));
    there.store(2);
    CHECK(here.hit() == 2);
    REQUIRE(near.fetch());
}

TEST_CASE("a server that comes back with what it once saved has another identity") {
    RedisServer own;
    RedisOptions shared = own.options();
    shared.timeout = 5s;
    Client client(shared);
    client.store(1);
    Near near(client);
    REQUIRE(near.fetch());
    own.command("SAVE");
    const std::string identity = client.connection.status().identity;
    REQUIRE(client.publish(2, 0).has_value());
    own.send(SIGKILL);
    CHECK(eventually(client.io, [&] { return !client.connection.status().connected; }));
    CHECK(!near.holds());
    const auto skipped = client.look();
    REQUIRE(skipped.has_error());
    CHECK(skipped.error() == errc::cache_unavailable);
    own.start();
    REQUIRE(client.connected());
    CHECK(own.command("KEYS '*passes*'").find(identity) != std::string::npos);
    CHECK(client.connection.status().identity != identity);
    CHECK(client.hit() == 0);
    client.store(3);
    CHECK(client.hit() == 3);
}

TEST_CASE("an identity that a client has left does not come back for it") {
    const RedisOptions shared = options();
    Client client(shared);
    client.store(1);
    const std::string name = shared.prefix + ":identity", first = client.connection.status().identity;
    server().command("DEL " + name);
    CHECK(eventually(client.io, [&] { return client.connection.status().identity != first; }));
    const std::string second = client.connection.status().identity;
    // As a server would that fell back to its state of then.
    server().command("HSET " + name + " epoch " + first);
    CHECK(eventually(client.io, [&] { return client.connection.status().identity != second; }));
    CHECK(client.connection.status().identity != first);
    CHECK(client.hit() == 0);
}

TEST_CASE("a write for an identity that has passed is refused") {
    RedisOptions shared = options();
    shared.heartbeat = 200ms;
    shared.near_delta = 1s;
    Client client(shared);
    client.store(1);
    const std::string name = shared.prefix + ":identity";
    for (int i = 0; i < 5; ++i) {
        server().command("DEL " + name);
        const auto fenced = client.tier.fence(Client::keys(1), 7, 1min);
        if (fenced.has_error()) CHECK(fenced.error().text.find("identity") != std::string::npos);
    }
    CHECK(eventually(client.io, [&] { return client.tier.fence(Client::keys(1), 7, 1min).has_value(); }));
}

TEST_CASE("a server that stops answering turns the tier in front off within its bound, and comes back") {
    RedisServer own;
    RedisOptions shared = own.options();
    shared.heartbeat = 20ms;
    shared.near_delta = 200ms;
    shared.timeout = 300ms;
    Client client(shared);
    client.store(1);
    Near near(client);
    REQUIRE(near.fetch());
    own.send(SIGSTOP);
    const auto stopped = std::chrono::steady_clock::now();
    CHECK(eventually(client.io, [&] { return !near.holds(); }));
    CHECK(std::chrono::steady_clock::now() - stopped < 200ms + 150ms);
    const auto asked = std::chrono::steady_clock::now();
    const auto written = client.publish(2, 0);
    REQUIRE(written.has_error());
    CHECK(written.error() == errc::timed_out);
    CHECK(std::chrono::steady_clock::now() - asked < 2s);
    const auto looked = client.look();
    CHECK(looked.has_error());
    own.send(SIGCONT);
    REQUIRE(eventually(client.io, [&] { return client.publish(3, 0).has_value(); }));
    CHECK(eventually(client.io, [&] { return client.hit() == 3; }));
    CHECK(near.fetch());
}

TEST_CASE("without a connection lookups and fills fail at once, and writes wait") {
    RedisServer own;
    RedisOptions shared = own.options();
    shared.timeout = 400ms;
    shared.first_pause = shared.longest_pause = 50ms;
    Client client(shared);
    client.store(1);
    own.send(SIGKILL);
    REQUIRE(eventually(client.io, [&] { return !client.connection.status().connected; }));
    const auto before = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i) CHECK(client.look().has_error());
    CHECK(std::chrono::steady_clock::now() - before < 200ms);
    CHECK(client.connection.status().skipped >= 100);
    const auto failed = client.tier.fence(Client::keys(1), 7, 1min);
    REQUIRE(failed.has_error());
    CHECK(failed.error() == errc::timed_out);
    own.start();
    REQUIRE(client.connected());
    CHECK(client.tier.fence(Client::keys(1), 7, 1min).has_value());
}
