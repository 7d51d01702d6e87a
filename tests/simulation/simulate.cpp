// SPDX-License-Identifier: BSL-1.0
//
// Runs the shipped policies, or the session store under each of them, through simulated schedules, class of faults by class of faults,
// and judges every answer. Fails if a promise is broken, with the shortest schedule found that shows it and the command that replays it.
//
//   simulate [--sessions] [--schedules N] [--time-limit SECONDS] [--jobs N] [--seed N] [--policy NAME]... [--faults CLASS] [--table]
//   simulate --policy NAME --faults CLASS --order uniform|pct --replay TEXT

#include "subject.hpp"

#include "../../examples/sessions/show.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace larder;
using namespace larder::testing;
using namespace simulation;
using example::grouped;
using example::Progress;
using example::Table;

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t block = 250; ///< Schedules that are checked in one go.
constexpr std::size_t stacks = 2;    ///< In how many stacks a policy is checked at the most.

struct Wanted {
    std::uint64_t schedules = 200'000;
    double time_limit = 0;
    unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
    std::uint64_t seed = 1;
    std::vector<const Subject*> subjects;
    std::vector<FaultClass> classes;
    bool sessions = false;
    bool table = false;
};

/// What was run of one policy under one class of faults.
struct Tally {
    std::uint64_t schedules = 0;
    std::uint64_t operations = 0;
    std::uint64_t violations = 0;
    Faults faults;

    void add(const ProtocolReport& report) {
        schedules += report.schedules;
        operations += report.operations;
        violations += report.violation.has_value();
        faults.add(report.faults);
    }
    void add(const Tally& other) {
        schedules += other.schedules;
        operations += other.operations;
        violations += other.violations;
        faults.add(other.faults);
    }
};

class Simulation {
public:
    explicit Simulation(Wanted wanted) : wanted_(std::move(wanted)), tallies_(wanted_.subjects.size()) {
        for (const FaultClass kind : wanted_.classes)
            for (std::size_t i = 0; i < wanted_.subjects.size(); ++i) {
                const auto of_policy = static_cast<std::size_t>(std::count_if(wanted_.subjects.begin(), wanted_.subjects.end(), [&](const Subject* each) { return each->policy == wanted_.subjects[i]->policy; }));
                for (std::size_t times = of_policy; times <= stacks; times += of_policy) plan_.push_back({i, kind});
            }
    }

    bool run() {
        const auto begin = SteadyClock::now();
        const auto end = wanted_.time_limit > 0 ? begin + std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(wanted_.time_limit)) : SteadyClock::time_point::max();
        const std::uint64_t in_round = block * stacks * wanted_.classes.size();
        const std::uint64_t rounds = wanted_.time_limit > 0 ? std::numeric_limits<std::uint64_t>::max() / plan_.size() : (wanted_.schedules + in_round - 1) / in_round;
        const std::uint64_t blocks = rounds * plan_.size();
        std::vector<std::thread> threads;
        for (unsigned job = 0; job < wanted_.jobs; ++job) threads.emplace_back([&] { work(blocks, end); });
        {
            const Progress progress("simulated schedules");
            while (done_.load() < wanted_.jobs) {
                const double passed = std::chrono::duration<double>(SteadyClock::now() - begin).count();
                progress.show(std::min(1.0, wanted_.time_limit > 0 ? passed / wanted_.time_limit : static_cast<double>(next_.load()) / static_cast<double>(blocks)));
                std::this_thread::sleep_for(std::chrono::milliseconds(100));
            }
        }
        for (auto& thread : threads) thread.join();
        print(std::chrono::duration<double>(SteadyClock::now() - begin).count());
        return broken_ == 0;
    }

