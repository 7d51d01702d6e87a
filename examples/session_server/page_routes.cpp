// SPDX-License-Identifier: BSL-1.0
#include "routes.hpp"

#include <session_server_page.hpp> // what the build makes of page/*: session_server_page::files

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace server {
namespace {

using session_server_page::files;

constexpr std::string_view start_page = "index.html";

std::string_view type_of(std::string_view name) {
    if (name.ends_with(".html")) return "text/html; charset=utf-8";
    if (name.ends_with(".css")) return "text/css; charset=utf-8";
    if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
    if (name.ends_with(".svg")) return "image/svg+xml";
    return "text/plain; charset=utf-8";
}

Awaitable<Answer> file(Application&, const Call& call) {
    const auto name = call.path == "/" ? start_page : call.path.substr(1);
    const auto& found = *std::find_if(std::begin(files), std::end(files), [&](const auto& each) { return each.name == name; });
    Answer answer;
    answer.body = found.content;
    answer.type = type_of(name);
    answer.fields.emplace_back("Cache-Control", "no-cache");
    answer.fields.emplace_back("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    answer.fields.emplace_back("Referrer-Policy", "no-referrer");
    co_return answer;
}

} // namespace

std::span<const Route> page_routes() {
    static const auto paths = [] {
        std::vector<std::string> each;
        for (const auto& [name, content] : files) each.push_back(name == start_page ? "/" : "/" + std::string(name));
        return each;
    }();
    static const auto routes = [] {
        std::vector<Route> each;
        for (const auto& path : paths) each.push_back({http::verb::get, path, file});
        return each;
    }();
    return routes;
}

} // namespace server
