// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"
#include "application.hpp"
#include "call.hpp"

#include <boost/beast/http/verb.hpp>

#include <span>
#include <string_view>

namespace server {

/// What answers the requests of one method for one path, in which "{}" stands for a part without a slash. Throws `Refusal`.
struct Route {
    http::verb method;
    std::string_view path;
    Awaitable<Answer> (*answer)(Application& application, const Call& call);
    bool demo = false; ///< Whether it is there for the demonstration only.
};

/// Those of sessions, of the page, of whoever watches the server, and of the demonstration.
/// @{
std::span<const Route> session_routes();
std::span<const Route> page_routes();
std::span<const Route> watching_routes();
std::span<const Route> demo_routes();
/// @}

} // namespace server
