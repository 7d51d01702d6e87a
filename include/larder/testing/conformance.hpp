// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace larder {
inline namespace v0 {
namespace testing {

/// What a conformance suite throws where a rule of a contract is broken: the rule's expectation, and where the suite states it.
class ConformanceFailure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// One rule of a contract, to be run by whatever test framework is at hand: `run` returns if the rule holds, and throws if not.
struct ConformanceCase {
    std::string name;
    std::function<void()> run;
};

/// Throws `ConformanceFailure` unless the expectation is met. \param expectation what should be so, in words.
inline void expect(bool met, std::string_view expectation, const std::source_location& where = std::source_location::current()) {
    if (met) return;
    const std::string_view file = where.file_name();
    throw ConformanceFailure("expected: " + std::string(expectation) + " (" + std::string(file.substr(file.find_last_of('/') + 1)) + ":" +
                             std::to_string(where.line()) + ")");
}

} // namespace testing
} // namespace v0
} // namespace larder
