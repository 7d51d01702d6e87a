// SPDX-License-Identifier: BSL-1.0
#pragma once

// Counts the allocations of each thread, and fails one that is chosen. It replaces the global operators new and delete, so exactly one unit of a program includes it.

#include <cstddef>
#include <cstdlib>
#include <new>

namespace counting_new {

inline constinit thread_local std::size_t made = 0;
inline constinit thread_local std::size_t fails_at = 0; ///< The one that `made` counts with this number fails; 0: none does.

inline void* allocate(std::size_t size) noexcept {
    if (++made == fails_at) return nullptr;
    return std::malloc(size != 0 ? size : 1);
}

inline void* allocate(std::size_t size, std::align_val_t alignment) noexcept {
    if (++made == fails_at) return nullptr;
    const auto unit = static_cast<std::size_t>(alignment);
    return std::aligned_alloc(unit, (size + unit - 1) / unit * unit);
}

inline void* or_throw(void* memory) {
    if (!memory) throw std::bad_alloc();
    return memory;
}

} // namespace counting_new

void* operator new(std::size_t size) { return counting_new::or_throw(counting_new::allocate(size)); }
void* operator new[](std::size_t size) { return counting_new::or_throw(counting_new::allocate(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counting_new::allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counting_new::allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return counting_new::or_throw(counting_new::allocate(size, alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return counting_new::or_throw(counting_new::allocate(size, alignment)); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
