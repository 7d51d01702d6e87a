// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../../examples/sessions/beginnings.hpp"
#include "../../examples/sessions/service.hpp"
#include "../harness.hpp"

#include <larder/entity/hashed.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace bench {

/// What each database begins with, and what the clients hold.
struct Beginning {
    static constexpr std::size_t users = 2'000, sessions = 20'000;

    Beginning() { rows.enter(clients); }

    larder::HashKey hash{"a key for measuring"};
    example::Beginnings rows{users, sessions, 1};
    example::Ledger clients{users, sessions};
};

inline constexpr auto request = "one request: refresh token, then jti", log_out = "log out everywhere, ten thousand sessions";

/// Makes a service with empty caches.
using Make = std::function<std::unique_ptr<example::Service>()>;

/// A service, and what makes it, which has what the service needs to its end.
struct Made {
    Make make;
    std::unique_ptr<example::Service> service{};
};

/// Registers the request of sessions that were asked for before, and of such as were not. \param stores what the rows of the table are called after.
inline void add_requests(const Beginning& beginning, const std::string& stores, const std::string& subject, const Make& make) {
    struct Asked : Made {
        std::size_t next = 0;
    };
    const auto open = [&beginning](example::Service& service, std::size_t device) {
        const auto opened = service.open(beginning.clients.current(device));
        if (!opened.answer.accepted) throw std::runtime_error("a good session is refused: " + opened.answer.failure.text);
    };
    /// Asks for session after session, the first again after the last.
    const auto measure = [open](Asked& asked, std::size_t sessions, benchmark::State& state) {
        const auto before = asked.service->counters().queries;
        for (auto _ : state) open(*asked.service, asked.next++ % sessions);
        state.counters["queries"] = benchmark::Counter(static_cast<double>(asked.service->counters().queries - before) / static_cast<double>(state.iterations()));
    };

    add(request, "again, " + stores, subject, [=, asked = std::make_shared<Asked>(Asked{{make}})](benchmark::State& state) {
        constexpr std::size_t known = 1'000;
        if (!asked->service) {
            asked->service = asked->make();
            for (std::size_t device = 0; device < known; ++device) open(*asked->service, device);
        }
        measure(*asked, known, state);
    })->UseRealTime();

    constexpr std::size_t at_a_time = 1'000;
    add(request, "first, " + stores, subject, [=, asked = std::make_shared<Asked>(Asked{{make}})](benchmark::State& state) {
        if (!asked->service || asked->next + at_a_time > Beginning::sessions) {
            asked->service.reset();
            asked->service = asked->make();
            asked->next = 0;
        }
        measure(*asked, Beginning::sessions, state);
    })->UseRealTime()->Iterations(at_a_time);
}

void add_sessions_on_sqlite(const Beginning& beginning);
void add_sessions_on_servers(const Beginning& beginning);

} // namespace bench
