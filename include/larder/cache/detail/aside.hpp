// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>

namespace larder {
inline namespace v0 {
namespace detail {

/// A part of an object that few objects have: elsewhere, and only if it is there. Copies are deep.
template <class Part>
class Aside {
public:
    Aside() noexcept = default;
    Aside(const Aside& other) : part_(other.part_ ? std::make_unique<Part>(*other.part_) : nullptr) {}
    Aside(Aside&&) noexcept = default;
    Aside& operator=(const Aside& other) {
        if (this != &other) part_ = other.part_ ? std::make_unique<Part>(*other.part_) : nullptr;
        return *this;
    }
    Aside& operator=(Aside&&) noexcept = default;
    ~Aside() = default;

    explicit operator bool() const noexcept { return part_ != nullptr; }
    /// \pre it is there.
    Part& operator*() const noexcept { return *part_; }
    Part* operator->() const noexcept { return part_.get(); }
    /// The part, made if it is not there yet.
    Part& made() {
        if (!part_) part_ = std::make_unique<Part>();
        return *part_;
    }
    void reset() noexcept { part_.reset(); }

    /// What it costs while it is there: itself and the allocator's header.
    static constexpr std::size_t bytes = sizeof(Part) + 2 * sizeof(void*);

private:
    std::unique_ptr<Part> part_;
};

} // namespace detail
} // namespace v0
} // namespace larder
