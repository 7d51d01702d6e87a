// SPDX-License-Identifier: BSL-1.0
//
// Runs a fleet on real servers while processes and servers are killed, stopped and cut off from each other, and judges from outside
// what every client was told. Fails if a promise is broken, with the story of it.
//
//   chaos [--seconds N] [--round SECONDS] [--seed N] [--clients N] [--ttl MS] [--policy NAME]... [--faults NAME]... [--no-faults] [--break]

#include "client.hpp"
#include "round.hpp"
#include "subject.hpp"

#include "../../examples/sessions/show.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace chaos;
using example::grouped;
using example::Progress;
using example::Table;

namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

struct Wanted {
    double seconds = 300;
    double round = 30;
    std::uint64_t seed = 0;
    std::size_t clients = 4;
    std::int64_t ttl = 2000;
    std::vector<const Subject*> subjects;
    std::vector<Fault> faults;
    bool broken = false;
};

std::string seconds_of(std::int64_t nanoseconds) { return fmt::format("{:.3f} s", static_cast<double>(nanoseconds) / 1e9); }
std::string share_of(std::uint64_t part, std::uint64_t whole) { return fmt::format("{:.2f} %", whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole)); }

/// The value below which a share of the values lies. \param values sorted.
std::int64_t quantile(const std::vector<std::int64_t>& values, double share) {
    if (values.empty()) return 0;
    return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}
std::string spread_of(std::vector<std::int64_t> values) {
    std::sort(values.begin(), values.end());
    return fmt::format("{:.1f} / {:.1f} / {:.1f} ms", static_cast<double>(quantile(values, 0.5)) / 1e6, static_cast<double>(quantile(values, 0.99)) / 1e6, values.empty() ? 0.0 : static_cast<double>(values.back()) / 1e6);
}

/// The rounds of one policy together.
struct Tally {
    unsigned rounds = 0;
    double seconds = 0;
    std::uint64_t findings = 0;
    Verdict sum;

    void add(const Verdict& verdict, double took) {
        ++rounds;
        seconds += took;
        findings += verdict.findings.size();
        for (const auto member : {&Verdict::operations, &Verdict::reads, &Verdict::failed_reads, &Verdict::writes, &Verdict::failed_writes, &Verdict::refused, &Verdict::effective, &Verdict::pending, &Verdict::pending_long,
                                  &Verdict::unknown, &Verdict::open, &Verdict::unknown_made, &Verdict::lost, &Verdict::beyond_bound})
            sum.*member += verdict.*member;
        for (std::size_t i = 0; i < verdict.from_level.size(); ++i) sum.from_level[i] += verdict.from_level[i];
        sum.revoke_to_effective.insert(sum.revoke_to_effective.end(), verdict.revoke_to_effective.begin(), verdict.revoke_to_effective.end());
        sum.recoveries.insert(sum.recoveries.end(), verdict.recoveries.begin(), verdict.recoveries.end());
    }
};

class Chaos {
public:
    explicit Chaos(Wanted wanted) : wanted_(std::move(wanted)), tallies_(wanted_.subjects.size()) {}

    /// \returns the program's code.
    int run() {
        const auto began = std::chrono::steady_clock::now();
        const auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };
        fmt::print("seed {}\n", wanted_.seed);
        std::fflush(stdout);
        const double round = std::min(wanted_.round, wanted_.seconds / static_cast<double>(wanted_.subjects.size()));
        const std::chrono::milliseconds ttl(wanted_.ttl);
        const auto traffic = std::chrono::milliseconds(static_cast<std::int64_t>(round * 1000)) - Round::whole(std::chrono::milliseconds(0), ttl);
        if (traffic < std::chrono::seconds(1)) {
            fmt::print(stderr, "rounds of {:.1f} s leave no time for traffic: give more --seconds or a shorter --ttl\n", round);
            return 2;
        }
        {
            Servers servers;
            Deck deck(wanted_.faults);
            std::mt19937_64 random(wanted_.seed);
            const Progress progress("chaos");
            // The last round is not begun if it would end much later than asked for.
            for (unsigned i = 0; !interrupted && (i < wanted_.subjects.size() || passed() + round / 2 < wanted_.seconds); ++i) {
                const std::size_t which = i % wanted_.subjects.size();
                const RoundOptions options{wanted_.subjects[which], wanted_.clients, traffic, ttl, random(), i};
                const double before = passed();
                auto verdict = Round(servers, options, deck, [&](double share) {
                                         progress.show(std::clamp((before + share * round) / wanted_.seconds, 0.0, 1.0));
                                         return !interrupted;
                                     }).run(faults_);
                if (!verdict) break;
                if (verdict->operations == 0 || verdict->effective + verdict->pending == 0) verdict->findings.push_back({"nobody wrote anything in this round"});
                tallies_[which].add(*verdict, passed() - before);
                for (const Finding& finding : verdict->findings) tell(*wanted_.subjects[which], i, finding);
            }
        }
        print(passed());
        if (interrupted) return 130;
        std::uint64_t findings = 0;
        for (const Tally& each : tallies_) findings += each.findings;
        if (wanted_.broken) {
            fmt::print("{}\n", findings != 0 ? "the judge found what is wrong with the control" : "THE JUDGE FOUND NOTHING WRONG WITH THE CONTROL");
            return findings != 0 ? 0 : 1;
        }
        fmt::print("{} violations\n", findings);
        return findings == 0 ? 0 : 1;
    }

