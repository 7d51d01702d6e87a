// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/aes_gcm.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/openssl_random.hpp>
#include <larder/session/secret.hpp>
#include <larder/session/tokens.hpp>

#include <array>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace server {

/// The keys of a run, all made from one secret: that of the sessions' keyed hashes, that of the keys in Redis, and the one that seals secret fields there.
class Secrets {
public:
    /// From a file of at least 32 bytes that nobody can guess. Throws if there is none.
    static Secrets from_file(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        std::string bytes{std::istreambuf_iterator<char>(file), {}};
        if (!file) throw std::runtime_error(path + ": the key can not be read");
        if (bytes.size() < 32) throw std::runtime_error(path + ": the key must have 32 bytes or more");
        Secrets made{larder::HashKey(std::string_view(bytes))};
        larder::detail::wipe(bytes.data(), bytes.size());
        return made;
    }
    static Secrets random() {
        std::array<std::byte, 32> bytes{};
        if (!larder::OpensslRandom{}(std::span(bytes))) throw std::runtime_error("the source of random bytes failed");
        return Secrets{larder::HashKey(std::span<const std::byte>(bytes))};
    }

    larder::SessionKey session_key() const { return {.id = 1, .secret = make("session")}; }
    larder::SealKey seal_key() const { return {.id = 1, .secret = make("seal")}; }
    larder::HashKey redis_keys() const { return larder::HashKey(std::span<const std::byte>(make("redis"))); }

private:
    explicit Secrets(larder::HashKey key) : key_(key) {}
    std::array<std::byte, 32> make(std::string_view word) const { return key_(word).digest(); }

    larder::HashKey key_;
};

} // namespace server
