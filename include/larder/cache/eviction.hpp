// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_adaptive_tuning.hpp>
#include <larder/cache/detail/eviction_fifo.hpp>
#include <larder/cache/detail/eviction_lru.hpp>
#include <larder/cache/detail/eviction_s3_fifo.hpp>
#include <larder/cache/detail/eviction_sieve.hpp>
#include <larder/cache/detail/eviction_w_tiny_lfu.hpp>

namespace larder {
inline namespace v0 {

/// Eviction by age: the row that has been in the tier longest goes first, however often it is hit. A hit writes nothing. For comparison, and for
/// rows that are all wanted alike.
struct Fifo {
    template <class Order>
    using Rule = detail::Fifo<Order>;
};

/// Eviction of the least recently used. A hit moves its record. Any scan longer than the tier sweeps it out, and a loop longer than the tier never hits.
struct Lru {
    template <class Order>
    using Rule = detail::Lru<Order>;
};

/// SIEVE: eviction by age, from a hand that passes over what was hit since it last came by. A hit sets a mark. Source: Zhang, Yang, Yue, Vigfusson, Rashmi,
/// "SIEVE is Simpler than LRU: an Efficient Turn-Key Eviction Algorithm for Web Caches", NSDI 2024.
struct Sieve {
    template <class Order>
    using Rule = detail::Sieve<Order>;
};

/// S3-FIFO: rows prove themselves in a small queue before they enter the main one. A hit counts in its record. Source: Yang, Zhang, Qiu, Yue, Rashmi,
/// "FIFO queues are all you need for cache eviction", SOSP 2023.
struct S3Fifo {
    template <class Order>
    using Rule = detail::S3Fifo<Order, detail::PlainTuning>;
};

/// W-TinyLFU with a window that adapts by hill climbing: rows enter the main part if they were asked for more often lately than what they would
/// displace. A hit writes to a sketch and moves its record. Sources: Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache
/// Admission Policy", ACM Transactions on Storage 2017; Einziger, Eytan, Friedman, Manes, "Adaptive Software Cache Management", Middleware 2018.
struct WTinyLfu {
    template <class Order>
    using Rule = detail::WTinyLfu<Order>;
};

/// S3-FIFO that tunes itself: the size of its small queue follows the hits in both queues, and the main queue keeps what it has where it would only thrash. A hit
/// counts in its record and in its shard. What a `MemoryCache` does if nothing else is said: in no trace measured (bench/hit_ratio.cpp)
/// was it far from the best of the other rules, each of which fails in some.
struct AdaptiveS3Fifo {
    template <class Order>
    using Rule = detail::S3Fifo<Order, detail::AdaptiveTuning>;
};

} // namespace v0
} // namespace larder
