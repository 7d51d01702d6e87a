// SPDX-License-Identifier: BSL-1.0
#include <larder/entity/hashed.hpp>

#include <boost/container_hash/hash.hpp>
#include <doctest/doctest.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

using namespace larder;

namespace {

std::string hexadecimal(const Hashed<std::string>& hashed) {
    std::string text;
    for (const auto byte : hashed.digest()) {
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
    }
    return text;
}

} // namespace

TEST_CASE("a secret is hashed with HMAC-SHA-256, as RFC 4231 has it") {
    CHECK(hexadecimal(HashKey(std::string(20, '\x0b'))("Hi There")) == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(hexadecimal(HashKey("Jefe")("what do ya want for nothing?")) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(hexadecimal(HashKey(std::string(131, '\xaa'))("Test Using Larger Than Block-Size Key - Hash Key First")) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("one key hashes a secret the same each time, another key otherwise") {
    const HashKey key("a key");
    CHECK(key("secret") == key("secret"));
    CHECK(!(key("secret") == key("Secret")));
    CHECK(!(key("secret") == HashKey("another key")("secret")));
    const std::byte bytes[]{std::byte{'k'}, std::byte{'e'}, std::byte{'y'}};
    CHECK(HashKey(std::span<const std::byte>(bytes))("secret") == HashKey("key")("secret"));
}

TEST_CASE("equal digests are equal, and one other bit makes them differ") {
    Hashed<std::string>::Digest digest{};
    CHECK(Hashed<std::string>(digest) == Hashed<std::string>());
    for (std::size_t i = 0; i < digest.size(); ++i) {
        auto other = digest;
        other[i] = std::byte{1};
        CHECK(!(Hashed<std::string>(other) == Hashed<std::string>(digest)));
    }
    CHECK(boost::hash<Hashed<std::string>>()(HashKey("k")("a")) != boost::hash<Hashed<std::string>>()(HashKey("k")("b")));
}
