// SPDX-License-Identifier: BSL-1.0
// expect PLAIN: larder: the change of a row takes Entity&, to be made in place: one that takes it by value changes a copy, and is lost
// expect GENERIC: larder: the change of a row takes Entity&, to be made in place: one that takes it by value changes a copy, and is lost
// expect LATER: larder: the change of a row takes Entity&, to be made in place: one that takes it by value changes a copy, and is lost
// errors: 1
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Holder;
using Holders = larder::CachedRepository<Holder, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

void change(Holders& holders) {
#if defined(PLAIN)
    holders.update(1, [](Holder holder) { holder.name = "lost"; });
#elif defined(GENERIC)
    holders.update(1, [](auto holder) { holder.name = "lost"; });
#elif defined(LATER)
    auto later = holders.async_update(1, [](Holder holder) { holder.name = "lost"; });
    static_cast<void>(later);
#else
    holders.update(1, [](Holder& holder) { holder.name = "kept"; });
    holders.update(1, [](auto& holder) { holder.name = "kept"; });
    auto later = holders.async_update(1, [](auto&& holder) { holder.name = "kept"; });
    static_cast<void>(later);
#endif
}
