// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_mark.hpp>
#include <larder/cache/detail/held.hpp>

#include <boost/pool/pool.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// The front of a record: all that a hit reads and writes of it. That of a row's record is one line of the processor's cache.
///
/// \tparam Record the record, which may be incomplete here; has `hash`, the hash of its key. \tparam Rules what it is about.
template <class Record, class Rules>
struct Front {
    [[no_unique_address]] Held<Rules> held{};
    EvictionMark mark{};            ///< The eviction rule's.
    std::uint32_t tag = 0;          ///< `tag_of` its hash.
    const Record* record = nullptr; ///< Where the rest is.

    /// The part of a key's hash that a front is known by: neither the bits that choose the shard, nor those by which an index finds its place.
    static constexpr std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 8); }
};

/// The fronts of the records of one shard, found by the hash of their key. Close together and apart from all else: what is hit often shares its pages, and
/// its lines of the cache, with what else is hit. A front stays where it is until it is removed. The memory of removed ones is used
/// again, and given back when the last one goes. Not thread-safe.
template <class Record, class Rules>
class Fronts {
public:
    using Front = detail::Front<Record, Rules>;

    /// What a front costs: itself, and its place in the index.
    static constexpr std::size_t bytes_per_record = sizeof(Front) + 2 * sizeof(void*);

    Fronts() = default;
    Fronts(const Fronts&) = delete;
    Fronts& operator=(const Fronts&) = delete;
    ~Fronts() {
        for (Front* front : index_) std::destroy_at(front);
    }

    /// The front of a record with this hash that `is_it(front)`; null if there is none. Average O(1).
    template <class IsIt>
    Front* find(std::uint64_t hash, const IsIt& is_it) const {
        const auto found = index_.find(Sought<IsIt>{hash, Front::tag_of(hash), is_it});
        return found == index_.end() ? nullptr : *found;
    }

    /// Makes an empty front, of no record yet.
    Front* make() {
        Front* front = std::construct_at(static_cast<Front*>(pool().malloc()));
        ++made_;
        return front;
    }
    /// Adds a front that was made to the index. \pre it has a record, and no front with its key is there.
    void add(Front* front) {
        front->tag = Front::tag_of(front->record->hash);
        index_.insert(front);
    }
    /// Destroys a front that was made and not added.
    void discard(Front* front) noexcept {
        std::destroy_at(front);
        pool_->free(front);
        if (--made_ == 0) give_back();
    }
    /// Removes a front.
    void remove(Front* front) noexcept {
        index_.erase(front);
        discard(front);
    }

    void swap(Fronts& other) noexcept {
        pool_.swap(other.pool_);
        index_.swap(other.index_);
        std::swap(made_, other.made_);
    }

private:
    template <class IsIt>
    struct Sought {
        std::uint64_t hash;
        std::uint32_t tag;
        const IsIt& is_it;
    };
    struct Hash {
        using is_transparent = void;
        using is_avalanching = void; // Hashes of keys are uniform in all their bits.
        std::size_t operator()(const Front* front) const noexcept { return static_cast<std::size_t>(front->record->hash); }
        template <class IsIt>
        std::size_t operator()(const Sought<IsIt>& sought) const noexcept {
            return static_cast<std::size_t>(sought.hash);
        }
    };
    struct Equal {
        using is_transparent = void;
        bool operator()(const Front* left, const Front* right) const noexcept { return left == right; }
        template <class IsIt>
        bool operator()(const Sought<IsIt>& sought, const Front* front) const {
            return front->tag == sought.tag && sought.is_it(*front);
        }
        template <class IsIt>
        bool operator()(const Front* front, const Sought<IsIt>& sought) const {
            return (*this)(sought, front);
        }
    };
    /// Blocks that begin where a line of the cache does. The pool asks for null where there is no memory, but copes with what is thrown.
    struct Blocks {
        using size_type = std::size_t;
        using difference_type = std::ptrdiff_t;
        static char* malloc(size_type bytes) { return static_cast<char*>(::operator new(bytes, alignment)); }
        static void free(char* block) noexcept { ::operator delete(block, alignment); }
    };
    using Pool = boost::pool<Blocks>;
    using Index = boost::unordered_flat_set<Front*, Hash, Equal>;

    static constexpr std::align_val_t alignment{64};
    static constexpr std::size_t first_block = 32; ///< Fronts in a shard's first block; each further one has twice as many,
    static constexpr std::size_t last_block = 128;  ///< up to this, so that little is left over.

    Pool& pool() {
        if (!pool_) pool_ = std::make_unique<Pool>(sizeof(Front), first_block, last_block);
        return *pool_;
    }

    /// Frees all memory but what a few fronts need, who may come and go one by one. \pre there is no front.
    void give_back() noexcept {
        if (pool_->get_next_size() <= 2 * first_block) return;
        pool_->purge_memory();
        index_ = Index();
    }

    Index index_;
    std::unique_ptr<Pool> pool_; ///< Made with the first front, for it cannot be moved.
    std::size_t made_ = 0;
};

} // namespace detail
} // namespace v0
} // namespace larder
