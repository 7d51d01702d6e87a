// SPDX-License-Identifier: BSL-1.0
#include <larder/observe/enum_table.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

using namespace larder;

namespace {

template <class Enum> void check_names() {
    std::set<std::string> names;
    EnumTable<Enum, int>{}.for_each([&](Enum key, int) { names.emplace(name_of(key)); });
    CHECK(names.size() == larder::detail::enum_count<Enum>);
    CHECK(names.count("") == 0);
}

struct Pair {
    int left = 0;
    int right = 0;
    template <class Self> static constexpr auto fields(Self& self) { return std::tie(self.left, self.right); }
};

} // namespace

TEST_CASE("a table has a value of its own for each enumerator") {
    EnumTable<FillOutcome, int> table;
    table[FillOutcome::stored] = 1;
    table[FillOutcome::lost] = 2;
    table[FillOutcome::outdated] = 3;
    table[FillOutcome::refused] = 4;
    std::string seen;
    table.for_each(
        [&](FillOutcome outcome, int value) { seen += std::string(name_of(outcome)) + std::to_string(value) + ' '; });
    CHECK(seen == "stored1 lost2 outdated3 refused4 ");
}

TEST_CASE("a part of a temporary table is a value, not a reference into it") {
    using Table = EnumTable<FillOutcome, EnumTable<Level, int>>;
    static_assert(std::is_same_v<decltype(Table{}[FillOutcome::lost][Level::memory]), int>);
    static_assert(std::is_same_v<decltype(std::declval<Table&>()[FillOutcome::lost]), EnumTable<Level, int>&>);
    static_assert(
        std::is_same_v<decltype(std::declval<const Table&>()[FillOutcome::lost]), const EnumTable<Level, int>&>);
}

TEST_CASE("every enumerator of every enumeration has a name of its own") {
    check_names<Level>();
    check_names<LookupOutcome>();
    check_names<QueryKind>();
    check_names<FillOutcome>();
    check_names<EvictionCause>();
    check_names<Invalidation>();
    check_names<StaleCause>();
    check_names<Verb>();
    CHECK(static_cast<std::size_t>(Level::database) + 1 == level_count);
    CHECK(static_cast<std::size_t>(LookupOutcome::failed) + 1 == lookup_outcome_count);
    CHECK(static_cast<std::size_t>(QueryKind::roll_back) + 1 == query_kind_count);
    CHECK(static_cast<std::size_t>(FillOutcome::refused) + 1 == fill_outcome_count);
    CHECK(static_cast<std::size_t>(EvictionCause::expired) + 1 == eviction_cause_count);
    CHECK(static_cast<std::size_t>(Invalidation::expire) + 1 == invalidation_count);
    CHECK(static_cast<std::size_t>(StaleCause::refresh_due) + 1 == stale_cause_count);
    CHECK(static_cast<std::size_t>(Verb::expire) + 1 == verb_count);
}

TEST_CASE("zip_leaves reaches each pair of numbers once") {
    EnumTable<EvictionCause, EnumTable<FillOutcome, Pair>> into;
    EnumTable<EvictionCause, EnumTable<FillOutcome, Pair>> from;
    int next = 0;
    larder::detail::zip_leaves(from, from, [&](int& number, int&) { number = ++next; });
    CHECK(next == 3 * 4 * 2);
    const auto& source = from;
    larder::detail::zip_leaves(into, source, [](int& a, const int& b) { a += 10 * b; });
    CHECK(into[EvictionCause::capacity][FillOutcome::stored].left == 10);
    CHECK(into[EvictionCause::capacity][FillOutcome::stored].right == 20);
    CHECK(into[EvictionCause::expired][FillOutcome::refused].right == 240);
    int sum = 0;
    larder::detail::for_each_leaf(into, [&](int number) { sum += number; });
    CHECK(sum == 10 * 24 * 25 / 2);
}
