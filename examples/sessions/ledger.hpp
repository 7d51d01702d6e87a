// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "shared_memory.hpp"

#include <larder/clock.hpp>
#include <larder/session/session.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

/// What the program itself knows to be true, so that it can tell whether an answer was stale: in memory that all its processes share.
///
/// A fact is acknowledged when the call that made it true has returned, and it holds for every reader from the moment on that the
/// call has declared: at once, or when it is not pending any more. A request that begins after that moment has no excuse.
namespace example {

/// A moment of the clock that all processes of a machine share.
using Moment = std::chrono::steady_clock::time_point;

/// Whether something was acknowledged, and from when on it holds everywhere. Set once.
class Fact {
public:
    void acknowledge(Moment holds_from) {
        std::int64_t never = 0;
        holds_from_.compare_exchange_strong(never, std::max<std::int64_t>(holds_from.time_since_epoch().count(), 1));
    }
    bool acknowledged() const { return holds_from_ != 0; }
    bool holds(Moment now) const {
        const auto from = holds_from_.load();
        return from != 0 && from <= now.time_since_epoch().count();
    }

private:
    std::atomic<std::int64_t> holds_from_{0};
};

/// Places in the ledger.
using Place = std::uint32_t;
inline constexpr Place nowhere = std::numeric_limits<Place>::max();

/// How often a user's sessions were all ended.
struct GroupEnds {
    std::atomic<std::uint64_t> begun{0};
    std::atomic<std::uint64_t> finished{0};
};

/// What is known of one session.
struct Life {
    larder::Uuid id{};                ///< Set when the login was acknowledged.
    std::uint32_t user = 0;           ///< From 0.
    std::uint64_t born = 0;           ///< How often the user's sessions had all been ended when the login began.
    std::atomic<Place> newest{nowhere}; ///< Of its credentials the newest that was acknowledged.
    std::atomic<bool> ending{false};  ///< Somebody has begun to end it,
    Fact ended{};                     ///< and that was acknowledged.
};

/// What is known of a refresh token and an access token's id. A rotation ends both and gives others.
struct Credential {
    Place life = nowhere;
    Place before = nowhere;            ///< The one that this came instead of.
    larder::Version version = 0;       ///< Of the row that brought it.
    Fact known{};                      ///< That row was acknowledged.
    std::atomic<bool> replacing{false};///< Somebody has begun to rotate it,
    Fact replaced{};                   ///< and that was acknowledged.
};

/// A user's browser or telephone: it holds a credential, and here and there an open tab still holds the one before.
class Device {
public:
    Place current() const { return static_cast<Place>(both_.load()); }
    Place previous() const {
        const auto both = both_.load();
        return static_cast<Place>(both >> 32) == nowhere ? static_cast<Place>(both) : static_cast<Place>(both >> 32);
    }
    void take(Place fresh) {
        auto both = both_.load();
        while (!both_.compare_exchange_weak(both, (both << 32) | fresh)) {}
    }

private:
    std::atomic<std::uint64_t> both_{~std::uint64_t{0}};
};

/// A credential as a client presents it.
class Presented {
public:
    Presented(Place place, const larder::Uuid& session) : place_(place), session_(session) {}

    Place place() const { return place_; }
    /// The session that it was given for.
    const larder::Uuid& session() const { return session_; }

    /// Unguessable texts, made of the credential's number, the same each time: a load generator wants repeatable runs. A real service takes them
    /// from a cryptographic random source.
    std::string refresh_token() const { return fmt::format("{:016x}{:016x}{:016x}", spread(4 * number()), spread(4 * number() + 1), number()); }
    std::string jti() const { return fmt::format("{:016x}-{:016x}", spread(4 * number() + 2), number()); }

private:
    std::uint64_t number() const { return std::uint64_t{place_} + 1; }

    /// The finaliser of SplitMix64 (Sebastiano Vigna, public domain).
    static std::uint64_t spread(std::uint64_t bits) {
        bits += 0x9e3779b97f4a7c15;
        bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
        bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
        return bits ^ (bits >> 31);
    }

    Place place_;
    larder::Uuid session_;
};

/// What an answer must be, as the ledger knows before the request begins.
struct Expected {
    /// What was acknowledged, or of that what holds for everyone by now.
    struct Truth {
        bool dead = false;
        larder::Version version = 0;

        bool allows(larder::Version answered) const { return !dead && answered >= version; }
    };
    Truth acknowledged;
    Truth holds;
};

/// All devices, and the rules by which facts are entered. Safe from any thread of any process that has it.
class Ledger {
public:
    Ledger(std::size_t users, std::size_t devices)
        : group_ends_(users), devices_(devices), lives_(devices + most_new), credentials_(devices + most_new) {
        group_ends_.make_all();
        devices_.make_all();
    }

    std::size_t size() const { return devices_.size(); }
    /// Whose device it is; users count from 1, as their keys do.
    std::int64_t user_of(std::size_t device) const { return static_cast<std::int64_t>(device % group_ends_.size()) + 1; }

