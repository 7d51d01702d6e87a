// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "secrets.hpp"
#include "settings.hpp"
#include "stores.hpp"

#include <functional>

namespace server {

/// Serves in this process until it is told to end by SIGTERM, SIGINT or SIGHUP, and finishes what it began. Throws `std::exception` if it can not begin.
/// \param socket one that listens; it is closed. \param ready is called once requests are answered.
void serve(const Settings& settings, const Place& place, const Secrets& secrets, int socket, const std::function<void()>& ready);

} // namespace server
