// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/task.hpp>

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// What a lookup through the tiers saw: the authority's answer (or the in-process tier's hit), where it came from, and
/// the placeholder in the in-process tier that a fill may use.
template <class Value>
struct Seen : Lookup<Value> {
    Level level = Level::memory;
    LeaseToken placeholder = 0;
};

/// The tiers of one repository in order: the in-process tier, if there is one in front, and the authority.
///
/// Only the authority gives leases and floors; the tier in front is filled from the authority's `hit` or `stored` alone,
/// under a placeholder taken before the authority was asked. A tier's failure is told to the observer and counts as a
/// miss that must not be filled.
template <class Core>
struct TierPath {
    using Entity = typename Core::Entity;
    using Ops = typename Core::Ops;
    template <std::size_t Space>
    using Key = space_key_t<Entity, Space>;
    template <std::size_t Space>
    using Value = space_value_t<Entity, Space>;

    static constexpr Level authority_level = Core::Authority::level;
    static constexpr Level near_level = Core::Nearest::level;

    /// An operation of the authority, which may be left out, and what is made of its outcome: an awaitable without a frame of its own. Await a named object.
    /// \tparam Then `then(outcome)`: what it ends with; the outcome is null where nothing was asked.
    template <class Operation, class Then>
    class Step : public Ask<typename Core::Authority, Operation> {
        using Asking = Ask<typename Core::Authority, Operation>;

    public:
        Step(Core& core, Driver& driver, bool asks, Operation operation, Then then) : Asking(driver, core.authority, std::move(operation)), then_(std::move(then)), asks_(asks) {}

        bool await_ready() { return !asks_ || Asking::await_ready(); }
        auto await_resume() {
            if (!asks_) return then_(static_cast<typename Operation::result*>(nullptr));
            auto&& outcome = Asking::await_resume();
            return then_(&outcome);
        }

    private:
        Then then_;
        bool asks_;
    };

    template <std::size_t Space>
    static auto lookup(Core& core, Driver& driver, const Key<Space>& key, const Demand& demand) {
        Seen<Value<Space>> seen;
        const bool answered = look_in_front<Space>(core, key, demand, seen);
        const bool asks = !answered && core.reads(authority_level);
        if (!answered && !asks) drop_placeholder<Space>(core, key, seen);
        return Step(core, driver, asks, Ops::template lookup<Space>(key, at_authority(core, demand)), [&core, &key, seen = std::move(seen)](auto* outcome) mutable {
            if (outcome && outcome->has_error()) {
                core.hide(authority_level, "lookup", outcome->error());
                take_failure<Space>(core, key, seen);
            } else if (outcome) {
                take_answer<Space>(core, key, std::move(**outcome), seen);
            }
            return std::move(seen);
        });
    }

    /// Whether an alternate key and the row that it leads to can be read in one round trip: not where there is a tier in front, which is told of changes
    /// only of what was asked for by name.
    template <std::size_t Space>
    static constexpr bool follows = !Core::has_near && requires(typename Core::Authority& authority, const Key<Space>& key, const Demand& demand,
                                                                void (*handler)(Outcome<Followed<Entity>>)) { authority.template async_follow<Space>(key, demand, demand, handler); };

    /// As `lookup` with a default demand, of an alternate key; with it comes the row that it leads to, if that is a hit.
    template <std::size_t Space>
    static auto follow(Core& core, Driver& driver, const Key<Space>& key, const Demand& row_demand, Seen<Value<0>>& row) {
        row.level = authority_level;
        return Step(core, driver, core.reads(authority_level), Ops::template follow<Space>(key, at_authority(core, Demand{}), row_demand), [&core, &key, &row](auto* outcome) {
            Seen<Value<Space>> seen;
            seen.level = authority_level;
            if (outcome && outcome->has_error()) {
                core.hide(authority_level, "lookup", outcome->error());
                take_failure<Space>(core, key, seen);
            } else if (outcome) {
                static_cast<Lookup<Value<0>>&>(row) = std::move((*outcome)->row);
                take_answer<Space>(core, key, std::move((*outcome)->alias), seen);
            }
            return seen;
        });
    }

