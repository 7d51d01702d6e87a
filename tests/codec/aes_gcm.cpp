// SPDX-License-Identifier: BSL-1.0
#include "envelope.hpp"

#include <larder/codec/aes_gcm.hpp>
#include <larder/codec/detail/json_fields.hpp>
#include <larder/codec/packed.hpp>
#include <larder/testing/codec_conformance.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>

using namespace larder;

namespace {

std::string unhex(std::string_view digits) {
    std::string bytes;
    REQUIRE(larder::detail::append_unhex(digits, bytes));
    return bytes;
}

SealKey key(std::uint8_t id, std::string_view digits) {
    SealKey made{.id = id};
    const auto bytes = unhex(digits);
    REQUIRE(bytes.size() == made.secret.size());
    std::ranges::transform(bytes, made.secret.begin(), [](char byte) { return static_cast<std::byte>(byte); });
    return made;
}

SealKey plain_key(std::uint8_t id, int content) {
    SealKey made{.id = id};
    made.secret.fill(static_cast<std::byte>(content));
    return made;
}

/// A random source that always answers the same.
struct FixedNonce {
    std::string bytes;
    bool operator()(std::span<std::byte> out) const {
        std::ranges::transform(bytes, out.begin(), [](char byte) { return static_cast<std::byte>(byte); });
        return out.size() == bytes.size();
    }
};

struct NoRandom {
    bool operator()(std::span<std::byte>) const { return false; }
};

} // namespace

TEST_CASE("a text is sealed as AES-256-GCM's authors have it (McGrew and Viega, test case 16)") {
    const AesGcm<FixedNonce> cipher(key(7, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"), FixedNonce{unhex("cafebabefacedbaddecaf888")});
    const auto plain = unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    const auto associated = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    std::string sealed = "before";
    REQUIRE(cipher.seal(plain, associated, sealed));
    CHECK(sealed == "before" + unhex("07cafebabefacedbaddecaf888"
                                     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                                     "76fc6ece0f4e1768cddf8853bb2d551b"));
    std::string opened = "before";
    REQUIRE(cipher.open(std::string_view(sealed).substr(6), associated, opened));
    CHECK(opened == "before" + plain);
}

TEST_CASE("what was sealed is opened, and nothing else is") {
    const AesGcm cipher(plain_key(1, 1));
    for (const std::string& plain : {std::string(), std::string("secret"), std::string(100'000, 'x')}) {
        std::string sealed, opened;
        REQUIRE(cipher.seal(plain, "context", sealed));
        REQUIRE(cipher.open(sealed, "context", opened));
        CHECK(opened == plain);
        CHECK(!cipher.open(sealed, "other context", opened));
        CHECK(!cipher.open(sealed, "", opened));
        CHECK(!cipher.open(sealed + 'x', "context", opened));
        CHECK(opened == plain);
    }
    std::string sealed, opened;
    REQUIRE(cipher.seal("secret", "context", sealed));
    for (std::size_t size = 0; size < sealed.size(); ++size) CHECK(!cipher.open(sealed.substr(0, size), "context", opened));
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        auto changed = sealed;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        CHECK(!cipher.open(changed, "context", opened));
    }
    CHECK(opened.empty());
}

TEST_CASE("a nonce is not used twice") {
    const AesGcm cipher(plain_key(1, 1));
    std::set<std::string> nonces;
    for (int i = 0; i < 1000; ++i) {
        std::string sealed;
        REQUIRE(cipher.seal("secret", "", sealed));
        nonces.insert(sealed.substr(1, 12));
    }
    CHECK(nonces.size() == 1000);
}

TEST_CASE("a key is changed with an overlap") {
    const auto old_key = plain_key(1, 1), new_key = plain_key(2, 2);
    const AesGcm before(old_key), prepared({old_key, new_key}, 1), changed({old_key, new_key}, 2), after(new_key);
    std::string by_old, by_new, opened;
    REQUIRE(prepared.seal("secret", "", by_old));
    REQUIRE(changed.seal("secret", "", by_new));
    CHECK(before.open(by_old, "", opened));
    CHECK(prepared.open(by_new, "", opened));
    CHECK(changed.open(by_old, "", opened));
    CHECK(after.open(by_new, "", opened));
    CHECK(opened == "secretsecretsecretsecret");
    CHECK(!before.open(by_new, "", opened));
    CHECK(!after.open(by_old, "", opened));
    CHECK(!AesGcm(plain_key(1, 3)).open(by_old, "", opened));
}

TEST_CASE("a value whose key is gone cannot be unsealed") {
    const PackedCodec first{AesGcm(plain_key(1, 1))}, second{AesGcm(plain_key(2, 2))};
    const auto vault = testing::codec_suite::sample_vault("code");
    std::string bytes;
    REQUIRE(first.encode(vault, bytes));
    testing::Vault back;
    CHECK(second.decode(bytes, back) == DecodeOutcome::unsealable);
    CHECK(first.decode(bytes, back) == DecodeOutcome::decoded);
}

TEST_CASE("the sealed part of one row cannot be moved to another") {
    const PackedCodec codec{AesGcm(plain_key(1, 1))};
    auto mine = testing::codec_suite::sample_vault("mine"), theirs = testing::codec_suite::sample_vault("hers");
    theirs.id = 2;
    const auto body_of = [&](const testing::Vault& vault) {
        std::string bytes;
        REQUIRE(codec.encode(vault, bytes));
        return bytes.substr(21);
    };
    const std::string my_body = body_of(mine), their_body = body_of(theirs);
    std::string clear(1000, '\0');
    larder::detail::PackedWriter writer(clear.data());
    writer.fields<false>(mine);
    const auto clear_size = static_cast<std::size_t>(writer.at() - clear.data());
    REQUIRE(my_body.starts_with(clear.substr(0, clear_size)));

    testing::Vault back;
    constexpr auto fingerprint = fingerprint_v<testing::Vault>;
    CHECK(codec.decode(codec_tests::packed_envelope(fingerprint, my_body), back) == DecodeOutcome::decoded);
    CHECK(codec.decode(codec_tests::packed_envelope(fingerprint, my_body.substr(0, clear_size) + their_body.substr(clear_size)), back) == DecodeOutcome::unsealable);
    CHECK(codec.decode(codec_tests::packed_envelope(fingerprint, my_body.substr(0, clear_size)), back) == DecodeOutcome::unsealable);
}

TEST_CASE("without random numbers nothing is sealed, and nothing is encoded") {
    const AesGcm<NoRandom> cipher(plain_key(1, 1), NoRandom{});
    std::string out = "before";
    CHECK(!cipher.seal("secret", "", out));
    CHECK(out == "before");
    CHECK(!PackedCodec(cipher).encode(testing::Vault{}, out));
    CHECK(out == "before");
    CHECK(PackedCodec(cipher).encode(testing::Locker{}, out));
}

TEST_CASE("keys that contradict each other are refused") {
    const auto twice = AesGcm<>::make({plain_key(1, 1), plain_key(1, 2)}, 1);
    REQUIRE(!twice.has_value());
    CHECK(twice.error() == errc::invalid_options);
    CHECK(twice.error().text == "two keys that seal have the number 1");
    const auto missing = AesGcm<>::make({plain_key(1, 1)}, 2);
    REQUIRE(!missing.has_value());
    CHECK(missing.error().text == "no key that seals has the number 2");
    CHECK(!AesGcm<>::make({}, 0).has_value());
    CHECK(AesGcm<>::make({plain_key(0, 1)}, 0).has_value());
    CHECK_THROWS_AS(AesGcm({plain_key(1, 1)}, 2), Failure);
}
