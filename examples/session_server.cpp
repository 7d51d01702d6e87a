// SPDX-License-Identifier: BSL-1.0
//
// A session server: logins, requests, refresh tokens, logouts over HTTP, by the rules of `larder::SessionStore`; and a page that shows what the caches do meanwhile.
//
// tested with: --port 0 --users 50 --traffic 4 --for 2
// tested with: --port 0 --users 50 --traffic 4 --for 2 --policy hybrid --postgres
// tested with: --port 0 --users 50 --traffic 4 --for 2 --policy versioned --redis
// tested with: --port 0 --users 50 --traffic 4 --for 3 --redis --postgres --processes 2
//
// takes minutes to compile: each policy, on each combination of stores
//
// The parts: session_server/session_routes.cpp and its neighbours *_routes.cpp answer requests, with what service.hpp promises; store_service.hpp keeps that promise for a stack and a policy, in
// units of their own (on_*.cpp); connection.cpp and listener.cpp speak HTTP; process.cpp puts a server together, stores.cpp its databases, fleet.cpp several servers.

#include "session_server/command_line.hpp"
#include "session_server/fleet.hpp"
#include "session_server/log.hpp"
#include "session_server/process.hpp"
#include "session_server/secrets.hpp"
#include "session_server/signals.hpp"
#include "session_server/sockets.hpp"
#include "session_server/stores.hpp"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>

#include <sys/resource.h>

namespace {

/// As many connections as the machine allows.
void allow_files() {
    ::rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

/// A request may have just begun to arrive; its answer, and those of the demonstration's traffic, take their time too.
std::chrono::milliseconds longest_end(const server::Limits& limits) { return 4 * limits.request + std::chrono::seconds(5); }

void announce(const server::Settings& settings, const server::Sockets& sockets) {
    const bool is_v6 = settings.listen.find(':') != std::string::npos;
    std::string text;
    for (std::size_t number = 0; number < settings.processes; ++number)
        text += fmt::format("listening on http://{}{}{}:{}\n", is_v6 ? "[" : "", settings.listen, is_v6 ? "]" : "", sockets.port(number));
    // It serves whether somebody reads this or not.
    [[maybe_unused]] const auto read = std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

bool run(const server::Settings& settings) {
    example::Interrupt::note();
    std::signal(SIGPIPE, SIG_IGN); // Who reads what this says may go first.
    allow_files();
    const server::Stores stores(settings);
    const auto secrets = settings.key.empty() ? server::Secrets::random() : server::Secrets::from_file(settings.key);
    server::Sockets sockets(settings.listen, settings.port, settings.processes);
    const server::EndSignalsHeld held;
    example::Interrupt::check();
    if (settings.processes == 1) return server::serve(settings, stores.place(), secrets, sockets.take(0), [&] { announce(settings, sockets); });
    server::Fleet fleet(settings.processes, longest_end(settings.limits), [&](std::size_t number, const std::function<void()>& ready) {
        return server::serve(settings, stores.place(), secrets, sockets.take(number), ready) ? EXIT_SUCCESS : EXIT_FAILURE;
    });
    announce(settings, sockets);
    return fleet.run([&] { sockets.close(); }, settings.ends_after.has_value());
}

} // namespace

int main(int count, char** words) {
    server::CommandLine line;
    try {
        return run(line.parse(count, words)) ? EXIT_SUCCESS : EXIT_FAILURE;
    } catch (const CLI::ParseError& wrong) {
        return line.explain(wrong);
    } catch (const example::Interrupted&) {
        return EXIT_SUCCESS;
    } catch (const std::exception& failed) {
        server::say(failed.what());
        return EXIT_FAILURE;
    }
}
