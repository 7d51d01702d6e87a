// SPDX-License-Identifier: BSL-1.0
#include "kept_names.hpp"

#include <larder/cache/detail/eviction_queues.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <random>

namespace {

TEST_CASE("queues in one order behave as queues of their own") {
    constexpr std::size_t count = 3;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        NamedItems order;
        larder::detail::Queues<NamedItems, count> queues;
        std::array<std::deque<int>, count> expected;
        const auto drop = [&](int name) {
            for (auto& queue : expected) std::erase(queue, name);
        };
        for (int step = 0; step < 300; ++step) {
            const auto chosen = order.empty() ? order.end() : std::next(order.begin(), static_cast<std::ptrdiff_t>(random() % order.size()));
            const std::size_t queue = random() % count;
            switch (random() % 4) {
            case 0:
                order.push_back({step});
                queues.enter(std::prev(order.end()));
                expected[count - 1].push_back(step);
                break;
            case 1:
                if (chosen == order.end() || random() % 2 == 0) break;
                drop(chosen->name);
                queues.leave(chosen);
                order.erase(chosen);
                break;
            case 2:
                if (queues.size(queue) == 0) break;
                expected[queue].pop_front();
                expected[queue > 0 ? queue - 1 : 0].push_back(queues.front(queue)->name);
                queues.move(order, queues.front(queue), queue > 0 ? queue - 1 : 0);
                break;
            default:
                if (chosen == order.end()) break;
                drop(chosen->name);
                expected[queue].push_back(chosen->name);
                queues.move(order, chosen, queue);
            }
            auto item = order.begin();
            for (std::size_t each = 0; each < count; ++each) {
                REQUIRE(queues.size(each) == expected[each].size());
                if (!expected[each].empty()) REQUIRE(queues.front(each)->name == expected[each].front());
                for (const int name : expected[each]) {
                    REQUIRE(item->name == name);
                    REQUIRE(item->mark().queue == each);
                    ++item;
                }
            }
            REQUIRE(item == order.end());
        }
    }
}

} // namespace
