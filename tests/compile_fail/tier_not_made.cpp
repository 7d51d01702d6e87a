// SPDX-License-Identifier: BSL-1.0
// expect NO_CONFIG: larder: a cache tier of this stack does not say what it is made from: add a nested type Config and the constructor (Config, Env&)
// expect NOT_FROM_CONFIG: larder: a cache tier of this stack cannot be made from its Config: add the constructor (Config, Env&)
// errors: 1
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

template <class Entity, class Env>
struct Tier : larder::MemoryCache<Entity, Env> {
    using Base = larder::MemoryCache<Entity, Env>;

#if defined(NO_CONFIG)
    using Base::Base;

private:
    struct Config;
#elif defined(NOT_FROM_CONFIG)
    explicit Tier(typename Base::Config); // has not been told of the environment, whose clock a tier needs
#else
    using Base::Base;
#endif
};

using Holder = larder::testing::Holder;
using Alone = larder::CachedRepository<Holder, larder::Stack<Tier, larder::MemoryDatabase>>;
using Behind = larder::CachedRepository<Holder, larder::Stack<larder::MemoryCache, Tier, larder::MemoryDatabase>>;
using InFront = larder::CachedRepository<Holder, larder::Stack<Tier, larder::MemoryCache, larder::MemoryDatabase>>;

#if defined(NO_CONFIG)
static_assert(sizeof(Alone) > 0);
#elif defined(NOT_FROM_CONFIG)
static_assert(sizeof(InFront) > 0);
#else
static_assert(sizeof(Alone) > 0 && sizeof(Behind) > 0 && sizeof(InFront) > 0);
#endif
