// SPDX-License-Identifier: BSL-1.0
#include <larder/testing/sim/history.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

using namespace larder;
using namespace larder::testing;
using namespace std::chrono_literals;

namespace {

SteadyTime at(Duration moment) { return SteadyTime(moment); }

/// What a client asked for and saw; `by_code` and `none` and so on change what differs from a plain read of row k.
struct Reading {
    std::uint64_t invoked;
    std::uint64_t returned;
    Version version = 0; ///< 0: no row.
    std::string row_code = "c1";
    std::uint32_t client = 1;
    bool revoked = false;
    bool stale = false;
    std::optional<std::string> by_code = {};
    SteadyTime invoked_at{};
    std::string key = "k";
    bool expired = false;
};

/// A history written by hand.
class Script {
public:
    /// A version of a row was committed at a step.
    Script& commit(Version version, std::uint64_t step, std::string code = "c1", bool revoked = false, std::string key = "k") {
        history_.committed(key, {.version = version, .present = true, .revoked = revoked, .code = std::move(code), .step = step});
        return *this;
    }
    Script& erase(Version version, std::uint64_t step) {
        history_.committed("k", {.version = version, .present = false, .revoked = false, .code = "", .step = step});
        return *this;
    }
    /// A client was told that its write is effective.
    Script& acknowledge(Version version, std::uint64_t step, std::uint32_t client = 9, std::string key = "k") {
        history_.wrote({.client = client, .key = std::move(key), .version = version, .revoked = false, .bound = Duration::zero(), .returned = step, .returned_at = {}});
        return *this;
    }
    /// A client was told that its write is pending.
    Script& acknowledge_pending(Version version, std::uint64_t step, SteadyTime moment, Duration bound, std::uint32_t client = 9) {
        history_.wrote({.client = client, .key = "k", .version = version, .revoked = false, .bound = bound, .returned = step, .returned_at = moment});
        return *this;
    }
    Script& read(const Reading& reading) {
        ReadSeen seen;
        seen.client = reading.client;
        seen.found = reading.version != 0;
        seen.code = reading.by_code;
        if (seen.found || !seen.code) seen.key = reading.key;
        seen.revoked = reading.revoked;
        seen.stale = reading.stale;
        seen.expired = reading.expired;
        seen.version = reading.version;
        if (seen.found) seen.row_code = reading.row_code;
        seen.invoked = reading.invoked;
        seen.returned = reading.returned;
        seen.invoked_at = reading.invoked_at;
        history_.read(std::move(seen));
        return *this;
    }

    /// "holds", or the number of the property that it breaks.
    std::string judged(bool sessions = true, Duration slack = Duration::zero()) const {
        const auto violation = history_.check(sessions, slack);
        return violation ? std::string(name_of(violation->property)).substr(0, 2) : "holds";
    }
    std::string text() const { return history_.check(true).value().what; }

private:
    History history_;
};

/// Version 1 of row k, there from the beginning, and version 2, committed at step 10.
Script two_versions() {
    Script script;
    return script.commit(1, 0).acknowledge(1, 0).commit(2, 10);
}

} // namespace

TEST_CASE("history: C1, a read that begins after an acknowledgement sees what was acknowledged") {
    CHECK(two_versions().acknowledge(2, 12).read({13, 14, 2}).judged() == "holds");
    CHECK(two_versions().acknowledge(2, 12).read({13, 14, 1}).judged() == "C1");
}

TEST_CASE("history: C1, a read that began before the acknowledgement may see either side") {
    CHECK(two_versions().acknowledge(2, 12).read({11, 20, 1}).judged() == "holds");
    CHECK(two_versions().acknowledge(2, 12).read({11, 20, 2}).judged() == "holds");
    CHECK(two_versions().acknowledge(2, 12).read({12, 20, 1}).judged() == "holds");
}

