// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/cache/detail/aside.hpp>
#include <larder/cache/detail/floor.hpp>
#include <larder/cache/detail/held.hpp>
#include <larder/clock.hpp>
#include <larder/environment.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The moment `by` later, or the end of time if that comes first. A negative `by` leads back.
constexpr SteadyTime later(SteadyTime moment, Duration by) noexcept {
    if (by > Duration::zero() && moment > SteadyTime::max() - by) return SteadyTime::max();
    return moment + by;
}

/// A token for a lease or a placeholder that no other has.
template <class Env>
LeaseToken new_token(Env& env) {
    return env.enabled(Guard::placeholder_token) ? env.random() : 1;
}

/// One record of a leased, versioned cache: a value with its deadlines, floors, at most one lease and a set of fences, as a
/// machine that only changes with the operations of the tier's contract (cache/cache_tier.hpp) and the time they are given.
///
/// It holds no clock, lock or key. An operation that ends a value hands it to its parameter `dropped`, for the caller to destroy
/// where it likes; what `dropped` held is lost. Guards are asked of the environment, an object with `enabled(Guard)`.
///
/// A record *ends* by itself once nothing in it can matter any more: `ends()`. An operation on a record that has ended finds it
/// empty, so it makes no difference when its owner gets round to removing it.
///
/// What few records have at a time (a lease, fences, floors) is kept elsewhere, so that a record is small; and so may be what a hit reads: `Held`.
///
/// \tparam Rules what the record is about: `RowRules`, `AliasRules` or `EpochRules`.
/// \tparam Place where the record's `Held<Rules>` is: an object with `value()`, a reference to it also from a constant place.
template <class Rules, class Place = HeldInside<Rules>>
class LeasedRecord {
public:
    using Value = typename Rules::Value;
    using Floors = typename Rules::Floors;
    using Subject = typename Floors::Subject;

    LeasedRecord() = default;
    /// \param place where its value is; empty before, and the record's alone.
    explicit LeasedRecord(Place place) noexcept : place_(std::move(place)) {}

    /// \param token the lease to give, if one is to be given; unique and not 0.
    template <class Env>
    Lookup<Value> lookup(const Env& env, SteadyTime now, const Demand& demand, LeaseToken token, Value& dropped) {
        settle(env, now, dropped);
        Lookup<Value> found;
        if (rare_ && !rare_->fences.empty()) {
            found.answer = Answer::bypass;
            return found;
        }
        const bool lent = rare_ && rare_->lease != 0;
        const Held<Rules>& value = held_value();
        if (value.serves(now, demand.min_version, demand.max_age)) {
            value.serve(now, *this, found);
            if (demand.refresh && !lent) found.lease = lend(now, demand, token);
            return found;
        }
        if (value.held && value.has_fallback && now < fallback_until_ && value.version >= demand.min_version) {
            found.value = value.kept.get(value.whole);
            found.version = value.version;
            found.age = value.age_at(now);
            found.has_fallback = true;
        }
        found.unsettled = unsettled();
        if (lent)
            found.answer = Answer::wait;
        else if (demand.want_lease)
            found.lease = lend(now, demand, token);
        found.floored = found.lease != 0 && rare_->floors.complete();
        return found;
    }

    /// A value that is not to be kept ends an older one; if it has no version that shows it to be newer, nothing but the lease ends, so
    /// that a lease can be given back. \param fits whether the value is within the tier's bound.
    template <class Env>
    FillOutcome fill(const Env& env, SteadyTime now, FillRequest<Value>&& request, bool fits, Value& dropped) {
        settle(env, now, dropped);
        const LeaseToken lease = rare_ ? rare_->lease : 0;
        if (env.enabled(Guard::lease_on_fill) && (lease == 0 || lease != request.lease)) return FillOutcome::lost;
        const FillOutcome outcome = fill_leased(env, now, std::move(request), fits, dropped);
        end_lease();
        return outcome;
    }

