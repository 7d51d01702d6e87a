// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/codec.hpp>
#include <larder/testing/codec_sample.hpp>
#include <larder/testing/conformance.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/detail/random_row.hpp>
#include <larder/testing/sample.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace codec_suite {

template <class Codec, class T>
std::string encoded(const Codec& codec, const T& value) {
    std::string bytes;
    expect(codec.encode(value, bytes), "the value can be encoded");
    return bytes;
}

template <class T>
bool same(const T& left, const T& right) {
    return left == right;
}
template <class Entity, auto... Members>
bool same(const Projection<Entity, larder::detail::MemberList<Members...>>& left, const Projection<Entity, larder::detail::MemberList<Members...>>& right) {
    return ((left.template get<Members>() == right.template get<Members>()) && ...);
}

/// A few random values of each kind that a codec is given, of sample entities with every type of field, with relations, and with keys of several parts.
template <class Visit>
void for_each_value(std::uint64_t seed, int rows, const Visit& visit) {
    RandomValues random(seed);
    const auto visit_entity = [&]<class Entity>(std::type_identity<Entity>) {
        for (int i = 0; i < rows; ++i) {
            const Entity row = random.make<Entity>();
            visit(row);
            visit(WarmRow<Entity>(row));
            visit(AliasTarget<Entity>{primary_key_of(row)});
        }
    };
    visit_entity(std::type_identity<Crate>{});
    visit_entity(std::type_identity<Pass>{});
    visit_entity(std::type_identity<Reading>{});
    visit_entity(std::type_identity<Setting>{});
}

template <class Codec>
void expect_it_returns(const Codec& codec) {
    for_each_value(1, 200, [&]<class T>(const T& value) {
        const std::string bytes = encoded(codec, value);
        T back{};
        expect(codec.decode(bytes, back) == DecodeOutcome::decoded, "what was encoded is decoded");
        expect(same(back, value), "the decoded value is the one that was encoded");
    });
}

template <class Codec>
void expect_signs_and_no_numbers(const Codec& codec) {
    Crate crate;
    crate.weight = -0.0F;
    crate.price = std::numeric_limits<double>::quiet_NaN();
    Crate back;
    expect(codec.decode(encoded(codec, crate), back) == DecodeOutcome::decoded, "what was encoded is decoded");
    expect(std::signbit(back.weight), "a negative zero keeps its sign");
    expect(std::isnan(back.price), "what is no number stays so");
}

template <class Codec>
void expect_appending(const Codec& codec) {
    for_each_value(2, 3, [&]<class T>(const T& value) {
        std::string bytes = "before";
        expect(codec.encode(value, bytes), "the value can be encoded");
        expect(bytes.starts_with("before"), "what was there before stays");
        T back{};
        expect(codec.decode(std::string_view(bytes).substr(6), back) == DecodeOutcome::decoded && same(back, value), "what was appended is the whole value");
    });
}

template <class Codec>
void expect_nothing_left(const Codec& codec) {
    RandomValues random(3);
    for_each_value(4, 50, [&]<class T>(const T& value) {
        T back{};
        if constexpr (larder::detail::holds_row_v<T>) random.fill(back);
        expect(codec.decode(encoded(codec, value), back) == DecodeOutcome::decoded && same(back, value), "what was there before decoding does not show");
    });
}

template <class Codec>
void expect_truncation_noticed(const Codec& codec) {
    for_each_value(5, 2, [&]<class T>(const T& value) {
        const std::string bytes = encoded(codec, value);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const std::string part = bytes.substr(0, size);
            T back{};
            expect(!succeeded(codec.decode(part, back)), "a truncated value is refused");
        }
    });
}

template <class Codec>
void expect_flips_noticed(const Codec& codec) {
    for_each_value(6, 1, [&]<class T>(const T& value) {
        std::string bytes = encoded(codec, value);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            const auto flip = static_cast<char>(1U << (bit % 8));
            bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flip);
            T back{};
            expect(!succeeded(codec.decode(bytes, back)) || same(back, value), "a value with one wrong bit is never decoded as another");
            bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flip);
        }
    });
}