TEST_CASE("history: C1, an acknowledgement counts for its own row alone") {
    Script script = two_versions();
    script.commit(1, 0, "d1", false, "other").acknowledge(1, 0, 9, "other").acknowledge(2, 12);
    CHECK(Script(script).read({.invoked = 13, .returned = 14, .version = 1, .row_code = "d1", .key = "other"}).judged() == "holds");
    CHECK(Script(script).read({13, 14, 1}).judged() == "C1");
    script.commit(2, 5, "d2", false, "other").commit(3, 6, "d3", false, "other").acknowledge(3, 7, 9, "other");
    CHECK_MESSAGE(Script(script).read({13, 14, 2}).judged() == "holds", "versions of different rows do not compare");
    CHECK(Script(script).read({.invoked = 13, .returned = 14, .version = 2, .row_code = "d2", .key = "other"}).judged() == "C1");
}

TEST_CASE("history: C1, an older write that is acknowledged later lowers nothing") {
    Script script = two_versions();
    script.commit(3, 15).acknowledge(3, 20).acknowledge(2, 30);
    CHECK(Script(script).read({40, 41, 3}).judged() == "holds");
    CHECK(Script(script).read({40, 41, 2}).judged() == "C1");
}

TEST_CASE("history: C1, acknowledgements may be told in any order") {
    Script script = two_versions();
    script.commit(3, 15).acknowledge(3, 30).acknowledge(2, 20);
    CHECK(Script(script).read({25, 26, 1}).judged() == "C1");
    CHECK(Script(script).read({25, 26, 2}).judged() == "holds");
    CHECK(Script(script).read({31, 32, 2}).judged() == "C1");
}

TEST_CASE("history: C1, slack is added to every bound") {
    const auto read = [](Duration bound, SteadyTime moment) {
        Script script = two_versions();
        return script.acknowledge_pending(2, 12, at(100ms), bound).read({.invoked = 13, .returned = 14, .version = 1, .invoked_at = moment}).judged(true, 20ms);
    };
    CHECK(read(50ms, at(170ms)) == "holds");
    CHECK(read(50ms, at(170ms) + 1ns) == "C1");
    CHECK_MESSAGE(read(0ms, at(120ms)) == "holds", "that of an effective write is then its slack");
    CHECK(read(0ms, at(120ms) + 1ns) == "C1");
}

TEST_CASE("history: C1, a pending write counts once its bound has passed") {
    Script script = two_versions();
    script.acknowledge_pending(2, 12, at(100ms), 50ms);
    const auto read = [&](Version version, SteadyTime moment) { return Script(script).read({.invoked = 13, .returned = 14, .version = version, .invoked_at = moment}).judged(); };
    CHECK(read(1, at(150ms)) == "holds");
    CHECK(read(1, at(150ms) + 1ns) == "C1");
    CHECK(read(2, at(150ms) + 1ns) == "holds");
    CHECK(read(2, at(110ms)) == "holds");
}

TEST_CASE("history: C1, of an effective and a pending write the newer one that counts is asked for") {
    Script script = two_versions();
    script.commit(3, 11).acknowledge(2, 12).acknowledge_pending(3, 13, at(100ms), 50ms);
    const auto read = [&](Version version, SteadyTime moment) { return Script(script).read({.invoked = 20, .returned = 21, .version = version, .invoked_at = moment}).judged(); };
    CHECK(read(1, at(120ms)) == "C1");
    CHECK(read(2, at(120ms)) == "holds");
    CHECK(read(2, at(151ms)) == "C1");
    CHECK(read(3, at(151ms)) == "holds");
}

TEST_CASE("history: C1, a write whose outcome its client does not know stays open") {
    CHECK(two_versions().read({13, 14, 1}).judged() == "holds");
    CHECK(two_versions().read({13, 14, 2}).judged() == "holds");
    CHECK(two_versions().read({13, 14, 1}).read({.invoked = 13, .returned = 14, .version = 2, .client = 2}).judged() == "holds");
}

TEST_CASE("history: C1, an answer that calls itself stale may be older") {
    CHECK(two_versions().acknowledge(2, 12).read({.invoked = 13, .returned = 14, .version = 1, .stale = true}).judged() == "holds");
    CHECK(two_versions().acknowledge(2, 12).read({.invoked = 13, .returned = 14, .version = 1, .stale = false}).judged() == "C1");
}

