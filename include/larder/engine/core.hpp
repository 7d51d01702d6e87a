// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/database/database.hpp>
#include <larder/engine/ask.hpp>
#include <larder/engine/heat_sketch.hpp>
#include <larder/engine/load_queue.hpp>
#include <larder/engine/requests.hpp>
#include <larder/engine/single_flight.hpp>
#include <larder/engine/task.hpp>
#include <larder/environment.hpp>
#include <larder/policy/policy.hpp>
#include <larder/repository/intent.hpp>
#include <larder/repository/options.hpp>
#include <larder/repository/result.hpp>
#include <larder/repository/stack.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// What a load ended with, before it is judged against the wall clock: the currency of the read algorithms.
template <entity Entity>
struct Loaded {
    Loaded() = default;
    explicit Loaded(Error failure) : error(std::move(failure)) {}

    CachedRow<Entity> row;
    Version version = 0;
    Level source = Level::database;
    SteadyTime loaded_at{};            ///< When the load of `row` began.
    StaleCause stale = StaleCause::none;
    RareError error;
};

/// An operation on the database whose end is observed. Await a named object.
template <class Env, class Database, class Operation>
class Query : public Ask<Database, Operation> {
public:
    Query(Env& env, QueryKind kind, Driver& driver, Database& database, Operation operation)
        : Ask<Database, Operation>(driver, database, std::move(operation)), env_(env), started_(precise_now(env)), kind_(kind) {}

    typename Operation::result await_resume() {
        auto outcome = Ask<Database, Operation>::await_resume();
        env_.observe(event::Query{kind_, precise_now(env_) - started_, rows_of(outcome), outcome.has_error()});
        return outcome;
    }

private:
    template <class T>
    static std::size_t rows_of(const Outcome<T>& outcome) noexcept {
        if (outcome.has_error()) return 0;
        if constexpr (requires { outcome->has_value(); })
            return outcome->has_value() ? 1 : 0;
        else if constexpr (requires { outcome->rows.size(); })
            return outcome->rows.size();
        else if constexpr (requires { outcome->size(); })
            return outcome->size();
        else
            return 1;
    }

    Env& env_;
    SteadyTime started_;
    QueryKind kind_;
};

/// Whether a tier answers hits by plain functions that neither allocate nor wait.
template <class Tier, class Entity>
inline constexpr bool has_fast_hit_v = requires(Tier& tier, const space_view_t<Entity, 0>& key, Lookup<CachedRow<Entity>>& out) {
    tier.template hit<0>(key, std::uint64_t{}, Version{}, Duration{}, SteadyTime{}, out);
    { tier.whole_hit(key, std::uint64_t{}, Version{}, Duration{}, SteadyTime{}) } -> std::same_as<WholeRow<Entity>>;
};

/// All that the verbs of one repository share. Lives as long as the repository or any verb still under way.
template <entity EntityType, class Backend, policy PolicyType, environment EnvType>
struct Core : std::enable_shared_from_this<Core<EntityType, Backend, PolicyType, EnvType>> {
    using Entity = EntityType;
    using Policy = PolicyType;
    using Env = EnvType;
    using Schema = schema_of<Entity>;
    using Key = primary_key_t<Entity>;
    using Near = typename Backend::template near<Entity, Env>;
    using Authority = typename Backend::template authority<Entity, Env>;
    using Database = typename Backend::template database<Entity, Env>;
    using Config = typename Backend::template Config<Entity, Env>;
    using Ops = requests<Entity>;
    static constexpr bool has_near = !std::is_same_v<Near, NoTier>;
    /// The tier that is asked first.
    using Nearest = std::conditional_t<has_near, Near, Authority>;
    /// Whether writes are conditional on versions, so that tiers can tell old from new.
    static constexpr bool versioned = Schema::has_version && Database::conditional_writes;
    /// Whether loads that come together leave as one query.
    static constexpr bool queues_loads = asynchronous_database<Database, Entity>;

