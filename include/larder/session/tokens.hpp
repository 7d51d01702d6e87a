// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/hashed.hpp>
#include <larder/entity/value.hpp>
#include <larder/error.hpp>
#include <larder/session/secret.hpp>

#include <boost/algorithm/hex.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// A key of the keyed hashes: 256 random bits, and the number by which tokens name it. With the key gone its tokens are unknown.
struct SessionKey {
    std::uint8_t id = 0;                ///< Unique among the keys in use; give a new key a number that none in use has.
    std::array<std::byte, 32> secret{}; ///< From a random source that nobody can predict; the same in every process of the fleet; not all zeros.
};

/// A source of bytes that nobody can predict: fills the bytes, or answers `false`. Called from any thread. `OpensslRandom`
/// (<larder/openssl_random.hpp>) is one.
using RandomBytes = std::function<bool(std::span<std::byte>)>;

namespace detail {

/// Bytes in place that are overwritten when they end.
template <std::size_t Size>
struct WipedBytes : std::array<std::byte, Size> {
    WipedBytes() noexcept : std::array<std::byte, Size>{} {}
    WipedBytes(const WipedBytes&) = default;
    WipedBytes& operator=(const WipedBytes&) = default;
    ~WipedBytes() { wipe(this->data(), Size); }
};

/// The random part of a token.
using TokenSecret = WipedBytes<32>;

/// A refresh token as it was presented, known to have been made with one of the keys.
struct PresentedToken {
    static constexpr std::size_t size = 1 + 16 + 32 + 16;

    Uuid handle{};
    Hashed<std::string> kept{};
    WipedBytes<size> bytes{};
};

/// What the text of a token is, and what is kept of it.
///
/// An access token's id is the number of a key, a secret, and a tag; kept is the keyed hash of the three, in hexadecimal digits.
/// A refresh token is the number of a key, the handle of its session, a secret, and a tag. A tag is the first half of the keyed hash of what precedes it; one
/// that is right shows that the token was made here, however long ago, without anything being kept of the tokens that were replaced.
/// Both are written in hexadecimal digits. The hash is HMAC-SHA-256 (RFC 2104), each use of it with a word of its own in front.
class SessionTokens {
public:
    template <class Kept>
    struct Made {
        Secret shown;
        Kept kept{};
    };
    using Access = Made<std::string>;
    using Refresh = Made<Hashed<std::string>>;

    /// \param keys the first makes tokens, all of them recognise theirs. \throws Failure `invalid_options` if there is none, if two have one number, or if
    /// one is all zeros.
    explicit SessionTokens(const std::vector<SessionKey>& keys) {
        if (keys.empty()) throw Failure(Error{errc::invalid_options, "a session store needs a key for its hashes"});
        for (const auto& key : keys) {
            if (find(key.id)) throw Failure(Error{errc::invalid_options, "two keys of a session store have the same number"});
            if (std::all_of(key.secret.begin(), key.secret.end(), [](std::byte each) { return each == std::byte{0}; }))
                throw Failure(Error{errc::invalid_options, "key " + std::to_string(key.id) + " of a session store is all zeros: its secret was not set"});
            keys_.push_back({key.id, HashKey(std::span<const std::byte>(key.secret))});
        }
    }

    /// The number of the key that makes tokens.
    std::uint8_t making() const noexcept { return keys_.front().id; }

    /// \pre there is a key of that number.
    Access make_access(std::uint8_t key, const TokenSecret& secret) const {
        WipedBytes<access_size> bytes;
        bytes[0] = std::byte{key};
        std::copy(secret.begin(), secret.end(), bytes.begin() + 1);
        add_tag(*find(key), "access tag", bytes);
        return {Secret(hex(bytes)), kept_of(*find(key), bytes)};
    }

    /// \pre there is a key of that number.
    Refresh make_refresh(std::uint8_t key, const Uuid& handle, const TokenSecret& secret) const {
        WipedBytes<PresentedToken::size> bytes;
        bytes[0] = std::byte{key};
        std::memcpy(&bytes[1], handle.begin(), handle.size());
        std::copy(secret.begin(), secret.end(), bytes.begin() + 1 + 16);
        add_tag(*find(key), "refresh tag", bytes);
        return {Secret(hex(bytes)), hash(*find(key), "refresh", bytes)};
    }

    /// What is kept of an access token's id; nothing for a text that is none, was not made here, or whose key is gone.
    std::optional<std::string> read_access(std::string_view text) const {
        WipedBytes<access_size> bytes;
        if (!unhex(text, bytes)) return std::nullopt;
        const HashKey* key = find(std::to_integer<std::uint8_t>(bytes[0]));
        if (!key || !has_tag(*key, "access tag", bytes)) return std::nullopt;
        return kept_of(*key, bytes);
    }

