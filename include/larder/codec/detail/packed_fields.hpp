// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/detail/layout.hpp>
#include <larder/codec/fingerprint.hpp>
#include <larder/entity/value.hpp>

#include <boost/endian/conversion.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace detail {

/// The most bytes that a 64-bit number takes: seven bits in each.
inline constexpr std::size_t longest_varint = 10;

/// An integer's sign goes to its lowest bit, so that small ones of either sign are short (the "zigzag" of Protocol Buffers).
constexpr std::uint64_t fold_sign(std::int64_t value) noexcept { return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63); }
constexpr std::int64_t unfold_sign(std::uint64_t bits) noexcept { return static_cast<std::int64_t>((bits >> 1) ^ (~(bits & 1) + 1)); }

template <class T>
constexpr std::uint64_t to_wire(std::int64_t stored) noexcept {
    return is_unsigned_value<T>() ? static_cast<std::uint64_t>(stored) : fold_sign(stored);
}
template <class T>
constexpr std::int64_t from_wire(std::uint64_t bits) noexcept {
    return is_unsigned_value<T>() ? static_cast<std::int64_t>(bits) : unfold_sign(bits);
}

/// A real number's bits: four bytes of a `float`, eight of any other.
template <class T>
using RealBits = std::conditional_t<std::same_as<T, float>, std::uint32_t, std::uint64_t>;
template <class T>
using Real = std::conditional_t<std::same_as<T, float>, float, double>;

/// At most how many bytes a column's value takes.
template <class T>
std::size_t packed_bound(const T& value) noexcept {
    using Traits = value_traits<T>;
    if constexpr (Traits::storage == Storage::integer)
        return longest_varint;
    else if constexpr (Traits::storage == Storage::real)
        return sizeof(RealBits<T>);
    else if constexpr (fixed_bytes_v<T> != 0)
        return fixed_bytes_v<T>;
    else
        return longest_varint + Traits::to(value).size();
}

/// At most how many bytes the clear, or the sealed, fields of a value take.
template <bool Sealed, class T>
std::size_t packed_fields_bound(const T& value) noexcept {
    std::size_t bytes = 0;
    each_field(value, [&]<auto Member>(Field<Member>, const auto& field) {
        using Known = Field<Member>;
        if constexpr (Known::is_row) {
            if (!is_null(field)) bytes += packed_fields_bound<Sealed>(bare(field));
        } else if constexpr (Known::sealed == Sealed) {
            if (!is_null(field)) bytes += packed_bound(bare(field));
        }
        return ++bytes, true;
    });
    return bytes;
}

/// Writes fields to memory that has room for them.
class PackedWriter {
public:
    explicit PackedWriter(char* at) noexcept : at_(at) {}
    char* at() const noexcept { return at_; }

    void varint(std::uint64_t bits) noexcept {
        while (bits >= 0x80) {
            *at_++ = static_cast<char>(bits | 0x80);
            bits >>= 7;
        }
        *at_++ = static_cast<char>(bits);
    }

    template <std::unsigned_integral Bits>
    void fixed(Bits bits) noexcept {
        boost::endian::endian_store<Bits, sizeof(Bits), boost::endian::order::little>(reinterpret_cast<unsigned char*>(at_), bits);
        at_ += sizeof bits;
    }

    void raw(const void* bytes, std::size_t size) noexcept {
        if (size != 0) std::memcpy(at_, bytes, size);
        at_ += size;
    }

    template <class T>
    void value(const T& value) noexcept {
        using Traits = value_traits<T>;
        const auto stored = Traits::to(value);
        if constexpr (Traits::storage == Storage::integer) {
            varint(to_wire<T>(stored));
        } else if constexpr (Traits::storage == Storage::real) {
            fixed(std::bit_cast<RealBits<T>>(static_cast<Real<T>>(stored)));
        } else {
            if constexpr (fixed_bytes_v<T> == 0) varint(stored.size());
            raw(stored.data(), stored.size());
        }
    }