template <class Codec>
void expect_damage_noticed(const Codec& codec) {
    RandomValues random(7);
    for_each_value(8, 20, [&]<class T>(const T& value) {
        const std::string bytes = encoded(codec, value);
        const auto harmless = [&](const std::string& damaged) {
            T back{};
            return !succeeded(codec.decode(damaged, back)) || (damaged == bytes && same(back, value));
        };
        for (int i = 0; i < 20; ++i) {
            std::string damaged = bytes;
            for (std::uint64_t hits = 1 + random.below(8); hits > 0; --hits) damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
            expect(harmless(damaged), "a value with wrong bytes is refused");
            damaged = bytes;
            damaged.erase(random.below(damaged.size()), 1 + random.below(20));
            expect(harmless(damaged), "a value with a gap is refused");
            damaged = bytes;
            damaged.insert(random.below(damaged.size() + 1), 1 + random.below(20), static_cast<char>(random.below(256)));
            expect(harmless(damaged), "a value with more than itself is refused");
            damaged.clear();
            random.fill(damaged);
            expect(harmless(damaged), "bytes that are no value are refused");
        }
    });
}

template <class Codec>
void expect_layouts_told_apart(const Codec& codec) {
    RandomValues random(9);
    const auto crate = random.make<Crate>();
    const std::string bytes = encoded(codec, crate);
    Pass pass;
    WarmRow<Crate> warm;
    AliasTarget<Crate> target;
    expect(codec.decode(bytes, pass) == DecodeOutcome::other_fingerprint, "a value of another layout is told by its fingerprint");
    expect(codec.decode(bytes, warm) == DecodeOutcome::other_fingerprint, "a whole row is not taken for its warm fields");
    expect(codec.decode(bytes, target) == DecodeOutcome::other_fingerprint, "a row is not taken for an alias");
}

template <class Codec>
void expect_migration(const Codec& codec) {
    const auto upgraded = [&](const auto& older, Locker& into) { return codec.decode(encoded(codec, older), into); };
    Locker locker{99, "before", "before", 99};
    expect(upgraded(SecondLocker{4, "Ann", "Lee", 7}, locker) == DecodeOutcome::migrated, "a value of an older layout is upgraded");
    expect(locker == Locker{4, "Ann Lee", "upgraded", 7}, "the upgraded value is what the schema's function makes");
    expect(upgraded(FirstLocker{5, "Bob Ray"}, locker) == DecodeOutcome::migrated, "a value of a layout that is older still is upgraded step by step");
    expect(locker == Locker{5, "Bob Ray", "upgraded", 1}, "the value went through all steps");
    expect(upgraded(FirstLocker{6, ""}, locker) == DecodeOutcome::refused, "what the first step refuses is refused");
    expect(upgraded(SecondLocker{7, "nobody", "", 1}, locker) == DecodeOutcome::refused, "what makes a step throw is refused");

    SecondLocker second;
    expect(codec.decode(encoded(codec, Locker{8, "Dan", "", 1}), second) == DecodeOutcome::other_fingerprint, "a program from before a layout refuses it");
    auto damaged = encoded(codec, SecondLocker{4, "Ann", "Lee", 7});
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    expect(!succeeded(codec.decode(damaged, locker)), "a damaged value of an older layout is refused");
    expect(codec.decode(encoded(codec, AliasTarget<SecondLocker>{4}), locker) == DecodeOutcome::other_fingerprint, "only whole rows are upgraded");
}

inline Vault sample_vault(std::string_view code) {
    Vault vault{1, HashKey("key")("token"), "cellar", std::string(code), Bytes(40, std::byte{0x5e}), 123456789, 2, 3, Keeper{2, "Carl", "carl's " + std::string(code)}};
    return vault;
}

template <class Codec>
void expect_secrets_come_back(const Codec& codec) {
    RandomValues random(10);
    for (int i = 0; i < 200; ++i) {
        const auto vault = random.make<Vault>();
        Vault back = random.make<Vault>();
        expect(codec.decode(encoded(codec, vault), back) == DecodeOutcome::decoded && back == vault, "secret fields come back");
        const WarmRow<Vault> warm(vault);
        WarmRow<Vault> warm_back;
        expect(codec.decode(encoded(codec, warm), warm_back) == DecodeOutcome::decoded && same(warm, warm_back), "secret warm fields come back");
    }
}

