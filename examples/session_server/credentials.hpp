// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace server {

/// A secret that a client presents, and how.
struct Credential {
    std::string token{};
    bool cookie = false; ///< Sent by the browser without being asked, so that what changes something must prove that its own page asked for it.
};

inline constexpr std::string_view access_cookie = "larder_access";
inline constexpr std::string_view refresh_cookie = "larder_refresh";

/// The value of a cookie; nothing if it is not there. Throws `Refusal` if it is there twice: one of them is somebody else's.
std::optional<std::string> cookie_in(const HttpRequest& request, std::string_view name);

/// The access token, from the header Authorization or else from the cookie; nothing if there is none. Throws `Refusal`
/// for what is malformed.
std::optional<Credential> access_token_of(const HttpRequest& request);

/// Whether the request carries the header that no foreign page can make a browser send.
bool is_from_own_page(const HttpRequest& request);
/// Throws `Refusal` if not.
void require_own_page(const HttpRequest& request);

/// The values of Set-Cookie that keep a secret for a time, and that remove it.
/// @{
std::string keep_cookie(std::string_view name, std::string_view secret, std::chrono::milliseconds span);
std::string drop_cookie(std::string_view name);
/// @}

} // namespace server
