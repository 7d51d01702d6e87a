// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_mark.hpp>
#include <larder/entity/key.hpp>

#include <boost/multi_index/indexed_by.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

/// What an eviction rule sees of a record.
struct NamedItem {
    int name;
    std::uint64_t hash = larder::hash_key(std::int64_t{name});
    mutable larder::detail::EvictionMark its_mark{};
    larder::detail::EvictionMark& mark() const noexcept { return its_mark; }
};

using NamedItems = boost::multi_index_container<NamedItem, boost::multi_index::indexed_by<boost::multi_index::sequenced<>>>;

/// So many items kept by a rule, named by numbers or letters.
template <class Eviction>
struct KeptNames {
    using iterator = NamedItems::iterator;

    std::size_t capacity;
    NamedItems order{};
    typename Eviction::template Rule<NamedItems> rule{};

    explicit KeptNames(std::size_t room) : capacity(room) {}

    iterator find(int name) {
        return std::find_if(order.begin(), order.end(), [name](const NamedItem& item) { return item.name == name; });
    }
    bool has(int name) { return find(name) != order.end(); }

    /// Asks for an item, which is there from then on. \returns whether it was there.
    bool ask(int name) {
        if (const auto found = find(name); found != order.end()) {
            rule.hit(order, found->mark(), *found);
            return true;
        }
        add(name);
        while (order.size() > capacity) remove(rule.victim(order, [name](const NamedItem& item) { return item.name == name; }));
        return false;
    }
    /// Asks for one item after the other. \returns what went.
    std::string ask(const std::string& names) {
        std::string gone;
        for (const char name : names) {
            const std::string before = in_order();
            ask(name);
            for (const char each : before)
                if (!has(each)) gone += each;
        }
        return gone;
    }

    void add(int name) {
        order.push_back({name});
        rule.entered(order, std::prev(order.end()));
    }
    void remove(iterator item) {
        rule.leaving(order, item);
        order.erase(item);
    }
    void renew(int name, bool emptied = true) { rule.renew(order, find(name), emptied); }
    /// Evicts one that is not among `spared`. \returns its name, or '-'.
    char evict(const std::string& spared = "") {
        const auto found = rule.victim(order, [&](const NamedItem& item) { return spared.find(static_cast<char>(item.name)) != std::string::npos; });
        if (found == order.end()) return '-';
        const char name = static_cast<char>(found->name);
        remove(found);
        return name;
    }
    void clear() {
        order.clear();
        rule.reset();
    }
    /// The names of all, as letters, in the rule's order.
    std::string in_order() const {
        std::string all;
        for (const NamedItem& item : order) all += static_cast<char>(item.name);
        return all;
    }
};
