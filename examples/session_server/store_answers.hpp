// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"

#include <larder/clock.hpp>
#include <larder/error.hpp>
#include <larder/session/store_results.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What the store answers, as answers to requests.
namespace server {

/// The answer to a request whose credential is not good. \param standing why not.
Answer unauthorized(const larder::SessionStanding& standing, std::string_view message);
/// The answer where the store failed.
Answer unavailable(const larder::Error& failure);
/// The answer to a login, a rotation or an elevation. \param cookies whether the secrets go into cookies. \param user whose session it is; empty: as its answer was asked for by nobody known.
Answer granted_answer(const larder::Granted& granted, http::status status, bool cookies, std::optional<std::int64_t> user = {});
/// The answer to the ending of sessions.
Answer ended_answer(const larder::SessionsEnded& ended);
/// {"ended":...,"effect":...}
boost::json::object ended_in_json(const larder::SessionsEnded& ended);
/// The answer, with the cookies removed if that is so.
Answer without_cookies(Answer answer, bool remove);

std::int64_t milliseconds_of(larder::TimePoint moment);
/// "1 session", "2 sessions".
std::string sessions_in_words(std::size_t count);

} // namespace server
