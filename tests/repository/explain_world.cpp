// SPDX-License-Identifier: BSL-1.0
#include "explain_world.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace explained {

void check_met(bool met, const std::source_location& where) { CHECK_MESSAGE(met, where.file_name() << ":" << where.line()); }
void require_met(bool met, const std::source_location& where) { REQUIRE_MESSAGE(met, where.file_name() << ":" << where.line()); }

PlanComparison::PlanComparison(const Plan& plan, std::int64_t rows, Level authority, bool has_near) : plan_(plan), rows_(rows), authority_(authority), has_near_(has_near) {}

PlanComparison::~PlanComparison() {
    plan_.for_each([&](std::string_view outcome, const Steps& steps) {
        if (steps.possible() && !driven_.contains(outcome)) FAIL_CHECK(title(outcome) << ": planned but never driven");
    });
}

const Steps* PlanComparison::planned(std::string_view name, Steps Plan::*member) {
    const Steps& steps = plan_.*member;
    if (!steps.possible()) return nullptr;
    driven_.insert(name);
    return &steps;
}

std::string PlanComparison::title(std::string_view outcome) const {
    return fmt::format("{} in {} under {}, {} tiers, {} rows: {}", name_of(plan_.verb), plan_.table, plan_.policy, has_near_ ? 2 : 1, rows_, outcome);
}

void PlanComparison::compare(std::string_view name, const Steps& planned, const std::vector<Step>& ran) const {
    std::size_t cache = 0;
    std::size_t near = 0;
    std::size_t queries = 0;
    for (const Step& step : ran) ++(step.kind == StepKind::query ? queries : step.level == authority_ ? cache : near);
    const bool same_sums = planned.cache == cache && planned.near == near && planned.queries == queries;
    const bool same = same_sums && in_order(planned) == in_order(ran);
    CHECK_MESSAGE(same, title(name) << "\n  planned: " << fmt::format("{}", planned) << "\n  ran:     "
                                    << fmt::format("{} cache, {} database = {}", cache, queries, fmt::join(ran, " > ")));
}

/// The steps one by one. Where each row of many takes its own, their order among each other is left open.
template <class Sequence>
std::vector<std::string> PlanComparison::in_order(const Sequence& steps) const {
    std::vector<std::string> each;
    for (Step step : steps)
        for (std::size_t times = std::exchange(step.times, 1); times > 0; --times) each.push_back(fmt::format("{}", step));
    if (rows_ > 1) std::sort(each.begin(), each.end());
    return each;
}

} // namespace explained
