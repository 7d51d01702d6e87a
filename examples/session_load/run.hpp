// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "judge.hpp"
#include "tally.hpp"
#include "wire.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace load {

/// What the program can be told.
struct Options {
    std::vector<Server> servers{};
    std::size_t clients = 32;
    double seconds = 10;
    double rate = 0;            ///< Requests a second and client; 0: as fast as it goes.
    std::int64_t users = 100;   ///< Users 1 to this log in.
    double thefts = 0.05;       ///< Share of the exchanges of a refresh token in which it has been stolen.
    std::uint64_t seed = 1;
    bool cookies = false;       ///< Whether tokens travel in cookies,
    bool bearer = true;         ///< or in the field Authorization; both: each with half of the clients.
    bool json = false;
    double idle_timeout = 1800; ///< The servers', in seconds.
};

class Client;

/// What the clients of a run share. All of them run on one thread.
struct Run {
    Run(Options told, boost::asio::any_io_executor on, Declared declared)
        : options(std::move(told)), executor(std::move(on)), judge(declared, [this](const Violation& violation) { tally.note(violation); }) {
        begin();
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    /// Time counts from now on.
    void begin() {
        began = std::chrono::steady_clock::now();
        judge.set_origin(began);
    }
    bool over() const { return stopped || std::chrono::steady_clock::now() >= began + std::chrono::duration<double>(options.seconds); }

    Options options;
    boost::asio::any_io_executor executor;
    Moment began{};
    Tally tally{};
    Judge judge;
    bool stopped = false; ///< By a signal.
    std::size_t alive = 0;///< Clients that have not come to their end.
    std::vector<Client*> clients{};
};

} // namespace load
