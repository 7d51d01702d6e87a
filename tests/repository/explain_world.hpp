// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/policy/hybrid.hpp>
#include <larder/policy/versioned.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/explain_report.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// \file A repository whose tiers and database record what they are asked, so that plans can be compared with real runs.

namespace explained {

using namespace larder;
using larder::testing::Holder;
using larder::testing::ManualEnvironment;
using larder::testing::Pass;
using larder::testing::sample_row;
using larder::testing::Setting;

/// \name What must hold, and what must hold for the test to go on; checked in one place, for many repositories
/// @{
void check_met(bool met, const std::source_location& where);
void require_met(bool met, const std::source_location& where);
template <class T>
void check(const T& met, const std::source_location& where = std::source_location::current()) {
    check_met(static_cast<bool>(met), where);
}
template <class T>
void require(const T& met, const std::source_location& where = std::source_location::current()) {
    require_met(static_cast<bool>(met), where);
}
/// @}

/// What the tiers and the database of one repository were asked, in order.
struct Recording {
    std::vector<Step> steps;
    std::vector<Step> plain_hits; ///< What the plain in-memory hit was answered.
    bool other_stamp = false;     ///< Whether cached rows are shown with another mark than theirs.

    void add(const Step& step) {
        // One write drops its keys from a tier in front piece by piece.
        if (step.kind == StepKind::expel && !steps.empty() && steps.back() == step) return;
        steps.push_back(step);
    }
    void clear() {
        steps.clear();
        plain_hits.clear();
    }
    /// The steps of one verb: those of the plain hit where it answered alone.
    const std::vector<Step>& ran() const noexcept { return steps.empty() ? plain_hits : steps; }
};

/// A memory tier that records its operations. \tparam Plain whether it answers hits by a plain function.
template <class Entity, class Env, Level Where, bool Plain>
class RecordingCache {
    using Schema = schema_of<Entity>;
    using Memory = MemoryCache<Entity, Env>;
    template <std::size_t Space>
    using Key = space_key_t<Entity, Space>;
    template <std::size_t Space>
    using Value = space_value_t<Entity, Space>;
    template <std::size_t Space>
    static constexpr StepSubject subject = Space == 0 ? StepSubject::row : Space < Schema::alias_end ? StepSubject::alias : StepSubject::epoch;

public:
    static constexpr Level level = Where;
    static constexpr bool outlives_process = Where == Level::shared;
    using Config = std::shared_ptr<Recording>;

    RecordingCache(Config recording, Env& env) : recording_(std::move(recording)), memory_({}, env) {}

    template <std::size_t Space>
    bool hit(const space_view_t<Entity, Space>& key, std::uint64_t hash, Version min_version, Duration max_age, SteadyTime now, Lookup<Value<Space>>& out) const
        requires(Plain)
    {
        if (!memory_.template hit<Space>(key, hash, min_version, max_age, now, out)) return false;
        recording_->plain_hits.push_back({.kind = StepKind::lookup, .level = level, .subject = subject<Space>});
        show(out);
        return true;
    }
    template <std::size_t Space>
    bool hit_by(const space_view_t<Entity, Space>& key, std::uint64_t hash, Version min_version, Duration max_age, SteadyTime now, Lookup<CachedRow<Entity>>& out) const
        requires(Plain)
    {
        if (!memory_.template hit_by<Space>(key, hash, min_version, max_age, now, out)) return false;
        recording_->plain_hits.push_back({.kind = StepKind::lookup, .level = level, .subject = StepSubject::alias});
        recording_->plain_hits.push_back({.kind = StepKind::lookup, .level = level, .subject = StepSubject::row});
        show(out);
        return true;
    }
    WholeRow<Entity> whole_hit(const space_view_t<Entity, 0>& key, std::uint64_t hash, Version min_version, Duration max_age, SteadyTime now) const
        requires(Plain)
    {
        auto found = memory_.whole_hit(key, hash, min_version, max_age, now);
        if (!found.row) return found;
        recording_->plain_hits.push_back({.kind = StepKind::lookup, .level = level, .subject = StepSubject::row});
        if (recording_->other_stamp) ++found.stamp;
        return found;
    }
    template <std::size_t Space>
    WholeRow<Entity> whole_hit_by(const space_view_t<Entity, Space>& key, std::uint64_t hash, Version min_version, Duration max_age, SteadyTime now) const
        requires(Plain)
    {
        auto found = memory_.template whole_hit_by<Space>(key, hash, min_version, max_age, now);
        if (!found.row) return found;
        recording_->plain_hits.push_back({.kind = StepKind::lookup, .level = level, .subject = StepSubject::alias});
        recording_->plain_hits.push_back({.kind = StepKind::lookup, .level = level, .subject = StepSubject::row});
        if (recording_->other_stamp) ++found.stamp;
        return found;
    }

