// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace server {

/// A request, taken apart.
struct Call {
    const HttpRequest& http;
    const std::string& address;
    std::string_view path{};
    std::string_view query{};
    std::string_view named{}; ///< What the path has in the place of the route's "{}".

    /// Takes the target apart. Throws `Refusal`.
    Call(const HttpRequest& request, const std::string& from);

    /// The value of a query parameter; nothing if it is not there. Throws `Refusal` if the query has others, or it twice.
    std::optional<std::string_view> parameter(std::string_view name) const;
    /// The body, a JSON object; an empty one if there is no body. Throws `Refusal` if it is none, or has other members than those.
    boost::json::object body(std::initializer_list<std::string_view> members) const;
};

/// Members of a body. Throw `Refusal` if there is something else.
/// @{
std::optional<std::int64_t> number_in(const boost::json::object& body, std::string_view member, std::int64_t least, std::int64_t most);
std::optional<std::string> text_in(const boost::json::object& body, std::string_view member);
std::optional<bool> truth_in(const boost::json::object& body, std::string_view member);
/// @}

/// The largest number that JSON carries everywhere as it is: 2^53 - 1.
inline constexpr std::int64_t largest_number = (std::int64_t{1} << 53) - 1;

} // namespace server
