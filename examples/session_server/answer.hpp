// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/object.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace server {

namespace http = boost::beast::http;
using HttpRequest = http::request<http::string_body>;
using HttpResponse = http::response<http::string_body>;

/// What a request is answered with.
struct Answer {
    http::status status = http::status::ok;
    std::string body{};
    std::string type = "application/json";
    std::vector<std::pair<std::string_view, std::string>> fields{}; ///< Further header fields; their names are literals.;
};

/// An answer that is a JSON object.
Answer json_answer(http::status status, const boost::json::object& object);

/// The answer that tells of an error: {"error":{"code":...,"message":...}}. \param more what else is told of it.
Answer error_answer(http::status status, std::string_view code, std::string_view message, const boost::json::object& more = {});

/// A request that is answered with an error. Never with what it was asked with: that may be a secret.
class Refusal : public std::exception {
public:
    explicit Refusal(Answer answer) : answer_(std::move(answer)) {}
    const char* what() const noexcept override { return "the request is refused"; }
    const Answer& answer() const noexcept { return answer_; }

private:
    Answer answer_;
};

[[noreturn]] inline void refuse(http::status status, std::string_view code, std::string_view message) { throw Refusal(error_answer(status, code, message)); }
[[noreturn]] inline void refuse_as_bad(std::string_view message) { refuse(http::status::bad_request, "bad_request", message); }

} // namespace server
