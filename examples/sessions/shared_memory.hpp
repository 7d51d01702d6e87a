// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/interprocess/anonymous_shared_memory.hpp>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace example {

/// Objects in memory that a process shares with those it forks later. It begins as zeros, and pages that nobody touches take no room.
template <class T>
class SharedArray {
    static_assert(std::is_trivially_destructible_v<T>, "nobody destroys what is shared");

public:
    /// Room for so many; each is to be made before it is used.
    explicit SharedArray(std::size_t size) : region_(boost::interprocess::anonymous_shared_memory(size * sizeof(T))), size_(size) {}

    std::size_t size() const { return size_; }
    template <class... Args>
    T& make(std::size_t at, Args&&... args) {
        return *::new (place(at)) T(std::forward<Args>(args)...);
    }
    void make_all() {
        for (std::size_t i = 0; i < size_; ++i) make(i);
    }
    T& operator[](std::size_t at) { return *std::launder(static_cast<T*>(place(at))); }
    const T& operator[](std::size_t at) const { return *std::launder(static_cast<const T*>(place(at))); }

private:
    void* place(std::size_t at) const { return static_cast<std::byte*>(region_.get_address()) + at * sizeof(T); }

    boost::interprocess::mapped_region region_;
    std::size_t size_;
};

/// One such object.
template <class T>
class Shared {
public:
    Shared() : only_(1) { only_.make(0); }
    T* operator->() { return &only_[0]; }
    T& operator*() { return only_[0]; }

private:
    SharedArray<T> only_;
};

} // namespace example
