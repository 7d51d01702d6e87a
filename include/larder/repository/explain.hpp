// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/entity/schema_of.hpp>
#include <larder/observe/event.hpp>
#include <larder/policy/policy.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace larder {
inline namespace v0 {

/// What one step of a plan does.
enum class StepKind : std::uint8_t {
    lookup,    ///< A tier is looked in, for a value or for the right to fill it.
    fill,      ///< A tier is given what was loaded.
    give_back, ///< The right to fill is given back unused.
    fence,     ///< A write's keys are fenced.
    publish,   ///< What was written is told to a tier.
    expel,     ///< A tier drops its copies.
    query,     ///< The database is asked.
};

constexpr std::string_view name_of(StepKind kind) noexcept {
    constexpr std::string_view names[] = {"lookup", "fill", "give back", "fence", "publish", "expel", "query"};
    return names[static_cast<std::size_t>(kind)];
}

/// What a step in a tier is about.
enum class StepSubject : std::uint8_t {
    row,   ///< The row, under its primary key.
    rows,  ///< Many rows at once.
    alias, ///< An alternate key, and the primary key that it leads to.
    epoch, ///< The epoch of the row's group.
    keys,  ///< All keys of a write.
};

constexpr std::string_view name_of(StepSubject subject) noexcept {
    constexpr std::string_view names[] = {"row", "rows", "alias", "epoch", "keys"};
    return names[static_cast<std::size_t>(subject)];
}

/// One step of a plan: an operation on a tier, or a query.
struct Step {
    StepKind kind = StepKind::lookup;
    Level level = Level::memory;                 ///< Where.
    StepSubject subject = StepSubject::row;      ///< Of an operation on a tier: what about.
    QueryKind query = QueryKind::load;           ///< Of a query: what for.
    std::size_t times = 1;                       ///< How often in a row; more than 1 where each row of many takes its own.

    friend constexpr bool operator==(const Step&, const Step&) = default;
};

/// The steps of one outcome in their order, and their sums.
///
/// Of an outcome that cannot be, each sum is `never`, so that no bound is met by it.
class Steps {
public:
    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

    std::size_t cache = never;   ///< Round trips to the cache: operations on the authority, the outermost tier.
    std::size_t near = never;    ///< Operations on the in-process tier in front of a shared one; no round trips.
    std::size_t queries = never; ///< Round trips to the database.

    /// Whether the verb can end so.
    constexpr bool possible() const noexcept { return cache != never; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr const Step* begin() const noexcept { return steps_.data(); }
    constexpr const Step* end() const noexcept { return steps_.data() + size_; }
    constexpr const Step& operator[](std::size_t index) const noexcept { return steps_[index]; }

    /// Adds a step. \param authority the level of the outermost tier.
    constexpr void add(const Step& step, Level authority) {
        if (step.times == 0) return;
        if (!possible()) cache = near = queries = 0;
        if (size_ == steps_.size()) throw std::length_error("larder: a plan has more steps than it can hold");
        steps_[size_++] = step;
        (step.kind == StepKind::query ? queries : step.level == authority ? cache : near) += step.times;
    }

    friend constexpr bool operator==(const Steps& left, const Steps& right) noexcept {
        return left.possible() == right.possible() && std::equal(left.begin(), left.end(), right.begin(), right.end());
    }

private:
    std::array<Step, 28> steps_{};
    std::size_t size_ = 0;
};

/// What a verb costs under a composition, for each outcome: the steps in order, and the round trips.
///
/// As the algorithms do it where nothing fails and nobody else is in the way: default options, every tier read and filled,
/// every row hot, no waiting for another load, no linked repositories. Usable in `static_assert`:
///
/// ```cpp
/// static_assert(Sessions::explain(larder::Verb::find_by).alias_hit.queries == 0);
/// ```
///
/// Printable with fmt (repository/explain_report.hpp). The plain in-memory hit that is tried before anything else is counted where it answers.
struct Plan {
    Verb verb = Verb::find;
    std::string_view policy; ///< The policy's name.
    std::string_view table;  ///< The entity's table.
    std::size_t rows = 1;    ///< For how many rows the verb is asked, if it takes many.

    /// \name Reads
    /// Each says how the row, or all of them, is found. In `find_by` the alias has been found in the nearest tier, unless it is said otherwise.
    /// @{
    Steps hit;              ///< In the nearest tier, and the policy answers with it. A write: the row that it is based on.
    Steps shared_hit;       ///< The same in the shared tier, with nothing in the tier in front.
    Steps alias_hit;        ///< By an alternate key: as `hit`, or where no rows are cached, the alias alone.
    Steps shared_alias_hit; ///< By an alternate key: as `shared_hit`.
    Steps row_miss;         ///< By an alternate key: the alias is there, the row is not.
    Steps miss;             ///< Nowhere; the database has it. Of a group's epoch it is known already.
    Steps alias_miss;       ///< By an alternate key: neither the alias nor the row is anywhere.
    Steps epoch_miss;       ///< As `hit`, but the group's epoch is nowhere.
    Steps absent;           ///< Nowhere, and the database has no such row.
    Steps negative_hit;     ///< "There is no such row" is in the nearest tier.
    Steps bypass;           ///< A write of the row is under way.
    Steps verified;         ///< As `hit`, where the policy may serve but asks for the row's version this time.
    Steps version_mismatch; ///< The policy asks for the row's version, and it is another one. A write: the cached row that it is based on is out of date.
    Steps stamp_mismatch;   ///< The row bears another mark than the policy asks for.
    Steps alias_mismatch;   ///< By an alternate key: the row that the alias leads to has this key no more; no row has it.
    Steps reload;           ///< The policy has the row loaded although it is there.
    /// @}

    /// \name Writes, and `refresh`
    /// @{
    Steps success;   ///< It succeeds, and nothing of the row was cached.
    Steps unchanged; ///< There is nothing to do, as the cached row shows.
    /// @}

    /// Calls `visit(name, steps)` for each outcome, those that cannot be included.
    template <class Visit>
    constexpr void for_each(Visit&& visit) const {
        visit(std::string_view("hit"), hit);
        visit(std::string_view("shared hit"), shared_hit);
        visit(std::string_view("alias hit"), alias_hit);
        visit(std::string_view("shared alias hit"), shared_alias_hit);
        visit(std::string_view("row miss"), row_miss);
        visit(std::string_view("miss"), miss);
        visit(std::string_view("alias miss"), alias_miss);
        visit(std::string_view("epoch miss"), epoch_miss);
        visit(std::string_view("absent"), absent);
        visit(std::string_view("negative hit"), negative_hit);
        visit(std::string_view("bypass"), bypass);
        visit(std::string_view("verified"), verified);
        visit(std::string_view("version mismatch"), version_mismatch);
        visit(std::string_view("stamp mismatch"), stamp_mismatch);
        visit(std::string_view("alias mismatch"), alias_mismatch);
        visit(std::string_view("reload"), reload);
        visit(std::string_view("success"), success);
        visit(std::string_view("unchanged"), unchanged);
    }
};

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
    bool negatives = false;     ///< "There is no such row" is kept and believed.
    bool based_on_copy = false; ///< A write may be based on a cached row.
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
    constexpr explicit Planner(const PlanFacts& facts) : facts_(facts) {}

    constexpr operator Steps() const { return steps_; } // NOLINT: a planner is the steps it has planned

    constexpr Planner& query(QueryKind kind) { return add({.kind = StepKind::query, .level = Level::database, .query = kind}); }

    /// A lookup through the tiers that asks for the right to fill.
    constexpr Planner& lookup(StepSubject subject, Where where) {
        look(subject, where);
        if (facts_.in_front && where == Where::authority) in_near(StepKind::fill, subject);
        return *this;
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
        if (facts_.rows && facts_.based_on_copy) look(StepSubject::row, where);
        return facts_.rows && facts_.based_on_copy && where != Where::nowhere ? *this : query(QueryKind::load);
    }
    constexpr Planner& fence(bool always = false) {
        if (!facts_.fenced && !always) return *this;
        if (facts_.deadline) query(QueryKind::clock);
        in_authority(StepKind::fence, StepSubject::keys);
        return facts_.in_front ? in_near(StepKind::expel, StepSubject::keys) : *this;
    }
    constexpr Planner& publish() {
        in_authority(StepKind::publish, StepSubject::keys);
        return facts_.in_front ? in_near(StepKind::expel, StepSubject::keys) : *this;
    }

    /// The same for many rows, of one group: one operation for all where the authority stands alone, else one for each.
    /// @{
    constexpr Planner& lookup_all(Where where, std::size_t rows) {
        if (facts_.in_front) in_near(StepKind::lookup, StepSubject::row, rows);
        if (!facts_.in_front || where != Where::nearest) all_in_authority(StepKind::lookup, rows);
        return facts_.in_front && where == Where::authority ? in_near(StepKind::fill, StepSubject::row, rows) : *this;
    }
    constexpr Planner& epoch_of_each(std::size_t rows) {
        if (!facts_.epochs) return *this;
        return facts_.in_front ? in_near(StepKind::lookup, StepSubject::epoch, rows) : in_authority(StepKind::lookup, StepSubject::epoch, rows);
    }
    constexpr Planner& lookup_each_again(std::size_t rows) {
        if (facts_.in_front) in_near(StepKind::lookup, StepSubject::row, rows);
        return in_authority(StepKind::lookup, StepSubject::row, rows);
    }
    constexpr Planner& load_all() { return query(QueryKind::load_many); }
    constexpr Planner& fill_all(std::size_t rows) {
        epoch(Where::nearest).all_in_authority(StepKind::fill, rows);
        return facts_.in_front ? in_near(StepKind::fill, StepSubject::row, rows) : *this;
    }
    constexpr Planner& give_all_back(std::size_t rows) {
        if (facts_.in_front) in_near(StepKind::give_back, StepSubject::row, rows);
        return all_in_authority(StepKind::give_back, rows);
    }
    /// @}

private:
    constexpr Planner& add(const Step& step) {
        steps_.add(step, facts_.authority);
        return *this;
    }
    constexpr Planner& all_in_authority(StepKind kind, std::size_t rows) {
        return facts_.in_front ? in_authority(kind, StepSubject::row, rows) : in_authority(kind, StepSubject::rows);
    }
    constexpr Planner& in_authority(StepKind kind, StepSubject subject, std::size_t times = 1) {
        return add({.kind = kind, .level = facts_.authority, .subject = subject, .times = times});
    }
    constexpr Planner& in_near(StepKind kind, StepSubject subject, std::size_t times = 1) {
        return add({.kind = kind, .level = facts_.near, .subject = subject, .times = times});
    }

    PlanFacts facts_;
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

/// \param start what comes before the rows are looked for.
constexpr Plan plan_find_many(Plan plan, const PlanFacts& facts, const Planner& start) {
    const std::size_t rows = plan.rows;
    const auto begin = [&] { return start; };
    plan.miss = begin().load_all();
    plan.absent = plan.miss;
    if (!facts.rows) return plan;
    plan.miss = begin().lookup_all(Where::nowhere, rows).load_all().fill_all(rows);
    auto absent = begin().lookup_all(Where::nowhere, rows).load_all();
    plan.absent = facts.negatives ? absent.fill_all(rows) : absent.give_all_back(rows);
    plan.bypass = begin().lookup_all(Where::fenced, rows).load_all();
    const Steps again = begin().lookup_all(Where::nearest, rows).epoch_of_each(rows).lookup_each_again(rows).load_all().fill_all(rows);
    plan.hit = facts.serves ? Steps(begin().lookup_all(Where::nearest, rows).epoch_of_each(rows)) : again;
    if (facts.in_front && facts.serves) plan.shared_hit = begin().lookup_all(Where::authority, rows).epoch_of_each(rows);
    if (facts.negatives) plan.negative_hit = begin().lookup_all(Where::nearest, rows);
    if (facts.stamped) plan.stamp_mismatch = again;
    if (facts.reloads) plan.reload = again;
    return plan;
}

/// A write based on the row as it is. \param kind what changes it in the database.
constexpr Plan plan_change(Plan plan, const PlanFacts& facts, QueryKind kind) {
    const auto base = [&](Where where) { return Planner(facts).base(where); };
    plan.success = base(Where::nowhere).fence().query(kind).publish();
    if (!facts.rows || !facts.based_on_copy) return plan;
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
    plan.success = steps.fence(facts.epochs).query(QueryKind::revoke_group).publish();
    return plan;
}

constexpr Plan plan_of(const PlanFacts& facts, Verb verb, std::size_t rows) {
    Plan plan;
    plan.verb = verb;
    plan.policy = facts.policy;
    plan.table = facts.table;
    plan.rows = rows;
    switch (verb) {
    case Verb::find: return plan_find(plan, facts);
    case Verb::find_by: return plan_find_by(plan, facts);
    case Verb::warm:
    case Verb::find_many: return plan_find_many(plan, facts, Planner(facts));
    case Verb::find_all_by: return facts.groups ? plan_find_many(plan, facts, Planner(facts).query(QueryKind::list)) : plan;
    case Verb::insert: plan.success = Planner(facts).fence().query(QueryKind::insert).publish(); return plan;
    case Verb::update: return plan_change(plan, facts, QueryKind::update);
    case Verb::erase: return plan_change(plan, facts, QueryKind::erase);
    case Verb::touch: return plan_touch(plan, facts);
    case Verb::revoke: return facts.revokes ? plan_change(plan, facts, QueryKind::update) : plan;
    case Verb::revoke_all: return plan_revoke_all(plan, facts);
    case Verb::refresh:
        plan.success = facts.rows ? Planner(facts).replace_row() : Planner(facts).query(QueryKind::load);
        return plan;
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
    facts.based_on_copy = Core::versioned;
    facts.fenced = Policy::fenced;
    facts.deadline = Core::Authority::outlives_process && tells_time<typename Core::Database>;
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
    return detail::plan_of(detail::plan_facts<typename Repository::core_type>(), verb, rows);
}

} // namespace v0
} // namespace larder
