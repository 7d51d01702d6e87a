// SPDX-License-Identifier: BSL-1.0
//
// A session server: logins, requests, refresh tokens, logouts over HTTP, by the rules of `larder::SessionStore`; and a page that shows what the caches do meanwhile.
//
// tested with: --port 0 --users 50 --traffic 4 --for 2
// tested with: --port 0 --users 50 --traffic 4 --for 2 --policy hybrid --postgres
// tested with: --port 0 --users 50 --traffic 4 --for 2 --policy versioned --redis
// tested with: --port 0 --users 50 --traffic 4 --for 3 --redis --postgres --processes 2
//
// The parts: session_server/session_routes.cpp and its neighbours *_routes.cpp answer requests, with what service.hpp promises; store_service.hpp keeps that promise for a stack and a policy, in
// units of their own (on_*.cpp); connection.cpp and listener.cpp speak HTTP; process.cpp puts a server together, stores.cpp its databases, fleet.cpp several servers.

#include "session_server/command_line.hpp"
#include "session_server/fleet.hpp"
#include "session_server/process.hpp"
#include "session_server/secrets.hpp"
#include "session_server/sockets.hpp"
#include "session_server/stores.hpp"

#include <fmt/format.h>

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

void announce(const server::Settings& settings, const server::Sockets& sockets) {
    const bool is_v6 = settings.listen.find(':') != std::string::npos;
    for (std::size_t number = 0; number < settings.processes; ++number)
        fmt::print("listening on http://{}{}{}:{}\n", is_v6 ? "[" : "", settings.listen, is_v6 ? "]" : "", sockets.port(number));
    std::fflush(stdout);
}

bool run(const server::Settings& settings) {
    example::Interrupt::note();
    std::signal(SIGPIPE, SIG_IGN); // Who reads what this says may go first.
    allow_files();
    const server::Stores stores(settings);
    const auto secrets = settings.key.empty() ? server::Secrets::random() : server::Secrets::from_file(settings.key);
    server::Sockets sockets(settings.listen, settings.port, settings.processes);
    example::Interrupt::check();
    if (settings.processes == 1) return server::serve(settings, stores.place(), secrets, sockets.take(0), [&] { announce(settings, sockets); });
    server::Fleet fleet(settings.processes, [&](std::size_t number, const std::function<void()>& ready) {
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
        fmt::print(stderr, "session_server: {}\n", failed.what());
        return EXIT_FAILURE;
    }
}
