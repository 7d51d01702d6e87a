// SPDX-License-Identifier: BSL-1.0
#pragma once

#if !__has_include(<openssl/rand.h>)
#error "larder: openssl_random.hpp needs OpenSSL 3: install libssl-dev"
#endif

#include <openssl/rand.h>

#include <cstddef>
#include <limits>
#include <span>

namespace larder {
inline namespace v0 {

/// OpenSSL's random source, which nobody can predict: fills bytes, and answers `false` if it has failed. Thread-safe.
struct OpensslRandom {
    bool operator()(std::span<std::byte> out) const noexcept {
        if (out.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return false;
        return ::RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) == 1;
    }
};

} // namespace v0
} // namespace larder
