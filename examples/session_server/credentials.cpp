// SPDX-License-Identifier: BSL-1.0
#include "credentials.hpp"

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace server {

namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t";
    const auto begin = text.find_first_not_of(blank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

/// Each of the cookies goes only where it is needed, over an encrypted connection, and not with a foreign page's requests.
std::string cookie(std::string_view name, std::string_view value, std::chrono::seconds span) {
    return fmt::format("{}={}; Path={}; Max-Age={}; HttpOnly; Secure; SameSite=Strict", name, value, name == refresh_cookie ? "/refresh" : "/", span.count());
}

} // namespace

std::optional<std::string> cookie_in(const HttpRequest& request, std::string_view name) {
    std::optional<std::string> found;
    const auto fields = request.equal_range(http::field::cookie);
    for (auto field = fields.first; field != fields.second; ++field) {
        for (std::string_view rest = field->value(); !rest.empty();) {
            const auto end = std::min(rest.find(';'), rest.size());
            const auto pair = trimmed(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            const auto equals = pair.find('=');
            if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
            if (found) refuse_as_bad(fmt::format("the cookie {} is there twice", name));
            auto value = pair.substr(equals + 1);
            if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
            found = value;
        }
    }
    return found;
}

std::optional<Credential> access_token_of(const HttpRequest& request) {
    const auto count = request.count(http::field::authorization);
    if (count > 1) refuse_as_bad("there are several header fields Authorization");
    if (count == 0) {
        auto token = cookie_in(request, access_cookie);
        if (!token) return std::nullopt;
        return Credential{std::move(*token), true};
    }
    constexpr std::string_view scheme = "Bearer ";
    const std::string_view value = request[http::field::authorization];
    if (value.size() <= scheme.size() || !boost::beast::iequals(value.substr(0, scheme.size()), scheme)) refuse_as_bad("Authorization must be 'Bearer TOKEN'");
    return Credential{std::string(trimmed(value.substr(scheme.size()))), false};
}

bool is_from_own_page(const HttpRequest& request) { return request["X-Larder"] == "1"; }

void require_own_page(const HttpRequest& request) {
    if (!is_from_own_page(request)) refuse(http::status::forbidden, "forbidden", "this request needs the header X-Larder: 1, which no foreign page can send");
}

std::string keep_cookie(std::string_view name, std::string_view secret, std::chrono::milliseconds span) {
    return cookie(name, secret, std::chrono::floor<std::chrono::seconds>(std::max(span, std::chrono::milliseconds(0))));
}

std::string drop_cookie(std::string_view name) { return cookie(name, "", std::chrono::seconds(0)); }

} // namespace server
