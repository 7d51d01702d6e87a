// SPDX-License-Identifier: BSL-1.0
#include "call.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace server {

namespace beast = boost::beast;

namespace {

/// Whether what follows the host is a port: otherwise it may be part of a name.
bool has_good_port(std::string_view host) {
    const auto colon = host.rfind(':');
    if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos) return true;
    return host.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
}

} // namespace

Call::Call(const HttpRequest& request, const std::string& from) : http(request), address(from) {
    const std::string_view target = request.target();
    path = target;
    // A client may name the whole address, as it would to a proxy.
    if (constexpr std::string_view scheme = "http://"; target.size() > scheme.size() && beast::iequals(target.substr(0, scheme.size()), scheme)) {
        const auto end = std::min(target.find_first_of("/?#", scheme.size()), target.size());
        if (end == scheme.size()) refuse_as_bad("the target must name a host");
        path = target.substr(end);
        // An address without a path is that of the root.
        if (path.empty()) path = "/";
        if (path.front() == '?') {
            query = path.substr(1);
            path = "/";
        }
    }
    if (path.empty() || path.front() != '/') refuse_as_bad("the target must be a path");
    if (const auto mark = path.find('?'); mark != std::string_view::npos) {
        query = path.substr(mark + 1);
        path = path.substr(0, mark);
    }
    const auto hosts = request.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && request.version() >= 11)) refuse_as_bad("there must be one header field Host");
    if (hosts == 1 && !has_good_port(request[http::field::host])) refuse_as_bad("the port in the header field Host must be a number");
}

std::optional<std::string_view> Call::parameter(std::string_view name) const {
    std::optional<std::string_view> found;
    for (std::string_view rest = query; !rest.empty();) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto part = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto equals = part.find('=');
        if (part.substr(0, equals) != name || equals == std::string_view::npos || found) refuse_as_bad(fmt::format("the query may say '{}=...' once, and nothing else", name));
        found = part.substr(equals + 1);
    }
    return found;
}

boost::json::object Call::body(std::initializer_list<std::string_view> members) const {
    if (http.body().empty()) return {};
    boost::system::error_code error;
    auto parsed = boost::json::parse(http.body(), error);
    if (error) refuse_as_bad(fmt::format("the body is no JSON: {}", error.message()));
    if (!parsed.is_object()) refuse_as_bad("the body must be a JSON object");
    auto& object = parsed.as_object();
    for (const auto& [name, value] : object)
        if (std::find(members.begin(), members.end(), std::string_view(name)) == members.end()) {
            if (members.size() == 0) refuse_as_bad("the body must have no members");
            refuse_as_bad(fmt::format("the body may have these members only: {}", fmt::join(members, ", ")));
        }
    return std::move(object);
}

std::optional<std::int64_t> number_in(const boost::json::object& body, std::string_view member, std::int64_t least, std::int64_t most) {
    const auto* value = body.if_contains(member);
    if (!value) return std::nullopt;
    boost::system::error_code error;
    const auto number = value->is_number() ? value->to_number<std::int64_t>(error) : std::int64_t{};
    if (!value->is_number() || error || number < least || number > most) refuse_as_bad(fmt::format("'{}' must be a whole number from {} to {}", member, least, most));
    return number;
}

std::optional<std::string> text_in(const boost::json::object& body, std::string_view member) {
    const auto* value = body.if_contains(member);
    if (!value) return std::nullopt;
    if (!value->is_string()) refuse_as_bad(fmt::format("'{}' must be a text", member));
    return std::string(value->as_string());
}

std::optional<bool> truth_in(const boost::json::object& body, std::string_view member) {
    const auto* value = body.if_contains(member);
    if (!value) return std::nullopt;
    if (!value->is_bool()) refuse_as_bad(fmt::format("'{}' must be true or false", member));
    return value->as_bool();
}

} // namespace server
