// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace larder {
inline namespace v0 {

/// Meets the requirements of a cipher: authenticated encryption with associated data, by which a codec seals secret fields.
///
/// - `seal(plain, associated, out) -> bool`: appends to `out` what `open` takes. False, with `out` as it was, if it cannot. Whoever has not
///   the key learns nothing of `plain` but its length; two calls never make the same bytes.
/// - `open(sealed, associated, out) -> bool`: appends to `out` what was sealed together with these very `associated` bytes; false if it
///   was not, whatever the bytes are, and then nothing is appended.
///
/// Both are const, throw nothing but `std::bad_alloc`, and are safe from any thread at once. Copies are interchangeable.
/// The sealed bytes say which key they are sealed with, so that keys can be changed while values sealed with the old one are still about.
template <class C>
concept cipher = std::copy_constructible<C> && requires(const C& sealer, std::string_view text, std::string_view associated, std::string& out) {
    { sealer.seal(text, associated, out) } -> std::same_as<bool>;
    { sealer.open(text, associated, out) } -> std::same_as<bool>;
};

/// No cipher: enough for a codec of entities without secret fields, other than keyed hashes.
struct NoCipher {};

/// What a codec may be given: a cipher, or `NoCipher`.
template <class C>
concept cipher_or_none = cipher<C> || std::same_as<C, NoCipher>;

} // namespace v0
} // namespace larder