    Presented current(std::size_t device) const { return presented(devices_[device].current()); }
    Presented previous(std::size_t device) const { return presented(devices_[device].previous()); }

    /// A credential for a new session, to be made before the login begins.
    Presented begin_login(std::size_t device) {
        const Place life = take(next_life_->number, lives_.size());
        auto& made = lives_.make(life);
        made.user = static_cast<std::uint32_t>(device % group_ends_.size());
        made.born = group_ends_[made.user].finished;
        return begin_credential(life, nowhere);
    }
    /// To be told after a login was acknowledged.
    void logged_in(std::size_t device, const Presented& fresh, const larder::Uuid& session, larder::Version version, Moment holds_from) {
        auto& credential = credentials_[fresh.place()];
        lives_[credential.life].id = session;
        enter(fresh.place(), version, holds_from);
        devices_[device].take(fresh.place());
    }

    /// A credential to rotate to, to be made before the rotation begins.
    Presented begin_rotation(const Presented& old) {
        credentials_[old.place()].replacing = true;
        return begin_credential(credentials_[old.place()].life, old.place());
    }
    /// To be told after a rotation was acknowledged.
    void rotated(std::size_t device, const Presented& old, const Presented& fresh, larder::Version version, Moment holds_from) {
        enter(fresh.place(), version, holds_from);
        devices_[device].take(fresh.place());
        credentials_[old.place()].replaced.acknowledge(holds_from);
    }

    /// To be told before a log-out begins.
    void begin_end(const Presented& of) { life_of(of).ending = true; }
    /// To be told after it was acknowledged.
    void ended(const Presented& of, Moment holds_from) { life_of(of).ended.acknowledge(holds_from); }

    /// To be told before a log-out everywhere begins. \returns sessions that it must meet.
    std::vector<Place> group_end_begins(std::size_t device) {
        const std::size_t user = device % group_ends_.size();
        ++group_ends_[user].begun;
        std::vector<Place> met;
        for (std::size_t each = user; each < devices_.size(); each += group_ends_.size())
            for (const Place credential : {devices_[each].current(), devices_[each].previous()}) met.push_back(credentials_[credential].life);
        return met;
    }
    /// To be told after it was acknowledged,
    void group_ended(const std::vector<Place>& met, Moment holds_from) {
        for (const Place life : met) lives_[life].ended.acknowledge(holds_from);
    }
    /// and when it has returned, in any case.
    void group_end_returned(std::size_t device) { ++group_ends_[device % group_ends_.size()].finished; }

    /// What an answer to a request must be that begins now. \param by_token whether the credential itself must be good, or its session only.
    Expected expected(const Presented& of, bool by_token) const {
        const Moment now = std::chrono::steady_clock::now();
        const auto& credential = credentials_[of.place()];
        const auto& life = lives_[credential.life];
        Expected must;
        must.acknowledged.dead = life.ended.acknowledged() || (by_token && credential.replaced.acknowledged());
        must.holds.dead = life.ended.holds(now) || (by_token && credential.replaced.holds(now));
        Place at = life.newest;
        must.acknowledged.version = credentials_[at].version;
        while (at != nowhere && !credentials_[at].known.holds(now)) at = credentials_[at].before;
        if (at != nowhere) must.holds.version = credentials_[at].version;
        return must;
    }
    /// Whether there is, now that the answer is there, a reason to refuse a request.
    bool may_be_refused(const Presented& of, bool by_token) const {
        const auto& credential = credentials_[of.place()];
        const auto& life = lives_[credential.life];
        return (by_token && credential.replacing) || life.ending || group_ends_[life.user].begun != life.born;
    }

private:
    /// Logins and rotations that a run has room for.
    static constexpr std::size_t most_new = std::size_t{1} << 23;

    struct Counter {
        std::atomic<std::size_t> number{0};
    };

    Presented presented(Place place) const { return {place, lives_[credentials_[place].life].id}; }
    Life& life_of(const Presented& of) { return lives_[credentials_[of.place()].life]; }

    static Place take(std::atomic<std::size_t>& counter, std::size_t size) {
        const std::size_t place = counter++;
        if (place >= size) throw std::runtime_error(fmt::format("a run has room for {} logins and rotations; make it shorter", most_new));
        return static_cast<Place>(place);
    }
    Presented begin_credential(Place life, Place before) {
        const Place place = take(next_credential_->number, credentials_.size());
        auto& made = credentials_.make(place);
        made.life = life;
        made.before = before;
        return {place, lives_[life].id};
    }
    void enter(Place fresh, larder::Version version, Moment holds_from) {
        auto& credential = credentials_[fresh];
        credential.version = version;
        credential.known.acknowledge(holds_from);
        auto& newest = lives_[credential.life].newest;
        for (auto seen = newest.load(); (seen == nowhere || credentials_[seen].version < version) && !newest.compare_exchange_weak(seen, fresh);) {}
    }

    SharedArray<GroupEnds> group_ends_;
    SharedArray<Device> devices_;
    SharedArray<Life> lives_;
    SharedArray<Credential> credentials_;
    Shared<Counter> next_life_;
    Shared<Counter> next_credential_;
};

} // namespace example
