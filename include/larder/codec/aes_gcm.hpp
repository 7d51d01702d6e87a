// SPDX-License-Identifier: BSL-1.0
#pragma once

#if !__has_include(<openssl/evp.h>)
#error "larder: codec/aes_gcm.hpp needs OpenSSL 3: install libssl-dev"
#endif

#include <larder/codec/cipher.hpp>
#include <larder/error.hpp>
#include <larder/openssl_random.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "larder: codec/aes_gcm.hpp needs OpenSSL 3 or newer"
#endif

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// A key that seals secret fields: 256 random bits, and the number by which sealed values name it.
struct SealKey {
    std::uint8_t id = 0;                ///< Unique among the keys in use; give a new key a number that none in use has.
    std::array<std::byte, 32> secret{}; ///< From a random source that nobody can predict; the same in every process of the fleet.
};

/// AES-256 in Galois/counter mode (NIST SP 800-38D), from OpenSSL: the cipher with which a codec seals secret fields. Meets `cipher`.
///
/// What is sealed is the key's number (1 byte), a nonce (12), as many bytes as there were, and an authentication tag (16). The nonces
/// are random: change the key before it has sealed 2^32 values.
///
/// To change the key while the program runs in many processes, in three steps, each finished everywhere before the next: give the new key
/// besides the old one, which goes on sealing; let the new key seal; take the old key away once no tier holds a value from before. A value whose key
/// is gone is a miss.
///
/// Copies share the keys, which are wiped with the last of them. Thread-safe if the random source is.
/// \tparam Random the source of nonces, called as `random(std::span<std::byte>) -> bool` to fill the bytes; may be called from many threads at once.
template <class Random = OpensslRandom>
    requires std::copy_constructible<Random> && std::is_invocable_r_v<bool, const Random&, std::span<std::byte>>
class AesGcm {
public:
    /// Takes the keys that open, one of which, number `sealing`, seals.
    /// \throws Failure `errc::invalid_options` if two keys have one number or none has `sealing`, or if OpenSSL has no AES.
    AesGcm(const std::vector<SealKey>& keys, std::uint8_t sealing, Random random = {}) : state_(std::make_shared<State>(sealing)), random_(std::move(random)) {
        if (auto failed = state_->take(keys)) throw Failure(std::move(failed));
    }
    /// Takes one key.
    explicit AesGcm(const SealKey& key, Random random = {}) : AesGcm(std::vector{key}, key.id, std::move(random)) {}

    /// The same without exceptions.
    static Outcome<AesGcm> make(const std::vector<SealKey>& keys, std::uint8_t sealing, Random random = {}) {
        auto state = std::make_shared<State>(sealing);
        if (auto failed = state->take(keys)) return failed;
        return AesGcm(std::move(state), std::move(random));
    }

    /// Appends the sealed form of `plain`. False if the random source or OpenSSL fails, or for 2 GiB and more. O(size).
    bool seal(std::string_view plain, std::string_view associated, std::string& out) const {
        if (!fits(plain) || !fits(associated)) return false;
        const std::size_t start = out.size();
        out.resize(start + overhead + plain.size());
        auto* const id = reinterpret_cast<unsigned char*>(out.data() + start);
        auto* const nonce = id + 1;
        auto* const text = nonce + nonce_size;
        *id = state_->sealing;
        if (random_(std::as_writable_bytes(std::span(nonce, nonce_size))) && encrypt(plain, associated, nonce, text)) return true;
        out.resize(start);
        return false;
    }

    /// Appends what was sealed with these associated bytes, if it was sealed with one of the keys. O(size).
    bool open(std::string_view sealed, std::string_view associated, std::string& out) const {
        if (sealed.size() < overhead || !fits(sealed) || !fits(associated)) return false;
        const auto* const id = reinterpret_cast<const unsigned char*>(sealed.data());
        const auto* const secret = state_->secret_of(*id);
        if (secret == nullptr) return false;
        const std::size_t start = out.size(), size = sealed.size() - overhead;
        out.resize(start + size);
        auto* const text = reinterpret_cast<unsigned char*>(out.data() + start);
        if (decrypt(*secret, std::span(id + 1, sealed.size() - 1), associated, text)) return true;
        ::OPENSSL_cleanse(text, size);
        out.resize(start);
        return false;
    }

private:
    static constexpr std::size_t nonce_size = 12, tag_size = 16;
    static constexpr std::size_t overhead = 1 + nonce_size + tag_size;
    using Secret = std::array<std::byte, 32>;

