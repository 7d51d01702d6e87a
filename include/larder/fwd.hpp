// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace larder {
inline namespace v0 {

/// A row's version: moves by one with every write that counts, under the row's lock, so that version order is commit
/// order. 0 means "none": an absent row, or an entity whose schema declares no version. Stays below 2^53.
using Version = std::uint64_t;

/// Customisation point: specialise it for your entity by deriving from `schema` (entity/schema.hpp).
template <class Entity>
struct entity_traits;

template <class Entity>
struct schema_of;

template <class T>
class Hashed;

struct Metrics;

template <class Observer>
class SystemEnvironment;

struct AdaptiveS3Fifo;
template <class Entity, class Env, class Eviction = AdaptiveS3Fifo>
class MemoryCache;
template <class Entity, class Env>
class RedisCache;
template <class Entity>
class MemoryDatabase;
template <class Entity>
class SqliteDatabase;
template <class Entity>
class FunctionDatabase;

template <template <class...> class... Tiers>
struct Stack;

struct Hybrid;
struct WriteThrough;
struct WriteThroughUnfenced;
template <class Source>
struct Versioned;

template <class Entity, class Backend, class Policy, class Env>
class CachedRepository;

} // namespace v0
} // namespace larder
