// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/cache/detail/floor.hpp>
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
/// \tparam Rules what the record is about: `RowRules`, `AliasRules` or `EpochRules`.
template <class Rules>
class LeasedRecord {
public:
    using Value = typename Rules::Value;
    using Floors = typename Rules::Floors;
    using Subject = typename Floors::Subject;

    /// Whether a lookup with these demands hits. That no fence stands need not be asked: a fence drops the value, and lets none in.
    bool serves(SteadyTime now, Version min_version, Duration max_age) const noexcept {
        return held_ && now < serve_until_ && version_ >= min_version && age_at(now) <= max_age;
    }

    /// The hit. \pre serves(...)
    void serve(SteadyTime now, Lookup<Value>& out) const {
        out.answer = Answer::hit;
        out.value = value_;
        out.version = version_;
        out.age = age_at(now);
        out.remaining = serve_until_ - now;
        out.refresh_due = now >= refresh_at_;
    }

    /// \param token the lease to give, if one is to be given; unique and not 0.
    template <class Env>
    Lookup<Value> lookup(const Env& env, SteadyTime now, const Demand& demand, LeaseToken token, Value& dropped) {
        settle(env, now, dropped);
        Lookup<Value> found;
        if (!fences_.empty()) {
            found.answer = Answer::bypass;
            return found;
        }
        if (serves(now, demand.min_version, demand.max_age)) {
            serve(now, found);
            if (demand.refresh && lease_ == 0) found.lease = lend(now, demand, token);
            return found;
        }
        if (held_ && has_fallback_ && now < fallback_until_ && version_ >= demand.min_version) {
            found.value = value_;
            found.version = version_;
            found.age = age_at(now);
            found.has_fallback = true;
        }
        found.unsettled = unsettled_;
        if (lease_ != 0)
            found.answer = Answer::wait;
        else if (demand.want_lease)
            found.lease = lend(now, demand, token);
        found.floored = found.lease != 0 && floors_.complete();
        return found;
    }

    /// A value that is not to be kept ends an older one; if it has no version that shows it to be newer, nothing but the lease ends, so
    /// that a lease can be given back. \param fits whether the value is within the tier's bound.
    template <class Env>
    FillOutcome fill(const Env& env, SteadyTime now, FillRequest<Value>&& request, bool fits, Value& dropped) {
        settle(env, now, dropped);
        if (env.enabled(Guard::lease_on_fill) && (lease_ == 0 || lease_ != request.lease)) return FillOutcome::lost;
        lease_ = 0;
        const Subject subject = Rules::subject(request.value);
        const Floor floor = floors_.of(subject);
        if (env.enabled(Guard::floor_on_fill) && floor.version > request.version) return FillOutcome::outdated;
        const bool over = request.age >= request.lifetime.serve;
        const bool about = held_ && Rules::is_about(value_, subject);
        if ((over || !fits) && request.version <= (about ? version_ : 0)) return fits ? FillOutcome::stored : FillOutcome::refused;
        drop(dropped, false);
        floors_.set(subject, {floor.version, std::max(floors_.of(subject).newest, request.version)});
        if (!fits) return FillOutcome::refused;
        if (!over) keep(later(now, -request.age), std::move(request.value), request.version, request.lifetime);
        unsettled_ = false;
        return FillOutcome::stored;
    }

    template <class Env>
    void fence(const Env& env, SteadyTime now, FenceOwner owner, Duration length, Value& dropped) {
        if (!env.enabled(Guard::fence)) return;
        settle(env, now, dropped);
        const SteadyTime until = later(now, length);
        const auto own = std::find_if(fences_.begin(), fences_.end(), [owner](const Fence& fence) { return fence.owner == owner; });
        if (own == fences_.end())
            fences_.push_back({owner, until, length});
        else if (own->until < until)
            *own = {owner, until, length, own->doubtful};
        longest_fence_ = std::max(longest_fence_, length);
        listen(now);
        lease_ = 0;
        drop(dropped, true);
    }

