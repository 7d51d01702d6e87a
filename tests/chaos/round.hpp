// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "board.hpp"
#include "client.hpp"
#include "fault.hpp"
#include "faults.hpp"
#include "fleet.hpp"
#include "judge.hpp"
#include "login.hpp"
#include "subject.hpp"

#include <larder/database/postgres_schema.hpp>

#include <boost/asio/thread_pool.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <time.h>

namespace chaos {

/// The servers that all rounds share.
struct Servers {
    redis_tests::RedisServer redis;
    larder_tests::PrivatePostgres postgres;
};

/// What happens in a round.
struct RoundOptions {
    const Subject* subject = nullptr;
    std::size_t clients = 4;
    std::chrono::milliseconds traffic{5000}, ttl{2000};
    std::uint64_t seed = 1;
    unsigned number = 0;
};

/// Deals faults so that each kind comes before one comes again.
class Deck {
public:
    explicit Deck(std::vector<Fault> kinds) : kinds_(std::move(kinds)) {}
    bool empty() const noexcept { return kinds_.empty(); }
    Fault next(std::mt19937_64& random) {
        if (left_.empty()) {
            left_ = kinds_;
            std::shuffle(left_.begin(), left_.end(), random);
        }
        const Fault fault = left_.back();
        left_.pop_back();
        return fault;
    }
    /// One that could not be played: it comes last of those left.
    void put_back(Fault fault) { left_.insert(left_.begin(), fault); }

private:
    std::vector<Fault> kinds_, left_;
};

/// One round: a fleet of clients under a policy with tables and keys of its own, faults, a quiet end, and the judgement.
class Round {
public:
    /// \param tick called often, with the round's share that is over; answers whether to go on.
    Round(Servers& servers, RoundOptions options, Deck& deck, std::function<bool(double)> tick)
        : servers_(servers), options_(options), deck_(deck), tick_(std::move(tick)), random_(options.seed), name_("round" + std::to_string(options.number)),
          conninfo_(servers.postgres.conninfo() + " options='-c search_path=" + name_ + "'") {}

    /// About how long a round takes that has so much time for traffic, with its beginning and its end.
    static std::chrono::milliseconds whole(std::chrono::milliseconds traffic, std::chrono::milliseconds ttl) { return std::chrono::milliseconds(600) + traffic + quiet(ttl) + std::chrono::milliseconds(600); }

    /// Unset if it was broken off.
    std::optional<Verdict> run(std::vector<Happened>& faults) {
        make_tables();
        Evidence evidence;
        evidence.current_reads = options_.subject->current_reads;
        evidence.origin = clock_now();
        evidence.longest_bound = std::chrono::nanoseconds(options_.ttl).count() + std::chrono::nanoseconds(near_delta).count();
        offset_ = wall_offset();
        std::vector<Finding> broken;
        {
            Ways ways(options_.clients, servers_.redis.port());
            FleetOfClients clients(options_.clients, board_.handle(), [&](std::size_t place, std::uint32_t incarnation, int pipe) { return arguments(place, incarnation, pipe, ways[place].port()); });
            Faults afflictions(servers_.redis, servers_.postgres, clients, ways, random_);
            const bool on = afflict(afflictions, clients, broken) && settle(clients, broken, evidence);
            if (!on) return std::nullopt;
            end_clients(clients, broken);
            clients.drain();
            evidence.calls = clients.take();
            evidence.faults = afflictions.happened();
        }
        faults.insert(faults.end(), evidence.faults.begin(), evidence.faults.end());
        read_tables(evidence);
        Verdict verdict = Judge(evidence, std::chrono::nanoseconds(near_delta).count()).judge();
        verdict.findings.insert(verdict.findings.begin(), broken.begin(), broken.end());
        return verdict;
    }

private:
    /// After which all is committed that will be, and then every bound has passed.
    static std::chrono::milliseconds commits_end() { return statement_timeout + std::chrono::milliseconds(100); }
    static std::chrono::milliseconds quiet(std::chrono::milliseconds ttl) { return commits_end() + ttl + near_delta + std::chrono::milliseconds(100); }

    void make_tables() const {
        larder_tests::Stranger(servers_.postgres.conninfo()).run("CREATE SCHEMA " + name_);
        boost::asio::thread_pool unused{1};
        larder::create_tables<Login>(larder::PostgresPool(unused.get_executor(), {.conninfo = conninfo_})).value();
        larder_tests::Stranger(conninfo_).run(R"(
            CREATE TABLE record (number bigserial, id uuid, version bigint, token text, jti text, stamp bigint, user_id bigint, revoked boolean, at timestamptz);
            CREATE FUNCTION record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO record (id, version, token, jti, stamp, user_id, revoked, at)
                    VALUES (NEW.id, NEW.version, NEW.token, NEW.jti, NEW.stamp, NEW.user_id, NEW.revoked_at IS NOT NULL, clock_timestamp());
                RETURN NULL;
            END $$;
            CREATE TRIGGER record AFTER INSERT OR UPDATE ON logins FOR EACH ROW EXECUTE FUNCTION record())");
    }

