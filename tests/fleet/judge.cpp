// SPDX-License-Identifier: BSL-1.0
#include "../chaos/judge.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>

using namespace chaos;

namespace {

constexpr std::int64_t ms = 1'000'000;

/// The evidence of a round, written by hand; moments are milliseconds since it began.
class Case {
public:
    Case() {
        evidence_.origin = 1'000'000 * ms;
        evidence_.writes_ended = at(10'000);
        evidence_.longest_bound = 1'000 * ms;
    }

    Case& current() {
        evidence_.current_reads = true;
        return *this;
    }
    /// A version was committed at a moment by a call.
    Case& commit(std::uint64_t row, std::uint64_t version, std::uint64_t stamp, std::int64_t moment, bool revoked = false) {
        evidence_.commits.push_back({row, version, token_of(row, version), row, stamp, 1, revoked, at(moment)});
        if (evidence_.last_versions[row] < version) evidence_.last_versions[row] = version;
        return *this;
    }
    static std::uint64_t token_of(std::uint64_t row, std::uint64_t version) { return row * 100 + version; }

    Case& call(Call call, std::int64_t began, std::int64_t ended) {
        if (call.number == 0) call.number = ++last_;
        call.began = at(began);
        Call first = call;
        first.end = End::open;
        evidence_.calls.push_back(first);
        if (call.end == End::open) return *this;
        call.ended = at(ended);
        evidence_.calls.push_back(call);
        return *this;
    }
    Case& write(Kind kind, std::uint64_t number, std::uint64_t row, std::uint64_t version, std::int64_t began, std::int64_t ended, std::int64_t bound = 0, End end = End::done, bool changed = true) {
        Call made;
        made.number = number;
        made.client = 1;
        made.kind = kind;
        made.end = end;
        made.asked = made.row = row;
        made.version = version;
        made.bound = bound * ms;
        made.changed = changed;
        return call(made, began, ended);
    }
    Case& revoke_all(std::uint64_t number, std::int64_t began, std::int64_t ended) {
        Call made;
        made.number = number;
        made.kind = Kind::revoke_all;
        made.end = End::done;
        made.asked = 1;
        return call(made, began, ended);
    }
    Case& find(std::uint64_t row, std::uint64_t version, std::int64_t began, std::int64_t ended, bool revoked = false) {
        Call read;
        read.client = 2;
        read.end = End::done;
        read.asked = read.row = read.jti = row;
        read.found = version != 0;
        read.version = version;
        read.token = token_of(row, version);
        read.revoked = revoked;
        return call(read, began, ended);
    }

    Verdict verdict() const { return Judge(evidence_, 300 * ms).judge(); }
    /// What is found first, or nothing.
    std::string finding() const {
        const Verdict judged = verdict();
        return judged.findings.empty() ? "" : judged.findings.front().what;
    }
    Evidence& evidence() { return evidence_; }

private:
    std::int64_t at(std::int64_t moment) const { return evidence_.origin + moment * ms; }

    Evidence evidence_;
    std::uint64_t last_ = 1'000;
};

/// Row 1 is inserted by call 1 and rotated by call 2, which is pending for 300 ms from moment 210 on.
Case rotated() { return Case().commit(1, 1, 1, 100).write(Kind::insert, 1, 1, 1, 99, 110).commit(1, 2, 2, 200).write(Kind::rotate, 2, 1, 2, 199, 210, 300); }

bool says(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

} // namespace

TEST_CASE("the auditor finds nothing where nothing is wrong, and counts") {
    const Verdict verdict = rotated().find(1, 1, 215, 216).find(1, 2, 600, 601).verdict();
    CHECK(verdict.findings.empty());
    CHECK(verdict.operations == 4);
    CHECK(verdict.reads == 2);
    CHECK(verdict.writes == 2);
    CHECK(verdict.effective == 1);
    CHECK(verdict.pending == 1);
    CHECK(verdict.pending_long == 0);
    CHECK(rotated().write(Kind::rotate, 3, 1, 3, 300, 310, 4'000).commit(1, 3, 3, 305).verdict().pending_long == 1);
}

TEST_CASE("the auditor holds a read to what was acknowledged, once its bound has passed") {
    CHECK(rotated().find(1, 1, 509, 511).finding().empty());
    CHECK(says(rotated().find(1, 1, 511, 512).finding(), "C1"));
    CHECK(rotated().find(1, 1, 511, 512).verdict().beyond_bound == 1);
    CHECK(says(rotated().find(1, 0, 511, 512).finding(), "C6"));
    CHECK(says(rotated().find(1, 3, 511, 512).finding(), "C5"));
}

TEST_CASE("the auditor holds what promises current reads to what anybody knew before") {
    CHECK(rotated().current().find(1, 2, 220, 221).finding().empty());
    CHECK(says(rotated().current().find(1, 1, 220, 221).finding(), "C1"));
    CHECK_MESSAGE(rotated().current().find(1, 1, 205, 209).finding().empty(), "nobody knew of it when it began");
}

TEST_CASE("the auditor finds lost writes") {
    CHECK(says(Case().commit(1, 1, 1, 100).write(Kind::insert, 1, 1, 1, 99, 110).write(Kind::rotate, 2, 1, 2, 199, 210).finding(), "acknowledged write was lost"));
    CHECK(says(rotated().write(Kind::rotate, 3, 1, 2, 199, 211).finding(), "acknowledged write was lost"));
    Case gone = rotated();
    gone.evidence().last_versions[1] = 1;
    CHECK(says(gone.finding(), "its table has v1"));
    CHECK(gone.verdict().lost == 1);
}

TEST_CASE("the auditor holds a revocation to its word, also one that found nothing to do") {
    const auto revoked = [] { return rotated().commit(1, 3, 3, 1'000, true).write(Kind::revoke, 3, 1, 3, 999, 1'010, 300); };
    CHECK(revoked().find(1, 3, 1'020, 1'021, true).find(1, 2, 1'020, 1'021).finding().empty());
    CHECK(says(revoked().find(1, 2, 1'400, 1'401).finding(), "C3"));
    CHECK(revoked().find(1, 2, 1'200, 1'201).verdict().revoke_to_effective.front() == 201 * ms);
    CHECK(says(revoked().write(Kind::revoke, 4, 1, 3, 1'100, 1'110, 0, End::done, false).find(1, 2, 1'120, 1'121).finding(), "C3"));
    CHECK(says(rotated().write(Kind::revoke, 4, 1, 2, 1'100, 1'110, 0, End::done, false).finding(), "acknowledged write was lost"));
}

TEST_CASE("the auditor holds a log-out everywhere to every row that was there before") {
    CHECK(says(rotated().revoke_all(5, 500, 510).finding(), "acknowledged write was lost"));
    CHECK_MESSAGE(rotated().revoke_all(5, 105, 510).finding().empty(), "the insert was not acknowledged before");
    CHECK(rotated().commit(1, 3, 5, 505, true).revoke_all(5, 500, 510).finding().empty());
    CHECK(says(rotated().commit(1, 3, 5, 505, true).revoke_all(5, 500, 510).find(1, 2, 520, 521).finding(), "C3"));
}

TEST_CASE("the auditor allows an unknown write to be made once or not at all") {
    for (const End end : {End::unknown, End::open}) {
        CHECK(rotated().write(Kind::rotate, 3, 1, 0, 300, 310, 0, end).finding().empty());
        const Case made = rotated().write(Kind::rotate, 3, 1, 0, 300, 310, 0, end).commit(1, 3, 3, 305);
        CHECK(made.finding().empty());
        CHECK(made.verdict().unknown_made == 1);
        CHECK(says(Case(made).commit(1, 4, 3, 306).finding(), "made twice"));
    }
    for (const End end : {End::failed, End::refused}) {
        CHECK(rotated().write(Kind::rotate, 3, 1, 0, 300, 310, 0, end).finding().empty());
        CHECK(says(rotated().write(Kind::rotate, 3, 1, 0, 300, 310, 0, end).commit(1, 3, 3, 305).finding(), "had said that it failed"));
    }
}

TEST_CASE("the auditor asks that versions count and revocations last") {
    CHECK(says(rotated().write(Kind::rotate, 3, 1, 4, 300, 310).commit(1, 4, 3, 305).finding(), "where version 3 should be"));
    CHECK(says(rotated().commit(1, 3, 3, 305, true).write(Kind::revoke, 3, 1, 3, 300, 310).commit(1, 4, 4, 405).write(Kind::rotate, 4, 1, 4, 400, 410).finding(), "after it was revoked"));
    CHECK(says(rotated().commit(1, 3, 77, 305).finding(), "that no client wrote"));
}

TEST_CASE("the auditor holds everybody to what nobody acknowledged, once all is quiet") {
    const auto open = [] { return rotated().write(Kind::rotate, 3, 1, 0, 300, 310, 0, End::open).commit(1, 3, 3, 305); };
    CHECK(open().find(1, 2, 10'999, 11'000).finding().empty());
    CHECK(says(open().find(1, 2, 11'002, 11'003).finding(), "C1"));
    const auto late = [&] { return open().write(Kind::rotate, 4, 1, 0, 9'990, 10'500, 0, End::unknown); };
    CHECK(late().find(1, 2, 11'499, 11'500).finding().empty());
    CHECK(says(late().find(1, 2, 11'502, 11'503).finding(), "C1"));
}

TEST_CASE("the auditor measures how long it takes after a fault until everybody reads and writes") {
    Case recovered = rotated().write(Kind::rotate, 3, 1, 3, 700, 740).commit(1, 3, 3, 720).find(1, 2, 650, 655);
    recovered.evidence().faults.push_back({Fault::redis_kill, 0, recovered.evidence().origin + 600 * ms, recovered.evidence().origin + 640 * ms, true});
    recovered.evidence().faults.push_back({Fault::redis_flush, 0, recovered.evidence().origin + 730 * ms, recovered.evidence().origin + 730 * ms, false});
    const Verdict verdict = recovered.verdict();
    CHECK(verdict.findings.empty());
    REQUIRE(verdict.recoveries.size() == 1);
    CHECK(verdict.recoveries.front().reads == 15 * ms);
    CHECK_MESSAGE(!verdict.recoveries.front().writes, "not before the next fault");
}

TEST_CASE("the auditor tells the story of a row") {
    const Verdict verdict = rotated().find(1, 1, 520, 521).verdict();
    REQUIRE(verdict.findings.size() == 1);
    std::string story;
    for (const auto& line : verdict.findings.front().story) story += line + "\n";
    CHECK(says(story, "now or later the database commits v2 of row 1"));
    CHECK(says(story, "client 1 of process 0 rotates row 1: done, v2, pending for 300 ms"));
    CHECK(says(story, "client 2 of process 0 finds row 1 until   0.521000: row 1 v1, token 101, jti 1, from scope"));
}