private:
    /// A block of schedules of one subject under one class of faults.
    struct Block {
        std::size_t subject;
        FaultClass kind;
    };

    /// Takes blocks until none is left.
    void work(std::uint64_t blocks, SteadyClock::time_point end) {
        for (;;) {
            const std::uint64_t number = next_.fetch_add(1);
            if (number >= blocks || SteadyClock::now() >= end || broken_.load() != 0) break;
            const auto [subject, kind] = plan_[number % plan_.size()];
            ProtocolOptions options;
            options.schedules = block;
            options.seed = wanted_.seed + number * block;
            options.faults = Faults::of(kind);
            const ProtocolReport report = wanted_.subjects[subject]->check(options);
            const std::lock_guard lock(mutex_);
            tallies_[subject][static_cast<std::size_t>(kind)].add(report);
            if (report.violation && broken_++ == 0) explain(*wanted_.subjects[subject], kind, report);
        }
        ++done_;
    }

    static void explain(const Subject& subject, FaultClass kind, const ProtocolReport& report) {
        fmt::print("{} breaks a promise under faults of the class '{}':\n\n{}\nor: simulate --policy '{}' --faults {} --order {} --replay '{}'\n\n", subject.name, name_of(kind), report, subject.name, name_of(kind),
                   name_of(report.order), text_of(report.choices));
    }

    void print(double seconds) const {
        Tally all;
        Table table({"policy", "schedules", "operations", "faults", "violations"});
        const auto line = [&table](std::string_view name, const Tally& tally) {
            table.add({std::string(name), grouped(tally.schedules), grouped(tally.operations), grouped(tally.faults.injected()), grouped(tally.violations)});
        };
        for (std::size_t i = 0; i < tallies_.size(); ++i) {
            Tally sum;
            for (const Tally& each : tallies_[i]) sum.add(each);
            all.add(sum);
            line(wanted_.subjects[i]->name, sum);
        }
        line("all", all);
        table.print();
        fmt::print("\n");
        for (std::size_t i = 0; i < fault_count; ++i) fmt::print("{:>18}: {}\n", name_of(static_cast<Fault>(i)), grouped(all.faults.injected(static_cast<Fault>(i))));
        fmt::print("\n{:.1f} s with {} threads, {} schedules a second\n", seconds, wanted_.jobs, grouped(static_cast<std::uint64_t>(static_cast<double>(all.schedules) / std::max(seconds, 1e-9))));
        if (wanted_.table) print_table();
    }

    /// Schedules and violations by policy and class, for a document.
    void print_table() const {
        fmt::print("\n| policy |");
        for (const FaultClass kind : wanted_.classes) fmt::print(" {} |", name_of(kind));
        fmt::print("\n|---|");
        for (std::size_t i = 0; i < wanted_.classes.size(); ++i) fmt::print("---|");
        for (std::size_t i = 0; i < tallies_.size(); ++i) {
            fmt::print("\n| {} |", wanted_.subjects[i]->name);
            for (const FaultClass kind : wanted_.classes) {
                const Tally& tally = tallies_[i][static_cast<std::size_t>(kind)];
                fmt::print(" {} of {} |", tally.violations, grouped(tally.schedules));
            }
        }
        fmt::print("\n");
    }

    Wanted wanted_;
    std::vector<Block> plan_; ///< One round: the same number of schedules for each policy and class.
    std::vector<std::array<Tally, fault_class_count>> tallies_;
    std::atomic<std::uint64_t> next_{0}, broken_{0};
    std::atomic<unsigned> done_{0};
    std::mutex mutex_;
};

int replay(const Subject& subject, FaultClass kind, Order order, const std::string& text) {
    const auto record = record_of(text);
    if (!record) {
        fmt::print(stderr, "the text after --replay is not a record of decisions\n");
        return 2;
    }
    ProtocolOptions options;
    options.faults = Faults::of(kind);
    options.order = order;
    options.replay = *record;
    const ProtocolReport report = subject.check(options);
    for (const auto& line : report.trace) fmt::print("{}\n", line);
    fmt::print("{}\n", report.violation ? std::string(name_of(report.violation->property)) + ": " + report.violation->what : std::string("no violation"));
    return report.violation ? 1 : 0;
}

std::vector<std::string> names_of_classes() {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < fault_class_count; ++i) names.emplace_back(name_of(static_cast<FaultClass>(i)));
    return names;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Runs the shipped policies, or the session store under them, through simulated schedules and judges every answer"};
    Wanted wanted;
    std::vector<std::string> policies;
    std::string faults, order = "uniform", text;
    app.add_flag("--sessions", wanted.sessions, "the session store under the policies, instead of repositories");
    app.add_option("--schedules", wanted.schedules, "for each policy, in all its stacks")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--time-limit", wanted.time_limit, "in seconds: run until then instead of a number of schedules")->check(CLI::PositiveNumber);
    app.add_option("--jobs", wanted.jobs, "threads")->check(CLI::Range(1, 256))->capture_default_str();
    app.add_option("--seed", wanted.seed, "of the first schedule")->capture_default_str();
    app.add_option("--policy", policies, "this one alone; may be repeated");
    app.add_option("--faults", faults, "this class of faults alone")->check(CLI::IsMember(names_of_classes()));
    app.add_flag("--table", wanted.table, "print a table by policy and class of faults, too");
    auto* replayed = app.add_option("--replay", text, "replay these decisions and print what happens");
    app.add_option("--order", order, "of the replay")->check(CLI::IsMember({"uniform", "pct"}))->needs(replayed);
    CLI11_PARSE(app, argc, argv);

    for (std::size_t i = 0; i < fault_class_count; ++i)
        if (faults.empty() || faults == name_of(static_cast<FaultClass>(i))) wanted.classes.push_back(static_cast<FaultClass>(i));
    for (const auto& name : policies) {
        const Subject* subject = subject_named(name);
        if (!subject) {
            fmt::print(stderr, "there is no policy '{}'; there are:\n", name);
            for (const auto all : {shipped(), session_stores()})
                for (const Subject* each : all) fmt::print(stderr, "  {}\n", each->name);
            return 2;
        }
        wanted.subjects.push_back(subject);
    }
    if (*replayed) {
        if (wanted.subjects.size() != 1) {
            fmt::print(stderr, "--replay needs one --policy\n");
            return 2;
        }
        return replay(*wanted.subjects.front(), faults.empty() ? FaultClass::all : wanted.classes.front(), order == "pct" ? Order::pct : Order::uniform, text);
    }
    if (wanted.subjects.empty()) {
        const auto all = wanted.sessions ? session_stores() : shipped();
        wanted.subjects.assign(all.begin(), all.end());
    }
    return Simulation(std::move(wanted)).run() ? 0 : 1;
}
