// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/floor.hpp>
#include <larder/cache/detail/fronts.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <deque>
#include <memory>

namespace {

using namespace larder;
using testing::Pass;

/// As much of a record as its front knows of.
struct Numbered {
    std::uint64_t hash = 0;
    int number = 0;
};

using Fronts = detail::Fronts<Numbered, detail::RowRules<Pass>>;

/// Fronts with their records.
struct Kept {
    std::deque<Numbered> records;
    Fronts fronts;

    Fronts::Front* add(std::uint64_t hash, int number) {
        records.push_back({hash, number});
        auto* front = fronts.make();
        front->record = &records.back();
        fronts.add(front);
        return front;
    }
    Fronts::Front* find(std::uint64_t hash, int number) const {
        return fronts.find(hash, [number](const auto& front) { return front.record->number == number; });
    }
};

} // namespace

TEST_CASE("the front of a row's record is one line of the processor's cache") {
    CHECK(sizeof(Fronts::Front) == 64);
    Kept kept;
    for (int number = 0; number < 1000; ++number) CHECK(reinterpret_cast<std::uintptr_t>(kept.add(static_cast<std::uint64_t>(number) << 8, number)) % 64 == 0);
}

TEST_CASE("fronts are told apart by who asks, also where the hashes are the same") {
    Kept kept;
    auto* one = kept.add(42, 1);
    auto* two = kept.add(42, 2);
    auto* same_tag = kept.add(42 + (std::uint64_t{1} << 56), 3);
    CHECK(same_tag->tag == one->tag);
    CHECK(kept.find(42, 1) == one);
    CHECK(kept.find(42, 2) == two);
    CHECK(kept.find(42 + (std::uint64_t{1} << 56), 3) == same_tag);
    CHECK(kept.find(std::uint64_t{43} << 8, 1) == nullptr);
    kept.fronts.remove(one);
    CHECK(kept.find(42, 1) == nullptr);
    CHECK(kept.find(42, 2) == two);
}

TEST_CASE("what is not looked at is found by its tag alone") {
    Kept kept;
    kept.add(std::uint64_t{7} << 8, 1);
    CHECK(kept.fronts.find(std::uint64_t{7} << 8, [](const auto&) { return true; }) != nullptr);
    CHECK(kept.fronts.find(std::uint64_t{8} << 8, [](const auto&) { return true; }) == nullptr);
}

TEST_CASE("a front that is removed or discarded lets go of its row, and so do those that are left") {
    const auto row = std::make_shared<const Pass>();
    const auto hold = [&](Fronts::Front* front) {
        front->held.whole = front->held.kept.put({row, nullptr, 0});
        front->held.held = true;
    };
    {
        Kept kept;
        auto* removed = kept.add(1, 1);
        hold(removed);
        hold(kept.add(2, 2));
        auto* discarded = kept.fronts.make();
        hold(discarded);
        CHECK(row.use_count() == 4);
        kept.fronts.remove(removed);
        CHECK(row.use_count() == 3);
        kept.fronts.discard(discarded);
        CHECK(row.use_count() == 2);
        Fronts taken;
        taken.swap(kept.fronts);
        CHECK(kept.find(2, 2) == nullptr);
        CHECK(row.use_count() == 2);
    }
    CHECK(row.use_count() == 1);
}
