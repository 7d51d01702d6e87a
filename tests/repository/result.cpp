// SPDX-License-Identifier: BSL-1.0
#include <larder/repository/result.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace larder;
using testing::Pass;

namespace {

/// What every answer of a verb has, whatever the verb.
template <class Answer>
concept uniform = std::is_constructible_v<bool, const Answer&> && !std::is_convertible_v<const Answer&, bool> && std::is_constructible_v<Answer, Error> && requires(const Answer& answer) {
    { answer.failed() } -> std::same_as<bool>;
    { answer.error() } -> std::same_as<const Error&>;
    { answer.or_throw() } -> std::same_as<const Answer&>;
    { Answer(answer).or_throw() } -> std::same_as<Answer>;
};

/// What `or_throw` throws; no failure if it does not.
template <class Answer>
Error thrown(const Answer& answer) {
    Error kept;
    try {
        const Answer& same = answer.or_throw();
        CHECK(&same == &answer);
    } catch (const Failure& failure) {
        kept = failure.error();
    }
    Error moved;
    try {
        const auto copy = Answer(answer).or_throw();
        CHECK(copy);
    } catch (const Failure& failure) {
        moved = failure.error();
    }
    CHECK(kept.code == moved.code);
    CHECK(kept.text == moved.text);
    return kept;
}

template <class Answer>
void check_failure() {
    const Answer failed(Error{errc::database_unavailable, "passes: down"});
    CHECK(!failed);
    CHECK(failed.failed());
    CHECK(failed.error() == errc::database_unavailable);
    CHECK(thrown(failed) == errc::database_unavailable);
    CHECK(thrown(failed).text == "passes: down");
}

std::shared_ptr<const Pass> a_row() { return std::make_shared<const Pass>(testing::sample_row<Pass>(1)); }

} // namespace

static_assert(uniform<Found<Pass>>);
static_assert(uniform<FoundWarm<Pass>>);
static_assert(uniform<FoundMany<Pass>>);
static_assert(uniform<Written<Pass>>);
static_assert(uniform<WrittenMany<Pass>>);
static_assert(uniform<Done>);
static_assert(uniform<WarmReport>);

TEST_CASE("a failed answer is false, has its error, and throws it when asked to") {
    check_failure<Found<Pass>>();
    check_failure<FoundWarm<Pass>>();
    check_failure<FoundMany<Pass>>();
    check_failure<Written<Pass>>();
    check_failure<WrittenMany<Pass>>();
    check_failure<Done>();
    check_failure<WarmReport>();
}

TEST_CASE("an answer that is true is given back") {
    CHECK(!thrown(Found<Pass>(a_row(), Absence::none, Level::memory, 1, Duration(0))));
    CHECK(!thrown(FoundWarm<Pass>(std::make_shared<const WarmRow<Pass>>(*a_row()), Absence::none, Level::memory, 1, Duration(0))));
    CHECK(!thrown(FoundMany<Pass>()));
    CHECK(!thrown(Written<Pass>(1, 1, Duration(0), a_row())));
    CHECK(!thrown(WrittenMany<Pass>(3, Duration(0))));
    CHECK(!thrown(Done()));
    CHECK(!thrown(WarmReport()));
}

TEST_CASE("an absent row is false and no failure, and says why when it is asked to throw") {
    const auto absent = [](Absence why) { return Found<Pass>(nullptr, why, Level::memory, 0, Duration(0)); };
    for (const Absence why : {Absence::never_was, Absence::expired, Absence::not_cached}) {
        CHECK(!absent(why).failed());
        CHECK(thrown(absent(why)) == errc::no_such_row);
        CHECK(thrown(absent(why)).text == "passes: there is no valid row: " + std::string(name_of(why)));
    }
    CHECK(thrown(absent(Absence::revoked)) == errc::revoked);
    const auto warm = thrown(FoundWarm<Pass>(nullptr, Absence::expired, Level::memory, 0, Duration(0)));
    CHECK(warm == errc::no_such_row);
    CHECK(warm.text.starts_with("passes: "));
    CHECK(thrown(Written<Pass>()).text.starts_with("passes: "));
    CHECK(thrown(WrittenMany<Pass>()).text.starts_with("passes: "));
    CHECK_THROWS_AS(static_cast<void>(absent(Absence::never_was).value()), Failure);
    const auto revoked = absent(Absence::revoked);
    CHECK_THROWS_AS(static_cast<void>(revoked.value()), Failure);
}

TEST_CASE("of several answers the first failure is that of all; absent rows are answers") {
    const Found<Pass> there(a_row(), Absence::none, Level::memory, 1, Duration(0));
    const Found<Pass> absent(nullptr, Absence::never_was, Level::memory, 0, Duration(0));
    const Found<Pass> failed(Error{errc::timed_out, "slow"});
    CHECK(FoundMany<Pass>(std::vector{there, absent}));
    const FoundMany<Pass> some(std::vector{there, failed, absent});
    CHECK(!some);
    CHECK(thrown(some) == errc::timed_out);
    CHECK(some[0]);
}

TEST_CASE("no part of an answer that is gone is referred to") {
    static_assert(std::is_same_v<decltype(std::declval<Found<Pass>>().value()), Pass>);
    static_assert(std::is_same_v<decltype(std::declval<const Found<Pass>&>().value()), const Pass&>);
    const Found<Pass> found(a_row(), Absence::none, Level::memory, 1, Duration(0));
    CHECK(&found.value() == found.row().get());
    CHECK(Found<Pass>(found).value() == *found);
}