    template <class Env>
    void fence(const Env& env, SteadyTime now, FenceOwner owner, Duration length, Value& dropped) {
        if (!env.enabled(Guard::fence)) return;
        settle(env, now, dropped);
        const SteadyTime until = later(now, length);
        auto& fences = rare_.made().fences;
        const auto own = std::find_if(fences.begin(), fences.end(), [owner](const Fence& fence) { return fence.owner == owner; });
        if (own == fences.end())
            fences.push_back({owner, until, length});
        else if (own->until < until)
            *own = {owner, until, length, own->doubtful};
        rare_->longest_fence = std::max(rare_->longest_fence, length);
        listen(now);
        rare_->lease = 0;
        drop(dropped, true);
    }

    /// \param subject the row that the publication is about. \param value what to keep of it; null drops what is kept of it.
    /// \return whether it was kept.
    template <class Env>
    bool publish(const Env& env, SteadyTime now, Subject subject, Version version, Value* value, const Lifetime& lifetime, FenceOwner owner,
                 Value& dropped) {
        settle(env, now, dropped);
        rare_.made();
        const bool stood = lift(env, owner);
        listen(now);
        const bool kept = publish_lifted(env, now, subject, version, value, lifetime, stood, dropped);
        end_lease();
        return kept;
    }

    /// Whoever expels knows of a change that no writer here may know of: so nobody's version is known to be the newest any more.
    template <class Env>
    void expel(const Env& env, SteadyTime now, Value& dropped) {
        settle(env, now, dropped);
        drop(dropped, false);
        doubt();
        end_lease();
    }

    template <class Env>
    void expire(const Env& env, SteadyTime now, Value& dropped) {
        settle(env, now, dropped);
        if (Held<Rules>& value = held_value(); value.held && value.has_fallback)
            value.serve_until = std::min(value.serve_until, now);
        else
            drop(dropped, false);
        doubt();
        end_lease();
    }

    /// When the record ends by itself, unless an operation comes before. A floor that outlives its value, and the mark of a fence
    /// that ended unpublished, stay until the record is evicted. A value that ends by its time takes the floor along, but not while
    /// a fence and a publication of an older write may still be under way, sent again or late.
    template <class Env>
    SteadyTime ends(const Env& env) const noexcept {
        SteadyTime end = held() ? fallback_until_ : SteadyTime::min();
        if (!rare_) return end;
        const Rare& rare = *rare_;
        if (rare.unsettled || (!held() && !rare.floors.empty())) return SteadyTime::max();
        if (!rare.floors.empty()) end = std::max(end, rare.listens_until);
        if (rare.lease != 0) end = env.enabled(Guard::lease_expiry) ? std::max(end, rare.lease_until) : SteadyTime::max();
        for (const Fence& fence : rare.fences) end = env.enabled(Guard::settle_after_fence) ? SteadyTime::max() : std::max(end, fence.until);
        return end;
    }

    /// When the record next needs attention: the end of its value's serving time, or else its own end.
    template <class Env>
    SteadyTime deadline(const Env& env, SteadyTime now) const noexcept {
        const Held<Rules>& value = held_value();
        return value.held && now < value.serve_until ? value.serve_until : ends(env);
    }

    /// Whether the record may not be evicted: while a fence stands, and after one that ended unpublished for as long again, in
    /// which time a commit that is in flight comes through.
    bool pinned(SteadyTime now) const noexcept {
        if (!rare_) return false;
        if (rare_->unsettled && now < rare_->pinned_until) return true;
        return std::any_of(rare_->fences.begin(), rare_->fences.end(), [now](const Fence& fence) { return now < later(fence.until, fence.length); });
    }

