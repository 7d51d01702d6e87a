// SPDX-License-Identifier: BSL-1.0
//
// A policy that looks right, and the test that finds what is wrong with it.
//
// Its author promises that every read is verified against the database, but spares the query where the copy is less than a second
// old: writes are published, so who would notice? The simulation does, and tells the story of a client that was shown a new row and
// then the old one again. Exits with 0 if it finds the bug in the wrong policy and none in the right one.

#include <larder/larder.hpp>
#include <larder/testing/check_protocol.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string_view>

using namespace std::chrono_literals;

/// Verifies the version of every hit.
struct AlwaysVerified {
    static constexpr std::string_view name = "AlwaysVerified";
    static constexpr larder::Guarantee guarantee{"a read never answers with a version other than the current one", "none", "stale reads are out of the question", true};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = false;
    static constexpr larder::AfterWrite after_write = larder::AfterWrite::publish;
    static constexpr larder::Stamp stamp = larder::Stamp::none;
    constexpr larder::OnHit on_hit(const larder::HitView&) const noexcept { return larder::OnHit::verify_version; }
};

/// The same promise, kept almost always.
struct MostlyVerified : AlwaysVerified {
    static constexpr std::string_view name = "MostlyVerified";
    constexpr larder::OnHit on_hit(const larder::HitView& hit) const noexcept { return hit.age < 1s ? larder::OnHit::serve : larder::OnHit::verify_version; }
};

int main() {
    const auto right = larder::testing::check_protocol<AlwaysVerified>({.schedules = 300});
    fmt::print("{}: {}\n\n", AlwaysVerified::name, right);
    const auto wrong = larder::testing::check_protocol<MostlyVerified>({.schedules = 3000});
    fmt::print("{}: {}\n", MostlyVerified::name, wrong);
    return right && !wrong ? 0 : 1;
}