    /// As `lookup`, for many keys: one round trip to the authority for all that the tier in front does not answer.
    template <std::size_t Space>
    static Task<std::vector<Seen<Value<Space>>>> lookup_many(Core& core, Driver& driver, std::span<const Key<Space>> keys, Demand demand) {
        std::vector<Seen<Value<Space>>> seen(keys.size());
        std::vector<std::size_t> left;
        for (std::size_t i = 0; i < keys.size(); ++i)
            if (!look_in_front<Space>(core, keys[i], demand, seen[i])) left.push_back(i);
        if (left.empty()) co_return seen;
        if (!core.reads(authority_level)) {
            for (const std::size_t i : left) drop_placeholder<Space>(core, keys[i], seen[i]);
            co_return seen;
        }
        std::vector<Key<Space>> some;
        if (left.size() != keys.size()) {
            some.reserve(left.size());
            for (const std::size_t i : left) some.push_back(keys[i]);
        }
        const std::span<const Key<Space>> asking = some.empty() ? keys : std::span<const Key<Space>>(some);
        auto asked = Ask(driver, core.authority, Ops::template lookup_many<Space>(asking, at_authority(core, demand)));
        auto outcome = co_await asked;
        if (outcome.has_error()) core.hide(authority_level, "lookup_many", outcome.error());
        for (std::size_t n = 0; n < left.size(); ++n) {
            if (outcome.has_error())
                take_failure<Space>(core, asking[n], seen[left[n]]);
            else
                take_answer<Space>(core, asking[n], std::move((*outcome)[n]), seen[left[n]]);
        }
        co_return seen;
    }

    /// Gives the authority's hit to the tier in front, if there is one and a placeholder stands there.
    template <std::size_t Space>
    static void keep_in_front(Core& core, const Key<Space>& key, Seen<Value<Space>>& seen) {
        if constexpr (Core::has_near)
            if (seen.placeholder != 0) {
                Lifetime life{.serve = seen.age + seen.remaining};
                life.refresh_after = core.refresh_after(life.serve);
                core.near.template fill<Space>(key, {std::exchange(seen.placeholder, 0), seen.version, seen.value, seen.age, life});
            }
    }

    /// Fills what a lookup gave the right to fill. Without that right: `lost`.
    template <std::size_t Space>
    static auto fill(Core& core, Driver& driver, const Key<Space>& key, Seen<Value<Space>>& seen, FillRequest<Value<Space>> request) {
        request.lease = std::exchange(seen.lease, 0);
        if (request.lease == 0) drop_placeholder<Space>(core, key, seen);
        const bool asks = request.lease != 0;
        std::conditional_t<Core::has_near, FillRequest<Value<Space>>, NoFill> here(request);
        return Step(core, driver, asks, Ops::template fill<Space>(key, std::move(request)), [&core, &key, &seen, here = std::move(here)](auto* outcome) mutable {
            if (!outcome) return FillOutcome::lost;
            const FillOutcome filled = outcome->has_error() ? FillOutcome::lost : **outcome;
            if (outcome->has_error()) core.hide(authority_level, "fill", outcome->error());
            core.env.observe(event::Fill{authority_level, filled, Space != 0});
            fill_in_front<Space>(core, key, seen, filled, std::move(here));
            return filled;
        });
    }

    /// Gives back the right to fill, unused. \param version the row's newest version, if known: a copy of an older one ends.
    template <std::size_t Space>
    static auto release(Core& core, Driver& driver, const Key<Space>& key, Seen<Value<Space>>& seen, Version version = 0) {
        drop_placeholder<Space>(core, key, seen);
        FillRequest<Value<Space>> nothing;
        nothing.lease = std::exchange(seen.lease, 0);
        nothing.version = version;
        const bool asks = nothing.lease != 0;
        return Step(core, driver, asks, Ops::template fill<Space>(key, std::move(nothing)), [&core](auto* outcome) {
            if (outcome && outcome->has_error()) core.hide(authority_level, "release", outcome->error());
        });
    }

    /// One fill of many: under which key, with the right that a lookup gave, and what; a lifetime of 0 gives the right back.
    template <std::size_t Space>
    struct Filling {
        const Key<Space>* key;
        Seen<Value<Space>>* seen;
        FillRequest<Value<Space>> request;
        FillOutcome outcome = FillOutcome::lost; ///< How it ended, once it has.
    };