    /// Whether there is nothing in it.
    bool empty() const noexcept { return !held() && (!rare_ || rare_->matters_not()); }
    /// Whether a value is there, of whatever age.
    bool held() const noexcept { return held_value().held; }
    /// What a hit reads.
    const Held<Rules>& value() const noexcept { return held_value(); }
    /// Where that is.
    const Place& place() const noexcept { return place_; }
    /// When the value is due for a refresh. \pre held(), and its `has_refresh`.
    SteadyTime refresh_at() const noexcept { return refresh_at_; }
    /// The bytes owned beside the value.
    std::size_t heap() const noexcept { return rare_ ? rare_.bytes + rare_->floors.heap() + rare_->fences.capacity() * sizeof(Fence) : 0; }

    /// Ends the value as an eviction of the whole record does: hands it over, and nothing else matters any more.
    void release(Value& dropped) noexcept {
        Held<Rules>& value = held_value();
        if (value.held) dropped = value.kept.take(value.whole);
        value.held = false;
    }

private:
    struct Fence {
        FenceOwner owner;
        SteadyTime until;
        Duration length;
        bool doubtful = false; ///< Whether the row was expelled meanwhile, so that what the owner publishes need not be the newest.
    };

    /// What few records have at a time.
    struct Rare {
        std::vector<Fence> fences;
        LeaseToken lease = 0;
        SteadyTime lease_until{};
        SteadyTime pinned_until{};
        SteadyTime listens_until{}; ///< Until when older writes may still be heard of.
        Duration longest_fence{};
        Floors floors;
        bool unsettled = false; ///< A fence ended unpublished.

        bool matters_not() const noexcept { return lease == 0 && fences.empty() && !unsettled && floors.empty(); }
    };

    Held<Rules>& held_value() const noexcept { return place_.value(); }
    bool is_about(Subject subject) const noexcept { return held() && Rules::is_about(held_value().kept, subject); }
    bool unsettled() const noexcept { return rare_ && rare_->unsettled; }
    Floor floor_of(Subject subject) const noexcept { return rare_ ? rare_->floors.of(subject) : Floor{}; }

    LeaseToken lend(SteadyTime now, const Demand& demand, LeaseToken token) {
        Rare& rare = rare_.made();
        rare.lease = token;
        rare.lease_until = later(now, demand.lease_for);
        return token;
    }

    /// Ends the lease, and gives back what nothing needs any more. How long fences were matters for as long as something is heard of.
    void end_lease() noexcept {
        if (!rare_) return;
        rare_->lease = 0;
        if (rare_->matters_not() && rare_->longest_fence == Duration::zero()) rare_.reset();
    }

    /// Keeps what is known of versions for a while after a fence or a publication. \pre rare_
    void listen(SteadyTime now) noexcept { rare_->listens_until = std::max(rare_->listens_until, later(now, 2 * rare_->longest_fence)); }

    /// Lets pass what time has ended.
    template <class Env>
    void settle(const Env& env, SteadyTime now, Value& dropped) {
        if (now >= ends(env)) {
            release(dropped);
            rare_.reset();
            return;
        }
        if (!rare_) return;
        Rare& rare = *rare_;
        if (rare.lease != 0 && now >= rare.lease_until && env.enabled(Guard::lease_expiry)) rare.lease = 0;
        std::erase_if(rare.fences, [&](const Fence& fence) {
            if (now < fence.until) return false;
            if (env.enabled(Guard::settle_after_fence)) {
                rare.pinned_until = rare.unsettled ? std::max(rare.pinned_until, later(fence.until, fence.length)) : later(fence.until, fence.length);
                rare.unsettled = true;
            }
            return true;
        });
    }

    /// Ends the owner's fence. Answers whether it stood, and nothing was expelled meanwhile. \pre rare_
    template <class Env>
    bool lift(const Env& env, FenceOwner owner) noexcept {
        if (owner == 0) return false;
        bool stood = false;
        std::erase_if(rare_->fences, [owner, &stood](const Fence& fence) {
            stood = stood || (fence.owner == owner && !fence.doubtful);
            return fence.owner == owner;
        });
        if (!env.enabled(Guard::fence_owner)) rare_->fences.clear();
        return stood;
    }

