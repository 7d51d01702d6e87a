// SPDX-License-Identifier: BSL-1.0
#include "check_codec.hpp"
#include "glass.hpp"

#include <larder/codec/aes_gcm.hpp>
#include <larder/codec/codec.hpp>
#include <larder/codec/packed.hpp>
#include <larder/testing/codec_conformance.hpp>

#include <boost/describe/class.hpp>
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

using namespace larder;
using codec_tests::broken_rules;
using codec_tests::Glass;

namespace {

struct Point {
    std::int64_t id = 0;
    std::int64_t x = 0;
};
BOOST_DESCRIBE_STRUCT(Point, (), (id, x))

} // namespace

template <>
struct larder::entity_traits<Point> : larder::schema<"points", larder::primary<&Point::id>> {};

namespace {

/// The smallest codec: values as they lie in memory.
struct MemoryImage {
    template <class Value>
    bool encode(const Value& value, std::string& out) const {
        out.append(reinterpret_cast<const char*>(&value), sizeof value);
        return true;
    }
    template <class Value>
    DecodeOutcome decode(std::string_view bytes, Value& into) const {
        if (bytes.size() != sizeof into) return DecodeOutcome::truncated;
        std::memcpy(static_cast<void*>(&into), bytes.data(), sizeof into);
        return DecodeOutcome::decoded;
    }
};

/// The packed codec without the part of its contract that a derived one spoils.
struct Sound {
    template <class T>
    bool encode(const T& value, std::string& out) const { return PackedCodec().encode(value, out); }
    template <class T>
    DecodeOutcome decode(std::string_view bytes, T& into) const { return PackedCodec().decode(bytes, into); }
};

struct Replaces : Sound {
    template <class T>
    bool encode(const T& value, std::string& out) const { return out.clear(), Sound::encode(value, out); }
};

struct AllowsMore : Sound {
    template <class T>
    DecodeOutcome decode(std::string_view bytes, T& into) const {
        for (std::size_t size = 0; size <= bytes.size(); ++size)
            if (const auto outcome = Sound::decode(bytes.substr(0, size), into); succeeded(outcome)) return outcome;
        return Sound::decode(bytes, into);
    }
};

/// Guards a value with nothing: a byte that was changed in a text goes unnoticed.
struct Unguarded : Sound {
    template <class T>
    bool encode(const T& value, std::string& out) const {
        const std::size_t bound = larder::detail::packed_fields_bound<false>(value), start = out.size();
        out.resize(start + bound);
        larder::detail::PackedWriter writer(out.data() + start);
        writer.template fields<false>(value);
        out.resize(static_cast<std::size_t>(writer.at() - out.data()));
        return true;
    }
    template <class T>
    DecodeOutcome decode(std::string_view bytes, T& into) const {
        return larder::detail::decode_value(into, [&](auto& fields) {
            larder::detail::PackedReader reader(bytes);
            return reader.template fields<false>(fields) && reader.at_end() ? DecodeOutcome::decoded : DecodeOutcome::corrupted;
        });
    }
};

struct Forgetful : Sound {
    template <class T>
    DecodeOutcome decode(std::string_view bytes, T& into) const {
        const auto outcome = Sound::decode(bytes, into);
        return outcome == DecodeOutcome::migrated ? DecodeOutcome::other_fingerprint : outcome;
    }
};

struct OneOperation {
    template <class T>
    bool encode(const T&, std::string&) const;
};
struct StatefulDecode : Sound {
    template <class T>
    DecodeOutcome decode(std::string_view, T&);
};

} // namespace

static_assert(codec<MemoryImage, Point>);
static_assert(codec<PackedCodec<>, Point> && codec<PackedCodec<AesGcm<>>, testing::Vault> && codec<PackedCodec<>, testing::Reading>);
static_assert(!codec<OneOperation, Point> && !codec<StatefulDecode, Point> && !codec<int, Point> && !codec<PackedCodec<>, int>);
static_assert(cipher<AesGcm<>> && cipher<Glass> && !cipher<NoCipher> && !cipher<int>);

TEST_CASE("the smallest codec of the documentation does what it says") {
    const MemoryImage codec;
    std::string bytes;
    REQUIRE(codec.encode(Point{3, 4}, bytes));
    Point back;
    CHECK(codec.decode(bytes, back) == DecodeOutcome::decoded);
    CHECK(back.id == 3);
    CHECK(back.x == 4);
    CHECK(codec.decode("short", back) == DecodeOutcome::truncated);
}

TEST_CASE("the suite notices a codec that breaks its contract") {
    CHECK(broken_rules(testing::codec_conformance(Sound{})) == 0);
    CHECK(broken_rules(testing::codec_conformance(Replaces{})) == 1);
    CHECK(broken_rules(testing::codec_conformance(AllowsMore{})) == 1);
    CHECK(broken_rules(testing::codec_conformance(Unguarded{})) >= 4);
    CHECK(broken_rules(testing::codec_conformance(Forgetful{})) == 1);
    CHECK(broken_rules(testing::codec_secret_conformance(PackedCodec(Glass{}))) == 1);
}

TEST_CASE("an outcome has a name, and two of them are a success") {
    std::size_t successes = 0;
    for (std::size_t i = 0; i < decode_outcome_count; ++i) {
        const auto outcome = static_cast<DecodeOutcome>(i);
        CHECK(!name_of(outcome).empty());
        successes += succeeded(outcome) ? 1U : 0U;
    }
    CHECK(successes == 2);
    CHECK(name_of(DecodeOutcome::refused) == "refused");
    CHECK(name_of(DecodeOutcome::decoded) == "decoded");
}