private:
    static constexpr unsigned told_at_most = 10; ///< Violations that are printed.

    void tell(const Subject& subject, unsigned round, const Finding& finding) {
        if (++told_ > (wanted_.broken ? 1 : told_at_most)) return;
        fmt::print("\nVIOLATION under {}, round {}, seed {}: {}\n", subject.name, round, wanted_.seed, finding.what);
        for (const auto& line : finding.story) fmt::print("  {}\n", line);
        std::fflush(stdout);
    }

    void print(double seconds) const {
        fmt::print("\n");
        Table operations({"policy", "rounds", "operations", "a second", "reads", "in memory", "in Redis", "failed", "writes", "lost", "reads beyond bound", "violations"});
        Table writes({"writes", "effective", "pending", "for the TTL", "refused", "failed", "unknown", "open", "made", "revoke to effective, p50 / p99 / max"});
        for (std::size_t i = 0; i < tallies_.size(); ++i) {
            const Tally& tally = tallies_[i];
            const Verdict& sum = tally.sum;
            const std::string name(wanted_.subjects[i]->name);
            operations.add({name, std::to_string(tally.rounds), grouped(sum.operations), grouped(static_cast<std::uint64_t>(tally.seconds > 0 ? static_cast<double>(sum.operations) / tally.seconds : 0)), grouped(sum.reads),
                            share_of(sum.from_level[static_cast<std::size_t>(larder::Level::memory)], sum.reads), share_of(sum.from_level[static_cast<std::size_t>(larder::Level::shared)], sum.reads),
                            share_of(sum.failed_reads, sum.reads), grouped(sum.writes), grouped(sum.lost), grouped(sum.beyond_bound),
                            grouped(tally.findings)});
            writes.add({name, share_of(sum.effective, sum.writes), share_of(sum.pending, sum.writes), share_of(sum.pending_long, sum.writes), share_of(sum.refused, sum.writes), share_of(sum.failed_writes, sum.writes), share_of(sum.unknown, sum.writes), share_of(sum.open, sum.writes),
                        grouped(sum.unknown_made), spread_of(sum.revoke_to_effective)});
        }
        operations.print();
        fmt::print("\n");
        writes.print();
        fmt::print("\n");
        print_faults();
        fmt::print("\n"
                   "pending      until near_delta ({} ms) has passed; for the TTL: Redis could not be told      refused: the row is revoked\n"
                   "unknown      its client was told that nobody knows; open: its client was killed; made: so many of these two were made all the same\n"
                   "revoke ...   from the call to the last moment at which another client began a read that found the row valid\n"
                   "all ... after  the end of a fault that no other one met, every process has read (written): the median, and the longest\n",
                   near_delta.count());
        fmt::print("\n{} faults in {:.1f} s with {} client processes of {} clients each, seed {}\n", faults_.size(), seconds, wanted_.clients, workers, wanted_.seed);
    }

    void print_faults() const {
        Table table({"fault", "times", "alone", "all read after", "at most", "all write after", "at most", "not before the next"});
        for (const Fault fault : wanted_.faults) {
            std::array<std::vector<std::int64_t>, 2> after;
            std::uint64_t times = 0, alone = 0, out = 0;
            for (const Happened& each : faults_) times += each.fault == fault;
            for (const Tally& tally : tallies_)
                for (const auto& recovery : tally.sum.recoveries) {
                    if (recovery.fault != fault) continue;
                    ++alone;
                    out += !recovery.reads || !recovery.writes;
                    if (recovery.reads) after[0].push_back(*recovery.reads);
                    if (recovery.writes) after[1].push_back(*recovery.writes);
                }
            for (auto& values : after) std::sort(values.begin(), values.end());
            const auto cell = [](const std::vector<std::int64_t>& values, double share) { return values.empty() ? std::string("-") : seconds_of(quantile(values, share)); };
            table.add({std::string(name_of(fault)), std::to_string(times), std::to_string(alone), cell(after[0], 0.5), cell(after[0], 1), cell(after[1], 0.5), cell(after[1], 1), std::to_string(out)});
        }
        table.print();
    }

    Wanted wanted_;
    std::vector<Tally> tallies_;
    std::vector<Happened> faults_;
    unsigned told_ = 0;
};