    /// The fill of whoever has the lease.
    template <class Env>
    FillOutcome fill_leased(const Env& env, SteadyTime now, FillRequest<Value>&& request, bool fits, Value& dropped) {
        const Subject subject = Rules::subject(request.value);
        const Floor floor = floor_of(subject);
        if (env.enabled(Guard::floor_on_fill) && floor.version > request.version) return FillOutcome::outdated;
        const bool over = request.age >= request.lifetime.serve;
        const bool about = is_about(subject);
        if ((over || !fits) && request.version <= (about ? held_value().version : 0)) return fits ? FillOutcome::stored : FillOutcome::refused;
        drop(dropped, false);
        if (rare_) rare_->floors.set(subject, {floor.version, std::max(rare_->floors.of(subject).newest, request.version)});
        if (!fits) return FillOutcome::refused;
        if (!over) keep(later(now, -request.age), std::move(request.value), request.version, request.lifetime);
        if (rare_) rare_->unsettled = false;
        return FillOutcome::stored;
    }

    /// The publication, after its owner's fence was lifted. \param stood whether that stood until then. \pre rare_
    template <class Env>
    bool publish_lifted(const Env& env, SteadyTime now, Subject subject, Version version, Value* value, const Lifetime& lifetime, bool stood, Value& dropped) {
        Floor floor = rare_->floors.of(subject);
        const bool about = is_about(subject);
        const Version held_version = held_value().version;
        const bool guarded = env.enabled(Guard::floor_on_publish);
        if (guarded && version < std::max(floor.version, about ? held_version : Version{0})) {
            // Whoever lifts a fence and publishes nothing may have met a newer version, which its writer never published.
            rare_->floors.set(subject, {std::max(floor.version, version), version != 0 ? floor.newest : 0});
            return false;
        }
        if (about) floor.newest = std::max(floor.newest, held_version);
        const bool newest = stood || (floor.newest != 0 && (!guarded || version >= floor.newest));
        if (value || about) drop(dropped, false);
        floor.version = std::max(floor.version, version);
        if (stood || floor.newest != 0) floor.newest = std::max(floor.newest, floor.version);
        rare_->floors.set(subject, floor);
        if (!value || !newest || !rare_->fences.empty() || rare_->unsettled || lifetime.serve <= Duration::zero()) return false;
        keep(now, std::move(*value), version, lifetime);
        return true;
    }

    void doubt() noexcept {
        if (!rare_) return;
        for (Fence& fence : rare_->fences) fence.doubtful = true;
        rare_->floors.doubt();
    }

    void keep(SteadyTime loaded_at, Value&& value, Version version, const Lifetime& lifetime) {
        Held<Rules>& kept = held_value();
        kept.whole = kept.kept.put(std::move(value));
        kept.held = true;
        kept.version = version;
        kept.loaded_at = loaded_at;
        kept.serve_until = later(loaded_at, lifetime.serve);
        kept.has_fallback = lifetime.fallback > Duration::zero();
        fallback_until_ = kept.has_fallback ? later(kept.serve_until, lifetime.fallback) : kept.serve_until;
        refresh_at_ = later(loaded_at, lifetime.refresh_after);
        kept.has_refresh = refresh_at_ != SteadyTime::max();
    }

    /// Ends the value; that it was the newest is still known, beside a floor. \param raise whether the floor rises to its version. \pre rare_ if it does
    void drop(Value& dropped, bool raise) {
        const Held<Rules>& value = held_value();
        if (!value.held) return;
        if (value.version != 0 && rare_) {
            const Subject subject = Rules::subject(value.kept);
            const Floor floor = rare_->floors.of(subject);
            rare_->floors.set(subject, {raise ? std::max(floor.version, value.version) : floor.version, std::max(floor.newest, value.version)});
        }
        release(dropped);
    }

    [[no_unique_address]] Place place_{};
    Aside<Rare> rare_;
    SteadyTime refresh_at_{};
    SteadyTime fallback_until_{};
};

} // namespace detail
} // namespace v0
} // namespace larder
