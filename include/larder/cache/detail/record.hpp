// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_mark.hpp>
#include <larder/cache/detail/fronts.hpp>
#include <larder/cache/detail/held.hpp>
#include <larder/cache/detail/leased_record.hpp>
#include <larder/clock.hpp>

#include <boost/multi_index/indexed_by.hpp>
#include <boost/multi_index/ordered_index.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// A record in a shard: a leased record under its key, with what the shard's indices and accounts need to know of it. What a hit needs of it is its
/// `Front`, which is elsewhere.
///
/// What no index looks at is mutable, so that the shard's lock alone guards it.
///
/// \tparam Groups the number of groups by which the record is indexed.
template <class Key, class Rules, std::size_t Groups>
struct Record {
    using Hashes = std::array<std::uint64_t, Groups>;
    using Front = detail::Front<Record, Rules>;

    /// Leads the leased record to its value.
    struct Place {
        Front* front;
        Held<Rules>& value() const noexcept { return front->held; }
    };

    /// \param its_front the record's alone.
    Record(Key own, std::uint64_t its_hash, Front* its_front) : state(Place{its_front}), key(std::move(own)), hash(its_hash) {}

    Front& front() const noexcept { return *state.place().front; }
    EvictionMark& mark() const noexcept { return front().mark; }

    Hashes groups{};                     ///< Of the row's key in each group; `no_group` where there is none.
    SteadyTime deadline{};               ///< When the record next needs attention.
    mutable std::size_t bytes = 0;       ///< As accounted for in the tier's usage.
    mutable std::size_t value_bytes = 0; ///< Those of the value.
    mutable LeasedRecord<Rules, Place> state;
    Key key;
    std::uint64_t hash = 0; ///< Of the key.
};

/// A position in the order of deadlines; the hash parts records with the same deadline.
struct Due {
    SteadyTime deadline{};
    std::uint64_t hash = 0;

    friend auto operator<=>(const Due&, const Due&) = default;
};

template <std::size_t Group>
struct GroupHash {
    using result_type = std::uint64_t;
    template <class Record>
    std::uint64_t operator()(const Record& record) const noexcept {
        return record.groups[Group];
    }
};

struct DueOf {
    using result_type = Due;
    template <class Record>
    Due operator()(const Record& record) const noexcept {
        return {record.deadline, record.hash};
    }
};

/// \name The indices
/// @{
inline constexpr int by_eviction = 0;
inline constexpr int by_deadline = 1;
inline constexpr int by_group = 2;
/// @}

template <class Record, class Groups>
struct RecordsOf;

template <class Record, std::size_t... Group>
struct RecordsOf<Record, std::index_sequence<Group...>> {
    using type = boost::multi_index_container<
        Record, boost::multi_index::indexed_by<boost::multi_index::sequenced<>, boost::multi_index::ordered_non_unique<DueOf>,
                                               boost::multi_index::ordered_non_unique<GroupHash<Group>>...>>;

    /// What a record costs beside its front and what it points to: the node with the links of each index, and the allocator's header.
    static constexpr std::size_t overhead = sizeof(Record) + sizeof(void*) * (2 + 3 + 3 * sizeof...(Group) + 2);
};

/// The records of one shard under their indices: in the eviction rule's order, by deadline, and by each group: by the order of its
/// hash, for a hashed index walks through all equal records of a shard whenever one of them is changed. By key they are found by their fronts.
template <class Key, class Rules, std::size_t Groups>
using Records = typename RecordsOf<Record<Key, Rules, Groups>, std::make_index_sequence<Groups>>::type;

} // namespace detail
} // namespace v0
} // namespace larder
