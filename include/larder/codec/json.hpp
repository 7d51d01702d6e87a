// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/cipher.hpp>
#include <larder/codec/codec.hpp>
#include <larder/codec/detail/checksum.hpp>
#include <larder/codec/detail/decoding.hpp>
#include <larder/codec/detail/json_fields.hpp>
#include <larder/codec/fingerprint.hpp>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse_options.hpp>
#include <boost/json/parser.hpp>
#include <boost/system/error_code.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/// Makes larder/src.hpp, in the one unit that includes it after this header, hold Boost.JSON's compiled part.
#define LARDER_NEEDS_BOOST_JSON

namespace larder {
inline namespace v0 {

/// A codec that people can read, in redis-cli or in a log of commands; larger and much slower than `PackedCodec`. Meets `codec`.
///
/// A value is the JSON text
///
/// ```
/// {"larder":1,"fingerprint":"0123456789abcdef","checksum":"0123456789abcdef","value":{"id":7,"name":"Ann"},"sealed":"00ff"}
/// ```
///
/// without any other white space: the format's version; `fingerprint_v`; the checksum (xxHash64) of what follows its comma, seeded with the fingerprint; the fields in
/// clear in the order of their description, embedded rows as objects in their place; and, only where the layout has secret fields, these as
/// an object of the same shape, sealed by the cipher. Moments are counts of their own unit since 1970, enumerators are numbers, bytes are hexadecimal,
/// and reals that are no numbers are the texts "nan", "inf" and "-inf". Texts need not be UTF-8. A value that was edited by hand is `corrupted`.
///
/// Encoding and decoding are linear in the size. Needs Boost.JSON's compiled part: see larder/src.hpp.
/// \tparam Cipher what seals secret fields (codec/cipher.hpp); entities without any need none.
template <cipher_or_none Cipher = NoCipher>
class JsonCodec {
public:
    JsonCodec()
        requires std::same_as<Cipher, NoCipher>
    = default;
    /// Seals secret fields with a cipher.
    explicit JsonCodec(Cipher cipher) : cipher_(std::move(cipher)) {}

    /// Appends a value. False if the cipher fails.
    template <class T>
    bool encode(const T& value, std::string& out) const {
        detail::check_secrets<T, Cipher>();
        const std::size_t start = out.size();
        out += opening;
        append_number(fingerprint_v<T>, out);
        out += checksum_key;
        const std::size_t sum_at = out.size();
        append_number(0, out);
        out += checksum_end;
        const std::size_t checked_at = out.size();
        out += value_key;
        detail::JsonWriter(out).template fields<false>(value);
        if constexpr (detail::has_sealed_v<T>) {
            std::string plain, sealed;
            detail::JsonWriter(plain).template fields<true>(value);
            if (!cipher_.seal(plain, associated<T>(std::string_view(out).substr(checked_at)), sealed)) {
                out.resize(start);
                return false;
            }
            out += sealed_key;
            detail::append_hex(std::as_bytes(std::span(sealed)), out);
            out += '"';
        }
        out += '}';
        std::string sum;
        append_number(detail::checksum(fingerprint_v<T>, std::string_view(out).substr(checked_at)), sum);
        out.replace(sum_at, sum.size(), sum);
        return true;
    }

    /// Sets `into` to the value that `bytes` are; see `codec` for what it answers otherwise.
    template <class T>
    DecodeOutcome decode(std::string_view bytes, T& into) const {
        detail::check_secrets<T, Cipher>();
        std::uint64_t fingerprint = 0, sum = 0;
        if (const auto seen = take(opening, bytes); !succeeded(seen)) return bytes.size() < opening.size() ? seen : DecodeOutcome::other_format;
        if (const auto seen = take_number(bytes, fingerprint); !succeeded(seen)) return seen;
        if (const auto seen = take(checksum_key, bytes); !succeeded(seen)) return seen;
        if (const auto seen = take_number(bytes, sum); !succeeded(seen)) return seen;
        if (const auto seen = take(checksum_end, bytes); !succeeded(seen)) return seen;
        if (!bytes.ends_with('}')) return DecodeOutcome::truncated;
        if (sum != detail::checksum(fingerprint, bytes)) return DecodeOutcome::corrupted;
        bytes.remove_suffix(1);
        return detail::decode_layout(fingerprint, into, [&]<class Known>(Known& known) {
            return detail::decode_value(known, [&](auto& fields) { return decode_fields<Known>(bytes, fields); });
        });
    }

private:
    static constexpr std::string_view opening = R"({"larder":1,"fingerprint":")";
    static constexpr std::string_view checksum_key = R"(","checksum":")";
    static constexpr std::string_view checksum_end = R"(",)";
    static constexpr std::string_view value_key = R"("value":)";
    static constexpr std::string_view sealed_key = R"(,"sealed":")";
    static constexpr std::size_t number_digits = 16;

    static void append_number(std::uint64_t number, std::string& out) {
        for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(number >> shift) & 15];
    }

    /// Takes a text off the front of the bytes: `decoded` if it was there.
    static DecodeOutcome take(std::string_view text, std::string_view& bytes) noexcept {
        if (!bytes.starts_with(text)) return text.starts_with(bytes) ? DecodeOutcome::truncated : DecodeOutcome::corrupted;
        bytes.remove_prefix(text.size());
        return DecodeOutcome::decoded;
    }

    static DecodeOutcome take_number(std::string_view& bytes, std::uint64_t& number) noexcept {
        if (bytes.size() < number_digits) return DecodeOutcome::truncated;
        for (const char letter : bytes.substr(0, number_digits)) {
            const int digit = detail::hex_digit(letter);
            if (digit < 0) return DecodeOutcome::corrupted;
            number = number << 4 | static_cast<std::uint64_t>(digit);
        }
        bytes.remove_prefix(number_digits);
        return DecodeOutcome::decoded;
    }

    /// What sealed fields are bound to: the table, the fingerprint and the text in clear.
    template <class T>
    static std::string associated(std::string_view clear) {
        std::string bytes;
        append_number(fingerprint_v<T>, bytes);
        bytes += clear;
        return detail::associated_data<T>(bytes);
    }

    template <bool Sealed, class Fields>
    static bool parse(std::string_view text, Fields& fields) {
        boost::json::parse_options options;
        options.numbers = boost::json::number_precision::precise;
        options.allow_invalid_utf8 = true;
        unsigned char first_block[4096];
        boost::json::monotonic_resource memory(first_block, sizeof first_block);
        unsigned char parser_block[512];
        boost::json::parser parser(&memory, options, parser_block, sizeof parser_block);
        boost::system::error_code failed;
        parser.write(text.data(), text.size(), failed);
        return !failed && detail::JsonReader::fields<Sealed>(parser.release(), fields);
    }

    template <class T, class Fields>
    DecodeOutcome decode_fields(std::string_view text, Fields& fields) const {
        std::string_view clear = text, sealed;
        if constexpr (detail::has_sealed_v<T>) {
            static_assert(cipher<Cipher>, "larder: an older layout has secret fields, which a codec without a cipher cannot decode");
            const auto at = text.rfind(sealed_key);
            if (at == std::string_view::npos || !text.ends_with('"') || at + sealed_key.size() >= text.size()) return DecodeOutcome::corrupted;
            clear = text.substr(0, at);
            sealed = text.substr(at + sealed_key.size(), text.size() - at - sealed_key.size() - 1);
        }
        if (!clear.starts_with(value_key) || !parse<false>(clear.substr(value_key.size()), fields)) return DecodeOutcome::corrupted;
        if constexpr (detail::has_sealed_v<T>) {
            std::string raw, plain;
            if (!detail::append_unhex(sealed, raw)) return DecodeOutcome::corrupted;
            if (!cipher_.open(raw, associated<T>(clear), plain)) return DecodeOutcome::unsealable;
            if (!parse<true>(plain, fields)) return DecodeOutcome::corrupted;
        }
        return DecodeOutcome::decoded;
    }

    [[no_unique_address]] Cipher cipher_{};
};

JsonCodec() -> JsonCodec<NoCipher>;
template <cipher Cipher>
JsonCodec(Cipher) -> JsonCodec<Cipher>;

} // namespace v0
} // namespace larder
