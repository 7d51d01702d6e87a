// SPDX-License-Identifier: BSL-1.0
//
// Drives clients through the lives that sessions lead, on one or several servers of sessions (session_server.cpp): logins, authentications, exchanges
// of refresh tokens, elevations, logouts, thefts. Checks every answer against what it knows: nothing that has ended is accepted beyond the bound that was
// declared, nothing valid is refused, every theft is seen, a refresh token is exchanged once. What would have been changed by a request whose answer
// was lost is in doubt, and judged as such.
//
// tested with: --help
//
// The parts: session_load/ledger.hpp is what is known, session_load/judge.hpp compares answers with it; session_load/life.hpp is what clients do,
// session_load/client.hpp how they ask; session_load/reading.hpp makes answers of what servers send, session_load/summary.hpp tells what came of it.

#include "session_load/arguments.hpp"
#include "session_load/client.hpp"
#include "session_load/life.hpp"
#include "session_load/reading.hpp"
#include "session_load/run.hpp"
#include "session_load/summary.hpp"
#include "session_load/wire.hpp"
#include "sessions/show.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/verb.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace load;

/// What the servers that can be reached declare for whatever they end. \returns how many can be.
asio::awaitable<void> ask_for_bounds(Run& run, std::size_t& reached) {
    Span bound{};
    for (const Server& server : run.options.servers) {
        constexpr auto patience = std::chrono::seconds(10);
        Wire wire(run.executor, server, patience);
        auto reaching = wire.reach();
        const bool there = co_await std::move(reaching);
        if (!there) {
            run.tally.trouble = wire.trouble();
            continue;
        }
        ++reached;
        Wire::Message message(boost::beast::http::verb::get, "/live.json", 11);
        auto exchange = wire.exchange(std::move(message));
        const Reply reply = co_await std::move(exchange);
        bound = std::max(bound, read_declared_bound(reply.body));
    }
    run.judge.set_declared_bound(bound);
}

/// Shows how far the run is until all clients have come to their end.
asio::awaitable<void> watch(Run& run, asio::signal_set& signals) {
    constexpr auto step = std::chrono::milliseconds(100);
    {
        const example::Progress progress(fmt::format("{} clients for {} s", run.options.clients, run.options.seconds));
        asio::steady_timer timer(run.executor);
        while (run.alive != 0) {
            const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - run.began;
            progress.show(std::clamp(passed.count() / run.options.seconds, 0.0, 1.0));
            timer.expires_after(step);
            auto wait = timer.async_wait(asio::use_awaitable);
            co_await std::move(wait);
        }
    }
    signals.cancel();
}

int drive(const Options& options) {
    asio::io_context io(1);
    const auto idle = options.idle_timeout > 0 ? std::chrono::duration_cast<Span>(std::chrono::duration<double>(options.idle_timeout)) : Span(std::chrono::hours(24 * 365));
    Declared declared;
    declared.idle = idle;
    Run run(options, io.get_executor(), declared);
    std::exception_ptr failure;
    const auto ended = [&](const std::exception_ptr& with) {
        if (with && !failure) failure = with;
        if (with) run.stopped = true;
    };
    std::size_t reached = 0;
    asio::co_spawn(io, ask_for_bounds(run, reached), ended);
    io.run();
    io.restart();
    if (failure) std::rethrow_exception(failure);
    if (reached == 0) {
        fmt::print(stderr, "session_load: no server can be reached: {}\n", run.tally.trouble);
        return 3;
    }

    asio::signal_set signals(io, SIGINT, SIGTERM, SIGHUP);
    signals.async_wait([&run](const boost::system::error_code& none, int) {
        if (!none) run.stopped = true;
    });
    std::vector<std::unique_ptr<Life>> lives;
    for (std::size_t i = 0; i < options.clients; ++i) lives.push_back(std::make_unique<Life>(run, i));
    run.alive = lives.size();
    run.tally.trouble.clear();
    for (const Server& server : options.servers) run.tally.servers[server.text()] = 0;
    run.begin();
    for (const auto& life : lives)
        asio::co_spawn(io, life->live(), [&](const std::exception_ptr& with) {
            ended(with);
            --run.alive;
        });
    asio::co_spawn(io, watch(run, signals), ended);
    io.run();
    if (failure) std::rethrow_exception(failure);

    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - run.began;
    if (options.json)
        fmt::print("{}\n", json_summary(run, took.count()));
    else
        print_summary(run, took.count());
    if (run.tally.broken() != 0) return 1;
    if (run.tally.sessions == 0) {
        fmt::print(stderr, "session_load: no session could be begun: {}\n", run.tally.trouble);
        return 3;
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    CommandLine line;
    Options options;
    try {
        options = line.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return line.explain(wrong);
    }
    try {
        std::signal(SIGPIPE, SIG_IGN);
        return drive(options);
    } catch (const std::exception& failed) {
        fmt::print(stderr, "session_load: {}\n", failed.what());
        return 3;
    }
}