    /// As `fill` and `release`, for many keys in one round trip to the authority.
    template <std::size_t Space>
    static Task<bool> fill_many(Core& core, Driver& driver, std::vector<Filling<Space>>& fillings) {
        std::vector<Filling<Space>*> entitled;
        std::vector<Key<Space>> keys;
        std::vector<FillRequest<Value<Space>>> requests;
        for (auto& each : fillings) {
            each.request.lease = std::exchange(each.seen->lease, 0);
            if (each.request.lease == 0 || !keeps(each.request)) drop_placeholder<Space>(core, *each.key, *each.seen);
            if (each.request.lease == 0) continue;
            entitled.push_back(&each);
            keys.push_back(*each.key);
            requests.push_back(each.request);
        }
        if (entitled.empty()) co_return true;
        auto asked = Ask(driver, core.authority, Ops::template fill_many<Space>(keys, std::move(requests)));
        const auto outcome = co_await asked;
        if (outcome.has_error()) core.hide(authority_level, "fill_many", outcome.error());
        for (std::size_t n = 0; n < entitled.size(); ++n) {
            Filling<Space>& each = *entitled[n];
            if (!keeps(each.request)) continue;
            if (outcome.has_value()) each.outcome = (*outcome)[n];
            core.env.observe(event::Fill{authority_level, each.outcome, Space != 0});
            fill_in_front<Space>(core, *each.key, *each.seen, each.outcome, std::move(each.request));
        }
        co_return true;
    }

    /// Fences keys in all tiers: the tier in front just drops its copies and placeholders, before the write and after it. \returns whether every tier has done it.
    static Task<bool> fence(Core& core, Driver& driver, const KeySet<Entity>& keys, FenceOwner owner) {
        Outcome<void> outcome;
        for (unsigned attempt = 0; attempt < attempts; ++attempt) {
            auto asked = Ask(driver, core.authority, Ops::fence(keys, owner, core.options.fence_for));
            outcome = co_await asked;
            if (outcome.has_value()) break;
        }
        expel_in_front(core, keys);
        core.env.observe(event::Invalidated{authority_level, Invalidation::fence, keys.size()});
        if (outcome.has_error()) core.hide(authority_level, "fence", outcome.error());
        co_return outcome.has_value();
    }

    /// Drops the copies and placeholders of keys from the tier in front, if there is one.
    static void expel_in_front(Core& core, const KeySet<Entity>& keys) {
        if constexpr (Core::has_near)
            core.near.expel(keys);
        else
            static_cast<void>(core), static_cast<void>(keys);
    }

    /// Publishes in all tiers. \returns whether every tier has done it.
    static Task<bool> publish(Core& core, Driver& driver, std::span<const Publication<Entity>> publications) {
        Outcome<void> outcome;
        for (unsigned attempt = 0; attempt < attempts; ++attempt) {
            auto asked = Ask(driver, core.authority, Ops::publish(publications));
            outcome = co_await asked;
            if (outcome.has_value()) break;
        }
        if constexpr (Core::has_near) expel_near(core, publications);
        std::size_t keys = 0;
        for (const auto& publication : publications) keys += (publication.primary ? 1U : 0U) + publication.aliases.size() + publication.gone.size() + publication.epoch_keys.size();
        core.env.observe(event::Invalidated{authority_level, Invalidation::publish, keys});
        if (outcome.has_error()) core.hide(authority_level, "publish", outcome.error());
        co_return outcome.has_value();
    }

    /// Drops the copies of keys in all tiers, or with `expire` keeps them as fallback only.
    static Task<Done> drop(Core& core, Driver& driver, const KeySet<Entity>& keys, Invalidation kind) {
        Outcome<void> outcome;
        core.drops.fetch_add(1, std::memory_order_acq_rel);
        if (kind == Invalidation::expire) {
            auto asked = Ask(driver, core.authority, Ops::expire(keys));
            outcome = co_await asked;
            if constexpr (Core::has_near) core.near.expel(keys);
        } else {
            auto asked = Ask(driver, core.authority, Ops::expel(keys));
            outcome = co_await asked;
            if constexpr (Core::has_near) core.near.expel(keys);
        }
        core.env.observe(event::Invalidated{authority_level, kind, keys.size()});
        co_return outcome.has_error() ? Done(outcome.error()) : Done();
    }

    /// Drops the rows of a group from the in-process tiers.
    template <std::size_t Space>
    static void expel_group(Core& core, const Key<Space>& group) {
        core.drops.fetch_add(1, std::memory_order_acq_rel);
        if constexpr (requires { core.authority.template expel_group<Space>(group); }) core.authority.template expel_group<Space>(group);
        if constexpr (Core::has_near) core.near.template expel_group<Space>(group);
    }

private:
    /// Fencing and publishing are idempotent, so a lost answer is asked for again, unless the tier does so itself.
    static constexpr unsigned attempts = retries_itself<typename Core::Authority> ? 1 : 3;

