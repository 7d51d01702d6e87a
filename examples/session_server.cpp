// SPDX-License-Identifier: BSL-1.0
//
// A session server: logins, requests, refresh tokens, logouts over HTTP, by the rules of `larder::SessionStore`; and a page that shows what the caches do meanwhile.
//
// The parts: session_server/session_routes.cpp and its neighbours *_routes.cpp answer requests, of what service.hpp promises; store_service.hpp keeps that promise for a stack and a policy, in
// units of their own (on_*.cpp); connection.cpp and listener.cpp speak HTTP; process.cpp puts a server together, stores.cpp its databases.

#include "session_server/command_line.hpp"
#include "session_server/listener.hpp"
#include "session_server/process.hpp"
#include "session_server/secrets.hpp"
#include "session_server/stores.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

int main(int count, char** words) {
    server::CommandLine line;
    try {
        const auto& settings = line.parse(count, words);
        example::Interrupt::note();
        const server::Stores stores(settings);
        const auto secrets = settings.key.empty() ? server::Secrets::random() : server::Secrets::from_file(settings.key);
        boost::asio::io_context context;
        auto acceptor = server::listen_at(context, settings.listen, settings.port);
        const auto port = acceptor.local_endpoint().port();
        server::serve(settings, stores.place(), secrets, acceptor.release(), [&] {
            fmt::print("listening on http://{}:{}\n", settings.listen, port);
            std::fflush(stdout);
        });
        return EXIT_SUCCESS;
    } catch (const CLI::ParseError& wrong) {
        return line.explain(wrong);
    } catch (const example::Interrupted&) {
        return EXIT_SUCCESS;
    } catch (const std::exception& failed) {
        fmt::print(stderr, "session_server: {}\n", failed.what());
        return EXIT_FAILURE;
    }
}
