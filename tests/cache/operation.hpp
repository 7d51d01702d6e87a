// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "record_model.hpp"

#include <larder/cache/cache_tier.hpp>
#include <larder/testing/sample.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

/// One operation on one key of a tier of passes, chosen at random, which can be done to the tier and to the model alike.
struct Operation {
    enum class Kind { lookup, hit, fill, fence, publish, withdraw, expel, expire };

    static constexpr std::size_t row_space = 0;
    static constexpr std::size_t alias_space = larder::space_of_v<larder::testing::Pass, &larder::testing::Pass::code>;
    static constexpr std::size_t epoch_space = larder::space_of_v<larder::testing::Pass, &larder::testing::Pass::holder_id>;

    Kind kind{};
    std::size_t space = row_space;
    int key = 1;
    larder::Demand demand{};
    larder::LeaseToken lease = 0;
    larder::Version version = 0;
    std::optional<int> row = 0; ///< What the value is about: 0 but under an alias.
    bool absent = false;        ///< Whether the value is "no such row".
    larder::Duration age{};
    larder::Lifetime lifetime{};
    larder::FenceOwner owner = 0;
    larder::Duration length{};

    ModelValue value() const {
        if (space == alias_space) return {absent ? std::nullopt : row, 0};
        return {0, absent ? 0 : version};
    }
};

/// What an operation answered.
struct Observation {
    RecordModel::Found found;
    larder::LeaseToken lease = 0;
    larder::FillOutcome outcome = larder::FillOutcome::stored;

    friend bool operator==(const Observation& left, const Observation& right) { return left.found == right.found && left.outcome == right.outcome; }
};

/// What a tier's value is to the model.
inline ModelValue seen(const larder::CachedRow<larder::testing::Pass>& row) { return {0, row.full ? row.full->version : 0}; }
inline ModelValue seen(const std::optional<std::int64_t>& target) { return {target ? std::optional(static_cast<int>(*target)) : std::nullopt, 0}; }
inline ModelValue seen(std::uint64_t epoch) { return {0, epoch}; }

template <class Value>
Observation observed(const larder::Lookup<Value>& found) {
    Observation observation;
    auto& what = observation.found;
    what.answer = found.answer;
    if (found.answer == larder::Answer::hit || found.has_fallback) what.value = seen(found.value);
    what.version = found.version;
    what.age = found.age;
    what.remaining = found.remaining;
    what.lease = found.lease != 0;
    what.refresh_due = found.refresh_due;
    what.unsettled = found.unsettled;
    observation.lease = found.lease;
    return observation;
}

inline Observation observed(const larder::WholeRow<larder::testing::Pass>& found) {
    larder::Lookup<larder::CachedRow<larder::testing::Pass>> same;
    same.answer = larder::Answer::hit;
    same.value.full = found.row;
    same.value.stamp = found.stamp;
    same.version = found.version;
    same.age = found.age;
    same.remaining = found.remaining;
    same.refresh_due = found.refresh_due;
    return observed(same);
}

/// Does an operation to a tier.
class TierDriver {
public:
    template <class Tier>
    static Observation apply(Tier& tier, const Operation& operation, larder::SteadyTime now) {
        switch (operation.space) {
        case Operation::row_space: return apply_to<Operation::row_space>(tier, operation, std::int64_t{operation.key}, now);
        case Operation::alias_space: return apply_to<Operation::alias_space>(tier, operation, "code " + std::to_string(operation.key), now);
        default: return apply_to<Operation::epoch_space>(tier, operation, std::int64_t{operation.key}, now);
        }
    }

private:
    using Pass = larder::testing::Pass;

    template <std::size_t Space, class Tier>
    static Observation apply_to(Tier& tier, const Operation& operation, const larder::space_key_t<Pass, Space>& key, larder::SteadyTime now) {
        larder::KeySet<Pass> keys;
        keys.add<Space>(key);
        Observation observation;
        switch (operation.kind) {
        case Operation::Kind::lookup: return observed(tier.template lookup<Space>(key, operation.demand));
        case Operation::Kind::hit: {
            larder::Lookup<larder::space_value_t<Pass, Space>> out;
            const larder::space_view_t<Pass, Space> view(key);
            if constexpr (Space == Operation::row_space && requires { tier.whole_hit(view, {}, {}, {}, now); })
                if (operation.version % 2 == 0)
                    if (const auto whole = tier.whole_hit(view, larder::hash_key(view), operation.demand.min_version, operation.demand.max_age, now); whole.row)
                        return observed(whole);
            if (!tier.template hit<Space>(view, larder::hash_key(view), operation.demand.min_version, operation.demand.max_age, now, out)) return observation;
            return observed(out);
        }
        case Operation::Kind::fill: {
            larder::FillRequest<larder::space_value_t<Pass, Space>> request{
                .lease = operation.lease, .version = operation.version, .value = {}, .age = operation.age, .lifetime = operation.lifetime};
            put(operation, request.value);
            observation.outcome = tier.template fill<Space>(key, std::move(request));
            return observation;
        }
        case Operation::Kind::fence: tier.fence(keys, operation.owner, operation.length); return observation;
        case Operation::Kind::publish:
        case Operation::Kind::withdraw: {
            const bool kept = operation.kind == Operation::Kind::publish;
            larder::Publication<Pass> publication;
            publication.owner = operation.owner;
            publication.lifetime = operation.lifetime;
            if constexpr (Space == Operation::epoch_space) {
                publication.epoch_keys = keys;
                publication.epoch = operation.version;
            } else {
                publication.primary = Space == Operation::row_space ? operation.key : operation.row.value();
                publication.version = operation.version;
                if constexpr (Space == Operation::row_space) {
                    if (kept) put(operation, publication.row.emplace());
                } else {
                    (kept ? publication.aliases : publication.gone) = keys;
                }
            }
            tier.publish(std::span(&publication, 1));
            return observation;
        }
        case Operation::Kind::expel: tier.expel(keys); return observation;
        case Operation::Kind::expire: tier.expire(keys); return observation;
        }
        return observation;
    }

