// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"
#include "judge.hpp"
#include "run.hpp"
#include "wire.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace load {

/// What a client heard of a request.
struct Heard {
    bool sent = false; ///< Else the time was over before any server could be reached.
    Answer answer{};
    std::shared_ptr<Grant> grant{}; ///< Tokens that it was given.
    Request request{};

    bool accepted() const { return sent && answer.accepted(); }
    bool refused() const { return sent && answer.unauthorized(); }
};

/// Somebody with a browser or a telephone: asks servers for things, one at a time or several at once, each time one of the servers.
class Client {
public:
    Client(Run& run, std::size_t number);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Asks any of the servers that can be reached, waiting for one until the run is over. \param after_the_end whether to go on after that, but without waiting.
    boost::asio::awaitable<Heard> ask(Request request, bool after_the_end = false);
    /// Asks for several things at once.
    boost::asio::awaitable<std::vector<Heard>> ask_at_once(std::vector<Request> requests);
    /// Lets a time pass, or what is left of the run if that is less.
    boost::asio::awaitable<void> pause(Span span);

    Request request(Kind kind, std::shared_ptr<Grant> grant) const;

    /// \name Chance, the same in each run with the same seed
    /// @{
    bool chance(double share) { return std::uniform_real_distribution<double>(0, 1)(random_) < share; }
    std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }
    /// @}

    Run& run() noexcept { return run_; }
    /// The session that it has; null: none.
    std::shared_ptr<Grant>& grant() noexcept { return grant_; }
    std::int64_t user() const noexcept { return user_; }
    void set_user(std::int64_t user) noexcept { user_ = user; }

private:
    std::unique_ptr<Wire> take_wire(std::size_t server);
    Wire::Message message_of(const Request& request) const;

    Run& run_;
    std::mt19937_64 random_;
    bool in_cookies_;
    std::int64_t user_ = 0;
    std::shared_ptr<Grant> grant_;
    std::vector<std::vector<std::unique_ptr<Wire>>> wires_; ///< Of each server, those that nobody uses just now.
    std::vector<Moment> away_until_;                        ///< A server that could not be reached is left alone for a while.
};

} // namespace load