    struct State {
        explicit State(std::uint8_t number) noexcept : sealing(number) {}
        State(const State&) = delete;
        State& operator=(const State&) = delete;
        ~State() {
            for (auto& key : keys) ::OPENSSL_cleanse(key.secret.data(), key.secret.size());
            ::EVP_CIPHER_free(algorithm);
        }

        Error take(const std::vector<SealKey>& given) {
            keys.reserve(given.size());
            for (const auto& key : given) {
                if (secret_of(key.id) != nullptr) return {errc::invalid_options, "two keys that seal have the number " + std::to_string(key.id)};
                keys.push_back(key);
            }
            if (secret_of(sealing) == nullptr) return {errc::invalid_options, "no key that seals has the number " + std::to_string(sealing)};
            algorithm = ::EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
            if (algorithm == nullptr) return {errc::invalid_options, "OpenSSL has no AES-256-GCM"};
            return {};
        }

        const Secret* secret_of(std::uint8_t id) const noexcept {
            for (const auto& key : keys)
                if (key.id == id) return &key.secret;
            return nullptr;
        }

        std::uint8_t sealing;
        std::vector<SealKey> keys;
        EVP_CIPHER* algorithm = nullptr;
    };

    AesGcm(std::shared_ptr<State> state, Random random) : state_(std::move(state)), random_(std::move(random)) {}

    struct FreeContext {
        void operator()(EVP_CIPHER_CTX* context) const noexcept { ::EVP_CIPHER_CTX_free(context); }
    };
    using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

    static bool fits(std::string_view bytes) noexcept { return bytes.size() <= std::numeric_limits<int>::max() - overhead; }
    static const unsigned char* raw(const void* bytes) noexcept { return static_cast<const unsigned char*>(bytes); }
    static int length(std::size_t size) noexcept { return static_cast<int>(size); }

    bool encrypt(std::string_view plain, std::string_view associated, const unsigned char* nonce, unsigned char* out) const noexcept {
        const Context context(::EVP_CIPHER_CTX_new());
        int written = 0;
        return context && ::EVP_EncryptInit_ex2(context.get(), state_->algorithm, raw(state_->secret_of(state_->sealing)->data()), nonce, nullptr) == 1 &&
               ::EVP_EncryptUpdate(context.get(), nullptr, &written, raw(associated.data()), length(associated.size())) == 1 &&
               ::EVP_EncryptUpdate(context.get(), out, &written, raw(plain.data()), length(plain.size())) == 1 &&
               ::EVP_EncryptFinal_ex(context.get(), out + plain.size(), &written) == 1 &&
               ::EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, length(tag_size), out + plain.size()) == 1;
    }

    /// Opens a nonce, a text and a tag.
    bool decrypt(const Secret& secret, std::span<const unsigned char> sealed, std::string_view associated, unsigned char* out) const noexcept {
        const Context context(::EVP_CIPHER_CTX_new());
        const std::size_t size = sealed.size() - nonce_size - tag_size;
        const auto* const text = sealed.data() + nonce_size;
        std::array<unsigned char, tag_size> tag{};
        std::copy_n(text + size, tag_size, tag.begin());
        int written = 0;
        return context && ::EVP_DecryptInit_ex2(context.get(), state_->algorithm, raw(secret.data()), sealed.data(), nullptr) == 1 &&
               ::EVP_DecryptUpdate(context.get(), nullptr, &written, raw(associated.data()), length(associated.size())) == 1 &&
               ::EVP_DecryptUpdate(context.get(), out, &written, text, length(size)) == 1 &&
               ::EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, length(tag_size), tag.data()) == 1 &&
               ::EVP_DecryptFinal_ex(context.get(), out + size, &written) == 1;
    }

    std::shared_ptr<State> state_;
    Random random_;
};

} // namespace v0
} // namespace larder