    /// Drops what was published from the tier in front. It takes no value from a publication: only the authority can tell
    /// whether that was the newest, and its answer says nothing of it.
    static void expel_near(Core& core, std::span<const Publication<Entity>> publications) {
        for (const auto& publication : publications) {
            if (publication.primary) {
                KeySet<Entity> row;
                row.template add<0>(*publication.primary);
                core.near.expel(row);
            }
            core.near.expel(publication.aliases);
            core.near.expel(publication.gone);
            core.near.expel(publication.epoch_keys);
        }
    }

    /// In the place of what is to be filled in front, where there is nothing in front.
    struct NoFill {
        template <class Request>
        explicit NoFill(const Request&) noexcept {}
    };

    template <class Request>
    static bool keeps(const Request& request) noexcept {
        return request.lifetime.serve > Duration::zero();
    }

    /// Looks in the tier in front, if there is one and it may be read. \returns whether it answers; else `seen` has its placeholder.
    template <std::size_t Space>
    static bool look_in_front(Core& core, const Key<Space>& key, const Demand& demand, Seen<Value<Space>>& seen) {
        seen.level = authority_level;
        if constexpr (Core::has_near) {
            if (!near_serves(core) || !core.reads(near_level)) return false;
            Demand here = demand;
            here.want_lease = demand.want_lease && core.fills(near_level);
            here.refresh = demand.refresh && core.fills(near_level);
            here.lease_for = core.options.lease_for;
            auto answer = core.near.template lookup<Space>(key, here);
            if (answer.answer == Answer::hit && !demand.refresh) {
                static_cast<Lookup<Value<Space>>&>(seen) = std::move(answer);
                seen.lease = 0;
                seen.level = near_level;
                return true;
            }
            if (answer.answer != Answer::bypass) seen.placeholder = answer.lease;
        } else {
            static_cast<void>(core), static_cast<void>(key), static_cast<void>(demand);
        }
        return false;
    }

    static Demand at_authority(Core& core, Demand demand) {
        demand.want_lease = demand.want_lease && core.fills(authority_level);
        demand.refresh = demand.refresh && core.fills(authority_level);
        demand.lease_for = core.options.lease_for;
        return demand;
    }

    /// Takes the authority's answer, and settles the placeholder where it brings no right to fill.
    template <std::size_t Space>
    static void take_answer(Core& core, const Key<Space>& key, Lookup<Value<Space>>&& answer, Seen<Value<Space>>& seen) {
        static_cast<Lookup<Value<Space>>&>(seen) = std::move(answer);
        if (seen.answer == Answer::hit && seen.lease == 0)
            keep_in_front<Space>(core, key, seen);
        else if (seen.lease == 0)
            drop_placeholder<Space>(core, key, seen);
    }

    template <std::size_t Space>
    static void take_failure(Core& core, const Key<Space>& key, Seen<Value<Space>>& seen) {
        core.env.observe(event::Lookup{authority_level, LookupOutcome::failed, Space != 0});
        drop_placeholder<Space>(core, key, seen);
    }

    /// Fills the tier in front with what the authority has stored; else gives the placeholder back.
    template <std::size_t Space, class Request>
    static void fill_in_front(Core& core, const Key<Space>& key, Seen<Value<Space>>& seen, FillOutcome filled, Request&& request) {
        if constexpr (Core::has_near)
            if (filled == FillOutcome::stored && seen.placeholder != 0) {
                request.lease = std::exchange(seen.placeholder, 0);
                core.near.template fill<Space>(key, std::move(request));
            }
        drop_placeholder<Space>(core, key, seen);
    }

    static bool near_serves(Core& core) {
        if constexpr (requires { core.authority.near_may_serve(core.env.now()); })
            return core.authority.near_may_serve(core.env.now());
        else
            return true;
    }

    template <std::size_t Space>
    static void drop_placeholder(Core& core, const Key<Space>& key, Seen<Value<Space>>& seen) {
        if constexpr (Core::has_near)
            if (seen.placeholder != 0) {
                FillRequest<Value<Space>> nothing;
                nothing.lease = std::exchange(seen.placeholder, 0);
                core.near.template fill<Space>(key, std::move(nothing));
            }
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
