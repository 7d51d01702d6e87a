// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "fault.hpp"
#include "fleet.hpp"

#include "../redis/server.hpp"
#include "../servers/private_postgres.hpp"
#include "../servers/ways.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <signal.h>

namespace chaos {

using larder_tests::Hole;
using larder_tests::Ways;

/// Does faults to the servers and clients of a round, and ends them.
class Faults {
public:
    Faults(redis_tests::RedisServer& redis, larder_tests::PrivatePostgres& postgres, FleetOfClients& clients, Ways& ways, std::mt19937_64& random)
        : redis_(redis), postgres_(postgres), clients_(clients), ways_(ways), random_(random) {}
    Faults(const Faults&) = delete;
    Faults& operator=(const Faults&) = delete;
    /// Leaves nothing stopped.
    ~Faults() {
        for (std::size_t i = 0; i < clients_.size(); ++i) clients_.send(i, SIGCONT);
        redis_.send(SIGCONT);
        send_postgres(SIGCONT);
    }

    /// Begins a fault, unless its victim suffers from one already. \returns whether it did.
    bool begin(Fault fault) {
        Active active{{fault, pick(clients_.size()), clock_now(), 0, active_.empty()}, clock_now() + span_of(fault)};
        for (const Active& other : active_) {
            if (target_of(fault) == target_of(other.happened.fault) && (target_of(fault) < Target::client || other.happened.victim == active.happened.victim)) return false;
        }
        for (Active& other : active_) other.happened.alone = false;
        act(active.happened, true);
        active_.push_back(active);
        return true;
    }

    /// Ends those whose time is over, or all. \returns whether there was one.
    bool end_due(bool all = false) {
        const std::size_t before = active_.size();
        for (std::size_t i = 0; i < active_.size();) {
            if (!all && clock_now() < active_[i].until) {
                ++i;
                continue;
            }
            Happened happened = active_[i].happened;
            act(happened, false);
            happened.ended = clock_now();
            happened_.push_back(happened);
            active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(i));
        }
        return active_.size() != before;
    }

    std::size_t active() const noexcept { return active_.size(); }
    const std::vector<Happened>& happened() const noexcept { return happened_; }

private:
    enum class Target : std::uint8_t { redis, postgres, client, way };
    static constexpr Target target_of(Fault fault) noexcept {
        return fault < Fault::postgres_kill ? Target::redis : fault < Fault::client_kill ? Target::postgres : fault < Fault::way_swallows ? Target::client : Target::way;
    }

    struct Active {
        Happened happened;
        std::int64_t until;
    };

    std::uint64_t pick(std::uint64_t below) { return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_); }

    /// How long a fault lasts, in nanoseconds: some are over at once.
    std::int64_t span_of(Fault fault) {
        const auto between = [this](std::uint64_t least, std::uint64_t most) { return static_cast<std::int64_t>(least + pick(most - least)) * 1'000'000; };
        switch (fault) {
        case Fault::redis_reset: case Fault::redis_flush: case Fault::postgres_reset: return 0;
        case Fault::redis_kill: case Fault::client_kill: case Fault::postgres_kill: case Fault::postgres_quit: return pick(2) == 0 ? 0 : between(100, 900);
        case Fault::redis_pause: case Fault::postgres_pause: case Fault::client_pause: return between(100, 1000);
        case Fault::redis_long_pause: case Fault::postgres_long_pause: case Fault::client_long_pause: return between(1700, 2500);
        default: return between(200, 1800);
        }
    }

    void act(const Happened& happened, bool begins) {
        const int stop_or_go = begins ? SIGSTOP : SIGCONT;
        switch (happened.fault) {
        case Fault::redis_kill: begins ? redis_.stop() : redis_.start(); break;
        case Fault::redis_back:
            if (begins) {
                redis_.command("save");
            } else {
                redis_.stop();
                redis_.start();
                std::filesystem::remove(redis_.folder() + "/dump.rdb");
            }
            break;
        case Fault::redis_pause: case Fault::redis_long_pause: redis_.send(stop_or_go); break;
        case Fault::redis_reset: if (begins) redis_.command("client kill type normal"); break;
        case Fault::redis_flush: if (begins) redis_.command("flushall"); break;
        case Fault::redis_full: redis_.command(begins ? "config set maxmemory 1" : "config set maxmemory 0"); break;
        case Fault::postgres_kill: begins ? postgres_.kill() : postgres_.start(); break;
        case Fault::postgres_quit: begins ? postgres_.quit() : postgres_.start(); break;
        case Fault::postgres_pause: case Fault::postgres_long_pause: send_postgres(stop_or_go); break;
        case Fault::postgres_reset:
            if (begins) larder_tests::Stranger(postgres_.conninfo()).run("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
            break;
        case Fault::client_kill: begins ? clients_.kill(happened.victim) : clients_.start(happened.victim); break;
        case Fault::client_pause: case Fault::client_long_pause: clients_.send(happened.victim, stop_or_go); break;
        case Fault::way_swallows: ways_[happened.victim].set(begins ? Hole::both : Hole::none); break;
        case Fault::way_deaf: ways_[happened.victim].set(begins ? Hole::answers : Hole::none); break;
        }
    }

    /// To the server's first process and to those that it made; they are each on their own.
    void send_postgres(int signal) const {
        std::ifstream file(postgres_.data() + "/postmaster.pid");
        ::pid_t first = 0;
        if (!(file >> first) || first <= 1) return;
        if (signal == SIGSTOP) ::kill(first, signal);
        std::error_code gone;
        for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
            const std::string name = entry.path().filename().string();
            if (name.find_first_not_of("0123456789") == std::string::npos && parent_of(name) == first) ::kill(static_cast<::pid_t>(std::stol(name)), signal);
        }
        if (signal != SIGSTOP) ::kill(first, signal);
    }
    static ::pid_t parent_of(const std::string& process) {
        std::ifstream file("/proc/" + process + "/stat");
        std::string text;
        if (!std::getline(file, text)) return 0; // it has ended
        // The name, in brackets, may hold anything.
        const auto name_end = text.rfind(')');
        if (name_end == std::string::npos) return 0;
        std::istringstream rest(text.substr(name_end + 1));
        char state = 0;
        ::pid_t parent = 0;
        rest >> state >> parent;
        return parent;
    }

    redis_tests::RedisServer& redis_;
    larder_tests::PrivatePostgres& postgres_;
    FleetOfClients& clients_;
    Ways& ways_;
    std::mt19937_64& random_;
    std::vector<Active> active_;
    std::vector<Happened> happened_;
};

} // namespace chaos
