// SPDX-License-Identifier: BSL-1.0
#include "life.hpp"

#include <chrono>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <utility>
#include <vector>

namespace load {

namespace asio = boost::asio;

const Life::Choice Life::choices[] = {{800, &Life::authenticate}, {80, &Life::exchange},    {30, &Life::look},    {12, &Life::elevate},         {12, &Life::log_out},
                                      {10, &Life::end_another},   {4, &Life::end_others},   {3, &Life::end_all},  {5, &Life::end_a_strangers},  {40, &Life::present_what_ended}};

asio::awaitable<void> Life::live() {
    const auto sum = std::accumulate(std::begin(choices), std::end(choices), 0U, [](unsigned so_far, const Choice& choice) { return so_far + choice.weight; });
    while (!run_.over()) {
        Step step = &Life::log_in;
        if (client_.grant()) {
            auto drawn = static_cast<unsigned>(client_.below(sum));
            const Choice* choice = std::begin(choices);
            while (drawn >= choice->weight) drawn -= (choice++)->weight;
            step = choice->step;
        }
        auto doing = (this->*step)();
        co_await std::move(doing);
        auto resting = rest();
        co_await std::move(resting);
    }
    auto looking = look_back();
    co_await std::move(looking);
}

asio::awaitable<void> Life::rest() {
    if (run_.options.rate <= 0) co_return;
    constexpr double least = 0.5;
    const double share = least + (client_.chance(0.5) ? 1.0 : 0.0); // now shorter, now longer
    auto waiting = client_.pause(std::chrono::duration_cast<Span>(std::chrono::duration<double>(share / run_.options.rate)));
    co_await std::move(waiting);
}

void Life::remember(std::shared_ptr<Grant> grant) {
    past_.push_back(std::move(grant));
    if (past_.size() > remembered) past_.pop_front();
}

/// What it holds is good for nothing any more, or nobody knows.
void Life::give_up() {
    if (client_.grant()) remember(std::exchange(client_.grant(), nullptr));
}

asio::awaitable<void> Life::log_in() {
    client_.set_user(1 + static_cast<std::int64_t>(client_.below(static_cast<std::size_t>(run_.options.users))));
    auto asking = client_.ask(client_.request(Kind::login, nullptr));
    const Heard heard = co_await std::move(asking);
    client_.grant() = heard.grant;
    if (heard.grant || !heard.sent) co_return;
    if (!heard.answer.in_doubt()) run_.tally.trouble = "a login was refused: " + std::to_string(heard.answer.status) + " " + heard.answer.code;
    constexpr auto while_refused = std::chrono::milliseconds(20);
    auto waiting = client_.pause(while_refused);
    co_await std::move(waiting);
}

asio::awaitable<void> Life::authenticate() {
    auto asking = client_.ask(client_.request(Kind::me, client_.grant()));
    const Heard heard = co_await std::move(asking);
    if (!heard.refused()) co_return;
    // As clients do: the refresh token may be good for another.
    if (heard.answer.state == "unknown" || heard.answer.limit == "access") {
        auto renewing = renew();
        co_await std::move(renewing);
    } else {
        give_up();
    }
}

/// Exchanges the refresh token, and again if the answer is lost.
asio::awaitable<void> Life::renew() {
    constexpr int attempts = 3;
    for (int i = 0; i < attempts && client_.grant(); ++i) {
        auto asking = client_.ask(client_.request(Kind::refresh, client_.grant()));
        const Heard heard = co_await std::move(asking);
        if (heard.grant) {
            remember(std::exchange(client_.grant(), heard.grant));
            co_return;
        }
        if (heard.refused()) break;
        if (!heard.sent) co_return;
    }
    give_up();
}

asio::awaitable<void> Life::exchange() {
    Step step = &Life::renew;
    if (client_.chance(run_.options.thefts)) {
        static constexpr Step thefts[] = {&Life::robbed_late, &Life::robbed_early, &Life::robbed_at_once};
        step = thefts[client_.below(std::size(thefts))];
    }
    auto doing = (this->*step)();
    co_await std::move(doing);
}

asio::awaitable<void> Life::look() {
    auto asking = client_.ask(client_.request(Kind::list, client_.grant()));
    const Heard heard = co_await std::move(asking);
    if (heard.refused()) give_up();
}

asio::awaitable<void> Life::elevate() {
    auto asking = client_.ask(client_.request(Kind::elevate, client_.grant()));
    const Heard heard = co_await std::move(asking);
    if (heard.grant) {
        remember(std::exchange(client_.grant(), heard.grant));
        if (client_.chance(0.2)) {
            auto seeing = see_dead(past_.back());
            co_await std::move(seeing);
        }
    } else if (heard.refused()) {
        give_up();
    }
}

/// Ends what it holds, and perhaps more. Where the answer is lost it goes on with what it holds, as clients do.
asio::awaitable<void> Life::leave(Kind kind) {
    auto asking = client_.ask(client_.request(kind, client_.grant()));
    const Heard heard = co_await std::move(asking);
    if (!heard.accepted() && !heard.refused()) co_return;
    give_up();
    if (!heard.accepted() || !client_.chance(0.3)) co_return;
    auto seeing = see_dead(past_.back());
    co_await std::move(seeing);
}

asio::awaitable<void> Life::log_out() {
    auto leaving = leave(Kind::logout);
    co_await std::move(leaving);
}

asio::awaitable<void> Life::end_all() {
    auto leaving = leave(Kind::end_all);
    co_await std::move(leaving);
}

asio::awaitable<void> Life::end_others() {
    auto asking = client_.ask(client_.request(Kind::end_others, client_.grant()));
    const Heard heard = co_await std::move(asking);
    if (heard.refused()) give_up();
}

asio::awaitable<void> Life::end_another() {
    auto looking = client_.ask(client_.request(Kind::list, client_.grant()));
    const Heard seen = co_await std::move(looking);
    if (seen.refused()) give_up();
    if (!seen.accepted() || seen.answer.sessions.empty()) co_return;
    Request request = client_.request(Kind::end_one, client_.grant());
    request.target = run_.judge.session(client_.user(), seen.answer.sessions[client_.below(seen.answer.sessions.size())].handle);
    if (!request.target) co_return; // begun by somebody else than this program
    auto asking = client_.ask(std::move(request));
    const Heard heard = co_await std::move(asking);
    if (heard.refused()) give_up();
}

asio::awaitable<void> Life::end_a_strangers() {
    Client& stranger = *run_.clients[client_.below(run_.clients.size())];
    if (!stranger.grant() || stranger.user() == client_.user()) co_return;
    Request request = client_.request(Kind::end_foreign, client_.grant());
    request.target = stranger.grant()->session;
    auto asking = client_.ask(std::move(request));
    const Heard heard = co_await std::move(asking);
    if (heard.refused()) give_up();
}

asio::awaitable<void> Life::present_what_ended() {
    if (past_.empty()) co_return;
    const auto grant = past_[client_.below(past_.size())];
    const Moment now = std::chrono::steady_clock::now();
    if (grant->access_certain() <= now) ++run_.tally.ghosts;
    // The refresh token of a session that goes on, or was replaced, would end the family.
    const bool harmless = grant->session->family->end.certain_at(now) || (grant->session->end.certain_at(now) && !grant->session->replacing);
    constexpr double share = 0.3;
    auto asking = client_.ask(client_.request(harmless && client_.chance(share) ? Kind::refresh : Kind::me, grant));
    co_await std::move(asking);
}

/// Presents what is said to have ended: at once, and after its bound everywhere.
asio::awaitable<void> Life::see_dead(std::shared_ptr<Grant> grant) {
    auto at_once = client_.ask(client_.request(Kind::me, grant));
    co_await std::move(at_once);
    const Moment certain = grant->access_certain(), now = std::chrono::steady_clock::now();
    if (certain == Moment::max() || certain - now > longest_wait) co_return;
    if (certain > now) {
        auto waiting = client_.pause(certain - now);
        co_await std::move(waiting);
    }
    for (std::size_t i = 0; i < 2 * run_.options.servers.size() && !run_.over(); ++i) {
        run_.tally.ghosts += certain <= std::chrono::steady_clock::now();
        auto asking = client_.ask(client_.request(Kind::me, grant));
        co_await std::move(asking);
    }
}

/// After the end of the run: presents once more what has ended.
asio::awaitable<void> Life::look_back() {
    constexpr std::size_t most = 8;
    for (std::size_t i = 0; i < most && i < past_.size() && !run_.stopped; ++i) {
        const auto& grant = past_[past_.size() - 1 - i];
        if (grant->access_certain() > std::chrono::steady_clock::now()) continue;
        ++run_.tally.ghosts;
        auto asking = client_.ask(client_.request(Kind::me, grant), true);
        co_await std::move(asking);
    }
}

} // namespace load
