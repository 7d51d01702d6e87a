// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_mark.hpp>
#include <larder/entity/key.hpp>

#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/indexed_by.hpp>
#include <boost/multi_index/member.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace hit_ratio {

/// Keys kept by a rule of the memory tier's, in one shard and with nothing around it.
///
/// \tparam Eviction the rule, as a `MemoryCache` takes it.
template <class Eviction>
class Kept {
public:
    explicit Kept(std::size_t capacity) : capacity_(capacity) {}

    /// Asks for a key, which is kept from now on. \returns whether it was there.
    bool ask(std::uint32_t key) {
        auto& order = keys_.template get<1>();
        if (const auto found = keys_.find(key); found != keys_.end()) {
            rule_.hit(order, found->mark(), *found);
            return true;
        }
        order.push_back(Item{key, larder::hash_key(std::uint64_t{key})});
        rule_.entered(order, std::prev(order.end()));
        if (order.size() > capacity_) {
            const auto victim = rule_.victim(order, [key](const Item& item) { return item.key == key; });
            rule_.leaving(order, victim);
            order.erase(victim);
        }
        return false;
    }

private:
    struct Item {
        std::uint32_t key;
        std::uint64_t hash;
        mutable larder::detail::EvictionMark its_mark{};
        larder::detail::EvictionMark& mark() const noexcept { return its_mark; }
    };
    using Keys = boost::multi_index_container<
        Item, boost::multi_index::indexed_by<boost::multi_index::hashed_unique<boost::multi_index::member<Item, std::uint32_t, &Item::key>>, boost::multi_index::sequenced<>>>;
    using Order = typename boost::multi_index::nth_index<Keys, 1>::type;

    std::size_t capacity_;
    Keys keys_;
    typename Eviction::template Rule<Order> rule_;
};

} // namespace hit_ratio
