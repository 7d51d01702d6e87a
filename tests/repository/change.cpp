// SPDX-License-Identifier: BSL-1.0
#include <larder/repository/change.hpp>

#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <concepts>
#include <functional>
#include <string>
#include <utility>

using namespace larder;
using testing::Holder;

namespace {

template <class Change>
constexpr bool on_a_copy(const Change&) {
    return detail::changes_a_copy<Holder, Change>();
}
constexpr bool on_a_copy(void (*change)(Holder)) { return detail::changes_a_copy<Holder, decltype(change)>(); }
constexpr bool on_a_copy(void (*change)(Holder&)) { return detail::changes_a_copy<Holder, decltype(change)>(); }

void copies(Holder) {}
void changes(Holder&) {}

struct Named : Holder {};

} // namespace

TEST_CASE("a change that takes the row by value is known") {
    CHECK(on_a_copy([](Holder row) { row.name = "lost"; }));
    CHECK(on_a_copy([](Holder row) { return row.name.empty(); }));
    CHECK(on_a_copy([](Holder row) noexcept { row.name.clear(); }));
    CHECK(on_a_copy([calls = 0](Holder row) mutable { row.version = static_cast<Version>(++calls); }));
    CHECK(on_a_copy([](auto row) { row.name = "lost"; }));
    CHECK(on_a_copy([]<class Row>(Row row) { row.name = "lost"; }));
    CHECK(on_a_copy(std::function<void(Holder)>()));
    CHECK(on_a_copy(copies));
    CHECK(detail::changes_a_copy<Named, decltype([](Holder) {})>());
}

TEST_CASE("a change that takes the row by reference is fine, however it says so") {
    CHECK(!on_a_copy([](Holder& row) { row.name = "kept"; }));
    CHECK(!on_a_copy([](Holder& row) noexcept { row.name.clear(); }));
    CHECK(!on_a_copy([](const Holder& row) { return row.name.empty(); }));
    CHECK(!on_a_copy([](auto& row) { row.name = "kept"; }));
    CHECK(!on_a_copy([](auto&& row) { row.name = "kept"; }));
    CHECK(!on_a_copy([](const auto& row) { return row.name.empty(); }));
    CHECK(!on_a_copy([](std::same_as<Holder&> auto&& row) { row.name = "kept"; }));
    CHECK(!on_a_copy([](std::reference_wrapper<Holder> row) { row.get().name = "kept"; }));
    CHECK(!on_a_copy([calls = 0](Holder& row) mutable { row.version = static_cast<Version>(++calls); }));
    CHECK(!on_a_copy(std::function<void(Holder&)>()));
    CHECK(!on_a_copy(std::bind([](Holder& row) { row.name = "kept"; }, std::placeholders::_1)));
    CHECK(!on_a_copy(&Holder::name));
    CHECK(!on_a_copy(changes));
    CHECK(!detail::changes_a_copy<Named, decltype([](Holder& row) { row.name = "kept"; })>());
}
