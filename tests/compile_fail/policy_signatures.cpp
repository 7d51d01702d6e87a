// SPDX-License-Identifier: BSL-1.0
// expect NAME: larder: this policy must say its name: static constexpr std::string_view name
// expect GUARANTEE: larder: this policy must say what it promises: static constexpr larder::Guarantee guarantee
// expect CACHES_ROWS: larder: this policy must say whether tiers keep rows: static constexpr bool caches_rows = true (or false)
// expect FENCED: larder: this policy must say whether a write fences its keys before it commits: static constexpr bool fenced = true (or false)
// expect AFTER_WRITE: larder: this policy must say what a commit does to the tiers: static constexpr larder::AfterWrite after_write
// expect STAMP: larder: this policy must say what rows are marked with: static constexpr larder::Stamp stamp = larder::Stamp::none (or another)
// expect ON_HIT: larder: this policy needs on_hit(const larder::HitView&) const, and it must answer larder::OnHit
// expect COPY: larder: this policy must be copyable
// errors: 1
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

/// Mistakes of each kind: something that is missing, something of another type, a decision that is not const.
struct Policy : larder::WriteThrough {
#if defined(NAME)
    void name() = delete;
#elif defined(GUARANTEE)
    void guarantee() = delete;
#elif defined(CACHES_ROWS)
    void caches_rows() = delete;
#elif defined(FENCED)
    void fenced() = delete;
#elif defined(AFTER_WRITE)
    static constexpr bool after_write = true;
#elif defined(STAMP)
    static constexpr bool stamp = false;
#elif defined(ON_HIT)
    larder::OnHit on_hit(const larder::HitView&) { return larder::OnHit::serve; }
#elif defined(COPY)
    Policy(const Policy&) = delete;
#endif
};
using Holders = larder::CachedRepository<larder::testing::Holder, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>, Policy>;

static_assert(sizeof(Holders) > 0);
