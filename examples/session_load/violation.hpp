// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace load {

/// What no answer may break.
enum class Rule : std::uint8_t {
    accepts_ended,     ///< What had ended, and whose bound had passed, was accepted.
    accepts_expired,   ///< What had passed its time was accepted.
    refuses_valid,     ///< What nothing had ended was refused.
    theft_unnoticed,   ///< A refresh token that had been exchanged was presented again, and not called reused.
    exchanged_twice,   ///< A refresh token was exchanged more than once,
    never_exchanged,   ///< or presented several times at once and by nobody exchanged.
    false_alarm,       ///< A refresh token that nobody else had presented was called reused.
    wrong_session,     ///< The answer is about another session, or another user.
    list_shows_ended,  ///< A session that had ended is in the list,
    list_lacks_valid,  ///< or one that is good is not.
    foreign_ended,     ///< A session was ended by somebody else's user.
    too_few_ended,     ///< Fewer sessions were ended than there were.
    secret_repeated,   ///< A token or handle was given twice.
    not_of_contract,   ///< An answer that requests of this kind do not get.
};

inline constexpr std::size_t rule_count = 14;

constexpr std::string_view name_of(Rule rule) noexcept {
    constexpr std::array<std::string_view, rule_count> names = {"accepts_ended", "accepts_expired", "refuses_valid",    "theft_unnoticed",  "exchanged_twice", "never_exchanged", "false_alarm",
                                                                "wrong_session", "list_shows_ended", "list_lacks_valid", "foreign_ended", "too_few_ended",   "secret_repeated", "not_of_contract"};
    return names[static_cast<std::size_t>(rule)];
}

/// An answer that breaks a rule.
struct Violation {
    Rule rule{};
    Kind kind{};
    Moment when{}; ///< The answer was there.
    std::vector<std::string> story{}; ///< What was known, what was asked and when, what was answered: a line each. No secret is in it.
};

} // namespace load
