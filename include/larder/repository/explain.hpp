// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/observe/event.hpp>
#include <larder/policy/policy.hpp>
#include <larder/repository/plan.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace larder {
inline namespace v0 {

namespace detail {

/// What the plans of a composition depend on: the constants of its policy, schema, tiers and database.
struct PlanFacts {
    std::string_view policy;
    std::string_view table;
    bool rows = false;          ///< Tiers keep rows.
    bool serves = false;        ///< The policy may answer with a hit as it is,
    bool verifies = false;      ///< or ask for the row's version,
    bool reloads = false;       ///< or have it loaded.
    bool stamped = false;       ///< Rows bear a mark that may differ,
    bool epochs = false;        ///< which is their group's epoch.
    bool negatives = false;     ///< A tier may answer without the database, with "there is no such row" too.
    bool versioned = false;     ///< Writes are conditional on versions, so that they may be based on a cached row.
    bool fenced = false;        ///< Writes fence their keys,
    bool deadline = false;      ///< after reading the database's clock.
    bool in_front = false;      ///< There is an in-process tier in front of the authority.
    bool aliases = false;       ///< The schema has alternate keys,
    bool groups = false;        ///< groups,
    bool touches = false;       ///< a touch column,
    bool revokes = false;       ///< a revoked column.
    Level near = Level::memory;
    Level authority = Level::memory;
};

/// Where a value is when it is looked for.
enum class Where : std::uint8_t { nearest, authority, nowhere, fenced };

/// The algorithms of the engine with nothing left in them but the order of their steps.
class Planner {
public:
    /// \param rows how many rows are meant by "all" and "each".
    constexpr explicit Planner(const PlanFacts& facts, std::size_t rows = 1) : facts_(facts), rows_(rows) {}

    constexpr operator Steps() const { return steps_; } // NOLINT: a planner is the steps it has planned

    constexpr Planner& query(QueryKind kind) { return add({.kind = StepKind::query, .level = Level::database, .query = kind}); }

    /// A lookup through the tiers that asks for the right to fill.
    constexpr Planner& lookup(StepSubject subject, Where where) {
        look(subject, where);
        return settle_in_front(subject, where);
    }
    /// A lookup that asks for the right to replace what it finds.
    constexpr Planner& lookup_again(StepSubject subject) { return look(subject, Where::authority); }
    /// A lookup that only looks.
    constexpr Planner& look(StepSubject subject, Where where) {
        if (facts_.in_front) in_near(StepKind::lookup, subject);
        if (!facts_.in_front || where != Where::nearest) in_authority(StepKind::lookup, subject);
        return *this;
    }
    constexpr Planner& fill(StepSubject subject) {
        in_authority(StepKind::fill, subject);
        return facts_.in_front ? in_near(StepKind::fill, subject) : *this;
    }
    constexpr Planner& give_back(StepSubject subject) {
        if (facts_.in_front) in_near(StepKind::give_back, subject);
        return in_authority(StepKind::give_back, subject);
    }

    constexpr Planner& epoch(Where where) {
        if (!facts_.epochs) return *this;
        lookup(StepSubject::epoch, where);
        return where == Where::nowhere ? query(QueryKind::epoch_read).fill(StepSubject::epoch) : *this;
    }
    /// Fills a loaded row, or keeps its absence.
    constexpr Planner& fill_row() { return epoch(Where::nearest).fill(StepSubject::row); }
    constexpr Planner& fill_absence(StepSubject subject) { return facts_.negatives ? fill(subject) : give_back(subject); }

    /// A cached row that the policy answers with.
    constexpr Planner& row_hit(Where where) {
        if (!facts_.rows) return query(QueryKind::load);
        lookup(StepSubject::row, where).epoch(where);
        return facts_.serves ? *this : probe();
    }
    constexpr Planner& row_miss() { return facts_.rows ? lookup(StepSubject::row, Where::nowhere).query(QueryKind::load).fill_row() : query(QueryKind::load); }
    /// A cached row that the policy does not answer with; what made it say so comes before.
    constexpr Planner& replace_row() { return lookup_again(StepSubject::row).query(QueryKind::load).fill_row(); }
    constexpr Planner& seen_row() { return lookup(StepSubject::row, Where::nearest).epoch(Where::nearest); }
    constexpr Planner& probe() { return query(QueryKind::version_probe); }
    constexpr Planner& alias(Where where = Where::nearest) { return lookup(StepSubject::alias, where); }

    /// The row that a write is based on.
    constexpr Planner& base(Where where) {
        if (facts_.rows && facts_.versioned) look(StepSubject::row, where);
        return facts_.rows && facts_.versioned && where != Where::nowhere ? *this : query(QueryKind::load);
    }
    /// The copies in the tiers are changed or dropped; a tier in front always drops its own.
    constexpr Planner& drop(StepKind kind) {
        in_authority(kind, StepSubject::keys);
        return facts_.in_front ? in_near(StepKind::expel, StepSubject::keys) : *this;
    }
    constexpr Planner& fence(bool always = false) {
        if (!facts_.fenced && !always) return *this;
        if (facts_.deadline) query(QueryKind::clock);
        in_authority(StepKind::fence, StepSubject::keys);
        return facts_.in_front ? in_near(StepKind::expel, StepSubject::keys) : *this;
    }
    constexpr Planner& publish() { return drop(StepKind::publish); }

    /// The same for many rows, of one group: one operation on the authority for all, one on a tier in front for each.
    /// @{
    constexpr Planner& lookup_all(Where where) {
        if (facts_.in_front) in_near(StepKind::lookup, StepSubject::row, rows_);
        if (!facts_.in_front || where != Where::nearest || !facts_.serves) in_authority(StepKind::lookup, StepSubject::rows);
        return settle_in_front(StepSubject::row, where, rows_);
    }
    constexpr Planner& epoch_of_each(Where first) {
        if (!facts_.epochs) return *this;
        lookup(StepSubject::epoch, first);
        return facts_.in_front ? in_near(StepKind::lookup, StepSubject::epoch, rows_ - 1) : in_authority(StepKind::lookup, StepSubject::epoch, rows_ - 1);
    }
    constexpr Planner& lookup_each_again() {
        if (facts_.in_front) in_near(StepKind::lookup, StepSubject::row, rows_);
        return in_authority(StepKind::lookup, StepSubject::row, rows_);
    }
    constexpr Planner& load_all() { return query(QueryKind::load_many); }
    constexpr Planner& fill_all() {
        in_authority(StepKind::fill, StepSubject::rows);
        return facts_.in_front ? in_near(StepKind::fill, StepSubject::row, rows_) : *this;
    }
    constexpr Planner& give_all_back() {
        if (facts_.in_front) in_near(StepKind::give_back, StepSubject::row, rows_);
        return in_authority(StepKind::give_back, StepSubject::rows);
    }
    /// @}

private:
    /// What becomes of the placeholder that a lookup left in the tier in front, where it brought no right to fill.
    constexpr Planner& settle_in_front(StepSubject subject, Where where, std::size_t times = 1) {
        if (facts_.in_front && where == Where::authority) in_near(StepKind::fill, subject, times);
        if (facts_.in_front && where == Where::fenced) in_near(StepKind::give_back, subject, times);
        return *this;
    }
    constexpr Planner& add(const Step& step) {
        steps_.add(step, facts_.authority);
        return *this;
    }
    constexpr Planner& in_authority(StepKind kind, StepSubject subject, std::size_t times = 1) {
        return add({.kind = kind, .level = facts_.authority, .subject = subject, .times = times});
    }
    constexpr Planner& in_near(StepKind kind, StepSubject subject, std::size_t times = 1) {
        return add({.kind = kind, .level = facts_.near, .subject = subject, .times = times});
    }

    PlanFacts facts_;
    std::size_t rows_;
    Steps steps_;
};

/// What a policy may make of a cached row besides answering with it; `found` has found the way to the row.
constexpr void plan_decisions(Plan& plan, const PlanFacts& facts, const Planner& found) {
    const auto row = [&] { return Planner(found).lookup(StepSubject::row, Where::nearest).epoch(Where::nearest); };
    if (facts.serves && facts.verifies) plan.verified = row().probe();
    if (facts.verifies) plan.version_mismatch = row().probe().replace_row();
    if (facts.stamped) plan.stamp_mismatch = row().replace_row();
    if (facts.reloads) plan.reload = row().replace_row();
    if (facts.epochs) {
        auto cold = Planner(found).lookup(StepSubject::row, Where::nearest).epoch(Where::nowhere);
        plan.epoch_miss = facts.serves ? cold : cold.probe();
    }
}

constexpr Plan plan_find(Plan plan, const PlanFacts& facts) {
    const auto start = [&] { return Planner(facts); };
    plan.miss = start().row_miss();
    plan.absent = plan.miss;
    if (!facts.rows) return plan;
    plan.hit = start().row_hit(Where::nearest);
    if (facts.in_front) plan.shared_hit = start().row_hit(Where::authority);
    plan.absent = start().lookup(StepSubject::row, Where::nowhere).query(QueryKind::load).fill_absence(StepSubject::row);
    plan.bypass = start().lookup(StepSubject::row, Where::fenced).query(QueryKind::load);
    if (facts.negatives) plan.negative_hit = start().lookup(StepSubject::row, Where::nearest);
    plan_decisions(plan, facts, start());
    return plan;
}

constexpr Plan plan_find_by(Plan plan, const PlanFacts& facts) {
    if (!facts.aliases) return plan;
    const auto alias = [&](Where where = Where::nearest) { return Planner(facts).lookup(StepSubject::alias, where); };
    plan.alias_hit = alias().row_hit(Where::nearest);
    if (facts.in_front) plan.shared_alias_hit = alias(Where::authority).row_hit(Where::authority);
    plan.bypass = alias(Where::fenced).query(QueryKind::load_by);
    if (facts.negatives) plan.negative_hit = alias();
    plan.absent = alias(Where::nowhere).query(QueryKind::load_by).fill_absence(StepSubject::alias);
    plan.alias_mismatch = alias().row_hit(Where::nearest).lookup_again(StepSubject::alias).query(QueryKind::load_by).fill_absence(StepSubject::alias);
    auto cold = alias(Where::nowhere).query(QueryKind::load_by);
    if (!facts.rows) {
        plan.alias_miss = cold.fill(StepSubject::alias);
        return plan;
    }
    plan.alias_miss = cold.lookup(StepSubject::row, Where::nowhere).fill(StepSubject::alias).fill_row();
    plan.row_miss = alias().row_miss();
    plan_decisions(plan, facts, alias());
    return plan;
}

/// \param listed whether a list of the rows comes first, so that each must be as new as listed.
constexpr Plan plan_find_many(Plan plan, const PlanFacts& facts, bool listed) {
    if (listed && !facts.groups) return plan;
    Planner start(facts, plan.rows);
    if (listed) start.query(QueryKind::list);
    const auto look = [&](Where where) { return Planner(start).lookup_all(where); };
    plan.miss = Planner(start).load_all();
    plan.absent = plan.miss;
    if (!facts.rows) return plan;
    plan.miss = look(Where::nowhere).load_all().epoch(Where::nearest).fill_all();
    auto absent = look(Where::nowhere).load_all();
    plan.absent = facts.negatives ? absent.fill_all() : absent.give_all_back();
    plan.bypass = look(Where::fenced).load_all();
    if (!facts.serves) {
        plan.hit = plan.miss;
        return plan;
    }
    plan.hit = look(Where::nearest).epoch_of_each(Where::nearest);
    if (facts.in_front) plan.shared_hit = look(Where::authority).epoch_of_each(Where::authority);
    if (facts.negatives && !(listed && facts.versioned)) plan.negative_hit = look(Where::nearest);
    const Steps again = look(Where::nearest).epoch_of_each(Where::nearest).lookup_each_again().load_all().epoch(Where::nearest).fill_all();
    if (facts.stamped) plan.stamp_mismatch = again;
    if (facts.reloads) plan.reload = again;
    return plan;
}

constexpr Plan plan_peek(Plan plan, const PlanFacts& facts) {
    const auto look = [&](Where where) { return Planner(facts).look(StepSubject::row, where); };
    plan.miss = look(Where::nowhere);
    if (!facts.rows) return plan;
    plan.hit = look(Where::nearest);
    if (facts.in_front) plan.shared_hit = look(Where::authority);
    return plan;
}

/// A write based on the row as it is. \param kind what changes it in the database.
constexpr Plan plan_change(Plan plan, const PlanFacts& facts, QueryKind kind) {
    const auto base = [&](Where where) { return Planner(facts).base(where); };
    if (kind == QueryKind::update) {
        auto seen = base(Where::nearest);
        if (facts.rows && facts.versioned && !facts.negatives) seen.query(QueryKind::load);
        if (facts.rows && !facts.versioned && facts.negatives) seen.publish();
        plan.unchanged = seen;
    }
    plan.success = base(Where::nowhere).fence().query(kind).publish();
    if (!facts.rows || !facts.versioned) return plan;
    plan.hit = base(Where::nearest).fence().query(kind).publish();
    if (facts.in_front) plan.shared_hit = base(Where::authority).fence().query(kind).publish();
    auto refused = base(Where::nearest).fence().query(kind);
    if (facts.fenced) refused.publish();
    plan.version_mismatch = refused.query(QueryKind::load).fence().query(kind).publish();
    return plan;
}

constexpr Plan plan_touch(Plan plan, const PlanFacts& facts) {
    if (!facts.touches) return plan;
    if (!facts.rows) {
        plan.success = Planner(facts).query(QueryKind::load).query(QueryKind::touch);
        plan.unchanged = Planner(facts).query(QueryKind::load);
        return plan;
    }
    const auto base = [&](Where where) { return Planner(facts).look(StepSubject::row, where); };
    plan.hit = base(Where::nearest).lookup_again(StepSubject::row).query(QueryKind::touch).fill(StepSubject::row);
    if (facts.in_front) plan.shared_hit = base(Where::authority).lookup_again(StepSubject::row).query(QueryKind::touch).fill(StepSubject::row);
    plan.success = base(Where::nowhere).query(QueryKind::load).lookup_again(StepSubject::row).query(QueryKind::touch).give_back(StepSubject::row);
    plan.unchanged = base(Where::nearest);
    return plan;
}

/// Of the group whose epoch marks rows, if one does.
constexpr Plan plan_revoke_all(Plan plan, const PlanFacts& facts) {
    if (!facts.groups || !facts.revokes) return plan;
    Planner steps(facts);
    if (facts.fenced) steps.query(QueryKind::list);
    steps.fence(facts.epochs).query(QueryKind::revoke_group);
    if (facts.rows && facts.aliases) steps.query(QueryKind::load_many);
    if (facts.rows && facts.negatives && !facts.fenced && !facts.epochs) steps.query(QueryKind::list);
    plan.success = steps.publish();
    return plan;
}

constexpr bool takes_many(Verb verb) noexcept { return verb == Verb::find_many || verb == Verb::find_all_by || verb == Verb::warm; }

constexpr Plan plan_of(const PlanFacts& facts, Verb verb, std::size_t rows) {
    Plan plan;
    plan.verb = verb;
    plan.policy = facts.policy;
    plan.table = facts.table;
    plan.rows = takes_many(verb) ? rows : 1;
    switch (verb) {
    case Verb::find: return plan_find(plan, facts);
    case Verb::find_by: return plan_find_by(plan, facts);
    case Verb::warm:
    case Verb::find_many: return plan_find_many(plan, facts, false);
    case Verb::find_all_by: return plan_find_many(plan, facts, true);
    case Verb::insert: plan.success = Planner(facts).fence().query(QueryKind::insert).publish(); return plan;
    case Verb::update: return plan_change(plan, facts, QueryKind::update);
    case Verb::erase: return plan_change(plan, facts, QueryKind::erase);
    case Verb::touch: return plan_touch(plan, facts);
    case Verb::revoke: return facts.revokes ? plan_change(plan, facts, QueryKind::update) : plan;
    case Verb::revoke_all: return plan_revoke_all(plan, facts);
    case Verb::refresh:
        plan.success = facts.rows ? Planner(facts).replace_row() : Planner(facts).query(QueryKind::load);
        return plan;
    case Verb::peek: return plan_peek(plan, facts);
    case Verb::expel: plan.success = Planner(facts).drop(StepKind::expel); return plan;
    case Verb::expire: plan.success = Planner(facts).drop(StepKind::expire); return plan;
    case Verb::wait_effective: return plan;
    }
    return plan;
}

/// The facts of a composition.
template <class Core>
constexpr PlanFacts plan_facts() {
    using Policy = typename Core::Policy;
    using Schema = typename Core::Schema;
    PlanFacts facts;
    facts.policy = Policy::name;
    facts.table = Schema::table;
    facts.rows = Policy::caches_rows;
    facts.serves = may_serve_v<Policy>;
    facts.verifies = may_probe_v<Policy>;
    facts.reloads = may_reload_v<Policy>;
    facts.stamped = Policy::caches_rows && Policy::stamp != Stamp::none;
    facts.epochs = Policy::caches_rows && Policy::stamp == Stamp::group_epoch;
    facts.negatives = !Policy::guarantee.current_reads;
    facts.versioned = Core::versioned;
    facts.fenced = Policy::fenced;
    facts.deadline = Core::Authority::outlives_process && has_clock_v<typename Core::Database>;
    facts.in_front = Core::has_near;
    facts.aliases = Schema::unique_count != 0;
    facts.groups = Schema::group_count != 0;
    facts.touches = Schema::has_touch;
    facts.revokes = Schema::has_revoked;
    facts.near = Core::Nearest::level;
    facts.authority = Core::Authority::level;
    return facts;
}

} // namespace detail

/// The plan of a verb under a repository's composition: what it costs for each outcome, derived from the policy's constants.
/// \tparam Repository a `CachedRepository`. \param rows for how many rows it is asked, if the verb takes many: at least 1.
template <class Repository>
constexpr Plan explain(Verb verb, std::size_t rows = 1) {
    if (rows == 0) throw std::invalid_argument("larder: a plan is of one row or more");
    return detail::plan_of(detail::plan_facts<typename Repository::core_type>(), verb, rows);
}

} // namespace v0
} // namespace larder
