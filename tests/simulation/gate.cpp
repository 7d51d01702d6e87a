// SPDX-License-Identifier: BSL-1.0
//
// The mutation gate: each guard of the protocol is switched off in turn, and the checker must find a violation; and so it must under a
// session store whose database or cache lacks what it needs. A guard whose
// removal nothing notices would be untested. Ends with the number of schedules that each took, and fails if one was not found.
//
//   gate [--schedules N] [--seed N] [--traces] [--only NAME]

#include "subject.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

using namespace larder;
using namespace larder::testing;
using namespace simulation;

namespace {

struct Mutant {
    std::string_view name;
    std::string_view what;          ///< What the guard is for.
    std::optional<Guard> disabled;  ///< Nothing: a control.
    const Subject* subject;
    std::uint64_t within = 100'000; ///< In how many schedules it must be found.
};

const Mutant mutants[] = {
    {"lease_on_fill", "a fill needs the lease that its lookup was given", Guard::lease_on_fill, &write_through},
    {"floor_on_fill", "a fill below the floor is refused", Guard::floor_on_fill, &write_through},
    {"floor_on_publish", "a publish below the floor changes nothing", Guard::floor_on_publish, &write_through},
    {"alias_verification", "what an alias leads to is compared with what was asked", Guard::alias_verification, &write_through},
    {"fence", "a write drops values and leases before it commits", Guard::fence, &write_through},
    {"fence_owner", "a publish lifts its own fence only", Guard::fence_owner, &write_through},
    {"write_deadline", "the database refuses a write after its fence's end", Guard::write_deadline, &write_through, 400'000},
    {"settle_after_fence", "a fill after an abandoned fence waits for a commit in flight", Guard::settle_after_fence, &write_through},
    {"lease_expiry", "leases end by themselves", Guard::lease_expiry, &write_through},
    {"share_rule", "who may take a shared load's answer", Guard::share_rule, &write_through},
    {"publish_every_key", "an insert publishes every key it has", Guard::publish_every_key, &write_through_unfenced},
    {"stale_bar", "what was revoked is never served stale", Guard::stale_bar, &group_epoch},
    {"identity_epoch", "a changed identity of the shared tier is noticed", Guard::identity_epoch, &write_through},
    {"placeholder_token", "each load has a token of its own", Guard::placeholder_token, &write_through_near},
    {"connection_lease", "a tier in front serves only while its feed is alive", Guard::connection_lease, &write_through_near},
    {"epoch_before_row", "a group's epoch is read before the row", Guard::epoch_before_row, &group_epoch},
    {"parents_after_commit", "rows that embed a changed row are expelled after its commit", Guard::parents_after_commit, &relations},
    {"fence, sessions", "as above, under the session store", Guard::fence, &sessions_write_through},
    {"floor_on_publish, sessions", "as above, under the session store", Guard::floor_on_publish, &sessions_write_through},
    {"share_rule, sessions", "as above, under the session store", Guard::share_rule, &sessions_write_through},
    {"alias_verification, sessions", "what a token leads to is compared with the token", Guard::alias_verification, &sessions_write_through},
    {"conditional writes", "a rotation finds the session as it was when it was decided", std::nullopt, &sessions_unconditional},
    {"isolation", "what is decided by the sessions of a user or a family finds them so", std::nullopt, &sessions_not_isolated},
    {"notes of use", "a session in use goes on", std::nullopt, &sessions_not_noted},
    {"sessions, original", "control: commit, then DEL; blind SET on a miss", std::nullopt, &sessions_blind},
    {"original", "control: the key leads to a row, unverified; commit, then DEL", std::nullopt, &original},
    {"delete after commit", "control: commit, then DEL; blind SET on a miss", std::nullopt, &delete_after_commit},
    {"delete before commit", "control: DEL, then commit; blind SET on a miss", std::nullopt, &delete_before_commit},
};

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Switches each guard of the protocol off and reports how many simulated schedules it takes to notice"};
    std::uint64_t schedules = 0;
    std::uint64_t seed = 1;
    bool traces = false;
    std::string only;
    app.add_option("--schedules", schedules, "at most so many schedules for each guard (default: the limit of each)");
    app.add_option("--seed", seed, "of the first schedule");
    app.add_option("--only", only, "this one alone");
    app.add_flag("--traces", traces, "print the shortest schedule found for each");
    CLI11_PARSE(app, argc, argv);

    std::size_t alive = 0, killed = 0;
    fmt::print("{:<30}{:<40}{:>10}{:>7}  {}\n", "guard switched off", "checked with", "schedules", "lines", "what breaks");
    for (const Mutant& mutant : mutants) {
        if (!only.empty() && only != mutant.name) continue;
        ProtocolOptions options;
        options.schedules = schedules != 0 ? schedules : mutant.within;
        options.seed = seed;
        options.shrink_attempts = traces ? 20'000 : 2'000;
        if (mutant.disabled) options.disabled.add(*mutant.disabled);
        const ProtocolReport report = mutant.subject->check(options);
        const bool found = report.violation.has_value();
        ++(found ? killed : alive);
        fmt::print("{:<30}{:<40}{:>10}{:>7}  {}\n", mutant.name, mutant.subject->name, report.schedules, report.trace.size(), found ? name_of(report.violation->property) : "NOT NOTICED: " + std::string(mutant.what));
        if (traces && found) fmt::print("{}\n", report);
        std::fflush(stdout);
    }
    fmt::print("\n{} killed, {} alive\n", killed, alive);
    return alive == 0 && killed != 0 ? 0 : 1;
}
