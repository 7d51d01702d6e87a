// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/clock.hpp>

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

/// What a value is, to the model: which row it is about (nobody: "no such row"), and which edition.
struct ModelValue {
    std::optional<int> row;
    std::uint64_t edition = 0;

    friend auto operator<=>(const ModelValue&, const ModelValue&) = default;
};

/// The contract of one key of a tier, written as plainly as possible for the tests to compare with: it remembers what it was told,
/// and works out at each operation what follows.
class RecordModel {
public:
    using Time = larder::SteadyTime;
    using Duration = larder::Duration;

    struct Found {
        larder::Answer answer = larder::Answer::miss;
        std::optional<ModelValue> value; ///< The hit or the fallback.
        larder::Version version = 0;
        Duration age{};
        Duration remaining{};
        bool lease = false; ///< Whether a lease is given.
        bool refresh_due = false;
        bool unsettled = false;

        friend bool operator==(const Found&, const Found&) = default;
    };

    /// \param token the lease that is given if one is given.
    Found lookup(Time now, const larder::Demand& demand, larder::LeaseToken token) {
        pass(now);
        Found found;
        const auto lend = [&] {
            lease_ = Lease{token, now + demand.lease_for};
            found.lease = true;
        };
        if (!fences_.empty()) {
            found.answer = larder::Answer::bypass;
        } else if (held_ && now < held_->serve_end && held_->version >= demand.min_version && now - held_->loaded <= demand.max_age) {
            found = {larder::Answer::hit, held_->value, held_->version, now - held_->loaded, held_->serve_end - now, false, now - held_->loaded >= held_->refresh_after, false};
            if (demand.refresh && !lease_) lend();
        } else {
            found.unsettled = unsettled_.has_value();
            if (held_ && held_->fallback_end && now < *held_->fallback_end && held_->version >= demand.min_version) {
                found.value = held_->value;
                found.version = held_->version;
                found.age = now - held_->loaded;
            }
            if (lease_)
                found.answer = larder::Answer::wait;
            else if (demand.want_lease)
                lend();
        }
        return found;
    }

    larder::FillOutcome fill(Time now, larder::LeaseToken lease, larder::Version version, ModelValue value, Duration age, const larder::Lifetime& lifetime) {
        pass(now);
        if (!lease_ || lease_->token != lease) return larder::FillOutcome::lost;
        lease_.reset();
        if (value.row && floor(*value.row) > version) return larder::FillOutcome::outdated;
        const bool newer = version > (held_ && (!value.row || !held_->value.row || held_->value.row == value.row) ? held_->version : 0);
        if (age >= lifetime.serve && !newer) return larder::FillOutcome::stored; // the lease is given back
        drop();
        if (value.row) learn(*value.row, version);
        if (age < lifetime.serve) hold(value, version, now - age, lifetime);
        unsettled_.reset();
        return larder::FillOutcome::stored;
    }

    void fence(Time now, larder::FenceOwner owner, Duration length) {
        pass(now);
        const auto known = fences_.find(owner);
        if (known == fences_.end() || known->second.end < now + length) fences_[owner] = {now + length, length, known != fences_.end() && known->second.doubtful};
        longest_ = std::max(longest_, length);
        listen(now);
        lease_.reset();
        if (held_ && held_->value.row && held_->version > 0) {
            heard_[*held_->value.row] = std::max(floor(*held_->value.row), held_->version);
            learn(*held_->value.row, held_->version);
        }
        held_.reset();
    }

    /// \param value the edition to keep; nothing: none is.
    void publish(Time now, int row, larder::Version version, std::optional<ModelValue> value, const larder::Lifetime& lifetime, larder::FenceOwner owner) {
        pass(now);
        const auto known = fences_.find(owner);
        const bool own = known != fences_.end() && !known->second.doubtful;
        fences_.erase(owner);
        listen(now);
        lease_.reset();
        const bool about = held_ && (!held_->value.row || held_->value.row == row);
        if (version < std::max(floor(row), about ? held_->version : 0)) {
            if (version == 0) certain_.erase(row);
            if (floor(row) != 0) heard_[row] = std::max(floor(row), version);
            else if (version != 0) heard_[row] = version;
            return;
        }
        // The newest version of the row of which it is certain that none is newer; 0 if that is unknown.
        larder::Version newest = certain_.contains(row) ? certain_[row] : 0;
        if (about) newest = std::max(newest, held_->version);
        const bool current = own || (newest != 0 && version >= newest);
        if (about || value) drop();
        if (version != 0 || floor(row) != 0) {
            heard_[row] = std::max(floor(row), version);
            if (own || newest != 0) certain_[row] = std::max(newest, heard_[row]);
        }
        if (value && current && fences_.empty() && !unsettled_ && lifetime.serve > Duration::zero()) hold(*value, version, now, lifetime);
    }