int audit(Wanted wanted, const std::vector<std::string>& policies, const std::vector<std::string>& faults, bool no_faults) {
    for (const auto& name : policies) {
        const Subject* subject = subject_named(name);
        if (!subject) {
            fmt::print(stderr, "there is no policy '{}'; there are:\n", name);
            for (const Subject* each : shipped()) fmt::print(stderr, "  {}\n", each->name);
            return 2;
        }
        wanted.subjects.push_back(subject);
    }
    if (wanted.broken)
        wanted.subjects = {&control};
    else if (wanted.subjects.empty())
        wanted.subjects.assign(shipped().begin(), shipped().end());
    for (std::size_t i = 0; i < fault_count && !no_faults; ++i)
        if (faults.empty() || std::find(faults.begin(), faults.end(), fault_names[i]) != faults.end()) wanted.faults.push_back(static_cast<Fault>(i));
    if (wanted.seed == 0) wanted.seed = std::random_device{}();
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, [](int) { interrupted = true; });
    std::signal(SIGPIPE, SIG_IGN);
    ::setenv("LARDER_TEST_SERVERS", CHAOS_SERVERS, 0);
    return Chaos(std::move(wanted)).run();
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Kills, stops and cuts off the processes of a fleet on real servers, and judges every answer"};
    Wanted wanted;
    std::vector<std::string> policies, faults;
    bool no_faults = false;
    app.add_option("--seconds", wanted.seconds, "how long, in all")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--round", wanted.round, "how many seconds a fleet lives before another one, under the next policy, takes its place")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--seed", wanted.seed, "of the faults and of what clients ask for; 0: a random one");
    app.add_option("--clients", wanted.clients, "client processes")->check(CLI::Range(2, 64))->capture_default_str();
    app.add_option("--ttl", wanted.ttl, "of cached rows, in milliseconds")->check(CLI::Range(500, 3'600'000))->capture_default_str();
    app.add_option("--policy", policies, "this one alone; may be repeated");
    app.add_option("--faults", faults, "these kinds alone")->check(CLI::IsMember(std::vector<std::string>(fault_names.begin(), fault_names.end())));
    app.add_flag("--no-faults", no_faults, "traffic alone");
    app.add_flag("--break", wanted.broken, "run the control, whose writes go round the caches, instead of the policies that ship; fails unless the judge notices");

    ClientOptions told;
    auto* client = app.add_subcommand("client", "a client process; the program starts these itself")->group("");
    client->add_option("--policy", told.policy)->required();
    client->add_option("--conninfo", told.conninfo)->required();
    client->add_option("--prefix", told.prefix)->required();
    client->add_option("--redis", told.redis)->required();
    client->add_option("--pipe", told.pipe)->required();
    client->add_option("--board", told.board)->required();
    client->add_option("--process", told.process)->required();
    client->add_option("--incarnation", told.incarnation)->required();
    client->add_option("--seed", told.seed)->required();
    client->add_option("--ttl", told.ttl)->required();
    CLI11_PARSE(app, argc, argv);

    try {
        if (!*client) return audit(std::move(wanted), policies, faults, no_faults);
        const Subject* subject = subject_named(told.policy);
        if (!subject) return 2;
        subject->run(told);
        return 0;
    } catch (const std::exception& failure) {
        fmt::print(stderr, "chaos: {}\n", failure.what());
        return 2;
    }
}
