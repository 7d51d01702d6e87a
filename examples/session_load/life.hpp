// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "client.hpp"
#include "run.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>

namespace load {

/// What a client does as long as the run lasts: it logs in as somebody, is authenticated many times, exchanges its refresh token, looks at its sessions,
/// proves more, ends a session or several, is robbed, and begins again. Now and then it presents what has ended.
class Life {
public:
    /// \param number of the client, from 0.
    Life(Run& run, std::size_t number) : client_(run, number), run_(run) { run.clients.push_back(&client_); }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;

    boost::asio::awaitable<void> live();

private:
    using Step = boost::asio::awaitable<void> (Life::*)();
    static constexpr std::size_t remembered = 24;
    static constexpr auto longest_wait = std::chrono::seconds(3); ///< For a bound to pass.

    struct Choice {
        unsigned weight;
        Step step;
    };
    static const Choice choices[];

    /// \name Steps
    /// @{
    boost::asio::awaitable<void> log_in();
    boost::asio::awaitable<void> authenticate();
    boost::asio::awaitable<void> exchange();
    boost::asio::awaitable<void> look();
    boost::asio::awaitable<void> elevate();
    boost::asio::awaitable<void> log_out();
    boost::asio::awaitable<void> end_another();
    boost::asio::awaitable<void> end_others();
    boost::asio::awaitable<void> end_all();
    boost::asio::awaitable<void> end_a_strangers();
    boost::asio::awaitable<void> present_what_ended();
    /// @}

    /// \name Thefts of the refresh token
    /// @{
    boost::asio::awaitable<void> robbed_late();  ///< The thief presents a token that the client has exchanged before.
    boost::asio::awaitable<void> robbed_early(); ///< The thief exchanges it before the client does.
    boost::asio::awaitable<void> robbed_at_once(); ///< Both do at the same time.
    /// What follows once the theft is seen: both are out.
    boost::asio::awaitable<void> conclude_theft(Heard last, std::shared_ptr<Grant> held);
    /// @}

    boost::asio::awaitable<void> renew();
    boost::asio::awaitable<void> leave(Kind kind);
    boost::asio::awaitable<void> see_dead(std::shared_ptr<Grant> grant);
    boost::asio::awaitable<void> look_back();
    boost::asio::awaitable<void> rest();
    void give_up();
    void remember(std::shared_ptr<Grant> grant);

    Client client_;
    Run& run_;
    std::deque<std::shared_ptr<Grant>> past_; ///< What it held before.
};

} // namespace load
