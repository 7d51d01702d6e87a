// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "ledger.hpp"
#include "processes.hpp"
#include "service.hpp"
#include "traffic.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace example {

/// Latencies, each within a sixteenth of the exact one.
class Histogram {
public:
    void add(std::chrono::nanoseconds took) { ++counts_[place(static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0)))]; }
    void add(const Histogram& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    }
    std::chrono::nanoseconds quantile(double share) const {
        std::uint64_t all = 0;
        for (const auto count : counts_) all += count;
        std::uint64_t left = static_cast<std::uint64_t>(share * static_cast<double>(all));
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (counts_[i] > left) return std::chrono::nanoseconds(value(i));
            left -= counts_[i];
        }
        return {};
    }

private:
    static constexpr unsigned fine = 3; // bits below the leading one

    static std::size_t place(std::uint64_t time) {
        if (time < (1U << fine)) return static_cast<std::size_t>(time);
        const auto shift = static_cast<unsigned>(std::bit_width(time)) - 1 - fine;
        return ((shift + 1) << fine) + static_cast<std::size_t>((time >> shift) & ((1U << fine) - 1));
    }
    static std::int64_t value(std::size_t place) {
        if (place < (1U << fine)) return static_cast<std::int64_t>(place);
        const auto shift = (place >> fine) - 1;
        return static_cast<std::int64_t>((((1U << fine) + (place & ((1U << fine) - 1))) << shift) + ((std::uint64_t{1} << shift) >> 1));
    }

    std::array<std::uint64_t, (64 - fine + 1) << fine> counts_{};
};

/// What came of the traffic. Can be shared.
struct Tally {
    std::uint64_t requests = 0;
    std::uint64_t stale = 0;        ///< Served although it had ended, or at an older version, before the request began.
    std::uint64_t within_bound = 0; ///< The same, but what had changed it was pending still.
    std::uint64_t wrong = 0;        ///< Served another session than the one asked for, or refused a valid one.
    std::uint64_t failed = 0;       ///< Failed,
    SharedText failure{};           ///< for example because of this.
    Histogram latencies{};
    double per_second = 0;          ///< Requests.

    void fail(const std::string& why) {
        ++failed;
        failure.set(why);
    }
    void add(const Tally& other) {
        requests += other.requests;
        stale += other.stale;
        within_bound += other.within_bound;
        wrong += other.wrong;
        failed += other.failed;
        if (!other.failure.empty()) failure = other.failure;
        latencies.add(other.latencies);
        per_second += other.per_second;
    }
};

/// One thread's traffic on a service, each answer compared with the ledger.
class Client {
public:
    Client(Service& service, Ledger& ledger, const Traffic& traffic, Control& control, std::uint64_t seed) : service_(service), ledger_(ledger), traffic_(traffic), control_(control), random_(seed) {}

    void request() {
        const auto refused = std::exchange(refused_, std::nullopt);
        const Kind kind = refused ? Kind::log_in : Traffic::kind(random_);
        const std::size_t device = refused ? *refused : traffic_.device(random_, control_.position);
        served_ = {};
        try {
            perform(kind, device);
        } catch (const std::exception& failed) {
            tally_.fail(failed.what());
        }
        tally_.latencies.add(served_);
        ++tally_.requests;
    }

    const Tally& tally() const { return tally_; }

private:
    void perform(Kind kind, std::size_t device) {
        switch (kind) {
        case Kind::validate: return validate(device);
        case Kind::refresh: return refresh(device);
        case Kind::keep_alive: return keep_alive(device);
        case Kind::log_in: return log_in(device);
        case Kind::log_out: return log_out(device);
        case Kind::log_out_everywhere: return log_out_everywhere(device);
        }
    }

    /// Calls the service, and takes the time.
    template <class Call>
    auto timed(Call call) {
        const auto began = std::chrono::steady_clock::now();
        auto answer = call();
        served_ += std::chrono::steady_clock::now() - began;
        return answer;
    }
    void fail(const larder::Error& why) { tally_.fail(why.code.message() + ": " + why.text); }

    /// When a write that has just returned holds for everyone.
    static Moment holds_from(larder::Duration pending) { return std::chrono::steady_clock::now() + std::chrono::ceil<Moment::duration>(pending); }

