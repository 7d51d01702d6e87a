// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/clock.hpp>

#include <algorithm>

namespace larder {
inline namespace v0 {
namespace detail {

/// The part of a leased record that a hit reads: its value, if it has one, with what the value is judged by. Small, for a hit waits for memory more than for
/// anything else; and it may be apart from the rest.
///
/// \tparam Rules what the record is about.
template <class Rules>
struct Held {
    using Value = typename Rules::Value;

    typename Rules::Kept kept{};
    SteadyTime serve_until{};
    SteadyTime loaded_at{};
    Version version = 0;
    bool held : 1 = false; ///< Whether there is a value, of whatever age.
    bool whole : 1 = false;
    bool has_fallback : 1 = false;
    bool has_refresh : 1 = false; ///< Whether the record's `refresh_at()` is worth a look.

    /// Whether a lookup with these demands hits. That no fence stands need not be asked: a fence drops the value, and lets none in.
    bool serves(SteadyTime now, Version min_version, Duration max_age) const noexcept {
        return held && now < serve_until && version >= min_version && age_at(now) <= max_age;
    }

    /// The hit. \pre serves(...). \param record the whole of it.
    template <class Record>
    void serve(SteadyTime now, const Record& record, Lookup<Value>& out) const {
        out.answer = Answer::hit;
        out.value = kept.get(whole);
        out.version = version;
        out.age = age_at(now);
        out.remaining = serve_until - now;
        out.refresh_due = refresh_due(now, record);
    }

    /// The hit of a whole row. \pre serves(...) and `whole`. \param record the whole record.
    template <class Entity, class Record>
    WholeRow<Entity> serve_whole(SteadyTime now, const Record& record) const noexcept {
        return {kept.row(), kept.stamp(), version, age_at(now), serve_until - now, refresh_due(now, record)};
    }

    Duration age_at(SteadyTime now) const noexcept { return std::max(now - loaded_at, Duration::zero()); }

private:
    template <class Record>
    bool refresh_due(SteadyTime now, const Record& record) const noexcept {
        return has_refresh && now >= record.refresh_at();
    }
};

/// The place of what a hit reads inside its record.
template <class Rules>
class HeldInside {
public:
    Held<Rules>& value() const noexcept { return value_; }

private:
    mutable Held<Rules> value_{};
};

} // namespace detail
} // namespace v0
} // namespace larder
