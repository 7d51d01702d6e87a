// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/cipher.hpp>
#include <larder/codec/codec.hpp>
#include <larder/codec/detail/checksum.hpp>
#include <larder/codec/detail/decoding.hpp>
#include <larder/codec/detail/packed_fields.hpp>
#include <larder/codec/fingerprint.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace larder {
inline namespace v0 {

/// A compact binary codec: the one to use in production. Meets `codec`.
///
/// A value is, numbers in little-endian order:
///
/// | bytes | what |
/// |---|---|
/// | 1 | the format and its version |
/// | 4 | the size of all of it |
/// | 8 | a checksum (xxHash64, Yann Collet) of what follows, seeded with what precedes |
/// | 8 | the fingerprint of the layout (`fingerprint_v`) |
/// | ... | the fields in clear, in the order of their description, embedded rows in their place |
/// | ... | where the layout has secret fields: these, as the cipher sealed them, bound to the table, the fingerprint and the fields in clear |
///
/// Integers, moments, enumerators and lengths take seven bits a byte, signed ones with their sign in the lowest bit; real numbers four or eight bytes; UUIDs and
/// keyed hashes their own size; texts and bytes a length and themselves. What may be null has a byte in front that is 0 (null) or 1.
///
/// The checksum tells what was damaged, not what was forged: only sealed fields are safe from who can write to the tier.
///
/// Encoding and decoding are linear in the size. Without sealed fields, encoding allocates only where `out` has not the capacity.
/// \tparam Cipher what seals secret fields (codec/cipher.hpp); entities without any need none.
template <cipher_or_none Cipher = NoCipher>
class PackedCodec {
public:
    PackedCodec()
        requires std::same_as<Cipher, NoCipher>
    = default;
    /// Seals secret fields with a cipher.
    explicit PackedCodec(Cipher cipher) : cipher_(std::move(cipher)) {}

    /// Appends a value. False if the cipher fails, or if the value is 4 GiB or larger.
    template <class T>
    bool encode(const T& value, std::string& out) const {
        detail::check_secrets<T, Cipher>();
        const std::size_t start = out.size();
        const std::size_t bound = header_size + detail::packed_fields_bound<false>(value);
        out.resize(start + bound);
        detail::PackedWriter body(out.data() + start + checked_from);
        body.fixed(fingerprint_v<T>);
        body.template fields<false>(value);
        out.resize(static_cast<std::size_t>(body.at() - out.data()));

        if constexpr (detail::has_sealed_v<T>) {
            if (!seal(value, std::string_view(out).substr(start + checked_from), out)) {
                out.resize(start);
                return false;
            }
        }
        const std::size_t size = out.size() - start;
        if (size > std::numeric_limits<std::uint32_t>::max()) {
            out.resize(start);
            return false;
        }
        const auto size_field = static_cast<std::uint32_t>(size);
        detail::PackedWriter header(out.data() + start);
        header.fixed(format);
        header.fixed(size_field);
        header.fixed(checksum(size_field, std::string_view(out).substr(start + checked_from)));
        return true;
    }

    /// Sets `into` to the value that `bytes` are; see `codec` for what it answers otherwise.
    template <class T>
    DecodeOutcome decode(std::string_view bytes, T& into) const {
        detail::check_secrets<T, Cipher>();
        std::uint8_t seen_format = 0;
        std::uint32_t size = 0;
        std::uint64_t sum = 0, fingerprint = 0;
        detail::PackedReader header(bytes);
        if (!header.fixed(seen_format)) return DecodeOutcome::truncated;
        if (seen_format != format) return DecodeOutcome::other_format;
        if (!header.fixed(size) || size > bytes.size() || !header.fixed(sum) || !header.fixed(fingerprint)) return DecodeOutcome::truncated;
        const std::string_view checked = bytes.substr(checked_from);
        if (size != bytes.size() || sum != checksum(size, checked)) return DecodeOutcome::corrupted;
        return detail::decode_layout(fingerprint, into, [&]<class Known>(Known& known) {
            return detail::decode_value(known, [&](auto& fields) { return decode_fields<Known>(checked, fields); });
        });
    }

private:
    static constexpr std::uint8_t format = 0xa1;
    static constexpr std::size_t checked_from = sizeof format + sizeof(std::uint32_t) + sizeof(std::uint64_t);
    static constexpr std::size_t header_size = checked_from + sizeof(std::uint64_t);

    static std::uint64_t checksum(std::uint32_t size, std::string_view bytes) noexcept {
        return detail::checksum(std::uint64_t{format} << 32 | size, bytes);
    }

    template <class T>
    bool seal(const T& value, std::string_view clear, std::string& out) const {
        const std::string associated = detail::associated_data<T>(clear);
        std::string plain(detail::packed_fields_bound<true>(value), '\0');
        detail::PackedWriter writer(plain.data());
        writer.template fields<true>(value);
        plain.resize(static_cast<std::size_t>(writer.at() - plain.data()));
        return cipher_.seal(plain, associated, out);
    }

    template <class T, class Fields>
    DecodeOutcome decode_fields(std::string_view checked, Fields& fields) const {
        detail::PackedReader clear(checked.substr(sizeof(std::uint64_t)));
        if (!clear.template fields<false>(fields)) return DecodeOutcome::corrupted;
        if constexpr (detail::has_sealed_v<T>) {
            static_assert(cipher<Cipher>, "larder: an older layout has secret fields, which a codec without a cipher cannot decode");
            const auto clear_size = static_cast<std::size_t>(clear.at() - checked.data());
            std::string plain;
            if (!cipher_.open(checked.substr(clear_size), detail::associated_data<T>(checked.substr(0, clear_size)), plain)) return DecodeOutcome::unsealable;
            detail::PackedReader sealed(plain);
            return sealed.template fields<true>(fields) && sealed.at_end() ? DecodeOutcome::decoded : DecodeOutcome::corrupted;
        } else {
            return clear.at_end() ? DecodeOutcome::decoded : DecodeOutcome::corrupted;
        }
    }

    [[no_unique_address]] Cipher cipher_{};
};

PackedCodec() -> PackedCodec<NoCipher>;
template <cipher Cipher>
PackedCodec(Cipher) -> PackedCodec<Cipher>;

} // namespace v0
} // namespace larder