    static void put(const Operation& operation, larder::CachedRow<Pass>& value) {
        if (!operation.absent) value.full = std::make_shared<const Pass>(larder::testing::sample_row<Pass>(operation.key, operation.version));
    }
    static void put(const Operation& operation, std::optional<std::int64_t>& value) {
        if (!operation.absent) value = operation.row.value();
    }
    static void put(const Operation& operation, std::uint64_t& value) { value = operation.version; }
};

/// Does an operation to the model. \param lease what the tier gave, if it gave one.
inline Observation apply(RecordModel& model, const Operation& operation, larder::SteadyTime now, larder::LeaseToken lease) {
    Observation observation;
    observation.lease = lease;
    switch (operation.kind) {
    case Operation::Kind::lookup: observation.found = model.lookup(now, operation.demand, lease); break;
    case Operation::Kind::hit: {
        RecordModel copy = model;
        larder::Demand demand = operation.demand;
        demand.want_lease = demand.refresh = false;
        const auto found = copy.lookup(now, demand, 0);
        if (found.answer == larder::Answer::hit) observation.found = found;
        break;
    }
    case Operation::Kind::fill:
        observation.outcome = model.fill(now, operation.lease, operation.version, operation.value(), operation.age, operation.lifetime);
        break;
    case Operation::Kind::fence: model.fence(now, operation.owner, operation.length); break;
    case Operation::Kind::publish:
    case Operation::Kind::withdraw: {
        std::optional<ModelValue> value;
        if (operation.kind == Operation::Kind::publish && operation.version != 0) value = operation.value();
        model.publish(now, operation.row.value(), operation.version, value, operation.lifetime, operation.owner);
        break;
    }
    case Operation::Kind::expel: model.expel(now); break;
    case Operation::Kind::expire: model.expire(now); break;
    }
    return observation;
}

/// Chooses operations at random. \tparam Random a uniform random bit generator.
template <class Random>
class OperationChooser {
public:
    explicit OperationChooser(Random& random) : random_(random) {}

    int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }
    bool one_in(int chances) { return below(chances) == 0; }
    larder::Duration seconds(int bound) { return std::chrono::seconds(below(bound)); }

    /// \param leases those that the key was given so far, of which a fill takes one.
    Operation choose(std::size_t space, int key, const std::vector<larder::LeaseToken>& leases) {
        using Kind = Operation::Kind;
        constexpr std::array kinds{Kind::lookup, Kind::lookup, Kind::lookup,  Kind::lookup,  Kind::lookup,   Kind::hit,   Kind::hit,   Kind::fill, Kind::fill,
                                   Kind::fill,   Kind::fence,  Kind::publish, Kind::publish, Kind::withdraw, Kind::expel, Kind::expire};
        Operation operation;
        operation.kind = kinds[static_cast<std::size_t>(below(kinds.size()))];
        operation.space = space;
        operation.key = key;
        if (one_in(8)) operation.demand.min_version = static_cast<larder::Version>(below(8));
        if (one_in(8)) operation.demand.max_age = seconds(6);
        operation.demand.want_lease = !one_in(5);
        operation.demand.refresh = one_in(4);
        operation.demand.lease_for = seconds(12);
        if (!leases.empty() && !one_in(8)) operation.lease = one_in(4) ? leases[static_cast<std::size_t>(below(static_cast<int>(leases.size())))] : leases.back();
        operation.version = static_cast<larder::Version>(1 + below(7));
        if (space == Operation::alias_space) operation.row = 101 + below(3); // rows whose own records nobody looks at
        operation.absent = space != Operation::epoch_space && one_in(5);
        if (operation.kind == Kind::fill && operation.absent) operation.version = 0;
        if (operation.kind == Kind::publish || operation.kind == Kind::withdraw) {
            if (space == Operation::alias_space) operation.absent = false;
            if (operation.kind == Kind::withdraw && one_in(2)) operation.version = 0;
            if (space == Operation::epoch_space) operation.kind = Kind::publish;
        }
        if (one_in(4)) operation.age = seconds(4);
        operation.lifetime.serve = one_in(10) ? larder::Duration::zero() : seconds(30);
        if (one_in(2)) operation.lifetime.fallback = seconds(30);
        if (one_in(3)) operation.lifetime.refresh_after = seconds(5);
        operation.owner = static_cast<larder::FenceOwner>(1 + below(3));
        operation.length = seconds(6);
        return operation;
    }

private:
    Random& random_;
};