    std::vector<std::string> arguments(std::size_t place, std::uint32_t incarnation, int pipe, std::uint16_t redis) const {
        return {"chaos", "client", "--policy", std::string(options_.subject->name), "--conninfo", conninfo_, "--prefix", name_, "--redis", std::to_string(redis), "--pipe", std::to_string(pipe),
                "--board", std::to_string(board_.handle()), "--process", std::to_string(place), "--incarnation", std::to_string(incarnation), "--seed", std::to_string(options_.seed),
                "--ttl", std::to_string(options_.ttl.count())};
    }

    bool go_on() {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        const auto whole_round = std::chrono::nanoseconds(whole(options_.traffic, options_.ttl)).count();
        return tick_(std::min(1.0, static_cast<double>(clock_now() - began_) / static_cast<double>(whole_round)));
    }

    /// Traffic, with faults one after the other; sometimes two at once.
    bool afflict(Faults& faults, FleetOfClients& clients, std::vector<Finding>& broken) {
        const auto milliseconds = [this](std::int64_t least, std::int64_t most) { return std::uniform_int_distribution<std::int64_t>(least, most)(random_) * 1'000'000; };
        began_ = clock_now();
        const std::int64_t end = began_ + std::chrono::nanoseconds(options_.traffic).count();
        std::int64_t next = began_ + milliseconds(200, 400);
        bool joined = false; // by another fault, before the last one has ended
        while (clock_now() < end) {
            if (!go_on()) return false;
            if (faults.end_due() && !joined) next = clock_now() + milliseconds(250, 450);
            look_after(clients, broken);
            if (deck_.empty() || clock_now() < next || (faults.active() != 0 && !joined)) continue;
            if (faults.active() < 2) {
                const Fault fault = deck_.next(random_);
                if (!faults.begin(fault)) deck_.put_back(fault);
            }
            joined = !joined && std::uniform_int_distribution<int>(0, 2)(random_) == 0;
            next = clock_now() + milliseconds(50, 500);
        }
        faults.end_due(true);
        return true;
    }

    /// A client that ended before its time did so by a fault, or is broken.
    static void look_after(FleetOfClients& clients, std::vector<Finding>& broken) {
        for (std::size_t i = 0; i < clients.size(); ++i)
            if (const auto wrong = clients.ended(i); !wrong.empty()) broken.push_back({wrong});
    }

    /// Reads only, until everything that was written binds everybody.
    bool settle(FleetOfClients& clients, std::vector<Finding>& broken, Evidence& evidence) {
        board_->phase = Phase::settle;
        const std::int64_t end = clock_now() + std::chrono::nanoseconds(quiet(options_.ttl)).count();
        evidence.writes_ended = clock_now() + std::chrono::nanoseconds(commits_end()).count();
        while (clock_now() < end) {
            if (!go_on()) return false;
            look_after(clients, broken);
        }
        return true;
    }

    /// Every call ends, and so do the clients.
    void end_clients(FleetOfClients& clients, std::vector<Finding>& broken) {
        board_->phase = Phase::last;
        const std::int64_t end = clock_now() + std::int64_t{20} * 1'000'000'000;
        for (std::size_t i = 0; i < clients.size(); ++i) {
            while (clients.runs(i) && clock_now() < end) {
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
                look_after(clients, broken);
            }
            if (!clients.runs(i)) continue;
            broken.push_back({fmt::format("a call of process {} does not end", i)});
            clients.kill(i);
        }
    }

    /// What is to be added to the monotonic clock for the wall clock, in nanoseconds.
    static std::int64_t wall_offset() {
        ::timespec wall{};
        ::clock_gettime(CLOCK_REALTIME, &wall);
        return std::int64_t{wall.tv_sec} * 1'000'000'000 + wall.tv_nsec - clock_now();
    }

    void read_tables(Evidence& evidence) const {
        // The clocks may drift apart a little during the round.
        constexpr std::int64_t drift = 2'000'000;
        const std::int64_t offset = std::max(offset_, wall_offset()) + drift;
        larder_tests::Stranger stranger(conninfo_);
        const auto number = [](const std::string& text) { return std::stoull(text); };
        const auto row_of = [](const std::string& uuid) { return std::stoull(uuid.substr(19, 4) + uuid.substr(24), nullptr, 16); };
        stranger.each("SELECT id, version, token, jti, stamp, user_id, revoked, (extract(epoch FROM at) * 1000000)::bigint FROM record ORDER BY number", [&](const auto& cell) {
            Committed commit;
            commit.row = row_of(cell(0));
            commit.version = number(cell(1));
            commit.token = number_of(cell(2));
            commit.jti = number_of(cell(3));
            commit.stamp = number(cell(4));
            commit.user = std::stoll(cell(5));
            commit.revoked = cell(6) == "t";
            commit.earliest = std::stoll(cell(7)) * 1000 - offset;
            evidence.commits.push_back(commit);
        });
        stranger.each("SELECT id, version FROM logins", [&](const auto& cell) { evidence.last_versions[row_of(cell(0))] = number(cell(1)); });
        larder_tests::Stranger(servers_.postgres.conninfo()).run("DROP SCHEMA " + name_ + " CASCADE");
    }

    Servers& servers_;
    RoundOptions options_;
    Deck& deck_;
    std::function<bool(double)> tick_;
    std::mt19937_64 random_;
    std::string name_, conninfo_;
    SharedBoard board_;
    std::int64_t offset_ = 0, began_ = 0;
};

} // namespace chaos
