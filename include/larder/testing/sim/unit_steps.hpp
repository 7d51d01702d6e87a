// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/error.hpp>
#include <larder/fwd.hpp>
#include <larder/repository/unit_of_work.hpp>
#include <larder/testing/sim/ticket.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// One thing that a simulated client does in a unit of work.
struct UnitStep {
    enum class Kind : std::uint8_t { rotate, find, revoke, insert, erase, revoke_all };

    Kind kind = Kind::rotate;
    Ticket row; ///< Its primary key, its new code, the group's owner; or all of it, of one that is inserted.
};

/// What a simulated client does in one transaction.
struct UnitPlan {
    std::vector<UnitStep> steps;
    bool undone = false; ///< It changes its mind in the end.
};

/// What a unit did that was not undone.
struct UnitDone {
    struct Row {
        Version version = 0;
        bool present = true;
        bool revoked = false;
    };
    std::map<std::string, Row> written;     ///< The rows, as the unit left them.
    std::vector<std::string> found_revoked; ///< Those that were to be revoked and were so.
    bool whole_group = false;               ///< The group was revoked as a whole.
    bool blind = false;                     ///< A read in the unit did not see what it had written.
};

inline std::string text_of(const UnitPlan& plan) {
    constexpr std::string_view names[] = {"rotate", "find", "revoke", "insert", "erase", "revoke all"};
    std::string text;
    for (const UnitStep& step : plan.steps) {
        if (!text.empty()) text += ", ";
        text += names[static_cast<std::size_t>(step.kind)];
        if (!step.row.id.empty()) text += " " + step.row.id;
        if (!step.row.code.empty()) text += " to " + step.row.code;
    }
    return text + (plan.undone ? ", then undo all" : "");
}

/// Does what was planned. \param unit what the function of an asynchronous unit is given.
template <class Unit, class Repository>
UnitTask<Outcome<UnitDone>> perform(Unit& unit, Repository& tickets, std::shared_ptr<const UnitPlan> plan) {
    using Kind = UnitStep::Kind;
    UnitDone done;
    for (const UnitStep& step : plan->steps) {
        const std::string& key = step.row.id;
        if (step.kind == Kind::find) {
            auto task = unit.find(tickets, key);
            const auto found = co_await task;
            if (found.failed()) co_return found.error();
            const auto own = done.written.find(key);
            if (own == done.written.end() || done.whole_group) continue;
            const bool there = found.row() != nullptr;
            done.blind = done.blind || there != own->second.present || (there && found.version() != own->second.version);
        } else if (step.kind == Kind::revoke_all) {
            auto task = unit.template revoke_all_by<&Ticket::owner>(tickets, step.row.owner);
            const auto revoked = co_await task;
            if (revoked.failed()) co_return revoked.error();
            done.whole_group = true;
        } else {
            auto change = [code = step.row.code](Ticket& row) { row.code = code; };
            auto task = step.kind == Kind::rotate ? unit.update(tickets, key, change) : step.kind == Kind::revoke ? unit.revoke(tickets, key) : step.kind == Kind::insert ? unit.insert(tickets, step.row) : unit.erase(tickets, key);
            const auto written = co_await task;
            if (written.failed()) co_return written.error();
            if (written.changed())
                done.written[key] = {written.version(), step.kind != Kind::erase, step.kind == Kind::revoke};
            else
                done.found_revoked.push_back(key);
        }
    }
    if (plan->undone) co_return Error{errc::invalid_options, "the client changed its mind"};
    co_return done;
}

} // namespace testing
} // namespace v0
} // namespace larder
