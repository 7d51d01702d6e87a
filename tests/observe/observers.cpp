// SPDX-License-Identifier: BSL-1.0
#include <larder/environment.hpp>
#include <larder/observe/metrics.hpp>
#include <larder/observe/observers.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace larder;

namespace {

struct Ignore {
    void operator()(std::string_view) const {}
};

struct Keep {
    std::vector<std::string>* lines;
    void operator()(std::string_view line) const { lines->emplace_back(line); }
};

/// Notes a mark for each event, so that the order in which observers are told can be seen.
template <char Mark> struct Notes {
    std::string* seen = nullptr;
    template <class Event> void on(const Event&) noexcept { *seen += Mark; }
};

} // namespace

static_assert(observer<FailureLog<Ignore>>);
static_assert(observer<Observers<>>);
static_assert(observer<Observers<Metrics, FailureLog<Keep>>>);
static_assert(std::is_empty_v<FailureLog<Ignore>>);
static_assert(std::is_empty_v<Observers<>>);
static_assert(std::is_empty_v<Observers<NullObserver, FailureLog<Ignore>>>);
static_assert(sizeof(Observers<NullObserver, FailureLog<Keep>>) == sizeof(Keep));
static_assert(!std::is_invocable_v<Ignore, int>);

TEST_CASE("a failure log hands over each hidden failure as one line, and nothing else") {
    std::vector<std::string> lines;
    FailureLog log{Keep{&lines}};
    log.on(event::Lookup{Level::memory, LookupOutcome::failed, false});
    log.on(event::Query{QueryKind::load, Duration(1), 0, true});
    log.on(event::Finished{Verb::find, Duration(1), true, 1});
    CHECK(lines.empty());
    const Error refused(errc::cache_unavailable, "session cache: the connection was refused");
    log.on(event::HiddenFailure{Level::shared, "lookup", refused});
    const Error mute(errc::timed_out, "");
    log.on(event::HiddenFailure{Level::memory, "fill", mute});
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "shared: lookup: session cache: the connection was refused");
    CHECK(lines[1] == "memory: fill: the time limit passed");
}

TEST_CASE("what a failure log's function throws goes no further") {
    int calls = 0;
    FailureLog log{[&calls](std::string_view) {
        ++calls;
        throw std::runtime_error("the disk is full");
    }};
    const Error refused(errc::cache_unavailable, "refused");
    log.on(event::HiddenFailure{Level::shared, "lookup", refused});
    log.on(event::HiddenFailure{Level::shared, "lookup", refused});
    CHECK(calls == 2);
}

TEST_CASE("several observers are told of each event in order") {
    std::string seen;
    Observers<Notes<'a'>, Notes<'b'>, Notes<'c'>> all{{&seen}, {&seen}, {&seen}};
    all.on(event::Coalesced{});
    CHECK(seen == "abc");
    all.on(event::Rebuilt{1});
    CHECK(seen == "abcabc");
}

TEST_CASE("observers keep what each of them offers") {
    std::vector<std::string> lines;
    using Both = Observers<Metrics, FailureLog<Keep>>;
    const std::shared_ptr<Both> both(new Both{{}, {Keep{&lines}}});
    const SystemEnvironment<Both> environment(both);
    const Error refused(errc::cache_unavailable, "refused");
    environment.observe(event::HiddenFailure{Level::shared, "lookup", refused});
    environment.observe(event::Lookup{Level::shared, LookupOutcome::failed, false});
    CHECK(lines == std::vector<std::string>{"shared: lookup: refused"});
    const auto snapshot = environment.observer().snapshot();
    CHECK(snapshot.hidden_failures[Level::shared] == 1);
    CHECK(snapshot.lookups[Level::shared][LookupOutcome::failed].records == 1);
}
