// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/hashed.hpp>

#include <boost/container_hash/hash.hpp>
#include <boost/uuid/uuid.hpp>

#include <bit>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace larder {
inline namespace v0 {

/// A 128-bit identifier, the recommended primary key.
using Uuid = boost::uuids::uuid;

namespace detail {

/// Makes sixteen random bytes a random UUID: version 4 and its variant, as RFC 9562 sets them.
inline void mark_as_random(Uuid& id) noexcept {
    *(id.begin() + 6) = static_cast<std::uint8_t>((*(id.begin() + 6) & 0x0FU) | 0x40U);
    *(id.begin() + 8) = static_cast<std::uint8_t>((*(id.begin() + 8) & 0x3FU) | 0x80U);
}

} // namespace detail

/// A column of raw bytes.
using Bytes = std::vector<std::byte>;

/// How a database keeps a column's value.
enum class Storage : std::uint8_t { integer, real, text, bytes };

/// Customisation point: how a field's type is stored, viewed as a key and weighed.
///
/// A specialisation has `storage`; `Stored`, one of `std::int64_t`, `double`, `std::string_view`, `std::span<const std::byte>`;
/// `to(value) -> Stored` (a view lives as long as the value); `from(Stored, value&) -> bool` (false: not a value of this type);
/// `View`, a cheap type for look-ups that compares with and converts to the field's type; and `heap(value)`, the bytes it owns beyond itself.
template <class T>
struct value_traits;

template <std::integral T>
struct value_traits<T> {
    static constexpr Storage storage = Storage::integer;
    using Stored = std::int64_t;
    using View = T;
    static constexpr Stored to(T value) noexcept { return static_cast<Stored>(value); }
    static constexpr bool from(Stored stored, T& value) noexcept {
        // Unsigned 64-bit numbers use all bits, and any number but 0 is true.
        if constexpr (!std::same_as<T, bool> && !(std::unsigned_integral<T> && sizeof(T) == sizeof(Stored)))
            if (stored < static_cast<Stored>(std::numeric_limits<T>::min()) || stored > static_cast<Stored>(std::numeric_limits<T>::max())) return false;
        value = static_cast<T>(stored);
        return true;
    }
    static constexpr std::size_t heap(T) noexcept { return 0; }
};

template <std::floating_point T>
struct value_traits<T> {
    static constexpr Storage storage = Storage::real;
    using Stored = double;
    using View = T;
    static constexpr Stored to(T value) noexcept { return static_cast<Stored>(value); }
    static constexpr bool from(Stored stored, T& value) noexcept {
        value = static_cast<T>(stored);
        return true;
    }
    static constexpr std::size_t heap(T) noexcept { return 0; }
};

template <class T>
    requires std::is_enum_v<T>
struct value_traits<T> {
    using Underlying = value_traits<std::underlying_type_t<T>>;
    static constexpr Storage storage = Storage::integer;
    using Stored = std::int64_t;
    using View = T;
    static constexpr Stored to(T value) noexcept { return Underlying::to(static_cast<std::underlying_type_t<T>>(value)); }
    static constexpr bool from(Stored stored, T& value) noexcept {
        std::underlying_type_t<T> number{};
        if (!Underlying::from(stored, number)) return false;
        value = static_cast<T>(number);
        return true;
    }
    static constexpr std::size_t heap(T) noexcept { return 0; }
};

template <>
struct value_traits<std::string> {
    static constexpr Storage storage = Storage::text;
    using Stored = std::string_view;
    using View = std::string_view;
    static Stored to(const std::string& value) noexcept { return value; }
    static bool from(Stored stored, std::string& value) {
        value.assign(stored);
        return true;
    }
    static std::size_t heap(const std::string& value) noexcept {
        constexpr std::size_t inline_capacity = 15;
        return value.capacity() > inline_capacity ? value.capacity() + 1 : 0;
    }
};

template <>
struct value_traits<Bytes> {
    static constexpr Storage storage = Storage::bytes;
    using Stored = std::span<const std::byte>;
    using View = Bytes;
    static Stored to(const Bytes& value) noexcept { return value; }
    static bool from(Stored stored, Bytes& value) {
        value.assign(stored.begin(), stored.end());
        return true;
    }
    static std::size_t heap(const Bytes& value) noexcept { return value.capacity(); }
};

template <>
struct value_traits<Uuid> {
    static constexpr Storage storage = Storage::bytes;
    using Stored = std::span<const std::byte>;
    using View = Uuid;
    static Stored to(const Uuid& value) noexcept { return std::as_bytes(std::span(value.begin(), value.size())); }
    static bool from(Stored stored, Uuid& value) noexcept {
        if (stored.size() != value.size()) return false;
        std::memcpy(value.begin(), stored.data(), stored.size());
        return true;
    }
    static constexpr std::size_t heap(const Uuid&) noexcept { return 0; }
};

template <class T>
struct value_traits<Hashed<T>> {
    static constexpr Storage storage = Storage::bytes;
    using Stored = std::span<const std::byte>;
    using View = Hashed<T>;
    static Stored to(const Hashed<T>& value) noexcept { return value.digest(); }
    static bool from(Stored stored, Hashed<T>& value) noexcept {
        typename Hashed<T>::Digest digest{};
        if (stored.size() != digest.size()) return false;
        std::memcpy(digest.data(), stored.data(), digest.size());
        value = Hashed<T>(digest);
        return true;
    }
    static constexpr std::size_t heap(const Hashed<T>&) noexcept { return 0; }
};

/// Wall-clock moments are stored as the count of their own unit since 1970.
template <class Unit>
    requires std::integral<typename Unit::rep>
struct value_traits<std::chrono::sys_time<Unit>> {
    static constexpr Storage storage = Storage::integer;
    using Stored = std::int64_t;
    using View = std::chrono::sys_time<Unit>;
    static constexpr Stored to(View value) noexcept { return static_cast<Stored>(value.time_since_epoch().count()); }
    static constexpr bool from(Stored stored, View& value) noexcept {
        typename Unit::rep count{};
        if (!value_traits<typename Unit::rep>::from(stored, count)) return false;
        value = View(Unit(count));
        return true;
    }
    static constexpr std::size_t heap(View) noexcept { return 0; }
};

namespace detail {

template <class T>
struct Nullable {
    using Value = T;
    static constexpr bool nullable = false;
};

template <class T>
struct Nullable<std::optional<T>> {
    using Value = T;
    static constexpr bool nullable = true;
};

} // namespace detail

/// A field's type without its `std::optional`.
template <class T>
using bare_value_t = typename detail::Nullable<T>::Value;

/// Whether a field may be null, that is, is a `std::optional`.
template <class T>
inline constexpr bool is_nullable_v = detail::Nullable<T>::nullable;

/// A type that a field may have: one with `value_traits`, or a `std::optional` of it.
template <class T>
concept column_value = requires(const bare_value_t<T>& value, bare_value_t<T>& target) {
    { value_traits<bare_value_t<T>>::storage } -> std::convertible_to<Storage>;
    { value_traits<bare_value_t<T>>::to(value) } -> std::same_as<typename value_traits<bare_value_t<T>>::Stored>;
    { value_traits<bare_value_t<T>>::from(value_traits<bare_value_t<T>>::to(value), target) } -> std::same_as<bool>;
    { value_traits<bare_value_t<T>>::heap(value) } -> std::same_as<std::size_t>;
};

namespace detail {

/// The bytes that a field owns beyond itself.
template <column_value T>
std::size_t heap_bytes(const T& value) noexcept {
    if constexpr (is_nullable_v<T>)
        return value ? value_traits<bare_value_t<T>>::heap(*value) : 0;
    else
        return value_traits<T>::heap(value);
}

/// Spreads a hash over all its bits (the finaliser of MurmurHash3, Austin Appleby, public domain).
constexpr std::uint64_t spread(std::uint64_t bits) noexcept {
    bits ^= bits >> 33;
    bits *= 0xff51afd7ed558ccdULL;
    bits ^= bits >> 33;
    bits *= 0xc4ceb9fe1a85ec53ULL;
    bits ^= bits >> 33;
    return bits;
}

/// The two halves of a UUID in one number, to be spread. Boost's own hash is a chain of eight multiplications.
inline std::uint64_t hash_uuid(const Uuid& id) noexcept {
    std::uint64_t halves[2];
    std::memcpy(halves, &*id.begin(), sizeof halves);
    return halves[0] ^ std::rotl(halves[1] * 0x9e3779b97f4a7c15ULL, 32);
}

/// The hash of one key part, the same for a value and its view.
template <class Part>
std::uint64_t hash_part(const Part& part) noexcept {
    if constexpr (std::is_enum_v<Part>)
        return static_cast<std::uint64_t>(part);
    else if constexpr (requires { part.time_since_epoch(); })
        return static_cast<std::uint64_t>(part.time_since_epoch().count());
    else if constexpr (std::convertible_to<const Part&, std::string_view>)
        return boost::hash<std::string_view>()(std::string_view(part));
    else if constexpr (std::same_as<Part, Uuid>)
        return hash_uuid(part);
    else
        return boost::hash<Part>()(part);
}

} // namespace detail
} // namespace v0
} // namespace larder