TEST_CASE("history: C2, a client never goes back behind what it has seen") {
    const Script seen = two_versions().read({11, 20, 2});
    CHECK(Script(seen).read({21, 22, 2}).judged() == "holds");
    CHECK(Script(seen).read({21, 22, 1}).judged() == "C2");
    CHECK_MESSAGE(Script(seen).read({21, 22, 1}).judged(false) == "holds", "unless that is not asked for");
}

TEST_CASE("history: C2, reads of a client that overlap are in no order") {
    CHECK(two_versions().read({11, 20, 2}).read({20, 22, 1}).judged() == "holds");
    CHECK(two_versions().read({11, 20, 2}).read({12, 13, 1}).judged() == "holds");
}

TEST_CASE("history: C2, what counts is when answers came, not the order in which they were told") {
    CHECK(two_versions().read({21, 22, 1}).read({11, 20, 2}).judged() == "C2");
}

TEST_CASE("history: C2, other clients, other rows and stale answers bind nobody") {
    CHECK(two_versions().read({11, 20, 2}).read({.invoked = 21, .returned = 22, .version = 1, .client = 2}).judged() == "holds");
    Script other = two_versions();
    other.commit(1, 0, "d1", false, "other").read({11, 20, 2});
    CHECK(other.read({.invoked = 21, .returned = 22, .version = 1, .row_code = "d1", .key = "other"}).judged() == "holds");
    CHECK(two_versions().read({11, 20, 2}).read({.invoked = 21, .returned = 22, .version = 1, .stale = true}).judged() == "holds");
}

TEST_CASE("history: C2, a client reads its own writes once they are effective") {
    CHECK(two_versions().acknowledge(2, 12, 1).read({13, 14, 2}).judged() == "holds");
    CHECK(two_versions().acknowledge(2, 12, 1).read({13, 14, 1}).judged() != "holds");
    CHECK_MESSAGE(two_versions().acknowledge_pending(2, 12, at(100ms), 50ms, 1).read({.invoked = 13, .returned = 14, .version = 1, .invoked_at = at(120ms)}).judged() == "holds",
                  "a pending one binds its client no more than others");
    CHECK_MESSAGE(two_versions().acknowledge(2, 12, 1).read({13, 14, 1}).judged(true, 20ms) == "C2", "slack is for what others wrote");
    CHECK(two_versions().acknowledge(2, 12, 2).read({13, 14, 1}).judged(true, 20ms) == "holds");
}

TEST_CASE("history: C3, a revoked row does not come back") {
    const auto revoked = [] { return Script().commit(1, 0).acknowledge(1, 0).commit(2, 10, "c1", true); };
    CHECK(revoked().acknowledge(2, 12).read({.invoked = 13, .returned = 14, .version = 2, .revoked = true}).judged() == "holds");
    CHECK(revoked().acknowledge(2, 12).read({13, 14, 1}).judged() == "C3");
    CHECK_MESSAGE(revoked().acknowledge(2, 12).read({.invoked = 13, .returned = 14, .version = 1, .stale = true}).judged() == "C3", "not even as a stale answer");
    CHECK_MESSAGE(revoked().read({13, 14, 1}).judged() == "holds", "while nobody was told of the revocation");
    CHECK(revoked().acknowledge_pending(2, 12, at(100ms), 50ms).read({.invoked = 13, .returned = 14, .version = 1, .invoked_at = at(150ms)}).judged() == "holds");
    CHECK(revoked().acknowledge_pending(2, 12, at(100ms), 50ms).read({.invoked = 13, .returned = 14, .version = 1, .invoked_at = at(151ms)}).judged() == "C3");
}

TEST_CASE("history: C3, an erased row does not come back") {
    const auto erased = [] { return Script().commit(1, 0).acknowledge(1, 0).erase(2, 10).acknowledge(2, 12); };
    CHECK(erased().read({13, 14}).judged() == "holds");
    CHECK(erased().read({13, 14, 1}).judged() == "C3");
    CHECK(erased().read({.invoked = 13, .returned = 14, .version = 1, .stale = true}).judged() == "C3");
    CHECK_MESSAGE(erased().read({.invoked = 13, .returned = 14, .version = 2, .row_code = ""}).judged() == "C5", "a tombstone is no row");
}