    template <std::size_t Space>
    Lookup<Value<Space>> lookup(const Key<Space>& key, const Demand& demand) {
        note(StepKind::lookup, subject<Space>);
        auto found = memory_.template lookup<Space>(key, demand);
        show(found);
        return found;
    }
    template <std::size_t Space>
    std::vector<Lookup<Value<Space>>> lookup_many(std::span<const Key<Space>> keys, const Demand& demand) {
        note(StepKind::lookup, StepSubject::rows);
        auto found = memory_.template lookup_many<Space>(keys, demand);
        for (auto& each : found) show(each);
        return found;
    }
    template <std::size_t Space>
    FillOutcome fill(const Key<Space>& key, FillRequest<Value<Space>> request) {
        note(lasts(request) ? StepKind::fill : StepKind::give_back, subject<Space>);
        return memory_.template fill<Space>(key, std::move(request));
    }
    template <std::size_t Space>
    std::vector<FillOutcome> fill_many(std::span<const Key<Space>> keys, std::vector<FillRequest<Value<Space>>> requests) {
        const bool any = std::any_of(requests.begin(), requests.end(), [](const auto& request) { return lasts(request); });
        note(any ? StepKind::fill : StepKind::give_back, StepSubject::rows);
        return memory_.template fill_many<Space>(keys, std::move(requests));
    }
    void fence(const KeySet<Entity>& keys, FenceOwner owner, Duration length) {
        note(StepKind::fence, StepSubject::keys);
        memory_.fence(keys, owner, length);
    }
    void publish(std::span<const Publication<Entity>> publications) {
        note(StepKind::publish, StepSubject::keys);
        memory_.publish(publications);
    }
    void expel(const KeySet<Entity>& keys) {
        note(StepKind::expel, StepSubject::keys);
        memory_.expel(keys);
    }
    template <std::size_t Space>
    std::size_t expel_group(const Key<Space>& key) {
        note(StepKind::expel, StepSubject::keys);
        return memory_.template expel_group<Space>(key);
    }
    void expire(const KeySet<Entity>& keys) {
        note(StepKind::expire, StepSubject::keys);
        memory_.expire(keys);
    }
    void clear() { memory_.clear(); }
    TierUsage usage() const { return memory_.usage(); }

private:
    template <class Request>
    static bool lasts(const Request& request) {
        return request.lifetime.serve > Duration::zero();
    }
    void note(StepKind kind, StepSubject about) { recording_->add({.kind = kind, .level = level, .subject = about}); }

    template <class Value>
    void show(Lookup<Value>& found) const {
        if constexpr (std::is_same_v<Value, CachedRow<Entity>>)
            if (recording_->other_stamp && found.answer == Answer::hit) ++found.value.stamp;
    }