    Core(Config config, Options chosen, Policy how, Env surroundings)
        : env(std::move(surroundings)), options(std::move(chosen)), policy(std::move(how)), near(make_near(config, env)), authority(make_authority(config, env)),
          database(std::move(config.database)) {
        Error wrong = options.check();
        if (!wrong && options.refresh_ahead > 0 && !home()) wrong = Error{errc::invalid_options, "Options::refresh_ahead needs an executor: give one to the options or to the database"};
        if (wrong) throw Failure(std::move(wrong));
        if constexpr (has_near && requires { authority.attach_near(near); }) authority.attach_near(near);
        ignore_share_rule(std::make_index_sequence<Schema::alias_end>{});
    }

    /// The tier asked first.
    Nearest& nearest() noexcept {
        if constexpr (has_near)
            return near;
        else
            return authority;
    }

    /// Where background work and handlers without an executor run; empty if nobody gave one.
    boost::asio::any_io_executor home() {
        if (options.executor) return options.executor;
        if constexpr (requires { database.executor(); })
            return database.executor();
        else
            return {};
    }

    template <class Operation>
    auto query(QueryKind kind, Driver& driver, Operation operation) {
        return query_in(database, kind, driver, std::move(operation));
    }
    /// As `query`, of a form of the database, such as it has in a transaction.
    template <class Source, class Operation>
    auto query_in(Source& source, QueryKind kind, Driver& driver, Operation operation) {
        return Query<Env, Source, Operation>(env, kind, driver, source, std::move(operation));
    }

    /// Loads a row from the database; where that is asynchronous, in one query with other rows that are asked for at that time.
    auto load(Driver& driver, const Key& key, ReadMode mode) {
        if constexpr (queues_loads)
            return Ask<LoadQueue<Entity, Env, Database>, decltype(Ops::load(key, mode))>(driver, loads_, Ops::load(key, mode));
        else
            return query(QueryKind::load, driver, Ops::load(key, mode));
    }

    void hide(Level level, std::string_view operation, const Error& failure) { env.observe(event::HiddenFailure{level, operation, failure}); }

    bool reads(Level level) const noexcept { return reading[static_cast<std::size_t>(level)].load(std::memory_order_relaxed); }
    bool fills(Level level) const noexcept { return filling[static_cast<std::size_t>(level)].load(std::memory_order_relaxed); }

    /// How hot a row is, this access included; cold if the rule throws.
    Heat heat_of(std::uint64_t hash) {
        if (!options.heat) return Heat::hot;
        try {
            const Heat heat = options.heat(sketch->add(hash));
            return heat == Heat::warm && !Schema::has_warm ? Heat::cold : heat;
        } catch (...) {
            hide(Nearest::level, "heat", error_of_exception("the heat rule"));
            return Heat::cold;
        }
    }

    /// The span shortened at random by at most the jitter.
    Duration jittered(Duration span) {
        if (options.jitter <= 0) return span;
        const double share = static_cast<double>(env.random() >> 11) * 0x1.0p-53;
        return Duration(static_cast<Duration::rep>(static_cast<double>(span.count()) * (1.0 - options.jitter * share)));
    }

    /// How long a read may keep what it loads. The longest that was asked for bounds what a write can promise.
    Duration ttl_of(const Read& intent) noexcept {
        if (!intent.ttl) return options.ttl;
        const Duration ttl = std::min(*intent.ttl, Options::longest);
        Duration known = longest_ttl.load(std::memory_order_relaxed);
        while (ttl > known && !longest_ttl.compare_exchange_weak(known, ttl, std::memory_order_relaxed)) {}
        return ttl;
    }

    /// How long a row may live in a tier.
    Lifetime lifetime_of(const Entity& row, const Read& intent) {
        Lifetime life;
        life.serve = jittered(ttl_of(intent));
        if (const auto expiry = Schema::expiry_of(row)) life.serve = std::min<Duration>(life.serve, std::chrono::duration_cast<Duration>(*expiry - env.wall_now()));
        life.serve -= clock_resolution<Env>();
        if (!Schema::is_never_stale && !(Schema::is_revoked(row) && env.enabled(Guard::stale_bar))) life.fallback = options.stale_if_error;
        life.refresh_after = refresh_after(life.serve);
        return life;
    }

    /// From which age on a row that is served this long is refreshed ahead.
    Duration refresh_after(Duration serve) const noexcept {
        return options.refresh_ahead > 0 ? Duration(static_cast<Duration::rep>(static_cast<double>(serve.count()) * options.refresh_ahead)) : Duration::max();
    }

