// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/repository/plan.hpp>

#include <fmt/format.h>

#include <string_view>

/// A step as words: "memory: lookup row", "database: load_by", with "3 x" before what is done more than once.
template <>
struct fmt::formatter<larder::Step> {
    constexpr auto parse(format_parse_context& context) { return context.begin(); }

    auto format(const larder::Step& step, format_context& context) const {
        auto out = fmt::format_to(context.out(), "{}: ", name_of(step.level));
        if (step.times != 1) out = fmt::format_to(out, "{} x ", step.times);
        if (step.kind == larder::StepKind::query) return fmt::format_to(out, "{}", name_of(step.query));
        return fmt::format_to(out, "{} {}", name_of(step.kind), name_of(step.subject));
    }
};

/// Steps as their sums and then one after the other, "1 cache, 1 database = memory: lookup alias > database: load"; "never" if
/// the outcome cannot be.
template <>
struct fmt::formatter<larder::Steps> {
    constexpr auto parse(format_parse_context& context) { return context.begin(); }

    auto format(const larder::Steps& steps, format_context& context) const {
        if (!steps.possible()) return fmt::format_to(context.out(), "never");
        auto out = fmt::format_to(context.out(), "{} cache, {} database = ", steps.cache, steps.queries);
        std::string_view between;
        for (const auto& step : steps) {
            out = fmt::format_to(out, "{}{}", between, step);
            between = " > ";
        }
        return out;
    }
};

/// A plan as a title and a line for each outcome that can be.
template <>
struct fmt::formatter<larder::Plan> {
    constexpr auto parse(format_parse_context& context) { return context.begin(); }

    auto format(const larder::Plan& plan, format_context& context) const {
        auto out = fmt::format_to(context.out(), "{} in {} under {}", name_of(plan.verb), plan.table, plan.policy);
        if (plan.rows != 1) out = fmt::format_to(out, ", {} rows", plan.rows);
        out = fmt::format_to(out, "\n");
        plan.for_each([&](std::string_view outcome, const larder::Steps& steps) {
            if (steps.possible()) out = fmt::format_to(out, "  {:<16} {}\n", outcome, steps);
        });
        return out;
    }
};
