// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/clock.hpp>
#include <larder/entity/key.hpp>
#include <larder/error.hpp>
#include <larder/testing/conformance.hpp>
#include <larder/testing/sample.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace cache_suite {

using larder::detail::describe_key;

/// What a tier answered, whether it says so directly or in an `Outcome`. Throws the failure if there is one.
template <class Answered>
decltype(auto) answer_of(Answered&& answered) {
    if constexpr (requires { answered.has_error(); })
        return std::forward<Answered>(answered).value();
    else
        return std::forward<Answered>(answered);
}

/// Waits for an operation whose answer is nothing.
template <class Operation>
void done(const Operation& operation) {
    if constexpr (std::is_void_v<decltype(operation())>)
        operation();
    else
        static_cast<void>(operation().value());
}

inline std::string_view name_of(Answer answer) noexcept {
    constexpr std::string_view names[] = {"hit", "miss", "wait", "bypass"};
    return names[static_cast<std::size_t>(answer)];
}

/// A new tier and one space of it, seen through a single key: the words in which the suite states the rules of a record.
///
/// What is stored at version n is the sample row's edition n; under an alternate key it is the same primary key each time; a group's
/// epoch is n itself.
template <class Fixture, class Sample, std::size_t SpaceNumber>
class CacheProbe {
public:
    using Entity = Sample;
    static constexpr std::size_t Space = SpaceNumber;
    using Schema = schema_of<Entity>;
    using Key = space_key_t<Entity, Space>;
    using Value = space_value_t<Entity, Space>;
    static constexpr bool is_row = Space == 0;
    static constexpr bool is_epoch = Space >= Schema::alias_end;
    static constexpr bool is_alias = !is_row && !is_epoch;
    /// Whether values of this space have versions.
    static constexpr bool versioned = Schema::has_version || is_epoch;

    explicit CacheProbe(Fixture& fixture, std::size_t max_bytes = 0) : fixture_(fixture), tier_(fixture.template make<Entity>(max_bytes)) {}

    auto& tier() { return *tier_; }
    Fixture& fixture() { return fixture_; }

    // ---- time, in units that the fixture sets

    Duration units(int count) const { return count * Duration(fixture_.unit); }
    void pass(int count) { fixture_.pass(units(count)); }
    /// A lifetime that does not end within a case.
    Lifetime long_life() const { return {.serve = units(1000)}; }
    /// A lifetime of 4 units.
    Lifetime short_life() const { return {.serve = units(4)}; }

    // ---- what is kept

    static Key key() { return *key_of<Space>(sample_row<Entity>(1)); }
    static std::uint64_t version(std::uint64_t edition) { return versioned ? edition : 0; }

    /// \param number whose row it is.
    static Value value(std::uint64_t edition, std::int64_t number = 1) {
        const Entity row = sample_row<Entity>(number, edition);
        if constexpr (is_row)
            return {std::make_shared<const Entity>(row), nullptr, edition};
        else if constexpr (is_epoch)
            return edition;
        else
            return primary_key_of(row);
    }

    static bool is_edition(const Value& value, std::uint64_t edition, std::int64_t number = 1) {
        const Entity row = sample_row<Entity>(number, edition);
        if constexpr (is_row)
            return value.full && !value.warm && *value.full == row && value.stamp == edition;
        else if constexpr (is_epoch)
            return value == edition;
        else
            return value == std::optional(primary_key_of(row));
    }

    // ---- operations on the one key

    Lookup<Value> look(const Demand& demand) { return answer_of(tier_->template lookup<Space>(key(), demand)); }
    /// A lookup that wants a lease which does not end within a case.
    Lookup<Value> look() { return look({.lease_for = units(1000)}); }
    /// A lookup that wants no lease.
    Lookup<Value> peek() { return look({.want_lease = false}); }

    FillOutcome fill(LeaseToken lease, std::uint64_t edition) { return fill(lease, edition, long_life()); }
    FillOutcome fill(LeaseToken lease, std::uint64_t edition, const Lifetime& lifetime, Duration age = {}) {
        return answer_of(tier_->template fill<Space>(key(), {.lease = lease, .version = version(edition), .value = value(edition), .age = age, .lifetime = lifetime}));
    }