    /// How long "there is no such row" may live in a tier; not at all where it would not be believed.
    Lifetime negative_lifetime() const noexcept {
        if constexpr (Policy::guarantee.current_reads) return {};
        return {.serve = options.negative_ttl - clock_resolution<Env>()};
    }

    /// What a row is worth in the tiers, with a stamp.
    CachedRow<Entity> cached(std::shared_ptr<const Entity> row, Heat heat, std::uint64_t stamp) {
        CachedRow<Entity> value;
        value.stamp = stamp;
        if (heat == Heat::warm)
            value.warm = std::make_shared<const WarmRow<Entity>>(*row);
        else
            value.full = std::move(row);
        return value;
    }

    /// Why a row is no valid answer now.
    Absence absence_of(const std::optional<WallTime>& expiry, bool revoked) const {
        if (revoked) return Absence::revoked;
        if (expiry && *expiry <= env.wall_now()) return Absence::expired;
        return Absence::none;
    }

    /// Whether a copy in the tiers may answer a read without the database confirming it, if only because the database fails.
    bool copies_answer() const noexcept { return Policy::caches_rows && (!Policy::guarantee.current_reads || options.stale_if_error > Duration::zero()); }

    /// The bound of a write that reached the database; 0 if it is effective.
    Duration bound_of(bool reached_tiers) const noexcept {
        if (!copies_answer()) return Duration::zero();
        const Duration longest = std::max(options.ttl, longest_ttl.load(std::memory_order_relaxed));
        if (!reached_tiers) return longest + options.stale_if_error;
        if constexpr (Authority::outlives_process) {
            if constexpr (requires { authority.near_bound(); } && has_near)
                return authority.near_bound();
            else
                return Duration::zero();
        } else {
            return options.sole_writer || Policy::guarantee.current_reads ? Duration::zero() : longest;
        }
    }

    Env env;
    Options options;
    Policy policy;
    Near near;
    Authority authority;
    Database database;

    std::array<std::atomic<bool>, level_count> reading{true, true, true, true};
    std::array<std::atomic<bool>, level_count> filling{true, true, true, true};
    std::atomic<bool> stopped{false};
    std::unique_ptr<HeatSketch> sketch = options.heat ? std::make_unique<HeatSketch>() : nullptr;
    /// Which embedded rows are changed through a linked repository: then this one's tiers keep no row that a write made.
    std::atomic<bool> embeds_linked{false};
    /// How often copies were dropped by primary key alone. A load through an alias holds no lease on its row before it knows the
    /// row: what was dropped meanwhile it must not bring back.
    std::atomic<std::uint64_t> drops{0};
    /// The longest lifetime that a read asked for.
    std::atomic<Duration> longest_ttl{Duration::zero()};

    /// What a write of a row must do to the repositories whose rows embed it; `nullopt` from one that is gone.
    std::vector<std::function<std::optional<Task<bool>>(Driver&, const Key&)>> parents;

    template <std::size_t Space>
    auto& flights() noexcept {
        return std::get<Space>(flights_);
    }

private:
    static Near make_near(Config& config, Env& env) {
        if constexpr (has_near)
            return Near(std::move(config.near), env);
        else
            return {};
    }
    static Authority make_authority(Config& config, Env& env) {
        if constexpr (has_near)
            return Authority(std::move(config.shared), env);
        else
            return Authority(std::move(config.cache), env);
    }

    template <std::size_t... Space>
    void ignore_share_rule(std::index_sequence<Space...>) {
        const bool ignore = !env.enabled(Guard::share_rule);
        (std::get<Space>(flights_).ignore_share_rule(ignore), ...);
    }

    struct NoQueue {
        NoQueue(Env&, Database&, std::size_t, std::size_t) noexcept {}
    };
    std::conditional_t<queues_loads, LoadQueue<Entity, Env, Database>, NoQueue> loads_{env, database, options.loads_apart, options.batch_size};

    template <std::size_t... Space>
    static std::tuple<SingleFlight<space_key_t<Entity, Space>, Loaded<Entity>>...> flights_of(std::index_sequence<Space...>);
    decltype(flights_of(std::make_index_sequence<Schema::alias_end>{})) flights_;
};

} // namespace detail
} // namespace v0
} // namespace larder
