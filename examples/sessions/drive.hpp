// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "ledger.hpp"
#include "service.hpp"
#include "traffic.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
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

/// What came of the traffic.
struct Tally {
    std::uint64_t requests = 0;
    std::uint64_t stale = 0;   ///< Served although it had ended, or at an older version, before the request began.
    std::uint64_t wrong = 0;   ///< Served another session than the one asked for, or refused a valid one.
    std::uint64_t failed = 0;  ///< Failed,
    larder::Error failure{};   ///< for example because of this.
    Histogram latencies{};
    std::chrono::duration<double> took{};

    void fail(const larder::Error& why) {
        ++failed;
        failure = why;
    }
    void add(const Tally& other) {
        requests += other.requests;
        stale += other.stale;
        wrong += other.wrong;
        failed += other.failed;
        if (other.failure) failure = other.failure;
        latencies.add(other.latencies);
    }
};

/// One thread's traffic on a service, each answer compared with the ledger.
template <class Service>
class Client {
public:
    Client(Service& service, Ledger& ledger, Traffic& traffic, std::uint64_t seed) : service_(service), ledger_(ledger), traffic_(traffic), random_(seed) {}

    void request() {
        const auto refused = std::exchange(refused_, std::nullopt);
        const Kind kind = refused ? Kind::log_in : Traffic::kind(random_);
        const std::size_t device = refused ? *refused : traffic_.device(random_);
        const auto began = std::chrono::steady_clock::now();
        perform(kind, device);
        tally_.latencies.add(std::chrono::steady_clock::now() - began);
        ++tally_.requests;
    }

    const Tally& tally() const { return tally_; }

private:
    /// What an answer must be, as the ledger knows before the request begins.
    struct Expected {
        explicit Expected(const Credential& presented) : dead(presented.must_be_refused()), version(presented.session->version) {}
        bool dead;
        larder::Version version;
    };

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

    std::shared_ptr<Credential> credential_of(std::size_t device) {
        return Traffic::from_old_tab(random_) ? ledger_.device(device).previous() : ledger_.device(device).current();
    }

    /// Compares an answer with what was expected. \returns whether the client may go on with the session.
    bool judge(const Answer& answer, const Expected& expected, const Credential& presented, bool by_id = false) {
        if (answer.failure) {
            tally_.fail(answer.failure);
            return false;
        }
        if (!answer.accepted) {
            if (by_id ? !presented.session->may_be_ended() : !presented.may_be_refused()) ++tally_.wrong;
            return false;
        }
        if (answer.session != presented.session->id) {
            ++tally_.wrong;
            return false;
        }
        if (expected.dead || answer.version < expected.version) {
            ++tally_.stale;
            return false;
        }
        return true;
    }

    void validate(std::size_t device) {
        const auto presented = credential_of(device);
        const Expected expected(*presented);
        judge(service_.validate(*presented), expected, *presented);
        // Whoever is refused for what the device holds now logs in again.
        if (expected.dead && presented == ledger_.device(device).current()) refused_ = device;
    }

    void refresh(std::size_t device) {
        const auto presented = credential_of(device);
        const Expected expected(*presented);
        const auto opened = service_.open(*presented);
        if (!judge(opened.answer, expected, *presented)) return;
        auto fresh = ledger_.credential_after(*presented);
        presented->replacing = true;
        const Answer rotated = service_.rotate(opened, *fresh);
        if (rotated.failure) tally_.fail(rotated.failure);
        if (rotated.accepted) ledger_.rotated(device, *presented, std::move(fresh), rotated.version);
    }

    void keep_alive(std::size_t device) {
        const auto presented = ledger_.device(device).current();
        Expected expected(*presented);
        expected.dead = presented->session->ended;
        judge(service_.keep_alive(presented->session->id), expected, *presented, true);
    }

    void log_in(std::size_t device) {
        auto fresh = ledger_.credential_for(device);
        const Answer login = service_.log_in(ledger_.user_of(device), *fresh);
        if (!login.accepted) {
            tally_.fail(login.failure);
            return;
        }
        fresh->session->id = login.session;
        ledger_.device(device).take(std::move(fresh));
    }

    void log_out(std::size_t device) {
        const auto session = ledger_.device(device).current()->session;
        session->ending = true;
        if (const auto failure = service_.log_out(session->id))
            tally_.fail(failure);
        else
            session->ended = true;
    }

    void log_out_everywhere(std::size_t device) {
        const auto met = ledger_.group_end_begins(device);
        const auto failure = service_.log_out_everywhere(ledger_.user_of(device));
        ledger_.group_end_returned(device, met, !failure);
        if (failure) tally_.fail(failure);
    }

    Service& service_;
    Ledger& ledger_;
    Traffic& traffic_;
    Random random_;
    std::optional<std::size_t> refused_;
    Tally tally_;
};

/// When the traffic ends, and who is told how far it is.
struct Length {
    std::chrono::duration<double> time{};
    std::uint64_t requests = 0; ///< 0: the time counts.
    std::size_t threads = 1;
    std::uint64_t seed = 0;
    std::function<void(double share)> progress{};
};

/// Makes requests from several threads at once.
template <class Service>
Tally drive(Service& service, Ledger& ledger, Traffic& traffic, const Length& length) {
    std::vector<Client<Service>> clients;
    for (std::size_t i = 0; i < length.threads; ++i) clients.emplace_back(service, ledger, traffic, length.seed * 1000 + i);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> begun{0};
    std::atomic<std::size_t> running{length.threads};
    std::chrono::steady_clock::time_point ended;
    const auto began = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (auto& client : clients)
        threads.emplace_back([&] {
            while (!stop.load(std::memory_order_relaxed) && (length.requests == 0 || begun.fetch_add(1, std::memory_order_relaxed) < length.requests)) client.request();
            if (running.fetch_sub(1) == 1) ended = std::chrono::steady_clock::now();
        });
    while (running != 0) {
        const std::chrono::duration<double> since = std::chrono::steady_clock::now() - began;
        const double share = length.requests == 0 ? since / length.time : static_cast<double>(begun) / static_cast<double>(length.requests);
        if (length.requests == 0 && since >= length.time) stop = true;
        length.progress(std::min(share, 1.0));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    for (auto& thread : threads) thread.join();
    Tally sum;
    sum.took = ended - began;
    for (const auto& client : clients) sum.add(client.tally());
    return sum;
}

} // namespace example
