// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_mark.hpp>
#include <larder/cache/detail/leased_record.hpp>
#include <larder/clock.hpp>

#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/identity.hpp>
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

/// A record in a shard: a leased record under its key, with what the shard's indices and accounts need to know of it.
///
/// What no index looks at is mutable, so that the shard's lock alone guards it. What a hit reads is together at the end, where the container puts
/// the links of the index by key.
///
/// \tparam Groups the number of groups by which the record is indexed.
template <class Key, class Rules, std::size_t Groups>
struct Record {
    using Hashes = std::array<std::uint64_t, Groups>;

    Record(Key own, std::uint64_t its_hash) : key(std::move(own)), hash(its_hash) {}

    Hashes groups{};                     ///< Of the row's key in each group; `no_group` where there is none.
    SteadyTime deadline{};               ///< When the record next needs attention.
    mutable std::size_t bytes = 0;       ///< As accounted for in the tier's usage.
    mutable std::size_t value_bytes = 0; ///< Those of the value.
    [[no_unique_address]] mutable LeasedRecord<Rules> state{};
    mutable EvictionMark mark{};         ///< The eviction rule's.
    mutable bool accessed = false;       ///< A hit came since the value was stored.
    Key key;
    std::uint64_t hash = 0; ///< Of the key.
};

/// A position in the order of deadlines; the hash parts records with the same deadline.
struct Due {
    SteadyTime deadline{};
    std::uint64_t hash = 0;

    friend auto operator<=>(const Due&, const Due&) = default;
};

struct RecordHash {
    template <class Record>
    std::size_t operator()(const Record& record) const noexcept {
        return static_cast<std::size_t>(record.hash);
    }
};

struct RecordEqual {
    template <class Record>
    bool operator()(const Record& left, const Record& right) const noexcept {
        return left.hash == right.hash && left.key == right.key;
    }
};

/// Finds a record by a key, or a view of one, whose hash is known.
struct Sought {
    std::uint64_t hash;

    template <class KeyOrView>
    std::size_t operator()(const KeyOrView&) const noexcept {
        return static_cast<std::size_t>(hash);
    }
    template <class KeyOrView, class Key, class Rules, std::size_t Groups>
    bool operator()(const KeyOrView& key, const Record<Key, Rules, Groups>& record) const noexcept {
        return record.hash == hash && record.key == key;
    }
    template <class KeyOrView, class Key, class Rules, std::size_t Groups>
    bool operator()(const Record<Key, Rules, Groups>& record, const KeyOrView& key) const noexcept {
        return record.hash == hash && record.key == key;
    }
};

/// Finds a record by the hash of its key alone, for who looks at the key later.
struct SoughtHash {
    std::size_t operator()(std::uint64_t hash) const noexcept { return static_cast<std::size_t>(hash); }
    template <class Record>
    bool operator()(std::uint64_t hash, const Record& record) const noexcept {
        return record.hash == hash;
    }
    template <class Record>
    bool operator()(const Record& record, std::uint64_t hash) const noexcept {
        return record.hash == hash;
    }
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

/// \name The indices. That by key comes last of all: the links of the last one are next to the record.
/// @{
inline constexpr int by_eviction = 0;
inline constexpr int by_deadline = 1;
inline constexpr int by_group = 2;
template <std::size_t Groups>
inline constexpr int by_key = by_group + static_cast<int>(Groups);
/// @}

template <class Record, class Groups>
struct RecordsOf;

template <class Record, std::size_t... Group>
struct RecordsOf<Record, std::index_sequence<Group...>> {
    using type = boost::multi_index_container<
        Record, boost::multi_index::indexed_by<boost::multi_index::sequenced<>, boost::multi_index::ordered_non_unique<DueOf>,
                                               boost::multi_index::ordered_non_unique<GroupHash<Group>>...,
                                               boost::multi_index::hashed_unique<boost::multi_index::identity<Record>, RecordHash, RecordEqual>>>;

    /// What a record costs beside what it points to: the node with the links of each index, its places in the tables of
    /// buckets, and the allocator's header.
    static constexpr std::size_t overhead = sizeof(Record) + sizeof(void*) * (2 + 2 + 3 + 1 + 3 * sizeof...(Group) + 2);
};

/// The records of one shard under their indices: by key, in the eviction rule's order, by deadline, and by each group: by the order of its
/// hash, for a hashed index walks through all equal records of a shard whenever one of them is changed.
template <class Key, class Rules, std::size_t Groups>
using Records = typename RecordsOf<Record<Key, Rules, Groups>, std::make_index_sequence<Groups>>::type;

} // namespace detail
} // namespace v0
} // namespace larder
