// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/schema.hpp>
#include <larder/entity/schema_of.hpp>
#include <larder/entity/value.hpp>

#include <boost/describe/class.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace codec_tests {

/// A type of the user's own that is stored as a number: a temperature, never below absolute zero.
struct Celsius {
    std::int64_t milli = 0;
    friend bool operator==(const Celsius&, const Celsius&) = default;
};

/// A type of the user's own that is stored as a text: a country's two letters.
struct Country {
    std::string letters = "  ";
    friend bool operator==(const Country&, const Country&) = default;
};

struct Town {
    char grade = 'a';
    Country country;
    Celsius warmest;
    std::optional<Celsius> coldest;
    std::int64_t id = 0;
    friend bool operator==(const Town&, const Town&) = default;
};
BOOST_DESCRIBE_STRUCT(Town, (), (grade, country, warmest, coldest, id))

} // namespace codec_tests

template <>
struct larder::value_traits<codec_tests::Celsius> {
    static constexpr Storage storage = Storage::integer;
    using Stored = std::int64_t;
    using View = codec_tests::Celsius;
    static constexpr Stored to(codec_tests::Celsius value) noexcept { return value.milli; }
    static constexpr bool from(Stored stored, codec_tests::Celsius& value) noexcept {
        value.milli = stored;
        return stored >= -273150;
    }
    static constexpr std::size_t heap(codec_tests::Celsius) noexcept { return 0; }
};

template <>
struct larder::value_traits<codec_tests::Country> {
    static constexpr Storage storage = Storage::text;
    using Stored = std::string_view;
    using View = codec_tests::Country;
    static Stored to(const codec_tests::Country& value) noexcept { return value.letters; }
    static bool from(Stored stored, codec_tests::Country& value) {
        value.letters = stored;
        return stored.size() == 2;
    }
    static std::size_t heap(const codec_tests::Country&) noexcept { return 0; }
};

template <>
struct larder::entity_traits<codec_tests::Town> : larder::schema<"towns", larder::primary<&codec_tests::Town::id>> {};