TEST_CASE("history: C3, a row that was erased and inserted anew is a row again") {
    const auto anew = [] { return Script().commit(1, 0).acknowledge(1, 0).erase(2, 10).acknowledge(2, 12).commit(3, 20, "c3"); };
    CHECK(anew().read({.invoked = 21, .returned = 22, .version = 3, .row_code = "c3"}).judged() == "holds");
    CHECK_MESSAGE(anew().read({21, 22}).judged() == "holds", "nobody was told of the new one");
    CHECK(anew().read({21, 22, 1}).judged() == "C3");
    CHECK(anew().acknowledge(3, 24).read({.invoked = 25, .returned = 26, .version = 3, .row_code = "c3"}).judged() == "holds");
    CHECK(anew().acknowledge(3, 24).read({25, 26, 1}).judged() == "C1");
}

TEST_CASE("history: C4, an alternate key leads to a row that has it") {
    CHECK(two_versions().read({.invoked = 13, .returned = 14, .version = 2, .by_code = "c1"}).judged() == "holds");
    Script rotated = Script().commit(1, 0).commit(2, 10, "c2");
    CHECK(Script(rotated).read({.invoked = 13, .returned = 14, .version = 2, .row_code = "c2", .by_code = "c2"}).judged() == "holds");
    CHECK(Script(rotated).read({.invoked = 13, .returned = 14, .version = 2, .row_code = "c2", .by_code = "c1"}).judged() == "C4");
}

TEST_CASE("history: C4, an alternate key that a row has leads to it") {
    const auto rotated = [] { return Script().commit(1, 0).acknowledge(1, 0).commit(2, 10, "c2").acknowledge(2, 12); };
    CHECK(rotated().read({.invoked = 13, .returned = 14, .version = 2, .row_code = "c2", .by_code = "c2"}).judged() == "holds");
    CHECK(rotated().read({.invoked = 13, .returned = 14, .by_code = "c2"}).judged() == "C4");
    CHECK_MESSAGE(rotated().read({.invoked = 13, .returned = 14, .by_code = "c1"}).judged() == "holds", "the old one leads nowhere");
    CHECK_MESSAGE(rotated().read({.invoked = 11, .returned = 14, .by_code = "c2"}).judged() == "holds", "nor did the new one have to before the acknowledgement");
    CHECK(rotated().read({.invoked = 13, .returned = 14, .version = 1, .by_code = "c1"}).judged() == "C1");
}

TEST_CASE("history: C4, a pending rotation has to be seen after its bound") {
    const auto read = [](SteadyTime moment) {
        return Script().commit(1, 0).acknowledge(1, 0).commit(2, 10, "c2").acknowledge_pending(2, 12, at(100ms), 50ms).read({.invoked = 13, .returned = 14, .by_code = "c2", .invoked_at = moment}).judged();
    };
    CHECK(read(at(150ms)) == "holds");
    CHECK(read(at(151ms)) == "C4");
}

TEST_CASE("history: C4, a key that is rotated while it is looked up may lead nowhere") {
    const auto rotated_at = [](std::uint64_t step) {
        return Script().commit(1, 0).acknowledge(1, 0).commit(2, step, "c2").read({.invoked = 10, .returned = 20, .by_code = "c1"}).judged();
    };
    CHECK(rotated_at(15) == "holds");
    CHECK(rotated_at(20) == "holds");
    CHECK_MESSAGE(rotated_at(21) == "C4", "but not if it was rotated afterwards");
    CHECK_MESSAGE(Script().commit(1, 0).acknowledge(1, 0).commit(2, 12, "c2").commit(3, 14).read({.invoked = 10, .returned = 20, .by_code = "c1"}).judged() == "holds", "nor must it be found if it came back meanwhile");
    CHECK(Script().commit(1, 0).acknowledge(1, 0).erase(2, 15).read({.invoked = 10, .returned = 20, .by_code = "c1"}).judged() == "holds");
    CHECK(Script().commit(1, 0).acknowledge(1, 0).erase(2, 21).read({.invoked = 10, .returned = 20, .by_code = "c1"}).judged() == "C4");
}

