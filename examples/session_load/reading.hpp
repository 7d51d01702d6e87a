// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace load {

/// Makes an answer of what a server sent: what must be there for the kind and is not becomes its `trouble`.
/// \param body JSON. \param cookies the values of the fields Set-Cookie. \param in_cookies whether tokens come in them.
Answer read_answer(Kind kind, unsigned status, std::string_view body, const std::vector<std::string>& cookies, bool in_cookies);

/// The bound that a server declares for whatever it ends, in the text of GET /live.json; zero if it says nothing.
Span read_declared_bound(std::string_view body);

} // namespace load
