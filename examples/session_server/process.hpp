// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "secrets.hpp"
#include "settings.hpp"
#include "stores.hpp"

#include <functional>

namespace server {

/// Serves in this process until it is told to end by SIGTERM, SIGINT or SIGHUP, or its time is over, and finishes what it began; a second
/// SIGTERM or SIGINT ends it at once if it is alone. The signals may be held back until it hears them (`EndSignalsHeld`). Throws `std::exception` if it can not begin.
/// \param socket one that listens; it is closed. \param ready is called once requests are answered.
/// \returns whether it ended as it was to: told so, or with no call of the store failed.
bool serve(const Settings& settings, const Place& stores, const Secrets& secrets, int socket, const std::function<void()>& ready);

} // namespace server
