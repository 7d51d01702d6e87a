// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/container_hash/hash.hpp>
#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/indexed_by.hpp>
#include <boost/multi_index/member.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>
#include <boost/unordered/concurrent_flat_map.hpp>

#define TBB_PREVIEW_CONCURRENT_LRU_CACHE 1
#include <oneapi/tbb/concurrent_lru_cache.h>

#include <cstddef>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

/// What a programmer would write or take instead: each finds a value by its key, puts one, and (but for the first) keeps to a number of entries by LRU.
namespace bench {

/// Boost's concurrent map, bare: it never evicts.
template <class Key, class Value>
struct FlatMap {
    boost::concurrent_flat_map<Key, Value, boost::hash<Key>> map{};

    explicit FlatMap(std::size_t capacity) { map.reserve(capacity); }

    Value find(const Key& key) const {
        Value value{};
        map.cvisit(key, [&](const auto& entry) { value = entry.second; });
        return value;
    }
    void put(const Key& key, Value value) { map.insert_or_assign(key, std::move(value)); }
};

/// The textbook's: a list in the order of use, and a hash map into it, under one mutex.
template <class Key, class Value>
class ListLru {
public:
    explicit ListLru(std::size_t capacity) : capacity_(capacity) { places_.reserve(capacity); }

    Value find(const Key& key) {
        const std::lock_guard lock(mutex_);
        const auto place = places_.find(key);
        if (place == places_.end()) return {};
        order_.splice(order_.begin(), order_, place->second);
        return place->second->second;
    }

    void put(const Key& key, Value value) {
        const std::lock_guard lock(mutex_);
        if (const auto place = places_.find(key); place != places_.end()) {
            place->second->second = std::move(value);
            order_.splice(order_.begin(), order_, place->second);
            return;
        }
        if (order_.size() >= capacity_) {
            places_.erase(order_.back().first);
            order_.pop_back();
        }
        order_.emplace_front(key, std::move(value));
        places_.emplace(key, order_.begin());
    }

private:
    using Order = std::list<std::pair<Key, Value>>;
    std::size_t capacity_;
    std::mutex mutex_;
    Order order_;
    std::unordered_map<Key, typename Order::iterator, boost::hash<Key>> places_;
};

/// The same as one Boost.MultiIndex container, under one mutex.
template <class Key, class Value>
class MultiIndexLru {
public:
    explicit MultiIndexLru(std::size_t capacity) : capacity_(capacity) { entries_.template get<1>().reserve(capacity); }

    Value find(const Key& key) {
        const std::lock_guard lock(mutex_);
        const auto& by_key = entries_.template get<1>();
        const auto entry = by_key.find(key);
        if (entry == by_key.end()) return {};
        entries_.relocate(entries_.begin(), entries_.template project<0>(entry));
        return entry->value;
    }

    void put(const Key& key, Value value) {
        const std::lock_guard lock(mutex_);
        const auto [entry, added] = entries_.push_front({key, value});
        if (!added) {
            entry->value = std::move(value);
            entries_.relocate(entries_.begin(), entry);
        } else if (entries_.size() > capacity_) {
            entries_.pop_back();
        }
    }

private:
    struct Entry {
        Key key;
        mutable Value value;
    };
    using Entries = boost::multi_index_container<
        Entry, boost::multi_index::indexed_by<boost::multi_index::sequenced<>,
                                              boost::multi_index::hashed_unique<boost::multi_index::member<Entry, Key, &Entry::key>, boost::hash<Key>>>>;
    std::size_t capacity_;
    std::mutex mutex_;
    Entries entries_;
};

/// oneTBB's. It loads what is missing by itself, and cannot replace a value.
template <class Key, class Value, class Load>
class TbbLru {
public:
    TbbLru(std::size_t capacity, Load load) : cache_(std::move(load), capacity) {}

    Value find(const Key& key) {
        auto handle = cache_[key];
        return handle ? handle.value() : Value{};
    }

private:
    oneapi::tbb::concurrent_lru_cache<Key, Value, Load> cache_;
};

} // namespace bench
