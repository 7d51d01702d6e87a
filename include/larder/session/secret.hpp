// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// Overwrites bytes in a way that a compiler must not leave out.
inline void wipe(void* bytes, std::size_t size) noexcept {
    volatile auto* each = static_cast<volatile unsigned char*>(bytes);
    for (std::size_t i = 0; i < size; ++i) each[i] = 0;
}

} // namespace detail

/// A text that is shown to one person and kept nowhere: it has no output operator, no comparison and no format, and is overwritten
/// when it ends. Copies are secrets of their own.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) noexcept : text_(std::move(text)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.clear(); }
    Secret& operator=(Secret other) noexcept {
        text_.swap(other.text_);
        return *this;
    }
    ~Secret() { clear(); }

    bool empty() const noexcept { return text_.empty(); }
    /// The text itself, to be sent to whom it belongs. Lives as long as the secret.
    std::string_view reveal() const noexcept { return text_; }

private:
    void clear() noexcept {
        detail::wipe(text_.data(), text_.size());
        text_.clear();
    }

    std::string text_;
};

} // namespace v0
} // namespace larder
