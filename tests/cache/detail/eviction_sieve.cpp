// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/eviction_mark.hpp>
#include <larder/cache/detail/eviction_sieve.hpp>

#include <boost/multi_index/indexed_by.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>

#include <doctest/doctest.h>

#include <iterator>
#include <string>

namespace {

struct Item {
    char name;
    mutable larder::detail::EvictionMark its_mark{};
    larder::detail::EvictionMark& mark() const noexcept { return its_mark; }
};

using Order = boost::multi_index_container<Item, boost::multi_index::indexed_by<boost::multi_index::sequenced<>>>;

/// A cache of items by the rule.
struct Sieved {
    Order order;
    larder::detail::Sieve<Order> sieve;

    explicit Sieved(const std::string& names) {
        for (const char name : names) order.push_back({name});
    }
    void visit(const std::string& names) {
        for (const Item& item : order)
            if (names.find(item.name) != std::string::npos) sieve.hit(order, item.mark(), item);
    }
    char victim(const std::string& spared = "") {
        const auto found = sieve.victim(order, [&](const Item& item) { return spared.find(item.name) != std::string::npos; });
        return found == order.end() ? '-' : found->name;
    }
    char evict(const std::string& spared = "") {
        const auto found = sieve.victim(order, [&](const Item& item) { return spared.find(item.name) != std::string::npos; });
        if (found == order.end()) return '-';
        const char name = found->name;
        sieve.leaving(order, found);
        order.erase(found);
        return name;
    }
    std::string names() const {
        std::string all;
        for (const Item& item : order) all += item.name;
        return all;
    }
    void remove(char name) {
        for (auto item = order.begin(); item != order.end(); ++item)
            if (item->name == name) {
                sieve.leaving(order, item);
                order.erase(item);
                return;
            }
    }
};

TEST_CASE("without visits it is first in, first out") {
    Sieved cache("abc");
    CHECK(cache.evict() == 'a');
    CHECK(cache.evict() == 'b');
    cache.order.push_back({'d'});
    CHECK(cache.evict() == 'c');
    CHECK(cache.evict() == 'd');
    CHECK(cache.evict() == '-');
}

TEST_CASE("the hand passes what was visited, once") {
    Sieved cache("abcdef");
    cache.visit("abe");
    CHECK(cache.evict() == 'c');
    cache.order.push_back({'g'});
    CHECK(cache.evict() == 'd');
    CHECK(cache.evict() == 'f');
    CHECK(cache.evict() == 'a');
    cache.visit("b");
    CHECK(cache.evict() == 'e');
    CHECK(cache.evict() == 'b');
}

TEST_CASE("a hand that has come to the newest goes round, rather than take whatever comes next") {
    Sieved cache("abc");
    cache.visit("abc");
    std::string gone;
    for (const char name : std::string("defghi")) {
        cache.order.push_back({name});
        gone += cache.evict(std::string(1, name));
    }
    CHECK(gone == "abcdef");

    Sieved late("abc");
    late.visit("bc");
    gone.clear();
    for (const char name : std::string("defgh")) {
        late.order.push_back({name});
        gone += late.evict(std::string(1, name));
    }
    CHECK(gone == "adbce");
}

TEST_CASE("all visited: it goes round once") {
    Sieved cache("abc");
    cache.visit("abc");
    CHECK(cache.evict() == 'a');
    CHECK(cache.evict() == 'b');
}

TEST_CASE("what must be spared becomes the newest, and keeps its mark") {
    Sieved cache("abcd");
    cache.visit("a");
    CHECK(cache.evict("ab") == 'c');
    CHECK(cache.names() == "dab");
    CHECK(cache.order.back().name == 'b');
    CHECK(std::next(cache.order.begin())->mark().hits == 1);
    CHECK(cache.evict("dab") == '-');
    CHECK(cache.evict("a") == 'd');
    CHECK(cache.evict("a") == 'b');
    CHECK(cache.evict() == 'a');
}

TEST_CASE("what was spared does not stay behind the hand") {
    Sieved cache("abc");
    std::string gone;
    for (const char name : std::string("defgh")) {
        cache.order.push_back({name});
        gone += cache.evict(name < 'f' ? "ab" + std::string(1, name) : std::string(1, name));
    }
    CHECK(gone == "cdabe");
}

TEST_CASE("a renewed item is the newest, and the hand goes on from where it was") {
    Sieved cache("abcde");
    CHECK(cache.evict() == 'a');
    cache.sieve.renew(cache.order, cache.order.begin(), true);
    CHECK(cache.names() == "cdeb");
    CHECK(cache.evict() == 'c');
    cache.sieve.renew(cache.order, std::next(cache.order.begin()), true);
    CHECK(cache.names() == "dbe");
    CHECK(cache.evict() == 'd');
    CHECK(cache.evict() == 'b');
}

TEST_CASE("the hand survives the removal of what it points to") {
    Sieved cache("abcd");
    CHECK(cache.victim() == 'a');
    cache.remove('a');
    CHECK(cache.victim() == 'b');
    cache.visit("bc");
    CHECK(cache.victim() == 'd');
    cache.remove('d');
    CHECK(cache.victim() == 'b');
    cache.remove('c');
    CHECK(cache.victim() == 'b');
    cache.order.clear();
    cache.sieve.reset();
    CHECK(cache.victim() == '-');
}

} // namespace
