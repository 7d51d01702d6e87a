// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/fwd.hpp>

#include <boost/hash2/hmac.hpp>
#include <boost/hash2/sha2.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace larder {
inline namespace v0 {

/// The secret key of a keyed hash. Held by the caller; the library neither stores nor prints it.
class HashKey {
public:
    /// Makes a key of any bytes; 32 random ones are the right choice. O(size).
    explicit HashKey(std::span<const std::byte> secret) { seed(secret.data(), secret.size()); }
    explicit HashKey(std::string_view secret) { seed(secret.data(), secret.size()); }

    /// The keyed hash (HMAC-SHA-256, RFC 2104) of a secret text. Thread-safe. O(size).
    Hashed<std::string> operator()(std::string_view secret) const;

private:
    void seed(const void* bytes, std::size_t size) { keyed_ = boost::hash2::hmac_sha2_256(static_cast<const unsigned char*>(bytes), size); }

    boost::hash2::hmac_sha2_256 keyed_;
};

/// A secret of type `T` of which only the keyed hash is kept: the column type for tokens that are looked up but never shown.
///
/// A default-constructed one is all zeros. Equality takes the same time whatever it compares.
template <class T>
class Hashed {
public:
    using value_type = T;
    using Digest = std::array<std::byte, 32>;

    constexpr Hashed() noexcept = default;
    /// Takes a digest as it came from storage.
    constexpr explicit Hashed(const Digest& digest) noexcept : digest_(digest) {}

    /// The hash itself, as it is stored.
    constexpr const Digest& digest() const noexcept { return digest_; }

    friend bool operator==(const Hashed& left, const Hashed& right) noexcept {
        unsigned difference = 0;
        for (std::size_t i = 0; i < left.digest_.size(); ++i)
            difference |= std::to_integer<unsigned>(left.digest_[i] ^ right.digest_[i]);
        return difference == 0;
    }

    /// For hashed containers: the digest is uniform, so a piece of it will do.
    friend std::size_t hash_value(const Hashed& hashed) noexcept {
        std::size_t piece = 0;
        std::memcpy(&piece, hashed.digest_.data(), sizeof piece);
        return piece;
    }

private:
    Digest digest_{};
};

inline Hashed<std::string> HashKey::operator()(std::string_view secret) const {
    auto hash = keyed_;
    hash.update(secret.data(), secret.size());
    const auto result = hash.result();
    typename Hashed<std::string>::Digest digest{};
    static_assert(sizeof result == sizeof digest);
    std::memcpy(digest.data(), result.data(), digest.size());
    return Hashed<std::string>(digest);
}

} // namespace v0
} // namespace larder
