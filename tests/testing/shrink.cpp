// SPDX-License-Identifier: BSL-1.0
#include <larder/testing/sim/shrink.hpp>

#include <larder/testing/sim/choices.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <string>

using namespace larder::testing;

namespace {

/// What a run does with its choices: the sum of two strands' second decisions.
std::uint32_t outcome(Choices& choices) {
    std::uint32_t sum = 0;
    for (const Strand strand : {7U, 9U}) {
        choices.enter(strand);
        static_cast<void>(choices.pick(100));
        sum += choices.pick(100);
        for (int i = 0; i < 30; ++i) static_cast<void>(choices.pick(3));
    }
    choices.enter(8);
    static_cast<void>(choices.pick(1000));
    return sum;
}

} // namespace

TEST_CASE("choices: a seed makes the same decisions each time, a record replays them, and strands do not disturb each other") {
    Choices first(42), second(42);
    CHECK(outcome(first) == outcome(second));
    CHECK(first.record() == second.record());
    Choices replay(first.record());
    Choices again(42);
    const std::uint32_t sum = outcome(replay);
    CHECK(sum == outcome(again));

    Record fewer = first.record();
    fewer.erase(8);
    Choices without(fewer);
    CHECK(outcome(without) == sum);
    without.enter(7);
    CHECK(without.strand() == 7);
}

TEST_CASE("choices: a decision that the record does not have is 0, and one that is out of bounds is brought within") {
    Choices choices(Record{{0, {7}}});
    CHECK(choices.pick(5) == 2);
    CHECK(choices.pick(5) == 0);
    choices.enter(3);
    CHECK(choices.pick(5) == 0);
    CHECK_FALSE(choices.once_in(2));
    CHECK(choices.token() != choices.token());
}

TEST_CASE("records: their text tells them whole, and a text that tells none is refused") {
    const Record record{{0, {1, 0, 2}}, {1001, {5, 1}}};
    CHECK(text_of(record) == "0:1,0,2;1001:5,1");
    CHECK(record_of(text_of(record)) == record);
    CHECK(record_of("") == Record{});
    for (const char* text : {"x", "1", "1:", "1:2,", "1:2;x", "1:2 3:4", "1:99999999999", ":1", "1:2;;3:4"}) CHECK_MESSAGE(!record_of(text), text);
}

TEST_CASE("shrinking leaves just what matters") {
    std::uint64_t seed = 0;
    const auto shows = [](const Record& record) {
        Choices choices(record);
        return outcome(choices) >= 60;
    };
    Record record;
    do {
        Choices choices(++seed);
        outcome(choices);
        record = choices.record();
    } while (!shows(record));
    const Record plain = Shrinker(shows, 10'000).run(record);
    CHECK(shows(plain));
    CHECK(!plain.contains(8));
    for (const auto& [strand, decisions] : plain) {
        CHECK(decisions.size() == 2);
        CHECK(decisions.front() == 0);
    }

    int replays = 0;
    const auto counted = [&](const Record& candidate) {
        ++replays;
        return shows(candidate);
    };
    const Record hardly = Shrinker(counted, 3).run(record);
    CHECK(replays == 3);
    CHECK(shows(hardly));
}
