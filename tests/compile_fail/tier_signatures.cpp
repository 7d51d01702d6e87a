// SPDX-License-Identifier: BSL-1.0
// expect LOOKUP: larder: this cache tier needs lookup<Space>(const larder::space_key_t<Entity, Space>&, const larder::Demand&), and it must answer
// expect LOOKUP_MANY: larder: this cache tier needs lookup_many<Space>(std::span<const larder::space_key_t<Entity, Space>>, const larder::Demand&), and it must answer
// expect FILL: larder: this cache tier needs fill<Space>(const larder::space_key_t<Entity, Space>&, larder::FillRequest<larder::space_value_t<Entity, Space>>), and it must answer
// expect FILL_MANY: larder: this cache tier needs fill_many<Space>(std::span<const larder::space_key_t<Entity, Space>>,
// expect FENCE: larder: this cache tier needs fence(const larder::KeySet<Entity>&, larder::FenceOwner, larder::Duration)
// expect PUBLISH: larder: this cache tier needs publish(std::span<const larder::Publication<Entity>>)
// expect EXPEL: larder: this cache tier needs expel(const larder::KeySet<Entity>&)
// expect EXPIRE: larder: this cache tier needs expire(const larder::KeySet<Entity>&)
// expect CLEAR: larder: this cache tier needs clear()
// expect USAGE: larder: this cache tier needs usage(), and it must answer larder::TierUsage
// expect LEVEL: larder: this cache tier must say how far away it is: static constexpr larder::Level level
// expect OUTLIVES: larder: this cache tier must say whether its rows are there after the process has ended: static constexpr bool outlives_process
// errors: 1
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

/// Mistakes of each kind: a missing operation, one with other parameters, one with another answer.
template <class Entity, class Env>
struct Tier : larder::MemoryCache<Entity, Env> {
    using larder::MemoryCache<Entity, Env>::MemoryCache;

#if defined(LOOKUP)
    void lookup() = delete;
#elif defined(LOOKUP_MANY)
    void lookup_many() = delete;
#elif defined(FILL)
    template <std::size_t Space>
    bool fill(const larder::space_key_t<Entity, Space>&, larder::FillRequest<larder::space_value_t<Entity, Space>>);
#elif defined(FILL_MANY)
    void fill_many() = delete;
#elif defined(FENCE)
    void fence(const larder::KeySet<Entity>&, larder::FenceOwner);
#elif defined(PUBLISH)
    void publish() = delete;
#elif defined(EXPEL)
    void expel(const larder::primary_key_t<Entity>&);
#elif defined(EXPIRE)
    void expire() = delete;
#elif defined(CLEAR)
    void clear() = delete;
#elif defined(USAGE)
    std::size_t usage();
#elif defined(LEVEL)
    void level() = delete;
#elif defined(OUTLIVES)
    void outlives_process() = delete;
#endif
};

using Holder = larder::testing::Holder;
#if defined(EXPIRE) || defined(LOOKUP)
using Holders = larder::CachedRepository<Holder, larder::Stack<Tier, larder::MemoryCache, larder::MemoryDatabase>>;
#else
using Holders = larder::CachedRepository<Holder, larder::Stack<Tier, larder::MemoryDatabase>>;
#endif

static_assert(sizeof(Holders) > 0);