    std::shared_ptr<Recording> recording_;
    Memory memory_;
};

template <class Entity, class Env>
using OnlyTier = RecordingCache<Entity, Env, Level::memory, false>;
template <class Entity, class Env>
using PlainTier = RecordingCache<Entity, Env, Level::memory, true>;
template <class Entity, class Env>
using SharedTier = RecordingCache<Entity, Env, Level::shared, false>;

/// One cache tier that never answers by a plain function, one that does, and two tiers.
using One = Stack<OnlyTier, MemoryDatabase>;
using OnePlain = Stack<PlainTier, MemoryDatabase>;
using Two = Stack<OnlyTier, SharedTier, MemoryDatabase>;

/// A policy from outside the library that decides on each hit what it was last told.
struct AsTold {
    static constexpr std::string_view name = "AsTold";
    static constexpr Guarantee guarantee{"what it is told", "what it is told", "testing", false};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = false;
    static constexpr AfterWrite after_write = AfterWrite::publish;
    static constexpr Stamp stamp = Stamp::none;
    std::shared_ptr<OnHit> decision = std::make_shared<OnHit>(OnHit::serve);
    OnHit on_hit(const HitView&) const noexcept { return *decision; }
};

/// A policy from outside the library that fences, and drops the copies of what it writes.
struct FenceAndExpel {
    static constexpr std::string_view name = "FenceAndExpel";
    static constexpr Guarantee guarantee{"a read begun after an effective write is never older", "none", "testing", false};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = true;
    static constexpr bool always_serves = true;
    static constexpr AfterWrite after_write = AfterWrite::expel;
    static constexpr Stamp stamp = Stamp::none;
    constexpr OnHit on_hit(const HitView&) const noexcept { return OnHit::serve; }
};

/// The rows and keys of an entity, as the outcomes need them.
template <class Entity>
struct Sample;

template <>
struct Sample<Pass> {
    static constexpr auto alias_member = &Pass::code;
    static constexpr auto group_member = &Pass::holder_id;
    static Pass row(std::int64_t number) { return sample_row<Pass>(number); }
    static std::int64_t key(std::int64_t number) { return number; }
    static std::string alias(std::int64_t number) { return row(number).code; }
    static std::int64_t group() { return row(1).holder_id; }
    static void rename(Pass& row) { row.code += " renamed"; }
    static void change(Pass& row) { row.note += " changed"; }
};

template <>
struct Sample<Setting> {
    static constexpr auto alias_member = &Setting::alias;
    static constexpr auto group_member = &Setting::section;
    static Setting row(std::int64_t number) { return sample_row<Setting>(number); }
    static std::string key(std::int64_t number) { return row(number).name; }
    static std::string alias(std::int64_t number) { return row(number).alias; }
    static std::string group() { return row(1).section; }
    static void rename(Setting& row) { row.alias += " renamed"; }
    static void change(Setting& row) { row.value += " changed"; }
};

/// A database of a few rows with a repository in front that records, nothing cached.
template <class Entity, class Backend, class Policy>
struct World {
    using Repository = CachedRepository<Entity, Backend, Policy, ManualEnvironment>;
    using Core = typename Repository::core_type;
    using Rows = Sample<Entity>;
    using Key = primary_key_t<Entity>;
    static constexpr bool epochs = Policy::caches_rows && Policy::stamp == Stamp::group_epoch;
    static constexpr std::int64_t nobody = 999;

    std::shared_ptr<Recording> recording = std::make_shared<Recording>();
    std::function<void()> after_list; ///< Called once, after the first listing.
    MemoryTables tables{{.clock = {}, .hook = [this](const MemoryOperation& operation) { return asked(operation); }}};
    MemoryDatabase<Entity> database{tables};
    ManualEnvironment env;
    Policy policy;
    Repository repository{config(), {.jitter = 0, .sole_writer = true}, policy, env};

    /// \param rows how many rows there are, all of one group.
    explicit World(std::int64_t rows = 1) {
        if constexpr (std::is_same_v<Entity, Pass>) require(MemoryDatabase<Holder>(tables).insert(sample_row<Holder>(Rows::group())).has_value());
        for (std::int64_t number = 1; number <= rows; ++number) require(database.insert(Rows::row(number)).has_value());
        recording->clear();
    }

    /// Caches what the tiers may keep of the rows, the way that leads over the alias included, and lets some time pass.
    void warm(std::int64_t rows = 1) {
        for (std::int64_t number = 1; number <= rows; ++number) require(repository.template find_by<Rows::alias_member>(Rows::alias(number)).row());
        pass_time();
    }
    /// Caches the epoch of the rows' group, and not the rows.
    void warm_epoch() {
        if constexpr (epochs) {
            require(repository.find(Rows::key(1)));
            drop_row();
            pass_time();
        }
    }
    void pass_time() { env.advance(std::chrono::milliseconds(500)); }