template <class Codec>
void expect_secrets_hidden(const Codec& codec) {
    const std::string code = "the secret code of the vault";
    const auto vault = sample_vault(code);
    for (const std::string& bytes : {encoded(codec, vault), encoded(codec, WarmRow<Vault>(vault))}) {
        expect(bytes.find("cellar") != std::string::npos, "a field that is no secret is in clear");
        for (std::size_t i = 0; i + 5 <= code.size(); ++i) expect(bytes.find(code.substr(i, 5)) == std::string::npos, "no five letters in a row of a secret are in the bytes");
        expect(bytes.find("\x5e\x5e\x5e\x5e") == std::string::npos && bytes.find("5e5e5e5e") == std::string::npos, "a secret byte string is not in the bytes");
        expect(bytes.find("123456789") == std::string::npos, "a secret number is not in the bytes");
    }
    expect(encoded(codec, vault) != encoded(codec, vault), "one value is never sealed twice to the same bytes");
}

template <class Codec>
void expect_seals_bound(const Codec& codec) {
    RandomValues random(11);
    for (int i = 0; i < 3; ++i) {
        const auto vault = random.make<Vault>();
        std::string bytes = encoded(codec, vault);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            const auto flip = static_cast<char>(1U << (bit % 8));
            bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flip);
            Vault back;
            expect(!succeeded(codec.decode(bytes, back)) || back == vault, "a value with one wrong bit is never decoded as another");
            bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flip);
        }
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            Vault back;
            expect(!succeeded(codec.decode(bytes.substr(0, size), back)), "a truncated value is refused");
        }
    }
}

} // namespace codec_suite

/// The suite that proves a codec on values without secrets: what it encodes comes back, nothing else is ever taken for it, and layouts are told apart
/// and upgraded. For authors of codecs:
///
/// ```cpp
/// for (const auto& rule : larder::testing::codec_conformance(MyCodec{})) {
///     INFO(rule.name);
///     CHECK_NOTHROW(rule.run());
/// }
/// ```
///
/// The cases are independent of each other, hold a copy of the codec each, and take the same values in every run. Run them under a sanitizer, too.
template <class Codec>
    requires codec<Codec, Crate>
std::vector<ConformanceCase> codec_conformance(const Codec& codec) {
    return {
        {"values of every kind come back", [codec] { codec_suite::expect_it_returns(codec); }},
        {"reals come back that do not equal themselves", [codec] { codec_suite::expect_signs_and_no_numbers(codec); }},
        {"encoding appends", [codec] { codec_suite::expect_appending(codec); }},
        {"decoding leaves nothing of what was there", [codec] { codec_suite::expect_nothing_left(codec); }},
        {"a value that ends early is refused", [codec] { codec_suite::expect_truncation_noticed(codec); }},
        {"a flipped bit never makes another value", [codec] { codec_suite::expect_flips_noticed(codec); }},
        {"damaged and foreign bytes are refused", [codec] { codec_suite::expect_damage_noticed(codec); }},
        {"layouts are told apart", [codec] { codec_suite::expect_layouts_told_apart(codec); }},
        {"older layouts are upgraded", [codec] { codec_suite::expect_migration(codec); }},
    };
}

/// The suite that proves a codec that has a cipher on values with secrets: these come back, are nowhere in clear, and cannot be changed unnoticed.
template <class Codec>
    requires codec<Codec, Vault>
std::vector<ConformanceCase> codec_secret_conformance(const Codec& codec) {
    return {
        {"secret fields come back", [codec] { codec_suite::expect_secrets_come_back(codec); }},
        {"secret fields are not in the bytes", [codec] { codec_suite::expect_secrets_hidden(codec); }},
        {"sealed values cannot be changed", [codec] { codec_suite::expect_seals_bound(codec); }},
    };
}

} // namespace testing
} // namespace v0
} // namespace larder
