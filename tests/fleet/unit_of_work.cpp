// SPDX-License-Identifier: BSL-1.0
#include "fleet.hpp"

#include <larder/repository/unit_of_work.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>

using namespace fleet_tests;

namespace {

using Holders = CachedRepository<Holder, Stack<MemoryCache, RedisCache, PostgresDatabase>, WriteThrough>;

/// A fleet whose processes keep holders too, with a pass and its holder in both memories.
struct Both : Fleet {
    Both() : pass(here.passes.insert(row(1)).or_throw().key()) {
        for (Process* process : {&here, &there}) REQUIRE(process->keeps(pass));
        for (int i = 0; i < 2000 && there_holders.find(holder).source() != Level::memory; ++i) there.pause(2ms);
        REQUIRE(there_holders.find(holder).source() == Level::memory);
    }
    static Holders::Config config(Process& process) { return {{.max_entries = 1000}, process.redis, process.postgres}; }

    /// Changes both rows and inserts another, and then does `last`.
    template <class Last>
    auto change(const std::string& text, Last last) {
        return in_one_transaction(std::tie(here.passes, here_holders), [&](auto& unit) {
            unit.update(here.passes, pass, [&](Pass& changed) { changed.note = text; });
            unit.update(here_holders, holder, [&](Holder& changed) { changed.name = text; });
            Pass more = row(2);
            more.code = text;
            unit.insert(here.passes, more);
            CHECK(unit.find(here.passes, pass)->note == text);
            last();
        });
    }
    /// Whether the other process sees all of a change, or nothing of it.
    void check_there(const std::string& text, bool seen) {
        CHECK((there.passes.find(pass)->note == text) == seen);
        CHECK((there_holders.find(holder)->name == text) == seen);
        CHECK(static_cast<bool>(there.passes.find_by<&Pass::code>(text)) == seen);
    }

    Holders here_holders{config(here), {.ttl = 1h, .jitter = 0}};
    Holders there_holders{config(there), {.ttl = 1h, .jitter = 0}};
    std::int64_t pass;
};

} // namespace

TEST_CASE("over Redis and PostgreSQL, a unit of work is seen by another process as a whole, no later than the bound") {
    Both fleet;
    const auto done = fleet.change("changed", [&] { fleet.check_there("changed", false); });
    REQUIRE_MESSAGE(done, done.error().text);
    CHECK(done.pending() <= 300ms);
    fleet.there.pause(std::chrono::ceil<std::chrono::milliseconds>(done.pending()));
    fleet.check_there("changed", true);
}

TEST_CASE("over Redis and PostgreSQL, another process sees nothing of a unit of work that is rolled back") {
    Both fleet;
    const auto done = fleet.change("half", [&] {
        fleet.check_there("half", false);
        throw std::runtime_error("thrown midway");
    });
    CHECK(done.error() == errc::exception_thrown);
    fleet.check_there("half", false);
    REQUIRE(fleet.there.keeps(fleet.pass));
    const auto again = fleet.change("whole", [] {});
    REQUIRE_MESSAGE(again, again.error().text);
    fleet.there.pause(std::chrono::ceil<std::chrono::milliseconds>(again.pending()));
    fleet.check_there("whole", true);
}
