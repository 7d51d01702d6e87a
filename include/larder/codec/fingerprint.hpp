// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/detail/layout.hpp>
#include <larder/entity/value.hpp>

#include <boost/hash2/fnv1a.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace detail {

/// The number of bytes of a value that always takes the same; 0 if it has a length of its own.
template <class T>
inline constexpr std::size_t fixed_bytes_v = 0;
template <>
inline constexpr std::size_t fixed_bytes_v<Uuid> = 16;
template <class T>
inline constexpr std::size_t fixed_bytes_v<Hashed<T>> = std::tuple_size_v<typename Hashed<T>::Digest>;

/// Whether a field that is stored as an integer is written as an unsigned one.
template <class T>
constexpr bool is_unsigned_value() noexcept {
    if constexpr (std::is_enum_v<T>)
        return std::is_unsigned_v<std::underlying_type_t<T>>;
    else
        return std::unsigned_integral<T>;
}

/// A text that is hashed while it is written.
class Signature {
public:
    constexpr void add(std::string_view text) noexcept {
        for (const char letter : text) {
            const auto byte = static_cast<unsigned char>(letter);
            hash_.update(&byte, 1);
        }
    }
    constexpr void add(std::uint64_t number) noexcept {
        char digits[std::numeric_limits<std::uint64_t>::digits10 + 1]{};
        std::size_t first = sizeof digits;
        do {
            digits[--first] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number != 0);
        add(std::string_view(digits + first, sizeof digits - first));
    }
    constexpr std::uint64_t result() noexcept { return hash_.result(); }

private:
    boost::hash2::fnv1a_64 hash_;
};

template <class T>
constexpr void add_integer_type(Signature& signature) noexcept {
    signature.add(is_unsigned_value<T>() ? "u" : "i");
    signature.add(std::uint64_t{8} * sizeof(T));
}

/// Adds the wire type of a column's value: what a change of would give stored bytes another meaning.
template <class T>
constexpr void add_wire_type(Signature& signature) noexcept {
    constexpr Storage storage = value_traits<T>::storage;
    if constexpr (std::same_as<T, bool>) {
        signature.add("bool");
    } else if constexpr (storage == Storage::integer && (std::integral<T> || std::is_enum_v<T>)) {
        add_integer_type<T>(signature);
    } else if constexpr (is_time_point_v<T>) {
        add_integer_type<typename T::rep>(signature);
        signature.add("*");
        signature.add(static_cast<std::uint64_t>(T::period::num));
        signature.add("/");
        signature.add(static_cast<std::uint64_t>(T::period::den));
    } else if constexpr (storage == Storage::integer) {
        signature.add("i64");
    } else if constexpr (std::same_as<T, float>) {
        signature.add("f32");
    } else if constexpr (storage == Storage::real) {
        signature.add("f64");
    } else if constexpr (storage == Storage::text) {
        signature.add("text");
    } else {
        signature.add(is_hashed_v<T> ? "hash" : "bytes");
        if constexpr (fixed_bytes_v<T> != 0) signature.add(std::uint64_t{8} * fixed_bytes_v<T>);
    }
}

template <class Members>
constexpr void add_fields(Signature& signature) noexcept {
    const auto add_field = [&]<auto Member>(MemberList<Member>) {
        using Known = Field<Member>;
        using Bare = bare_value_t<typename Known::Value>;
        signature.add(Known::name);
        signature.add(":");
        if constexpr (Known::sealed) signature.add("!");
        if constexpr (is_nullable_v<typename Known::Value>) signature.add("?");
        if constexpr (Known::is_row)
            add_fields<described_members_t<Bare>>(signature);
        else
            add_wire_type<Bare>(signature);
        signature.add(";");
    };
    signature.add("{");
    [&]<auto... Member>(MemberList<Member...>) { (add_field(MemberList<Member>{}), ...); }(Members{});
    signature.add("}");
}

template <class T>
constexpr std::uint64_t fingerprint() noexcept {
    Signature signature;
    signature.add(Layout<T>::kind);
    add_fields<typename Layout<T>::members>(signature);
    return signature.result();
}

} // namespace detail

/// The fingerprint of the layout in which a value of type `T` is encoded: a 64-bit hash (FNV-1a) of the fields' names, in order, and of how
/// each is written (its kind and width; a time point's unit; whether it may be null; whether it is sealed), through all embedded rows.
///
/// The same from every compiler and on every machine, and not moved by names of types, tables, columns or enumerators: change the name
/// of a field whose meaning changes.
///
/// \tparam T an entity, `WarmRow<Entity>`, `AliasTarget<Entity>`, or any described struct.
template <class T>
inline constexpr std::uint64_t fingerprint_v = detail::fingerprint<T>();

} // namespace v0
} // namespace larder