    auto& authority() { return repository.core()->authority; }
    template <class Act>
    void in_each_tier(const Act& act) {
        act(authority());
        if constexpr (Core::has_near) act(repository.core()->near);
    }
    void clear_near() {
        if constexpr (Core::has_near) repository.core()->near.clear();
    }
    void drop_row() {
        KeySet<Entity> keys;
        keys.template add<0>(Rows::key(1));
        in_each_tier([&](auto& tier) { tier.expel(keys); });
    }
    void drop_epoch() {
        KeySet<Entity> keys;
        keys.template add<schema_of<Entity>::alias_end>(Rows::group());
        in_each_tier([&](auto& tier) { tier.expel(keys); });
    }
    /// What a write under way does to the keys of these rows.
    void fence(std::int64_t rows = 1) {
        KeySet<Entity> keys;
        for (std::int64_t number = 1; number <= rows; ++number) keys.add_all_of(Rows::row(number));
        authority().fence(keys, 7, std::chrono::seconds(10));
        if constexpr (Core::has_near) repository.core()->near.expel(keys);
    }
    /// Changes the row in the database behind the repository's back.
    template <class Change>
    void change_behind(const Change& change) {
        auto row = **database.load(Rows::key(1), ReadMode::plain);
        change(row);
        require(database.update(row, schema_of<Entity>::version_of(row), {}).has_value());
    }
    void remove_behind(std::int64_t number) {
        auto row = **database.load(Rows::key(number), ReadMode::plain);
        require(database.erase(Rows::key(number), schema_of<Entity>::version_of(row), {}).has_value());
    }
    void decide(OnHit decision) {
        if constexpr (requires { policy.decision; }) *policy.decision = decision;
    }

private:
    auto config() {
        if constexpr (Core::has_near)
            return typename Repository::Config{recording, recording, tables};
        else
            return typename Repository::Config{recording, tables};
    }
    Error asked(const MemoryOperation& operation) {
        if (operation.table != schema_of<Entity>::table) return {};
        if (!operation.done)
            recording->add({.kind = StepKind::query, .level = Level::database, .query = operation.kind});
        else if (operation.kind == QueryKind::list && after_list)
            std::exchange(after_list, {})();
        return {};
    }
};

/// What comparing a plan with real runs takes, whatever the repository.
class PlanComparison {
public:
    /// \param authority the level of the shared tier, whose operations are counted as round trips.
    PlanComparison(const Plan& plan, std::int64_t rows, Level authority, bool has_near);
    PlanComparison(const PlanComparison&) = delete;
    PlanComparison& operator=(const PlanComparison&) = delete;
    /// Every outcome that the plan has must have been driven.
    ~PlanComparison();

    /// The steps planned for an outcome that is driven now; null if the plan does not have it.
    const Steps* planned(std::string_view name, Steps Plan::*member);
    void compare(std::string_view name, const Steps& planned, const std::vector<Step>& ran) const;
    std::int64_t rows() const noexcept { return rows_; }

private:
    std::string title(std::string_view outcome) const;
    template <class Sequence>
    std::vector<std::string> in_order(const Sequence& steps) const;

    Plan plan_;
    std::int64_t rows_;
    Level authority_;
    bool has_near_;
    std::set<std::string_view> driven_;
};

/// Compares the plan of one verb with real runs, outcome by outcome.
template <class Entity, class Backend, class Policy>
class Comparison {
public:
    using World = explained::World<Entity, Backend, Policy>;

    /// Something to be done with a world while the call lasts.
    class Action {
    public:
        template <class Act>
        Action(const Act& act) : act_(&act), call_([](const void* same, World& world) { (*static_cast<const Act*>(same))(world); }) {}
        void operator()(World& world) const { call_(act_, world); }

    private:
        const void* act_;
        void (*call_)(const void*, World&);
    };

    explicit Comparison(Verb verb, std::int64_t rows = 1)
        : plan_(World::Repository::explain(verb, static_cast<std::size_t>(rows)), rows, World::Core::Authority::level, World::Core::has_near) {}

