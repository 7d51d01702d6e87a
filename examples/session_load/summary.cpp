// SPDX-License-Identifier: BSL-1.0
#include "summary.hpp"

#include "../sessions/show.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace load {
namespace {

using example::grouped;

constexpr std::array<std::pair<const char*, double>, 3> quantiles = {{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}};

double milliseconds(Span span) { return std::chrono::duration<double, std::milli>(span).count(); }
std::string shown(Span span) { return fmt::format("{:.2f} ms", milliseconds(span)); }

std::string counted(const std::map<std::string, std::uint64_t>& counts) {
    std::string text;
    for (const auto& [name, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", grouped(count), name);
    return text;
}
boost::json::object in_json(const std::map<std::string, std::uint64_t>& counts) {
    boost::json::object object;
    for (const auto& [name, count] : counts) object[name] = count;
    return object;
}

void print_kinds(const Tally& tally) {
    example::Table table({"request", "accepted", "refused", "unanswered", "p50", "p90", "p99", "longest"});
    for (std::size_t i = 0; i < kind_count; ++i) {
        const KindTally& kind = tally.kinds[i];
        std::vector<std::string> cells{std::string(name_of(static_cast<Kind>(i))), grouped(kind.accepted), grouped(kind.refused), grouped(kind.unanswered)};
        for (const auto& [name, share] : quantiles) cells.push_back(kind.latencies.count() == 0 ? "-" : shown(kind.latencies.quantile(share)));
        cells.push_back(kind.latencies.count() == 0 ? "-" : shown(kind.latencies.longest()));
        table.add(std::move(cells));
    }
    table.print();
}

} // namespace

void print_summary(const Run& run, double seconds) {
    const Tally& tally = run.tally;
    fmt::print("\n{} clients, seed {}\n\n", run.options.clients, run.options.seed);
    print_kinds(tally);
    fmt::print("\n");
    example::Table table({"in all", ""});
    table.add({"requests a second", grouped(static_cast<std::uint64_t>(static_cast<double>(tally.answered()) / seconds))});
    table.add({"sessions begun", grouped(tally.sessions)});
    table.add({"sessions ended", grouped(tally.ended)});
    table.add({"thefts tried", grouped(tally.thefts)});
    table.add({"thefts detected", grouped(tally.detected)});
    table.add({"thefts undecided", grouped(tally.undecided)});
    table.add({"dead tokens presented", grouped(tally.ghosts)});
    table.add({"in doubt", grouped(tally.in_doubt)});
    table.add({"not sent", grouped(tally.not_sent)});
    table.add({"called stale", grouped(tally.stale)});
    table.add({"violations", grouped(tally.broken())});
    table.print();
    fmt::print("\nanswers of servers: {}\nGET /me was answered from: {}\n", counted(tally.servers), counted(tally.sources));
    if (!tally.trouble.empty()) fmt::print("the last trouble: {}\n", tally.trouble);
    fmt::print("\nthefts undecided       an answer was lost, or something else had ended the session\n"
               "dead tokens presented  after their end, and its bound: each must be refused\n"
               "in doubt               changes whose answer was lost, so that nobody knows whether they were made: what they would have ended may be accepted, or refused\n");
    for (const Violation& violation : tally.told) {
        fmt::print("\nVIOLATION {}\n", name_of(violation.rule));
        for (const auto& line : violation.story) fmt::print("  {}\n", line);
    }
    if (tally.broken() > tally.told.size()) fmt::print("\n... and {} more\n", grouped(tally.broken() - tally.told.size()));
}

std::string json_summary(const Run& run, double seconds) {
    namespace json = boost::json;
    const Tally& tally = run.tally;
    json::object kinds;
    for (std::size_t i = 0; i < kind_count; ++i) {
        const KindTally& kind = tally.kinds[i];
        json::object each{{"accepted", kind.accepted}, {"refused", kind.refused}, {"unanswered", kind.unanswered}, {"longest_ms", milliseconds(kind.latencies.longest())}};
        for (const auto& [name, share] : quantiles) each[fmt::format("{}_ms", name)] = milliseconds(kind.latencies.quantile(share));
        kinds[name_of(static_cast<Kind>(i))] = std::move(each);
    }
    json::object violations;
    for (std::size_t i = 0; i < rule_count; ++i)
        if (tally.violations[i] != 0) violations[name_of(static_cast<Rule>(i))] = tally.violations[i];
    json::array told;
    for (const Violation& violation : tally.told) {
        json::array story;
        for (const auto& line : violation.story) story.emplace_back(line);
        told.push_back(json::object{{"rule", name_of(violation.rule)}, {"story", std::move(story)}});
    }
    return json::serialize(json::object{{"seconds", seconds},
                                        {"seed", run.options.seed},
                                        {"clients", run.options.clients},
                                        {"requests", tally.answered()},
                                        {"requests_per_second", static_cast<double>(tally.answered()) / seconds},
                                        {"kinds", std::move(kinds)},
                                        {"servers", in_json(tally.servers)},
                                        {"sources", in_json(tally.sources)},
                                        {"sessions", tally.sessions},
                                        {"ended", tally.ended},
                                        {"thefts", json::object{{"tried", tally.thefts}, {"detected", tally.detected}, {"undecided", tally.undecided}}},
                                        {"dead_tokens_presented", tally.ghosts},
                                        {"in_doubt", tally.in_doubt},
                                        {"not_sent", tally.not_sent},
                                        {"stale", tally.stale},
                                        {"violations", std::move(violations)},
                                        {"told", std::move(told)},
                                        {"trouble", tally.trouble}});
}

} // namespace load