    /// \param subject the row that the publication is about. \param value what to keep of it; null drops what is kept of it.
    /// \return whether it was kept.
    template <class Env>
    bool publish(const Env& env, SteadyTime now, Subject subject, Version version, Value* value, const Lifetime& lifetime, FenceOwner owner,
                 Value& dropped) {
        settle(env, now, dropped);
        const bool stood = lift(env, owner);
        listen(now);
        lease_ = 0;
        Floor floor = floors_.of(subject);
        const bool about = held_ && Rules::is_about(value_, subject);
        const bool guarded = env.enabled(Guard::floor_on_publish);
        if (guarded && version < std::max(floor.version, about ? version_ : Version{0})) {
            // Whoever lifts a fence and publishes nothing may have met a newer version, which its writer never published.
            floors_.set(subject, {std::max(floor.version, version), version != 0 ? floor.newest : 0});
            return false;
        }
        if (about) floor.newest = std::max(floor.newest, version_);
        const bool newest = stood || (floor.newest != 0 && (!guarded || version >= floor.newest));
        if (value || about) drop(dropped, false);
        floor.version = std::max(floor.version, version);
        if (stood || floor.newest != 0) floor.newest = std::max(floor.newest, floor.version);
        floors_.set(subject, floor);
        if (!value || !newest || !fences_.empty() || unsettled_ || lifetime.serve <= Duration::zero()) return false;
        keep(now, std::move(*value), version, lifetime);
        return true;
    }

    /// Whoever expels knows of a change that no writer here may know of: so nobody's version is known to be the newest any more.
    template <class Env>
    void expel(const Env& env, SteadyTime now, Value& dropped) {
        settle(env, now, dropped);
        lease_ = 0;
        drop(dropped, false);
        doubt();
    }

    template <class Env>
    void expire(const Env& env, SteadyTime now, Value& dropped) {
        settle(env, now, dropped);
        lease_ = 0;
        if (held_ && has_fallback_)
            serve_until_ = std::min(serve_until_, now);
        else
            drop(dropped, false);
        doubt();
    }

    /// When the record ends by itself, unless an operation comes before. A floor that outlives its value, and the mark of a fence
    /// that ended unpublished, stay until the record is evicted. A value that ends by its time takes the floor along, but not while
    /// a fence and a publication of an older write may still be under way, sent again or late.
    template <class Env>
    SteadyTime ends(const Env& env) const noexcept {
        if (unsettled_ || (!held_ && !floors_.empty())) return SteadyTime::max();
        SteadyTime end = held_ ? fallback_until_ : SteadyTime::min();
        if (!floors_.empty()) end = std::max(end, listens_until_);
        if (lease_ != 0) end = env.enabled(Guard::lease_expiry) ? std::max(end, lease_until_) : SteadyTime::max();
        for (const Fence& fence : fences_) end = env.enabled(Guard::settle_after_fence) ? SteadyTime::max() : std::max(end, fence.until);
        return end;
    }

    /// When the record next needs attention: the end of its value's serving time, or else its own end.
    template <class Env>
    SteadyTime deadline(const Env& env, SteadyTime now) const noexcept {
        return held_ && now < serve_until_ ? serve_until_ : ends(env);
    }

    /// Whether the record may not be evicted: while a fence stands, and after one that ended unpublished for as long again, in
    /// which time a commit that is in flight comes through.
    bool pinned(SteadyTime now) const noexcept {
        if (unsettled_ && now < pinned_until_) return true;
        return std::any_of(fences_.begin(), fences_.end(), [now](const Fence& fence) { return now < later(fence.until, fence.length); });
    }

    /// Whether there is nothing in it.
    bool empty() const noexcept { return !held_ && lease_ == 0 && fences_.empty() && !unsettled_ && floors_.empty(); }
    /// Whether a value is there, of whatever age.
    bool held() const noexcept { return held_; }
    /// The value. \pre held().
    const Value& value() const noexcept { return value_; }
    /// Until when the value may be served. \pre held().
    SteadyTime serve_until() const noexcept { return serve_until_; }
    /// The bytes owned beside the value.
    std::size_t heap() const noexcept { return floors_.heap() + fences_.capacity() * sizeof(Fence); }