    /// Drives one outcome, if the plan has it. \param prepare gets the tiers there. \param act runs the verb.
    void outcome(std::string_view name, Steps Plan::*member, Action prepare, Action act) {
        const Steps* planned = plan_.planned(name, member);
        if (!planned) return;
        World world(plan_.rows());
        prepare(world);
        world.recording->clear();
        act(world);
        plan_.compare(name, *planned, world.recording->ran());
    }

private:
    PlanComparison plan_;
};

/// \name Each verb's outcomes
/// @{

template <class Entity, class Backend, class Policy>
void compare_find() {
    using World = World<Entity, Backend, Policy>;
    using Rows = Sample<Entity>;
    Comparison<Entity, Backend, Policy> find(Verb::find);
    const auto warm = [](World& world) { world.warm(); };
    const auto act = [](World& world) { check(world.repository.find(Rows::key(1))); };
    const auto act_absent = [](World& world) { check(!world.repository.find(Rows::key(World::nobody))); };
    find.outcome("hit", &Plan::hit, warm, act);
    find.outcome("shared hit", &Plan::shared_hit, [](World& world) { world.warm(), world.clear_near(); }, act);
    find.outcome("miss", &Plan::miss, [](World& world) { world.warm_epoch(); }, act);
    find.outcome("absent", &Plan::absent, [](World&) {}, act_absent);
    find.outcome("negative hit", &Plan::negative_hit, act_absent, act_absent);
    find.outcome("bypass", &Plan::bypass, [](World& world) { world.fence(); }, act);
    find.outcome("epoch miss", &Plan::epoch_miss, [](World& world) { world.warm(), world.drop_epoch(); }, act);
    find.outcome("stamp mismatch", &Plan::stamp_mismatch, [](World& world) { world.warm(), world.recording->other_stamp = true; }, act);
    find.outcome("verified", &Plan::verified, [](World& world) { world.warm(), world.decide(OnHit::verify_version); }, act);
    find.outcome("reload", &Plan::reload, [](World& world) { world.warm(), world.decide(OnHit::reload); }, act);
    find.outcome("version mismatch", &Plan::version_mismatch, [](World& world) { world.warm(), world.decide(OnHit::verify_version), world.change_behind(Rows::change); }, act);
}

template <class Entity, class Backend, class Policy>
void compare_find_by() {
    using World = World<Entity, Backend, Policy>;
    using Rows = Sample<Entity>;
    Comparison<Entity, Backend, Policy> find(Verb::find_by);
    const auto warm = [](World& world) { world.warm(); };
    const auto act = [](World& world) { check(world.repository.template find_by<Rows::alias_member>(Rows::alias(1))); };
    const auto act_absent = [](World& world) { check(!world.repository.template find_by<Rows::alias_member>(Rows::alias(World::nobody))); };
    const auto act_renamed = [](World& world) { check(!world.repository.template find_by<Rows::alias_member>(Rows::alias(1))); };
    find.outcome("alias hit", &Plan::alias_hit, warm, act);
    find.outcome("shared alias hit", &Plan::shared_alias_hit, [](World& world) { world.warm(), world.clear_near(); }, act);
    find.outcome("row miss", &Plan::row_miss, [](World& world) { world.warm(), world.drop_row(); }, act);
    find.outcome("alias miss", &Plan::alias_miss, [](World& world) { world.warm_epoch(); }, act);
    find.outcome("absent", &Plan::absent, [](World&) {}, act_absent);
    find.outcome("negative hit", &Plan::negative_hit, act_absent, act_absent);
    find.outcome("bypass", &Plan::bypass, [](World& world) { world.fence(); }, act);
    find.outcome("epoch miss", &Plan::epoch_miss, [](World& world) { world.warm(), world.drop_epoch(); }, act);
    find.outcome("stamp mismatch", &Plan::stamp_mismatch, [](World& world) { world.warm(), world.recording->other_stamp = true; }, act);
    find.outcome("verified", &Plan::verified, [](World& world) { world.warm(), world.decide(OnHit::verify_version); }, act);
    find.outcome("reload", &Plan::reload, [](World& world) { world.warm(), world.decide(OnHit::reload); }, act);
    find.outcome("version mismatch", &Plan::version_mismatch, [](World& world) { world.warm(), world.decide(OnHit::verify_version), world.change_behind(Rows::change); }, act);
    find.outcome(
        "alias mismatch", &Plan::alias_mismatch,
        [](World& world) {
            world.warm();
            world.change_behind(Rows::rename);
            check(world.repository.refresh(Rows::key(1)));
            world.pass_time();
        },
        act_renamed);
}

/// `find_many`, `find_all_by` and `warm`. \param act asks for the rows 1 to `rows`, \param act_absent for as many that are not there, and
/// \param act_negative for rows that are known not to be there, once \param prepare_negative has made that so.
template <class Entity, class Backend, class Policy, class Act, class ActAbsent, class PrepareNegative, class ActNegative>
void compare_many(Verb verb, std::int64_t rows, const Act& act, const ActAbsent& act_absent, const PrepareNegative& prepare_negative, const ActNegative& act_negative) {
    using World = World<Entity, Backend, Policy>;
    Comparison<Entity, Backend, Policy> many(verb, rows);
    const auto warm = [&](World& world) { world.warm(rows); };
    const auto nothing = [](World&) {};
    many.outcome("hit", &Plan::hit, warm, act);
    many.outcome("shared hit", &Plan::shared_hit, [&](World& world) { world.warm(rows), world.clear_near(); }, act);
    many.outcome("miss", &Plan::miss, [](World& world) { world.warm_epoch(); }, act);
    many.outcome("absent", &Plan::absent, nothing, act_absent);
    many.outcome("negative hit", &Plan::negative_hit, prepare_negative, act_negative);
    many.outcome("bypass", &Plan::bypass, [&](World& world) { world.fence(rows); }, act);
    many.outcome("epoch miss", &Plan::epoch_miss, [&](World& world) { world.warm(rows), world.drop_epoch(); }, act);
    many.outcome("stamp mismatch", &Plan::stamp_mismatch, [&](World& world) { world.warm(rows), world.recording->other_stamp = true; }, act);
    many.outcome("reload", &Plan::reload, [&](World& world) { world.warm(rows), world.decide(OnHit::reload); }, act);
}

template <class Entity, class Backend, class Policy>
void compare_many(std::int64_t rows) {
    using World = World<Entity, Backend, Policy>;
    using Rows = Sample<Entity>;
    using Key = primary_key_t<Entity>;
    const auto keys = [rows](std::int64_t from) {
        std::vector<Key> some;
        for (std::int64_t number = from; number < from + rows; ++number) some.push_back(Rows::key(number));
        return some;
    };
    const auto count = static_cast<std::size_t>(rows);
    const auto found = [](const auto& answers) { return static_cast<std::size_t>(std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return static_cast<bool>(answer); })); };
    const auto find_absent = [&](World& world) { check(found(world.repository.find_many(keys(World::nobody))) == 0); };
    compare_many<Entity, Backend, Policy>(
        Verb::find_many, rows, [&](World& world) { check(found(world.repository.find_many(keys(1))) == count); }, find_absent, find_absent, find_absent);
    const auto warm_absent = [&](World& world) { check(world.repository.warm(keys(World::nobody)).absent == count); };
    compare_many<Entity, Backend, Policy>(
        Verb::warm, rows, [&](World& world) { check(world.repository.warm(keys(1)).cached == count); }, warm_absent, find_absent, warm_absent);
    const auto find_all = [](World& world) { return world.repository.template find_all_by<Rows::group_member>(Rows::group()).size(); };
    const auto remove_all = [rows](World& world) {
        const auto so_far = world.recording->steps;
        for (std::int64_t number = 1; number <= rows; ++number) world.remove_behind(number);
        world.recording->steps = so_far;
    };
    compare_many<Entity, Backend, Policy>(
        Verb::find_all_by, rows, [&](World& world) { check(find_all(world) == count); },
        [&](World& world) {
            world.after_list = [&] { remove_all(world); }; // between the list and the load
            check(find_all(world) == 0);
        },
        [&](World& world) {
            remove_all(world);
            check(found(world.repository.find_many(keys(1))) == 0);
            for (std::int64_t number = 1; number <= rows; ++number) check(world.database.insert(Rows::row(number)).has_value());
        },
        [&](World& world) { check(find_all(world) == 0); });
}