    /// The fields of a value that are in clear, or those that are sealed. Whether a row is there is told in clear.
    template <bool Sealed, class T>
    void fields(const T& value) noexcept {
        each_field(value, [this]<auto Member>(Field<Member>, const auto& field) {
            using Known = Field<Member>;
            if constexpr (Known::is_row) {
                if constexpr (!Sealed && is_nullable_v<typename Known::Value>) *at_++ = is_null(field) ? '\0' : '\1';
                if (!is_null(field)) fields<Sealed>(bare(field));
            } else if constexpr (Known::sealed == Sealed) {
                if constexpr (is_nullable_v<typename Known::Value>) *at_++ = is_null(field) ? '\0' : '\1';
                if (!is_null(field)) this->value(bare(field));
            }
            return true;
        });
    }

private:
    char* at_;
};

/// Reads what a `PackedWriter` wrote, from bytes that may be anything. Each operation tells whether it could.
class PackedReader {
public:
    explicit PackedReader(std::string_view bytes) noexcept : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
    const char* at() const noexcept { return at_; }
    bool at_end() const noexcept { return at_ == end_; }

    bool varint(std::uint64_t& bits) noexcept {
        bits = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (at_ == end_) return false;
            const auto byte = static_cast<unsigned char>(*at_++);
            bits |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return shift < 63 || byte <= 1;
        }
        return false;
    }

    template <std::unsigned_integral Bits>
    bool fixed(Bits& bits) noexcept {
        if (left() < sizeof bits) return false;
        bits = boost::endian::endian_load<Bits, sizeof(Bits), boost::endian::order::little>(reinterpret_cast<const unsigned char*>(at_));
        at_ += sizeof bits;
        return true;
    }

    template <class T>
    bool value(T& value) {
        using Traits = value_traits<T>;
        using Stored = typename Traits::Stored;
        if constexpr (Traits::storage == Storage::integer) {
            std::uint64_t bits = 0;
            return varint(bits) && Traits::from(from_wire<T>(bits), value);
        } else if constexpr (Traits::storage == Storage::real) {
            RealBits<T> bits{};
            return fixed(bits) && Traits::from(static_cast<Stored>(std::bit_cast<Real<T>>(bits)), value);
        } else {
            std::uint64_t size = fixed_bytes_v<T>;
            if constexpr (fixed_bytes_v<T> == 0)
                if (!varint(size)) return false;
            if (left() < size) return false;
            const char* const first = at_;
            at_ += size;
            if constexpr (Traits::storage == Storage::text)
                return Traits::from(Stored(first, static_cast<std::size_t>(size)), value);
            else
                return Traits::from(std::as_bytes(std::span(first, static_cast<std::size_t>(size))), value);
        }
    }

    template <bool Sealed, class T>
    bool fields(T& value) {
        return each_field(value, [this]<auto Member>(Field<Member>, auto& field) {
            using Known = Field<Member>;
            constexpr bool nullable = is_nullable_v<typename Known::Value>;
            if constexpr (Known::is_row && Sealed) {
                return is_null(field) || fields<true>(bare_of(field));
            } else if constexpr (Known::is_row) {
                return (!nullable || presence(field)) && (is_null(field) || fields<false>(bare_of(field)));
            } else if constexpr (Known::sealed == Sealed) {
                return (!nullable || presence(field)) && (is_null(field) || this->value(bare_of(field)));
            } else {
                return true;
            }
        });
    }

private:
    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

    /// Reads whether a field is there, and makes it so; keeps the value that it has, for its memory.
    template <class T>
    bool presence(T& field) {
        if constexpr (is_nullable_v<T>) {
            if (at_ == end_) return false;
            const char there = *at_++;
            if (there == '\0')
                field.reset();
            else if (!field)
                field.emplace();
            return there == '\0' || there == '\1';
        }
        return true;
    }

    template <class T>
    static bare_value_t<T>& bare_of(T& field) noexcept {
        if constexpr (is_nullable_v<T>)
            return *field;
        else
            return field;
    }

    const char* at_;
    const char* end_;
};

} // namespace detail
} // namespace v0
} // namespace larder