    /// Ends the value as an eviction of the whole record does: hands it over, and nothing else matters any more.
    void release(Value& dropped) noexcept {
        if (held_) dropped = std::exchange(value_, Value{});
        held_ = false;
    }

private:
    struct Fence {
        FenceOwner owner;
        SteadyTime until;
        Duration length;
        bool doubtful = false; ///< Whether the row was expelled meanwhile, so that what the owner publishes need not be the newest.
    };

    Duration age_at(SteadyTime now) const noexcept { return std::max(now - loaded_at_, Duration::zero()); }

    LeaseToken lend(SteadyTime now, const Demand& demand, LeaseToken token) noexcept {
        lease_ = token;
        lease_until_ = later(now, demand.lease_for);
        return token;
    }

    /// Keeps what is known of versions for a while after a fence or a publication.
    void listen(SteadyTime now) noexcept { listens_until_ = std::max(listens_until_, later(now, 2 * longest_fence_)); }

    /// Lets pass what time has ended.
    template <class Env>
    void settle(const Env& env, SteadyTime now, Value& dropped) {
        if (now >= ends(env)) {
            release(dropped);
            lease_ = 0;
            fences_.clear();
            floors_.clear();
            longest_fence_ = {};
            listens_until_ = {};
            return;
        }
        if (lease_ != 0 && now >= lease_until_ && env.enabled(Guard::lease_expiry)) lease_ = 0;
        std::erase_if(fences_, [&](const Fence& fence) {
            if (now < fence.until) return false;
            if (env.enabled(Guard::settle_after_fence)) {
                pinned_until_ = unsettled_ ? std::max(pinned_until_, later(fence.until, fence.length)) : later(fence.until, fence.length);
                unsettled_ = true;
            }
            return true;
        });
    }

    /// Ends the owner's fence. Answers whether it stood, and nothing was expelled meanwhile.
    template <class Env>
    bool lift(const Env& env, FenceOwner owner) noexcept {
        if (owner == 0) return false;
        bool stood = false;
        std::erase_if(fences_, [owner, &stood](const Fence& fence) {
            stood = stood || (fence.owner == owner && !fence.doubtful);
            return fence.owner == owner;
        });
        if (!env.enabled(Guard::fence_owner)) fences_.clear();
        return stood;
    }

    void doubt() noexcept {
        for (Fence& fence : fences_) fence.doubtful = true;
        floors_.doubt();
    }

    void keep(SteadyTime loaded_at, Value&& value, Version version, const Lifetime& lifetime) {
        value_ = std::move(value);
        held_ = true;
        version_ = version;
        loaded_at_ = loaded_at;
        serve_until_ = later(loaded_at, lifetime.serve);
        has_fallback_ = lifetime.fallback > Duration::zero();
        fallback_until_ = has_fallback_ ? later(serve_until_, lifetime.fallback) : serve_until_;
        refresh_at_ = later(loaded_at, lifetime.refresh_after);
    }

    /// Ends the value; that it was the newest is still known. \param raise whether the floor rises to its version.
    void drop(Value& dropped, bool raise) {
        if (!held_) return;
        if (version_ != 0) {
            const Subject subject = Rules::subject(value_);
            const Floor floor = floors_.of(subject);
            floors_.set(subject, {raise ? std::max(floor.version, version_) : floor.version, std::max(floor.newest, version_)});
        }
        release(dropped);
    }

    Value value_{};
    Version version_ = 0;
    SteadyTime loaded_at_{};
    SteadyTime serve_until_{};
    SteadyTime refresh_at_{};
    SteadyTime fallback_until_{};
    bool held_ = false;
    bool has_fallback_ = false;
    bool unsettled_ = false;
    std::vector<Fence> fences_;
    LeaseToken lease_ = 0;
    SteadyTime lease_until_{};
    SteadyTime pinned_until_{};
    SteadyTime listens_until_{}; ///< Until when older writes may still be heard of.
    Duration longest_fence_{};
    Floors floors_;
};

} // namespace detail
} // namespace v0
} // namespace larder
