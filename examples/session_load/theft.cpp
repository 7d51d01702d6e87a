// SPDX-License-Identifier: BSL-1.0
#include "life.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace load {

namespace asio = boost::asio;

asio::awaitable<void> Life::conclude_theft(Heard last, std::shared_ptr<Grant> held) {
    if (last.sent && last.answer.state == "reused")
        ++run_.tally.detected;
    else if (!last.accepted())
        ++run_.tally.undecided;
    give_up();
    remember(held);
    auto seeing = see_dead(held);
    co_await std::move(seeing);
    // Nor is the newest refresh token good for anything.
    if (!held->session->family->end.certain_at(std::chrono::steady_clock::now())) co_return;
    auto asking = client_.ask(client_.request(Kind::refresh, held));
    co_await std::move(asking);
}

asio::awaitable<void> Life::robbed_late() {
    auto renewing = renew();
    co_await std::move(renewing);
    if (!client_.grant()) co_return;
    std::vector<std::shared_ptr<Grant>> stolen;
    for (const auto& grant : past_)
        if (grant->session == client_.grant()->session && grant->exchanged != 0) stolen.push_back(grant);
    if (stolen.empty()) co_return;
    ++run_.tally.thefts;
    auto thief = client_.ask(client_.request(Kind::refresh, stolen[client_.below(stolen.size())]));
    Heard heard = co_await std::move(thief);
    auto concluding = conclude_theft(std::move(heard), client_.grant());
    co_await std::move(concluding);
}

asio::awaitable<void> Life::robbed_early() {
    ++run_.tally.thefts;
    auto thief = client_.ask(client_.request(Kind::refresh, client_.grant()));
    Heard robbery = co_await std::move(thief);
    if (!robbery.grant) {
        ++run_.tally.undecided;
        if (robbery.refused()) give_up();
        co_return;
    }
    auto using_it = client_.ask(client_.request(Kind::me, robbery.grant));
    co_await std::move(using_it);
    auto victim = client_.ask(client_.request(Kind::refresh, client_.grant()));
    Heard heard = co_await std::move(victim);
    auto concluding = conclude_theft(std::move(heard), robbery.grant);
    co_await std::move(concluding);
}

asio::awaitable<void> Life::robbed_at_once() {
    ++run_.tally.thefts;
    const auto grant = client_.grant();
    const Moment began = std::chrono::steady_clock::now();
    const bool good = run_.judge.certainly_good(*grant, began);
    constexpr std::size_t most = 4;
    std::vector<Request> requests(2 + client_.below(most - 1), client_.request(Kind::refresh, grant));
    requests.push_back(client_.request(Kind::me, grant));
    auto asking = client_.ask_at_once(std::move(requests));
    const std::vector<Heard> all = co_await std::move(asking);
    std::size_t sent = 0;
    Heard loser;
    auto held = grant;
    for (const Heard& heard : all) {
        if (heard.request.kind != Kind::refresh || !heard.sent) continue;
        ++sent;
        if (heard.grant) held = heard.grant;
        if (heard.answer.state == "reused" || !loser.sent) loser = heard;
    }
    if (sent < 2) {
        ++run_.tally.undecided;
        if (held != grant) client_.grant() = held;
        co_return;
    }
    if (good) run_.judge.conclude_race(loser.request, began, std::chrono::steady_clock::now());
    auto concluding = conclude_theft(std::move(loser), held);
    co_await std::move(concluding);
}

} // namespace load
