// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/leased_record.hpp>

#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <utility>

using namespace larder;
using namespace std::chrono_literals;
using testing::Pass;

namespace {

/// A record of a row, with a clock of its own.
struct Row {
    using Record = detail::LeasedRecord<detail::RowRules<Pass>>;

    testing::ManualEnvironment env;
    Record record;
    SteadyTime now = env.now();
    LeaseToken token = 0;

    Lookup<CachedRow<Pass>> lookup() {
        CachedRow<Pass> dropped;
        return record.lookup(env, now, Demand{}, ++token, dropped);
    }
    FillOutcome fill(LeaseToken lease, Version version, Duration serve = 1h) {
        CachedRow<Pass> dropped;
        FillRequest<CachedRow<Pass>> request;
        request.lease = lease;
        request.version = version;
        request.value.full = std::make_shared<const Pass>();
        request.lifetime.serve = serve;
        return record.fill(env, now, std::move(request), true, dropped);
    }
    void fence(FenceOwner owner, Duration length) {
        CachedRow<Pass> dropped;
        record.fence(env, now, owner, length, dropped);
    }
    bool publish(Version version, FenceOwner owner, Duration serve = 1h) {
        CachedRow<Pass> dropped, value;
        value.full = std::make_shared<const Pass>();
        return record.publish(env, now, detail::ThisRow{}, version, version != 0 ? &value : nullptr, Lifetime{.serve = serve}, owner, dropped);
    }
};

} // namespace

TEST_CASE("what few records have is there only while it matters") {
    Row row;
    CHECK(row.record.heap() == 0);
    const auto lease = row.lookup().lease;
    CHECK(row.record.heap() > 0);
    const auto copy = row.record;
    CHECK(row.fill(lease, 3) == FillOutcome::stored);
    CHECK(row.record.heap() == 0);
    CHECK(row.lookup().answer == Answer::hit);
    CHECK(row.record.heap() == 0);
    row.record = copy; // the lease is as it was
    CHECK(row.lookup().answer == Answer::wait);
    CHECK(row.fill(lease, 3) == FillOutcome::stored);
    row.fence(1, 1s);
    CHECK(row.publish(4, 1));
    CHECK(row.record.heap() > 0); // the floor
    CHECK_FALSE(row.publish(3, 2));
    CHECK(row.lookup().version == 4);
    row.now += 1h;
    static_cast<void>(row.lookup());
    CHECK(row.fill(row.token, 1) == FillOutcome::stored); // what was known went with the value
    CHECK(row.record.heap() == 0);
}

TEST_CASE("a record is floored once it knows the newest version, so that an older row cannot be filled in") {
    Row row;
    CHECK_FALSE(row.lookup().floored); // nothing was published yet
    Row published;
    published.fence(1, 1s);
    CHECK(published.publish(5, 1, 1s));
    published.now += 1s;
    const auto miss = published.lookup();
    CHECK(miss.answer == Answer::miss);
    CHECK(miss.floored);
    CHECK(published.fill(miss.lease, 4) == FillOutcome::outdated);
}

TEST_CASE("a record that was filled only is not floored: a newer version may have been published before it") {
    Row row;
    CHECK(row.fill(row.lookup().lease, 3, 1s) == FillOutcome::stored);
    row.now += 2s;
    CHECK_FALSE(row.lookup().floored);
}

TEST_CASE("a fence that was lifted without a publication leaves doubt") {
    Row row;
    row.fence(1, 1s);
    CHECK(row.publish(5, 1));
    row.fence(2, 1s);
    row.publish(0, 2);
    const auto miss = row.lookup();
    CHECK(miss.answer == Answer::miss);
    CHECK_FALSE(miss.floored);
    CHECK(row.fill(miss.lease, 6) == FillOutcome::stored);
}

TEST_CASE("what is known of versions outlives a short-lived value while late requests of older writes may come") {
    Row row;
    row.fence(1, 1s);
    row.publish(2, 1);
    row.fence(2, 1s);
    CHECK(row.publish(3, 2, 10ms));
    row.now += 100ms; // the value's time is over; now come the first write's requests once more
    row.fence(1, 1s);
    CHECK_FALSE(row.publish(2, 1));
    const auto miss = row.lookup();
    CHECK(miss.answer == Answer::miss);
    CHECK(row.fill(miss.lease, 2) == FillOutcome::outdated);
}

TEST_CASE("a record that nobody writes any more ends with its value") {
    Row row;
    row.fence(1, 1s);
    CHECK(row.publish(2, 1, 10s));
    CHECK(row.record.ends(row.env) == row.now + 10s);
    Row brief;
    brief.fence(1, 1s);
    CHECK(brief.publish(2, 1, 10ms));
    CHECK(brief.record.ends(brief.env) == brief.now + 2s);
    brief.now += 2s;
    CHECK_FALSE(brief.lookup().floored);
}