    KeySet<Entity> keys() const {
        KeySet<Entity> set;
        set.template add<Space>(key());
        return set;
    }
    void fence(FenceOwner owner) { fence(owner, 1000); }
    void fence(FenceOwner owner, int length) {
        done([&] { return tier_->fence(keys(), owner, units(length)); });
    }
    void expel() {
        done([&] { return tier_->expel(keys()); });
    }
    void expire() {
        done([&] { return tier_->expire(keys()); });
    }

    /// Tells of a committed write; the value goes with it.
    void publish(std::uint64_t edition, FenceOwner owner = 0) { publish(edition, owner, long_life()); }
    void publish(std::uint64_t edition, FenceOwner owner, const Lifetime& lifetime) {
        auto publication = about(version(edition), owner);
        publication.lifetime = lifetime;
        if constexpr (is_row) publication.row = value(edition);
        if constexpr (is_alias) publication.aliases.template add<Space>(key());
        publish(publication);
    }
    /// Tells of a committed write that leaves nothing to keep under this key.
    void withdraw(std::uint64_t edition, FenceOwner owner = 0)
        requires(!is_epoch)
    {
        auto publication = about(version(edition), owner);
        if constexpr (is_alias) publication.gone.template add<Space>(key());
        publish(publication);
    }
    /// Ends a fence whose write did not commit.
    void lift(FenceOwner owner) {
        auto publication = about(0, owner);
        if constexpr (is_alias) publication.gone.template add<Space>(key());
        publish(publication);
    }
    void publish(const Publication<Entity>& publication) {
        done([&] { return tier_->publish(std::span(&publication, 1)); });
    }

    /// Makes the tier forget the record as an eviction would.
    void forget() { fixture_.template forget<Entity, Space>(*tier_, key()); }

    // ---- what is expected

    using Where = std::source_location;

    Lookup<Value> expect_hit(std::uint64_t edition, const Where& where = Where::current()) { return expect_hit(edition, look(), where); }
    Lookup<Value> expect_hit(std::uint64_t edition, Lookup<Value> found, const Where& where = Where::current()) {
        expect_answer(found, Answer::hit, where);
        expect(is_edition(found.value, edition), "the hit is edition " + std::to_string(edition), where);
        expect(found.version == version(edition), "the hit says its version", where);
        return found;
    }
    /// A miss that gives a lease, which it answers.
    LeaseToken expect_miss(const Where& where = Where::current()) {
        const auto found = look();
        expect_answer(found, Answer::miss, where);
        expect(found.lease != 0, "the miss gives a lease", where);
        return found.lease;
    }
    void expect_bypass(const Where& where = Where::current()) {
        const auto found = look();
        expect_answer(found, Answer::bypass, where);
        expect(found.lease == 0 && !found.has_fallback, "a bypass comes with nothing", where);
    }
    void expect_fill(FillOutcome outcome, FillOutcome wanted, const Where& where = Where::current()) {
        expect(outcome == wanted, "the fill is " + std::string(larder::name_of(wanted)) + ", not " + std::string(larder::name_of(outcome)), where);
    }
    void expect_answer(const Lookup<Value>& found, Answer wanted, const Where& where = Where::current()) {
        expect(found.answer == wanted, "the lookup is a " + std::string(name_of(wanted)) + ", not a " + std::string(name_of(found.answer)), where);
    }
    /// Misses and fills.
    void store(std::uint64_t edition, const Where& where = Where::current()) { store(edition, long_life(), where); }
    void store(std::uint64_t edition, const Lifetime& lifetime, const Where& where = Where::current()) {
        expect_fill(fill(expect_miss(where), edition, lifetime), FillOutcome::stored, where);
    }

private:
    /// A publication of this key's row, or of its epoch.
    Publication<Entity> about(std::uint64_t edition, FenceOwner owner) const {
        Publication<Entity> publication;
        publication.owner = owner;
        publication.lifetime = long_life();
        if constexpr (is_epoch) {
            publication.epoch_keys.template add<Space>(key());
            publication.epoch = edition;
        } else {
            publication.primary = primary_key_of(sample_row<Entity>(1));
            publication.version = edition;
        }
        return publication;
    }

    Fixture& fixture_;
    decltype(std::declval<Fixture&>().template make<Entity>(std::size_t{})) tier_;
};

} // namespace cache_suite
} // namespace testing
} // namespace v0
} // namespace larder