TEST_CASE("history: C5, nothing is seen that was not committed, or not yet") {
    CHECK(two_versions().read({13, 14, 2}).judged() == "holds");
    CHECK_MESSAGE(two_versions().read({13, 14, 3}).judged() == "C5", "a version that never was");
    CHECK_MESSAGE(two_versions().read({8, 9, 2}).judged() == "C5", "a version of later");
    CHECK_MESSAGE(two_versions().read({8, 10, 2}).judged() == "holds", "a version that was committed as the read ended");
    CHECK_MESSAGE(two_versions().read({.invoked = 13, .returned = 14, .version = 2, .row_code = "cX"}).judged() == "C5", "a version with another row's fields");
    CHECK_MESSAGE(two_versions().read({.invoked = 13, .returned = 14, .version = 2, .revoked = true}).judged() == "C5", "a revocation that never was");
    CHECK_MESSAGE(Script().commit(1, 0, "c1", true).read({13, 14, 1}).judged() == "C5", "a revoked version as a valid one");
    CHECK_MESSAGE(Script().commit(1, 0, "c1", true).read({.invoked = 13, .returned = 14, .version = 1, .expired = true}).judged() == "holds", "one that is expired is not asked for more");
    CHECK_MESSAGE(two_versions().read({.invoked = 13, .returned = 14, .version = 3, .expired = true}).judged() == "C5", "but it must have been");
    CHECK_MESSAGE(two_versions().read({.invoked = 13, .returned = 14, .version = 1, .key = "nowhere"}).judged() == "C5", "a row that never was");
}

TEST_CASE("history: C6, an acknowledged insert is found") {
    const auto inserted = [] { return Script().commit(1, 10); };
    CHECK(inserted().acknowledge(1, 12).read({13, 14, 1}).judged() == "holds");
    CHECK(inserted().acknowledge(1, 12).read({13, 14}).judged() == "C6");
    CHECK_MESSAGE(inserted().acknowledge(1, 12).read({12, 14}).judged() == "holds", "a read that began before the acknowledgement may miss it");
    CHECK_MESSAGE(inserted().read({13, 14}).judged() == "holds", "and so may everybody while nobody was told of it");
    CHECK(inserted().acknowledge_pending(1, 12, at(100ms), 50ms).read({.invoked = 13, .returned = 14, .invoked_at = at(150ms)}).judged() == "holds");
    CHECK(inserted().acknowledge_pending(1, 12, at(100ms), 50ms).read({.invoked = 13, .returned = 14, .invoked_at = at(151ms)}).judged() == "C6");
}

TEST_CASE("history: C6, a row that was erased by then need not be found") {
    const auto erased_at = [](std::uint64_t step) { return Script().commit(1, 0).acknowledge(1, 0).erase(2, step).read({10, 20}).judged(); };
    CHECK(erased_at(5) == "holds");
    CHECK(erased_at(20) == "holds");
    CHECK_MESSAGE(erased_at(21) == "C6", "but one that was erased afterwards must");
}

TEST_CASE("history: a violation says who saw what, and what it should have been") {
    CHECK(two_versions().acknowledge(2, 12).read({13, 14, 1}).text() == "client 1 asked for row k in steps 13 to 14 and saw v1 although v2 was effective before");
    CHECK(two_versions().acknowledge(2, 12).read({.invoked = 13, .returned = 14, .by_code = "c1"}).text() ==
          "client 1 asked for code c1 in steps 13 to 14 and was told that there is none although row k had it throughout");
}

TEST_CASE("history: it can be asked for what it was told") {
    History history;
    CHECK(history.of("k").empty());
    history.committed("k", {.version = 1, .present = true, .revoked = false, .code = "c1", .step = 3});
    history.wrote({.client = 1, .key = "k", .version = 1, .revoked = false, .bound = {}, .returned = 4, .returned_at = {}});
    history.read({});
    CHECK(history.of("k").size() == 1);
    CHECK(history.of("k").front().step == 3);
    CHECK(history.rows().size() == 1);
    CHECK(history.writes().size() == 1);
    CHECK(history.reads().size() == 1);
}

