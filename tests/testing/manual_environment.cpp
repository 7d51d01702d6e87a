// SPDX-License-Identifier: BSL-1.0
#include <larder/environment.hpp>
#include <larder/testing/manual_environment.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>

namespace {

using namespace larder;
using namespace std::chrono_literals;
using testing::BasicManualEnvironment;
using testing::EventLog;
using testing::ManualEnvironment;

static_assert(environment<ManualEnvironment>);
static_assert(environment<BasicManualEnvironment<NullObserver>>);
static_assert(observer<EventLog>);

TEST_CASE("the clocks stand still until they are moved") {
    ManualEnvironment env;
    const SteadyTime now = env.now();
    const WallTime wall_now = env.wall_now();
    CHECK(env.now() == now);
    CHECK(now - 24h > SteadyTime{});
    env.advance(1500ms);
    CHECK(env.now() - now == 1500ms);
    CHECK(env.wall_now() - wall_now == 1500ms);
    env.set_now(now + 1h);
    CHECK(env.now() - now == 1h);
    CHECK(env.wall_now() - wall_now == 1500ms);
    env.set_wall_now(wall_now - 1h);
    CHECK(env.wall_now() == wall_now - 1h);
    CHECK(env.now() - now == 1h);
}

TEST_CASE("random numbers follow from the seed") {
    ManualEnvironment first(7);
    ManualEnvironment same(7);
    ManualEnvironment other(8);
    const auto number = first.random();
    CHECK(same.random() == number);
    CHECK(other.random() != number);
    CHECK(first.random() != number);
}

TEST_CASE("guards are on until they are switched off, one by one") {
    ManualEnvironment env;
    CHECK(env.enabled(Guard::fence));
    env.disable(Guard::fence);
    CHECK_FALSE(env.enabled(Guard::fence));
    CHECK(env.enabled(Guard::fence_owner));
    CHECK(env.enabled(Guard::lease_on_fill));
    env.enable(Guard::fence);
    CHECK(env.enabled(Guard::fence));
}

TEST_CASE("copies share clocks, randomness, guards and events") {
    ManualEnvironment env(7);
    ManualEnvironment copy = env;
    copy.advance(1h);
    CHECK(env.now() == copy.now());
    const auto number = copy.random();
    CHECK(number == ManualEnvironment(7).random());
    CHECK(env.random() != number);
    copy.disable(Guard::fence);
    CHECK_FALSE(env.enabled(Guard::fence));
    copy.observe(event::Coalesced{});
    CHECK(env.observer().events().size() == 1);
}

TEST_CASE("events are kept in order, by kind, until they are cleared") {
    ManualEnvironment env;
    env.observe(event::Rebuilt{3});
    env.observe(event::Coalesced{});
    env.observe(event::Rebuilt{4});
    {
        const Error error(errc::cache_unavailable, "gone");
        const std::string operation = "lookup";
        env.observe(event::HiddenFailure{Level::shared, operation, error});
    }
    REQUIRE(env.observer().events().size() == 4);
    const auto rebuilt = env.observer().all<event::Rebuilt>();
    REQUIRE(rebuilt.size() == 2);
    CHECK(rebuilt[0].rows == 3);
    CHECK(rebuilt[1].rows == 4);
    const auto hidden = env.observer().all<EventLog::HiddenFailure>();
    REQUIRE(hidden.size() == 1);
    CHECK(hidden[0].operation == "lookup");
    CHECK(hidden[0].error.text == "gone");
    env.observer().clear();
    CHECK(env.observer().events().empty());
}

TEST_CASE("another observer may be given") {
    struct Counter : NullObserver {
        using NullObserver::on;
        int coalesced = 0;
        void on(const event::Coalesced&) { ++coalesced; }
    };
    const auto counter = std::make_shared<Counter>();
    BasicManualEnvironment<Counter> env(1, counter);
    env.observe(event::Coalesced{});
    CHECK(counter->coalesced == 1);
    CHECK(&env.observer() == counter.get());
}

} // namespace
