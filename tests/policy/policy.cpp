// SPDX-License-Identifier: BSL-1.0
#include "check_policy.hpp"

#include <larder/policy/policy.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string_view>

using namespace larder;

namespace {

/// A policy of a user's: answers from the cache for a few seconds, and then asks for the version.
struct FreshForAWhile {
    static constexpr std::string_view name = "FreshForAWhile";
    static constexpr Guarantee guarantee{"no older than a few seconds, or verified", "what others wrote is missed for a few seconds", "a little staleness is fine"};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = false;
    static constexpr AfterWrite after_write = AfterWrite::publish;
    static constexpr Stamp stamp = Stamp::none;
    Duration patience = std::chrono::seconds(5);
    OnHit on_hit(const HitView& hit) const noexcept { return hit.age < patience ? OnHit::serve : OnHit::verify_version; }
};

/// A policy of a user's: fences, and leaves it to the next read to fill what a write dropped.
struct FencedExpulsion {
    static constexpr std::string_view name = "FencedExpulsion";
    static constexpr Guarantee guarantee{"a read begun after an effective write is never older", "reads during a write may see either side of it", "writes are seldom read back"};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = true;
    static constexpr bool always_serves = true;
    static constexpr AfterWrite after_write = AfterWrite::expel;
    static constexpr Stamp stamp = Stamp::none;
    constexpr OnHit on_hit(const HitView&) const noexcept { return OnHit::serve; }
};

/// A policy that promises more than it does.
struct Braggart : FreshForAWhile {
    static constexpr Guarantee guarantee{"every read is current", "none", "never", true};
};

struct NoDecision {
    static constexpr std::string_view name = "NoDecision";
    static constexpr Guarantee guarantee{};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = true;
    static constexpr AfterWrite after_write = AfterWrite::expel;
    static constexpr Stamp stamp = Stamp::none;
};

} // namespace

static_assert(policy<FreshForAWhile> && policy<FencedExpulsion> && policy<Braggart>);
static_assert(!policy<NoDecision> && !policy<int>);
static_assert(larder::detail::may_probe_v<FreshForAWhile> && !larder::detail::may_probe_v<FencedExpulsion>);

TEST_CASE("a policy that decides on each hit keeps its guarantee") { policy_tests::check_policy<FreshForAWhile>(90); }
TEST_CASE("a policy with settings of its own is asked with them") { policy_tests::check_policy<FreshForAWhile>(90, {.patience = std::chrono::hours(1)}); }
TEST_CASE("a policy that expels after a write keeps its guarantee") { policy_tests::check_policy<FencedExpulsion>(90); }
TEST_CASE("a policy that promises more than it does is found out") { CHECK(policy_tests::broken_rules(testing::PolicyFactory<Braggart>()) > 0); }