    Presented held_by(std::size_t device) { return Traffic::from_old_tab(random_) ? ledger_.previous(device) : ledger_.current(device); }

    /// Compares an answer with what was expected. \returns whether the client may go on with the session.
    bool judge(const Answer& answer, const Expected& expected, const Presented& presented, bool by_token = true) {
        if (answer.failure) {
            fail(answer.failure);
            return false;
        }
        if (!answer.accepted) {
            if (!ledger_.may_be_refused(presented, by_token)) ++tally_.wrong;
            return false;
        }
        if (answer.session != presented.session()) {
            ++tally_.wrong;
            return false;
        }
        if (expected.acknowledged.allows(answer.version)) return true;
        ++(expected.holds.allows(answer.version) ? tally_.within_bound : tally_.stale);
        return false;
    }

    void validate(std::size_t device) {
        const auto presented = held_by(device);
        const auto expected = ledger_.expected(presented, true);
        judge(timed([&] { return service_.validate(presented); }), expected, presented);
        // Whoever is refused for what the device holds now logs in again.
        if (expected.acknowledged.dead && presented.place() == ledger_.current(device).place()) refused_ = device;
    }

    void refresh(std::size_t device) {
        const auto presented = held_by(device);
        const auto expected = ledger_.expected(presented, true);
        const auto opened = timed([&] { return service_.open(presented); });
        if (!judge(opened.answer, expected, presented)) return;
        const auto fresh = ledger_.begin_rotation(presented);
        const auto rotated = timed([&] { return service_.rotate(opened, fresh); });
        if (rotated.failure) fail(rotated.failure);
        if (rotated.accepted) ledger_.rotated(device, presented, fresh, rotated.version, holds_from(rotated.pending));
    }

    void keep_alive(std::size_t device) {
        const auto presented = ledger_.current(device);
        const auto expected = ledger_.expected(presented, false);
        judge(timed([&] { return service_.keep_alive(presented.session()); }), expected, presented, false);
    }

    void log_in(std::size_t device) {
        const auto fresh = ledger_.begin_login(device);
        const auto login = timed([&] { return service_.log_in(ledger_.user_of(device), fresh); });
        if (login.accepted)
            ledger_.logged_in(device, fresh, login.session, login.version, holds_from(login.pending));
        else
            fail(login.failure);
    }

    void log_out(std::size_t device) {
        const auto presented = ledger_.current(device);
        ledger_.begin_end(presented);
        const auto ended = timed([&] { return service_.log_out(presented.session()); });
        if (ended.failure)
            fail(ended.failure);
        else
            ledger_.ended(presented, holds_from(ended.pending));
    }

    void log_out_everywhere(std::size_t device) {
        const auto met = ledger_.group_end_begins(device);
        const auto ended = timed([&] { return service_.log_out_everywhere(ledger_.user_of(device)); });
        if (ended.failure)
            fail(ended.failure);
        else
            ledger_.group_ended(met, holds_from(ended.pending));
        ledger_.group_end_returned(device);
    }

    Service& service_;
    Ledger& ledger_;
    const Traffic& traffic_;
    Control& control_;
    Random random_;
    std::optional<std::size_t> refused_;
    std::chrono::nanoseconds served_{};
    Tally tally_;
};

/// Makes requests in one process, from several threads at once, until it is told to stop or so many requests were begun in all
/// (0: any number).
inline Tally drive(Service& service, Ledger& ledger, const Traffic& traffic, Control& control, std::size_t threads, std::uint64_t requests, std::uint64_t seed) {
    std::vector<Client> clients;
    for (std::size_t i = 0; i < threads; ++i) clients.emplace_back(service, ledger, traffic, control, seed + i);
    control.meet();
    const auto began = std::chrono::steady_clock::now();
    std::vector<std::thread> running;
    for (auto& client : clients)
        running.emplace_back([&] {
            while (!control.stop.load(std::memory_order_relaxed) && (requests == 0 || control.begun.fetch_add(1, std::memory_order_relaxed) < requests)) client.request();
        });
    for (auto& thread : running) thread.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    Tally sum;
    for (const auto& client : clients) sum.add(client.tally());
    sum.per_second = static_cast<double>(sum.requests) / took.count();
    return sum;
}

} // namespace example
