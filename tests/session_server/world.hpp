// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "client.hpp"

#include "../../examples/session_server/application.hpp"
#include "../../examples/session_server/listener.hpp"
#include "../../examples/session_server/live.hpp"
#include "../../examples/session_server/site.hpp"
#include "../../examples/session_server/stores.hpp"
#include "../../examples/session_server/tiers.hpp"
#include "../../examples/session_server/traffic.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace session_server_tests {

/// A listener with its threads, on a free port of the loopback address. Ends in order.
class Served {
public:
    Served(boost::asio::io_context& context, server::Limits limits, server::Handler handler)
        : listener_(context, server::listen_at(context, "127.0.0.1", 0), limits, std::move(handler)) {
        listener_.start();
        for (int i = 0; i < 2; ++i) threads_.emplace_back([&context] { context.run(); });
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;
    ~Served() {
        listener_.stop();
        join();
    }
    std::uint16_t port() const { return listener_.port(); }
    void stop() { listener_.stop(); }
    /// Waits until nothing is left to do.
    void join() {
        for (auto& thread : threads_)
            if (thread.joinable()) thread.join();
    }

private:
    server::Listener listener_;
    std::vector<std::thread> threads_;
};

/// The whole server but its process, over a SQLite file of its own with 20 users.
class World {
public:
    explicit World(server::Limits limits = {}, larder::SessionStoreOptions rules = {}, bool demo = true)
        : stores_(settings()), service_(server::make_service("write-through", site(limits, std::move(rules)))), live_(context_, *service_, {.port = 0, .stack = "memory, SQLite"}),
          tiers_(*service_, demo, {}, {}), traffic_(context_, *service_, live_.events, users), application_{*service_, live_, tiers_, traffic_, demo},
          served_(context_, limits, [this](const server::HttpRequest& request, const std::string& address) { return application_.answer(request, address); }) {}
    ~World() { traffic_.stop(); }

    static constexpr std::int64_t users = 20;

    std::uint16_t port() const { return served_.port(); }
    Reply ask(std::string_view method, std::string_view target, const std::optional<json::object>& body = {}, Fields fields = {}) {
        return session_server_tests::ask(port(), method, target, body, fields);
    }
    void stop_traffic() { traffic_.stop(); }
    /// Logs a user in. \returns what was granted.
    json::object login(std::int64_t user = 7) { return ask("POST", "/login", json::object{{"user", user}}).body(); }
    /// What an access token is answered with.
    Reply me(const json::object& granted) { return ask("GET", "/me", {}, {{"Authorization", bearer(granted)}}); }

private:
    static server::Settings settings() {
        server::Settings settings;
        settings.users = users;
        return settings;
    }
    server::Site site(const server::Limits& limits, larder::SessionStoreOptions rules) {
        return {.sqlite = stores_.place().sqlite,
                .postgres = {},
                .redis = {},
                .secrets = server::Secrets::random(),
                .rules = std::move(rules),
                .answer_within = limits.request + std::chrono::seconds(30),
                .io = blocking_.get_executor(),
                .blocking = blocking_.get_executor()};
    }

    boost::asio::io_context context_;
    boost::asio::thread_pool blocking_{2};
    server::Stores stores_;
    std::unique_ptr<server::Service> service_;
    server::Live live_;
    server::Tiers tiers_;
    server::Traffic traffic_;
    server::Application application_;
    Served served_;
};

} // namespace session_server_tests
