// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../envelope.hpp"
#include "../glass.hpp"

#include <larder/codec/fingerprint.hpp>
#include <larder/codec/json.hpp>
#include <larder/codec/packed.hpp>
#include <larder/testing/codec_sample.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/sample.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace codec_tests {

/// Decodes bytes; a value that they make must come back from its own encoding. Throws `std::logic_error` if not.
template <class T, class Codec>
void decode_and_encode(const Codec& codec, std::string_view bytes) {
    T value{};
    if (!succeeded(codec.decode(bytes, value))) return;
    std::string first, second;
    T again{};
    if (!codec.encode(value, first)) throw std::logic_error("a decoded value cannot be encoded");
    if (codec.decode(first, again) != larder::DecodeOutcome::decoded) throw std::logic_error("an encoded value cannot be decoded");
    if (!codec.encode(again, second) || first != second) throw std::logic_error("an encoded value comes back as another");
}

/// The bytes as they are, and as the body of a value that somebody forged with a good header.
template <class T>
void decode_as(bool json, std::string_view bytes) {
    if (json) {
        const larder::JsonCodec codec{Glass{}};
        decode_and_encode<T>(codec, bytes);
        decode_and_encode<T>(codec, json_envelope(larder::fingerprint_v<T>, bytes));
    } else {
        const larder::PackedCodec codec{Glass{}};
        decode_and_encode<T>(codec, bytes);
        decode_and_encode<T>(codec, packed_envelope(larder::fingerprint_v<T>, bytes));
    }
}

/// Decodes any bytes, of which the first says as what. For a fuzzer.
inline void decode_anything(std::string_view input) {
    using namespace larder::testing;
    if (input.empty()) return;
    const auto choice = static_cast<unsigned char>(input.front());
    const std::string_view bytes = input.substr(1);
    const bool json = choice % 2 != 0;
    switch (choice / 2 % 6) {
    case 0: return decode_as<Crate>(json, bytes);
    case 1: return decode_as<Vault>(json, bytes);
    case 2: return decode_as<Locker>(json, bytes);
    case 3: return decode_as<larder::WarmRow<Reading>>(json, bytes);
    case 4: return decode_as<larder::AliasTarget<Reading>>(json, bytes);
    default: return decode_as<Pass>(json, bytes);
    }
}

} // namespace codec_tests
