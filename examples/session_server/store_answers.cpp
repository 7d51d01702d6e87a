// SPDX-License-Identifier: BSL-1.0
#include "store_answers.hpp"

#include "credentials.hpp"
#include "log.hpp"

#include <larder/session/entities.hpp>

#include <boost/asio/error.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace server {

namespace {

using Milliseconds = std::chrono::milliseconds;

Milliseconds from_now(larder::TimePoint moment) { return std::chrono::floor<Milliseconds>(moment - std::chrono::system_clock::now()); }

} // namespace

Answer unauthorized(const larder::SessionStanding& standing, std::string_view message) {
    boost::json::object more{{"state", name_of(standing.state)}};
    if (standing.limit != larder::SessionLimit::none) more["limit"] = name_of(standing.limit);
    if (standing.why) more["why"] = name_of(*standing.why);
    Answer answer = error_answer(http::status::unauthorized, "unauthorized", message, more);
    answer.fields.emplace_back("WWW-Authenticate", "Bearer");
    return answer;
}

Answer unavailable(const larder::Error& failure) {
    log(failure.text);
    const bool open = failure == larder::errc::outcome_unknown || failure.code == boost::asio::error::operation_aborted;
    Answer answer = error_answer(http::status::service_unavailable, "unavailable",
                                 open ? "the store did not answer in time; what was asked for may have been done" : "the store can not be reached, or is too busy; nothing was done");
    answer.fields.emplace_back("Retry-After", "1");
    return answer;
}

Answer granted_answer(const larder::Granted& granted, http::status status, bool cookies, std::optional<std::int64_t> user) {
    if (granted.failed()) return unavailable(granted.error());
    switch (granted.state()) {
    case larder::SessionState::active: break;
    case larder::SessionState::refused: return error_answer(http::status::conflict, "refused", "the user has as many sessions as one may have");
    case larder::SessionState::reused:
        return unauthorized({granted.state(), granted.limit(), granted.why()}, "the refresh token had been exchanged before: whoever holds it may have stolen it, so all sessions that follow from its login have been ended");
    default: return unauthorized({granted.state(), granted.limit(), granted.why()}, "the refresh token is not good");
    }
    const auto access_ends = from_now(granted.access_expires_at());
    const auto ends = from_now(granted.expires_at());
    boost::json::object body;
    if (user) body["user"] = *user;
    body["handle"] = boost::uuids::to_string(granted.handle());
    if (!cookies) {
        body["access"] = granted.secrets().access.reveal();
        body["refresh"] = granted.secrets().refresh.reveal();
    }
    body["access_expires_in_ms"] = access_ends.count();
    body["expires_in_ms"] = ends.count();
    Answer answer = json_answer(status, body);
    if (cookies) {
        answer.fields.emplace_back("Set-Cookie", keep_cookie(access_cookie, granted.secrets().access.reveal(), access_ends));
        answer.fields.emplace_back("Set-Cookie", keep_cookie(refresh_cookie, granted.secrets().refresh.reveal(), ends));
    }
    return answer;
}

boost::json::object ended_in_json(const larder::SessionsEnded& ended) {
    return {{"ended", ended.count()},
            {"effect", {{"state", ended.effective() ? "effective" : "pending"}, {"bound_ms", std::chrono::ceil<Milliseconds>(ended.pending()).count()}}}};
}

Answer ended_answer(const larder::SessionsEnded& ended) {
    if (ended.failed()) return unavailable(ended.error());
    return json_answer(http::status::ok, ended_in_json(ended));
}

Answer without_cookies(Answer answer, bool remove) {
    if (remove && answer.status == http::status::ok)
        for (const auto name : {access_cookie, refresh_cookie}) answer.fields.emplace_back("Set-Cookie", drop_cookie(name));
    return answer;
}

std::int64_t milliseconds_of(larder::TimePoint moment) { return std::chrono::floor<Milliseconds>(moment.time_since_epoch()).count(); }

std::string sessions_in_words(std::size_t count) { return fmt::format("{} {}", count, count == 1 ? "session" : "sessions"); }

} // namespace server
