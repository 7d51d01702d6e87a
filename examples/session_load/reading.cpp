// SPDX-License-Identifier: BSL-1.0
#include "reading.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>

namespace load {
namespace {

namespace json = boost::json;

/// Throws `std::runtime_error` for what is not as it should be.
[[noreturn]] void reject(std::string text) { throw std::runtime_error(std::move(text)); }

const json::value& member(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (!value) reject("it has no \"" + std::string(name) + "\"");
    return *value;
}
std::string text_of(const json::object& object, std::string_view name) {
    const json::value& value = member(object, name);
    if (!value.is_string()) reject("\"" + std::string(name) + "\" is no text");
    return std::string(value.get_string());
}
std::int64_t number_of(const json::object& object, std::string_view name) {
    boost::system::error_code wrong;
    const auto number = member(object, name).to_number<std::int64_t>(wrong);
    if (wrong) reject("\"" + std::string(name) + "\" is no number");
    return number;
}
bool truth_of(const json::object& object, std::string_view name) {
    const json::value& value = member(object, name);
    if (!value.is_bool()) reject("\"" + std::string(name) + "\" is neither true nor false");
    return value.get_bool();
}
const json::object& object_of(const json::value& value, const char* what) {
    if (!value.is_object()) reject(std::string(what) + " is no object");
    return value.get_object();
}
std::string text_if_any(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}
Span milliseconds(const json::object& object, std::string_view name) { return std::chrono::milliseconds(number_of(object, name)); }

void read_effect(const json::object& object, Answer& answer, bool needed) {
    if (!needed && !object.contains("effect")) return;
    const json::object& effect = object_of(member(object, "effect"), "\"effect\"");
    const std::string state = text_of(effect, "state");
    const Span bound = milliseconds(effect, "bound_ms");
    if (state != "effective" && state != "pending") reject("the state of its \"effect\" is \"" + state + "\"");
    if (bound < Span::zero() || (state == "effective" && bound != Span::zero())) reject("the bound of its \"effect\" does not suit its state");
    answer.bound = bound;
}

void read_refusal(const json::object& whole, Answer& answer) {
    const json::object& error = object_of(member(whole, "error"), "\"error\"");
    answer.code = text_of(error, "code");
    if (text_of(error, "message").empty()) reject("its error has no message");
    for (const json::object* place : {&error, &whole}) {
        for (const auto& [name, text] : {std::pair{"state", &answer.state}, {"limit", &answer.limit}, {"why", &answer.why}})
            if (text->empty()) *text = text_if_any(*place, name);
        read_effect(*place, answer, false);
    }
}

/// The value of a cookie among those that are set, if it has the marks that a cookie with a secret must have.
std::string cookie_of(const std::vector<std::string>& cookies, const std::string& name) {
    for (const auto& cookie : cookies) {
        if (!cookie.starts_with(name + "=")) continue;
        for (const char* mark : {"HttpOnly", "Secure", "SameSite=Strict"})
            if (cookie.find(mark) == std::string::npos) reject("the cookie " + name + " is not " + mark);
        const auto begin = name.size() + 1;
        return cookie.substr(begin, cookie.find(';') - begin);
    }
    reject("it sets no cookie " + name);
}

void read_grant(const json::object& whole, const std::vector<std::string>& cookies, bool in_cookies, Answer& answer) {
    if (whole.contains("user")) answer.user = number_of(whole, "user");
    answer.handle = text_of(whole, "handle");
    answer.access_life = milliseconds(whole, "access_expires_in_ms");
    answer.life = milliseconds(whole, "expires_in_ms");
    if (in_cookies && (whole.contains("access") || whole.contains("refresh"))) reject("a token is in the text beside the cookies");
    answer.access = in_cookies ? cookie_of(cookies, "larder_access") : text_of(whole, "access");
    answer.refresh = in_cookies ? cookie_of(cookies, "larder_refresh") : text_of(whole, "refresh");
    if (answer.access.empty() || answer.refresh.empty() || answer.handle.empty()) reject("a token is empty");
    read_effect(whole, answer, false);
}

void read_accepted(Kind kind, const json::object& whole, const std::vector<std::string>& cookies, bool in_cookies, Answer& answer) {
    if (grants(kind)) return read_grant(whole, cookies, in_cookies, answer);
    switch (kind) {
    case Kind::me:
        answer.user = number_of(whole, "user");
        answer.handle = text_of(whole, "handle");
        answer.source = text_of(whole, "source");
        answer.stale = whole.contains("stale") && truth_of(whole, "stale");
        return;
    case Kind::list: {
        const json::value& sessions = member(whole, "sessions");
        if (!sessions.is_array()) reject("\"sessions\" is no list");
        for (const json::value& each : sessions.get_array()) {
            const json::object& session = object_of(each, "a session of the list");
            answer.sessions.push_back({text_of(session, "handle"), session.contains("current") && truth_of(session, "current")});
        }
        return;
    }
    default:
        answer.ended = static_cast<std::uint64_t>(number_of(whole, "ended"));
        read_effect(whole, answer, true);
    }
}

} // namespace

Answer read_answer(Kind kind, unsigned status, std::string_view body, const std::vector<std::string>& cookies, bool in_cookies) {
    Answer answer;
    answer.status = status;
    try {
        boost::system::error_code wrong;
        const json::value value = json::parse(body, wrong);
        if (wrong) reject("it is no JSON: " + wrong.message());
        const json::object& whole = object_of(value, "the answer");
        if (answer.accepted())
            read_accepted(kind, whole, cookies, in_cookies, answer);
        else
            read_refusal(whole, answer);
    } catch (const std::runtime_error& wrong) {
        answer.trouble = wrong.what();
    }
    return answer;
}

Span read_declared_bound(std::string_view body) {
    boost::system::error_code wrong;
    const json::value value = json::parse(body, wrong);
    if (wrong || !value.is_object()) return {};
    const json::value* now = value.get_object().if_contains("now");
    if (!now || !now->is_object() || !now->get_object().contains("staleness_bound_ms")) return {};
    const auto bound = now->get_object().at("staleness_bound_ms").to_number<std::int64_t>(wrong);
    return wrong ? Span::zero() : std::chrono::milliseconds(bound);
}

} // namespace load
