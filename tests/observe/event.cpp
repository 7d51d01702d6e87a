// SPDX-License-Identifier: BSL-1.0
#include "allocations.hpp"

#include <larder/environment.hpp>
#include <larder/observe/event.hpp>
#include <larder/observe/observers.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

using namespace larder;

namespace {

template <class... Event>
constexpr bool plain_values = ((std::is_trivially_copyable_v<Event> && std::is_trivially_destructible_v<Event>)&&...);

/// Counts the events of each type that it is told, by `on`.
struct Counter {
    std::size_t told = 0;
    template <class Event> constexpr void on(const Event&) noexcept { ++told; }
};

struct Deaf {
    void on(const event::Lookup&) {}
};

constexpr std::size_t event_types = 11;

/// Tells an observer one event of each type.
template <class Observer> constexpr void tell_all(Observer&& told, const Error& failure) {
    told.on(event::Lookup{Level::memory, LookupOutcome::hit, false});
    told.on(event::Query{QueryKind::load, Duration(1), 1, false});
    told.on(event::Coalesced{});
    told.on(event::Rebuilt{1});
    told.on(event::StaleServed{StaleCause::refresh_due});
    told.on(event::Fill{Level::memory, FillOutcome::stored, true});
    told.on(event::Evicted{Level::memory, EvictionCause::capacity, 1, 1});
    told.on(event::Invalidated{Level::memory, Invalidation::fence, 1});
    told.on(event::HiddenFailure{Level::shared, "lookup", failure});
    told.on(event::Finished{Verb::find, Duration(1), false, 1});
    told.on(event::Hit{Verb::find_by, Level::memory, true, Duration(1), 256});
}

template <class Observer> struct WithValue {
    int value;
    [[no_unique_address]] Observer observer;
};

/// True if the events of one round can be built and told at compile time, where nothing may be allocated, counted or
/// called.
template <class Observer> constexpr bool silent_at_compile_time() {
    Observer told{};
    told.on(event::Lookup{Level::memory, LookupOutcome::hit, false});
    told.on(event::Query{QueryKind::load, Duration(1), 1, false});
    told.on(event::Coalesced{});
    told.on(event::Rebuilt{1});
    told.on(event::StaleServed{StaleCause::refresh_due});
    told.on(event::Fill{Level::memory, FillOutcome::stored, true});
    told.on(event::Evicted{Level::memory, EvictionCause::capacity, 1, 1});
    told.on(event::Invalidated{Level::memory, Invalidation::fence, 1});
    told.on(event::Finished{Verb::find, Duration(1), false, 1});
    told.on(event::Hit{Verb::find_by, Level::memory, true, Duration(1), 256});
    return true;
}

} // namespace

static_assert(observer<NullObserver>);
static_assert(observer<Counter>);
static_assert(!observer<Deaf>);
static_assert(!observer<int>);

static_assert(larder::detail::is_silent_v<NullObserver>);
static_assert(larder::detail::is_silent_v<Observers<>>);
static_assert(larder::detail::is_silent_v<Observers<NullObserver>>);
static_assert(!larder::detail::is_silent_v<Counter>);
static_assert(!larder::detail::is_silent_v<Observers<NullObserver, Counter>>);

static_assert(std::is_empty_v<NullObserver>);
static_assert(std::is_trivial_v<NullObserver>);
static_assert(sizeof(WithValue<NullObserver>) == sizeof(int));
static_assert(noexcept(NullObserver{}.on(event::Coalesced{})));

static_assert(plain_values<event::Lookup, event::Query, event::Coalesced, event::Rebuilt, event::StaleServed,
                           event::Fill, event::Evicted, event::Invalidated, event::HiddenFailure, event::Finished, event::Hit>);
static_assert(silent_at_compile_time<NullObserver>());
static_assert(silent_at_compile_time<Observers<>>());
static_assert(silent_at_compile_time<Observers<NullObserver>>());

TEST_CASE("a null observer is told everything and does nothing") {
    const Error failure(errc::cache_unavailable, "a text that is longer than what fits into the string itself");
    const auto text = failure.text;
    const auto before = allocations();
    for (int i = 0; i < 1000; ++i) {
        tell_all(NullObserver{}, failure);
        tell_all(Observers<NullObserver>{}, failure);
    }
    CHECK(allocations() == before);
    CHECK(failure.text == text);
    // The same calls do reach an observer that listens.
    Counter counter;
    tell_all(counter, failure);
    CHECK(counter.told == event_types);
    CHECK(allocations() == before);
}

TEST_CASE("a failure's text is only read by who needs it") {
    // Copying it would need memory.
    const Error failure(errc::cache_unavailable, std::string(1000, 'x'));
    const auto before = allocations();
    const event::HiddenFailure happened{Level::shared, "lookup", failure};
    CHECK(allocations() == before);
    CHECK(&happened.error == &failure);
}
