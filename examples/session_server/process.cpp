// SPDX-License-Identifier: BSL-1.0
#include "process.hpp"

#include "application.hpp"
#include "links.hpp"
#include "listener.hpp"
#include "live.hpp"
#include "signals.hpp"
#include "site.hpp"
#include "sqlite_switch.hpp"
#include "tiers.hpp"
#include "traffic.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace server {

namespace asio = boost::asio;

namespace {

/// How many threads wait for SQLite, and how many do the work of connections to servers.
constexpr std::size_t blocking_threads = 8;
constexpr std::size_t connection_threads = 2;

larder::SessionStoreOptions rules_of(const Settings& settings) {
    return {.idle_timeout = settings.idle_timeout,
            .absolute_timeout = settings.absolute_timeout,
            .access_lifetime = settings.access_timeout,
            .sessions_per_user = settings.max_sessions,
            .preload = false}; // So that what the page shows of the caches is what was asked for.
}

void run(asio::io_context& context, std::size_t threads) {
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back([&] { context.run(); });
    context.run();
    for (auto& thread : others) thread.join();
}

} // namespace

bool serve(const Settings& settings, const Place& stores, const Secrets& secrets, int socket, const std::function<void()>& ready) {
    const std::size_t threads = settings.threads != 0 ? settings.threads : std::max(2U, std::thread::hardware_concurrency());
    asio::io_context context(static_cast<int>(threads));
    const auto protocol = asio::ip::make_address(settings.listen).is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
    asio::ip::tcp::acceptor acceptor(context, protocol, socket);
    asio::signal_set signals(context, SIGTERM, SIGINT, SIGHUP);
    EndSignalsHeld::let_come();

    Tiers::Switch switch_redis, switch_database;
    std::optional<Links> links;
    if (settings.demo) {
        links.emplace(stores);
        switch_redis = links->redis();
        switch_database = links->postgres();
        if (!stores.sqlite.empty()) {
            sqlite_switch::install();
            switch_database = sqlite_switch::turn;
        }
    }
    const Place& place = links ? links->place() : stores;
    asio::thread_pool connections(connection_threads), blocking(blocking_threads);
    const Site site{.sqlite = place.sqlite,
                    .postgres = place.postgres,
                    .redis = place.redis,
                    .secrets = secrets,
                    .rules = rules_of(settings),
                    .answer_within = settings.limits.request,
                    .io = connections.get_executor(),
                    .blocking = blocking.get_executor()};
    const auto service = make_service(settings.policy, site);
    Live live(context, *service, {.port = acceptor.local_endpoint().port(), .stack = stack_of(site)});
    Tiers tiers(*service, settings.demo, switch_redis, switch_database);
    Traffic traffic(context, *service, live.events, settings.users);
    Application application{*service, live, tiers, traffic, settings.demo};
    Listener listener(context, std::move(acceptor), settings.limits, [&](const HttpRequest& request, const std::string& address) { return application.answer(request, address); });

    bool told = false;
    asio::steady_timer end(context);
    const auto stop = [&](boost::system::error_code cancelled, bool by_signal) {
        if (cancelled) return;
        told = by_signal;
        signals.cancel();
        // Whoever tells it twice does not want to wait; one of several is told by their parent, and may be by others too.
        if (settings.processes == 1)
            for (const int signal : {SIGTERM, SIGINT}) signals.remove(signal);
        end.cancel();
        listener.stop();
        traffic.stop();
        live.stop();
    };
    // Both on one strand, so that they come one after the other.
    const auto strand = asio::make_strand(context);
    signals.async_wait(asio::bind_executor(strand, [&](boost::system::error_code cancelled, int) { stop(cancelled, true); }));
    if (settings.ends_after) {
        end.expires_after(*settings.ends_after);
        end.async_wait(asio::bind_executor(strand, [&](boost::system::error_code cancelled) { stop(cancelled, false); }));
    }
    listener.start();
    live.start(tiers);
    if (settings.traffic != 0) traffic.set(settings.traffic);
    ready();
    run(context, threads);
    return told || live.failed_calls() == 0;
}

} // namespace server