/// A write based on the row as it is.
template <class Entity, class Backend, class Policy, class Act>
void compare_change(Verb verb, const Act& act) {
    using World = World<Entity, Backend, Policy>;
    using Rows = Sample<Entity>;
    Comparison<Entity, Backend, Policy> change(verb);
    const auto warm = [](World& world) { world.warm(); };
    change.outcome("hit", &Plan::hit, warm, act);
    change.outcome("shared hit", &Plan::shared_hit, [](World& world) { world.warm(), world.clear_near(); }, act);
    change.outcome("success", &Plan::success, [](World&) {}, act);
    change.outcome("version mismatch", &Plan::version_mismatch, [](World& world) { world.warm(), world.change_behind(Rows::change); }, act);
    change.outcome(
        "unchanged", &Plan::unchanged,
        [&](World& world) {
            if (verb != Verb::update) act(world);
            world.warm();
        },
        [&](World& world) {
            if (verb == Verb::update)
                check(!world.repository.update(Rows::key(1), [](Entity&) { return false; }).changed());
            else
                act(world);
        });
}

template <class Entity, class Backend, class Policy>
void compare_writes() {
    using World = World<Entity, Backend, Policy>;
    using Rows = Sample<Entity>;
    const auto nothing = [](World&) {};
    {
        Comparison<Entity, Backend, Policy> insert(Verb::insert);
        insert.outcome("success", &Plan::success, nothing, [](World& world) { check(world.repository.insert(Rows::row(2))); });
    }
    compare_change<Entity, Backend, Policy>(Verb::update, [](World& world) { check(world.repository.update(Rows::key(1), Rows::change).changed()); });
    compare_change<Entity, Backend, Policy>(Verb::erase, [](World& world) { check(world.repository.erase(Rows::key(1))); });
    if constexpr (schema_of<Entity>::has_revoked) {
        compare_change<Entity, Backend, Policy>(Verb::revoke, [](World& world) { check(world.repository.revoke(Rows::key(1))); });
        Comparison<Entity, Backend, Policy> revoke_all(Verb::revoke_all);
        revoke_all.outcome("success", &Plan::success, nothing,
                           [](World& world) { check(world.repository.template revoke_all_by<Rows::group_member>(Rows::group()).rows() == 1); });
    }
    if constexpr (schema_of<Entity>::has_touch) compare_change<Entity, Backend, Policy>(Verb::touch, [](World& world) { check(world.repository.touch(Rows::key(1))); });
    {
        Comparison<Entity, Backend, Policy> refresh(Verb::refresh);
        refresh.outcome("success", &Plan::success, [](World& world) { world.warm(); }, [](World& world) { check(world.repository.refresh(Rows::key(1))); });
    }
}