TEST_CASE("history: C6, a row that was inserted anew is found although it was absent before") {
    History history;
    history.committed("k", {.version = 1, .present = true, .revoked = false, .code = "c1", .step = 0});
    history.committed("k", {.version = 2, .present = false, .revoked = false, .code = "", .step = 5});
    history.committed("k", {.version = 3, .present = true, .revoked = false, .code = "c3", .step = 10});
    history.wrote({.client = 1, .key = "k", .version = 3, .revoked = false, .bound = {}, .returned = 12, .returned_at = {}});
    ReadSeen read;
    read.key = "k";
    read.invoked = 20;
    read.returned = 21;
    history.read(read);
    const auto violation = history.check(true);
    REQUIRE(violation);
    CHECK(violation->property == Property::c6_insert);
}

TEST_CASE("history: reads that promise to be current are held to what was committed before them, acknowledged or not") {
    const auto judged = [](Version seen, std::uint64_t invoked, bool stale) {
        History history;
        history.committed("k", {.version = 1, .present = true, .revoked = false, .code = "c", .step = 1});
        history.committed("k", {.version = 2, .present = true, .revoked = false, .code = "c", .step = 10});
        ReadSeen read;
        read.key = "k";
        read.found = seen != 0;
        read.version = seen;
        read.row_code = "c";
        read.stale = stale;
        read.invoked = invoked;
        read.returned = invoked + 5;
        history.read(read);
        const bool lenient = !history.check(true);
        CHECK(lenient);
        return !history.check(true, Duration::zero(), true);
    };
    CHECK(judged(2, 11, false));
    CHECK_FALSE(judged(1, 11, false));
    CHECK(judged(1, 9, false)); // the commit came while it ran
    CHECK(judged(1, 11, true)); // it says itself that it may be old
    CHECK_FALSE(judged(0, 11, false));
    CHECK(judged(0, 1, false));
}

TEST_CASE("history: a commit whose moment is known within limits only is held against nobody who may have been before it") {
    const auto judged = [](std::uint64_t invoked, Version seen) {
        History history;
        history.committed("k", {.version = 1, .present = true, .revoked = false, .code = "c", .step = 1, .latest = 2});
        history.committed("k", {.version = 2, .present = true, .revoked = false, .code = "c", .step = 10, .latest = 20});
        ReadSeen read;
        read.key = "k";
        read.found = true;
        read.version = seen;
        read.row_code = "c";
        read.invoked = invoked;
        read.returned = invoked + 2;
        history.read(read);
        return !history.check(false, Duration::zero(), true);
    };
    CHECK(judged(20, 1));
    CHECK_FALSE(judged(21, 1));
    CHECK_MESSAGE(judged(8, 2), "it may have been committed as the read ended");
    CHECK_FALSE(judged(7, 2));
}

TEST_CASE("history: all that breaks a property can be asked for, with the answers that do") {
    History history;
    history.committed("k", {.version = 1, .present = true, .revoked = false, .code = "c", .step = 1});
    history.committed("k", {.version = 2, .present = true, .revoked = false, .code = "c", .step = 2});
    history.wrote({.client = 1, .key = "k", .version = 2, .revoked = false, .bound = {}, .returned = 3, .returned_at = {}});
    for (std::uint64_t step = 1; step <= 8; ++step) {
        ReadSeen read;
        read.client = 2;
        read.key = "k";
        read.found = true;
        read.version = 1;
        read.row_code = "c";
        read.invoked = step;
        read.returned = step + 1;
        history.read(read);
    }
    const auto all = history.violations(false, Duration::zero(), false, 100);
    REQUIRE(all.size() == 5);
    for (const auto& each : all) {
        CHECK(each.property == Property::c1_fresh);
        REQUIRE(each.read);
        CHECK(each.read->invoked > 3);
    }
    CHECK(history.violations(false, Duration::zero(), false, 2).size() == 2);
}