    /// A refresh token; nothing for a text that is none, was not made here, or whose key is gone.
    std::optional<PresentedToken> read_refresh(std::string_view text) const {
        PresentedToken token;
        if (!unhex(text, token.bytes)) return std::nullopt;
        const HashKey* key = find(std::to_integer<std::uint8_t>(token.bytes[0]));
        if (!key || !has_tag(*key, "refresh tag", token.bytes)) return std::nullopt;
        std::memcpy(token.handle.begin(), &token.bytes[1], token.handle.size());
        token.kept = hash(*key, "refresh", token.bytes);
        return token;
    }

    /// What the secrets of a token's successors are made from, besides the token: the number of the key in use, and random bytes.
    Bytes salt_of(const TokenSecret& random) const {
        Bytes salt(1 + random.size());
        salt[0] = std::byte{making()};
        std::copy(random.begin(), random.end(), salt.begin() + 1);
        return salt;
    }

    /// The secret of what follows a refresh token; nothing if the salt's key is gone. \param word what it is for.
    std::optional<TokenSecret> successor(std::string_view word, const PresentedToken& token, const Bytes& salt) const {
        if (salt.size() != 1 + 32) return std::nullopt;
        const HashKey* key = find(std::to_integer<std::uint8_t>(salt[0]));
        if (!key) return std::nullopt;
        WipedBytes<33 + PresentedToken::size> bytes;
        std::copy(salt.begin(), salt.end(), bytes.begin());
        std::copy(token.bytes.begin(), token.bytes.end(), bytes.begin() + 33);
        const auto digest = hash(*key, word, bytes).digest();
        TokenSecret secret;
        std::copy(digest.begin(), digest.end(), secret.begin());
        return secret;
    }

private:
    static constexpr std::size_t tag_size = 16;
    static constexpr std::size_t access_size = 1 + 32 + tag_size;

    struct Key {
        std::uint8_t id;
        HashKey hash;
    };

    const HashKey* find(std::uint8_t id) const noexcept {
        for (const auto& key : keys_)
            if (key.id == id) return &key.hash;
        return nullptr;
    }

    static Hashed<std::string> hash(const HashKey& key, std::string_view word, std::span<const std::byte> bytes) {
        WipedBytes<128> text;
        auto* end = reinterpret_cast<char*>(text.data());
        end = std::copy(word.begin(), word.end(), end);
        *end++ = '\0';
        std::memcpy(end, bytes.data(), bytes.size());
        end += bytes.size();
        const auto* begin = reinterpret_cast<const char*>(text.data());
        return key(std::string_view(begin, static_cast<std::size_t>(end - begin)));
    }

    static std::array<std::byte, tag_size> tag_of(const HashKey& key, std::string_view word, std::span<const std::byte> bytes) {
        const auto digest = hash(key, word, bytes.first(bytes.size() - tag_size)).digest();
        std::array<std::byte, tag_size> tag{};
        std::copy_n(digest.begin(), tag.size(), tag.begin());
        return tag;
    }

    static void add_tag(const HashKey& key, std::string_view word, std::span<std::byte> bytes) {
        const auto tag = tag_of(key, word, bytes);
        std::copy(tag.begin(), tag.end(), bytes.end() - tag_size);
    }

    /// In a time that does not depend on the bytes.
    static bool has_tag(const HashKey& key, std::string_view word, std::span<const std::byte> bytes) {
        const auto tag = tag_of(key, word, bytes);
        const auto given = bytes.last(tag_size);
        unsigned difference = 0;
        for (std::size_t i = 0; i < tag.size(); ++i) difference |= std::to_integer<unsigned>(tag[i] ^ given[i]);
        return difference == 0;
    }

    static std::string kept_of(const HashKey& key, const WipedBytes<access_size>& bytes) { return hex(hash(key, "access", bytes).digest()); }

    static std::string hex(std::span<const std::byte> bytes) {
        std::string text;
        text.reserve(2 * bytes.size());
        const auto* begin = reinterpret_cast<const unsigned char*>(bytes.data());
        boost::algorithm::hex_lower(begin, begin + bytes.size(), std::back_inserter(text));
        return text;
    }

    static bool unhex(std::string_view text, std::span<std::byte> bytes) {
        if (text.size() != 2 * bytes.size()) return false;
        if (!std::all_of(text.begin(), text.end(), [](char digit) { return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'); })) return false;
        boost::algorithm::unhex(text.begin(), text.end(), reinterpret_cast<unsigned char*>(bytes.data()));
        return true;
    }

    std::vector<Key> keys_;
};

} // namespace detail
} // namespace v0
} // namespace larder