template <class Entity, class Backend, class Policy>
void compare_copies() {
    using World = World<Entity, Backend, Policy>;
    using Rows = Sample<Entity>;
    const auto warm = [](World& world) { world.warm(); };
    {
        Comparison<Entity, Backend, Policy> peek(Verb::peek);
        const auto act = [](World& world) { check(world.repository.peek(Rows::key(1))); };
        peek.outcome("hit", &Plan::hit, warm, act);
        peek.outcome("shared hit", &Plan::shared_hit, [](World& world) { world.warm(), world.clear_near(); }, act);
        peek.outcome("miss", &Plan::miss, [](World&) {}, [](World& world) { check(!world.repository.peek(Rows::key(1))); });
    }
    {
        Comparison<Entity, Backend, Policy> expel(Verb::expel);
        expel.outcome("success", &Plan::success, warm, [](World& world) { check(world.repository.expel(Rows::key(1))); });
    }
    Comparison<Entity, Backend, Policy> expire(Verb::expire);
    expire.outcome("success", &Plan::success, warm, [](World& world) { check(world.repository.expire(Rows::key(1))); });
}
/// @}

/// Compares the plans of the verbs that a plain hit may answer with real runs.
template <class Entity, class Backend, class Policy>
void compare_finds() {
    compare_find<Entity, Backend, Policy>();
    compare_find_by<Entity, Backend, Policy>();
}

/// Compares all plans of a composition with real runs.
template <class Entity, class Backend, class Policy>
void compare_all() {
    compare_finds<Entity, Backend, Policy>();
    compare_many<Entity, Backend, Policy>(1);
    compare_many<Entity, Backend, Policy>(3);
    compare_writes<Entity, Backend, Policy>();
    compare_copies<Entity, Backend, Policy>();
}

} // namespace explained