    void expel(Time now) {
        pass(now);
        lease_.reset();
        drop();
        doubt();
    }

    void expire(Time now) {
        pass(now);
        lease_.reset();
        if (held_ && held_->fallback_end)
            held_->serve_end = std::min(held_->serve_end, now);
        else
            drop();
        doubt();
    }

    /// Whether it may be forgotten at this moment.
    bool forgettable(Time now) const {
        if (unsettled_ && now < *unsettled_) return false;
        return std::none_of(fences_.begin(), fences_.end(), [now](const auto& fence) { return now < fence.second.end + fence.second.length; });
    }
    bool fenced(Time now) const {
        return std::any_of(fences_.begin(), fences_.end(), [now](const auto& fence) { return now < fence.second.end; });
    }

    friend auto operator<=>(const RecordModel&, const RecordModel&) = default;

private:
    struct Held {
        ModelValue value;
        larder::Version version;
        Time loaded;
        Time serve_end;
        std::optional<Time> fallback_end;
        Duration refresh_after;

        friend auto operator<=>(const Held&, const Held&) = default;
    };
    struct Lease {
        larder::LeaseToken token;
        Time end;

        friend auto operator<=>(const Lease&, const Lease&) = default;
    };
    struct Fence {
        Time end;
        Duration length;
        bool doubtful = false;

        friend auto operator<=>(const Fence&, const Fence&) = default;
    };

    /// Something was changed that no writer here may know of.
    void doubt() {
        certain_.clear();
        for (auto& [owner, fence] : fences_) fence.doubtful = true;
    }

    larder::Version floor(int row) const {
        const auto found = heard_.find(row);
        return found == heard_.end() ? 0 : found->second;
    }

    /// A version is known to be the newest. That is only remembered beside a floor.
    void learn(int row, larder::Version version) {
        if (floor(row) != 0 && version != 0) certain_[row] = std::max(certain_[row], version);
    }

    void hold(ModelValue value, larder::Version version, Time loaded, const larder::Lifetime& lifetime) {
        held_ = Held{value, version, loaded, loaded + lifetime.serve, {}, lifetime.refresh_after};
        if (lifetime.fallback > Duration::zero()) held_->fallback_end = held_->serve_end + lifetime.fallback;
    }

    void drop() {
        if (held_ && held_->value.row) learn(*held_->value.row, held_->version);
        held_.reset();
    }

    /// Older writes may be heard of for twice as long as the longest fence.
    void listen(Time now) { listens_until_ = std::max(listens_until_, now + 2 * longest_); }

    /// Lets time do its work.
    void pass(Time now) {
        const bool leased = lease_ && now < lease_->end;
        if (held_ && now >= held_->fallback_end.value_or(held_->serve_end) && !leased && fences_.empty() && !unsettled_ && (heard_.empty() || now >= listens_until_)) *this = RecordModel();
        if (!leased) lease_.reset();
        for (auto fence = fences_.begin(); fence != fences_.end();) {
            if (now < fence->second.end) {
                ++fence;
                continue;
            }
            unsettled_ = std::max(unsettled_.value_or(Time::min()), fence->second.end + fence->second.length);
            fence = fences_.erase(fence);
        }
    }

    std::optional<Held> held_;
    std::map<int, larder::Version> heard_;   ///< The newest version published of each row, or dropped by a fence.
    std::map<int, larder::Version> certain_; ///< Where it is certain: the newest version of each row.
    std::map<larder::FenceOwner, Fence> fences_;
    std::optional<Lease> lease_;
    Duration longest_{};                ///< The longest fence.
    Time listens_until_ = Time::min();  ///< Until when what was heard outlives the value.
    std::optional<Time> unsettled_; ///< Until when it must be kept, if a fence ended unpublished.
};
