// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <memory>

namespace larder {
inline namespace v0 {
namespace detail {

/// A place for one object, which threads put there and take from there without a lock. All its operations are in one order with all
/// others that are sequentially consistent.
template <class T>
class OneSlot {
public:
    OneSlot() = default;
    OneSlot(const OneSlot&) = delete;
    OneSlot& operator=(const OneSlot&) = delete;
    ~OneSlot() { take(); }

    /// What was there; null if nothing was.
    std::unique_ptr<T> take() noexcept { return std::unique_ptr<T>(kept_.exchange(nullptr)); }

    /// Puts an object there if there is none; else leaves it where it is. \returns whether it did. \pre not null.
    bool put(std::unique_ptr<T>& object) noexcept {
        T* none = nullptr;
        if (!kept_.compare_exchange_strong(none, object.get())) return false;
        static_cast<void>(object.release());
        return true;
    }

private:
    std::atomic<T*> kept_{nullptr};
};

} // namespace detail
} // namespace v0
} // namespace larder
