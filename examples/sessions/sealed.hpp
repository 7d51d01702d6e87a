// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/aes_gcm.hpp>
#include <larder/codec/packed.hpp>

#include <cstddef>

namespace example {

/// How sessions travel to Redis: packed, with their secret fields sealed. The key comes from the service's configuration, and is the same in
/// every process.
inline larder::PackedCodec<larder::AesGcm<>> session_codec() {
    larder::SealKey key;
    for (std::size_t i = 0; i < key.secret.size(); ++i) key.secret[i] = std::byte(i * 37 + 11);
    return larder::PackedCodec<larder::AesGcm<>>(larder::AesGcm<>(key));
}

} // namespace example
