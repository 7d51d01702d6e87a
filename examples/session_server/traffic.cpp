// SPDX-License-Identifier: BSL-1.0
#include "traffic.hpp"

#include "store_answers.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace server {

namespace asio = boost::asio;

namespace {

/// How many sessions a client has at a time, and how long it pauses after so many requests.
constexpr std::size_t sessions_of_a_client = 64;
constexpr std::size_t requests_in_a_row = 8;
constexpr auto pause = std::chrono::milliseconds(4);

/// How many of 10,000 requests are not authentications.
constexpr int rotations = 150;
constexpr int elevations = 10;
constexpr int logouts = 60;
constexpr int logouts_everywhere = 4;
constexpr int thefts = 2;

/// A session, as its client knows it.
struct Held {
    std::int64_t user = 0; ///< 0: none.
    larder::Uuid handle{};
    std::string access{};
    std::string refresh{};
};

/// One client.
class Life {
public:
    Life(Service& service, Events& events, std::int64_t users, std::uint64_t seed) : service_(service), events_(events), users_(users), random_(seed), held_(sessions_of_a_client) {}

    Awaitable<void> one_request() {
        Held& held = held_[skewed(held_.size())];
        if (held.user == 0) {
            co_await log_in(held);
            co_return;
        }
        int chance = std::uniform_int_distribution(0, 9999)(random_);
        const auto is = [&](int share) { return (chance -= share) < 0; };
        if (is(rotations)) {
            co_await rotate(held);
        } else if (is(elevations)) {
            co_await elevate(held);
        } else if (is(logouts)) {
            co_await service_.revoke(held.handle);
            held = {};
        } else if (is(logouts_everywhere)) {
            const auto ended = co_await service_.revoke_all(held.user);
            if (ended) events_.add_some("logged_out_everywhere", fmt::format("user {}: {} ended", held.user, sessions_in_words(ended.count())));
            held = {};
        } else if (is(thefts)) {
            co_await steal(held);
        } else {
            auto asking = service_.authenticate(held.access);
            const auto answer = co_await std::move(asking);
            if (!answer && !answer.failed()) held = {};
        }
    }

private:
    Awaitable<void> log_in(Held& held) {
        const auto user = static_cast<std::int64_t>(skewed(static_cast<std::size_t>(users_))) + 1;
        larder::Login order{.user_id = user, .ip_address = fmt::format("192.0.2.{}", user % 254 + 1), .user_agent = "demonstration"};
        auto beginning = service_.login(std::move(order));
        const auto granted = co_await std::move(beginning);
        take(held, granted, user);
    }
    Awaitable<void> rotate(Held& held) {
        auto rotating = service_.rotate(held.refresh);
        const auto granted = co_await std::move(rotating);
        if (!granted.failed()) take(held, granted, held.user);
    }
    Awaitable<void> elevate(Held& held) {
        const auto granted = co_await service_.elevate(held.handle);
        if (!granted.failed()) take(held, granted, held.user);
    }
    /// Somebody exchanges a copy of the token before its owner does.
    Awaitable<void> steal(Held& held) {
        const std::string stolen = held.refresh;
        co_await rotate(held);
        auto presenting = service_.rotate(stolen);
        const auto found_out = co_await std::move(presenting);
        if (found_out.state() == larder::SessionState::reused)
            events_.add_some("token_reused", fmt::format("user {}: a stolen refresh token was presented, {} ended", held.user, sessions_in_words(found_out.ended())));
        held = {};
    }
    static void take(Held& held, const larder::Granted& granted, std::int64_t user) {
        held = {};
        if (granted) held = {user, granted.handle(), std::string(granted.secrets().access.reveal()), std::string(granted.secrets().refresh.reveal())};
    }

    /// A number below a bound; small ones are much more frequent.
    std::size_t skewed(std::size_t bound) {
        const double part = std::uniform_real_distribution(0.0, 1.0)(random_);
        return std::min(static_cast<std::size_t>(static_cast<double>(bound) * std::pow(part, 3)), bound - 1);
    }

    Service& service_;
    Events& events_;
    std::int64_t users_;
    std::mt19937_64 random_;
    std::vector<Held> held_;
};

} // namespace

Traffic::Traffic(asio::io_context& context, Service& service, Events& events, std::int64_t users) : context_(context), service_(service), events_(events), users_(users) {}

void Traffic::set(std::size_t clients) {
    const std::scoped_lock lock(mutex_);
    if (stopped_) return;
    wanted_ = std::min(clients, most);
    while (running_ < wanted_) asio::co_spawn(asio::make_strand(asio::any_io_executor(context_.get_executor())), live(running_++), asio::detached);
}

void Traffic::stop() {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    wanted_ = 0;
}

/// Whether the last one may go, unless more were asked for meanwhile.
bool Traffic::leave(std::size_t number) {
    const std::scoped_lock lock(mutex_);
    if (number < wanted_ || number + 1 != running_) return false;
    --running_;
    return true;
}

Awaitable<void> Traffic::live(std::size_t number) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor);
    Life life(service_, events_, users_, std::random_device()());
    do {
        for (std::size_t i = 0; number < wanted_ && i < requests_in_a_row; ++i) co_await life.one_request();
        timer.expires_after(pause);
        auto waiting = timer.async_wait(asio::as_tuple(asio::use_awaitable));
        co_await std::move(waiting);
    } while (!leave(number));
}

} // namespace server
