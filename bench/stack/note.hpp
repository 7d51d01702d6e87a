// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/schema.hpp>

#include <boost/describe.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace bench {

/// What all benchmarks of the full path read: a row of some 200 bytes with an alternate key.
struct Note {
    std::int64_t id = 0;
    std::string code;
    std::string text;
    larder::TimePoint written_at{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Note, (), (id, code, text, written_at, version))

/// The note of a number.
inline Note note(std::int64_t number) {
    Note row;
    row.id = number;
    row.code = "a code of twenty-four, " + std::to_string(number);
    row.text.assign(120, static_cast<char>('a' + number % 26));
    row.written_at = larder::TimePoint(std::chrono::milliseconds(1'750'000'000'000 + number));
    row.version = 1;
    return row;
}

} // namespace bench

template <>
struct larder::entity_traits<bench::Note> : larder::schema<"notes", larder::primary<&bench::Note::id>, larder::unique<&bench::Note::code>, larder::version<&bench::Note::version>> {};
