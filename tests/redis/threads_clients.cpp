// SPDX-License-Identifier: BSL-1.0
#include "client.hpp"

#include <atomic>
#include <thread>

using namespace redis_tests;

namespace {

RedisServer& server() {
    static RedisServer started;
    return started;
}

RedisOptions options() {
    static std::atomic<int> number{0};
    RedisOptions options = server().options();
    options.prefix = "threads" + std::to_string(++number);
    options.timeout = 20s;
    return options;
}

} // namespace

TEST_CASE("many callers at once share the connection, and a thousand keys are one operation") {
    Client client(options());
    constexpr int threads = 16, rounds = 100;
    std::vector<std::thread> callers;
    std::atomic<int> good{0};
    for (int t = 0; t < threads; ++t)
        callers.emplace_back([&, t] {
            for (int i = 0; i < rounds; ++i) {
                const std::int64_t number = t * rounds + i + 1;
                const auto found = client.look(number);
                if (found.has_value() && found->lease != 0 && client.fill(found->lease, 3, number).value() == FillOutcome::stored && client.hit(number) == 3) ++good;
            }
        });
    for (auto& caller : callers) caller.join();
    CHECK(good == threads * rounds);
    const auto before = client.connection.status();
    std::vector<std::int64_t> keys;
    for (std::int64_t number = 1; number <= 1000; ++number) keys.push_back(number);
    const auto found = client.tier.lookup_many<0>(keys, {}).value();
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].value.full->id == keys[i]);
    const auto after = client.connection.status();
    CHECK(after.requests - before.requests == 1);
    CHECK(after.commands - before.commands == 1000);
}

TEST_CASE("while one client writes and connections are cut, copies in front are never older than their bound") {
    RedisOptions shared = options();
    shared.heartbeat = 20ms;
    shared.near_delta = 500ms;
    Client here(shared), there(shared);
    there.store(1);
    Near near(here);
    REQUIRE(near.fetch());
    std::atomic<Version> settled{1};
    std::atomic<bool> stop{false};
    std::atomic<int> older{0}, copies{0};
    std::vector<std::thread> readers;
    for (int t = 0; t < 4; ++t)
        readers.emplace_back([&] {
            while (!stop) {
                const Version least = settled;
                const Version found = near.read();
                if (found != 0 && found < least) ++older;
                if (near.holds()) ++copies;
            }
        });
    for (Version version = 2; version < 12; ++version) {
        CHECK(eventually(there.io, [&] { return there.publish(version, 0).has_value(); }));
        if (version % 3 == 0) server().command("CLIENT KILL TYPE normal");
        boost::asio::steady_timer(there.io.executor(), shared.near_delta).wait();
        settled = version;
    }
    stop = true;
    for (auto& reader : readers) reader.join();
    CHECK(older == 0);
    CHECK(copies > 0);
}
