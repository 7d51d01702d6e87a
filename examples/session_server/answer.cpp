// SPDX-License-Identifier: BSL-1.0
#include "answer.hpp"

#include <boost/json/serialize.hpp>

namespace server {

Answer json_answer(http::status status, const boost::json::object& object) {
    Answer answer{.status = status, .body = boost::json::serialize(object)};
    answer.fields.emplace_back("Cache-Control", "no-store");
    return answer;
}

Answer error_answer(http::status status, std::string_view code, std::string_view message, const boost::json::object& more) {
    boost::json::object error{{"code", code}, {"message", message}};
    for (const auto& [name, value] : more) error[name] = value;
    boost::json::object object;
    object["error"] = std::move(error);
    return json_answer(status, object);
}

} // namespace server
