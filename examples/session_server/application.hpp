// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"
#include "call.hpp"
#include "service.hpp"

#include <string>

namespace server {

class Live;
class Tiers;
class Traffic;

/// What the answers to requests are made from. Its parts outlive it.
struct Application {
    Service& service;
    Live& live;
    Tiers& tiers;
    Traffic& traffic;
    bool demo; ///< Whether the demonstration's buttons work.

    /// Answers a request. Throws nothing.
    Awaitable<Answer> answer(const HttpRequest& request, const std::string& address);
};

} // namespace server
