// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "board.hpp"
#include "call.hpp"
#include "login.hpp"

#include <larder/cache/redis.hpp>
#include <larder/database/postgres.hpp>
#include <larder/larder.hpp>

#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace chaos {

/// What a client process is told.
struct ClientOptions {
    std::string policy;
    std::string conninfo;    ///< Of its database.
    std::string prefix;      ///< Of its keys in Redis.
    std::uint16_t redis = 0; ///< The port of its way to Redis.
    int pipe = -1, board = -1;
    std::uint32_t process = 0;    ///< Its place in the fleet.
    std::uint32_t incarnation = 0;///< How many processes were started before it.
    std::uint64_t seed = 0;
    std::int64_t ttl = 2000; ///< In milliseconds.
};

/// Bounds that clients and their judge share. They are short so that a fault can outlast each of them.
inline constexpr std::chrono::milliseconds fence_for{1500}, near_delta{300}, statement_timeout{700};
/// Threads of a process that make calls; each is a client of its own.
inline constexpr std::uint32_t workers = 2;

inline larder::RedisOptions redis_options(const ClientOptions& told) {
    larder::RedisOptions options;
    options.port = told.redis;
    options.prefix = told.prefix;
    options.timeout = std::chrono::milliseconds(200);
    options.connect_timeout = std::chrono::milliseconds(500);
    options.longest_pause = std::chrono::milliseconds(200);
    options.heartbeat = std::chrono::milliseconds(25);
    options.near_delta = near_delta;
    return options;
}

inline larder::PostgresOptions postgres_options(const ClientOptions& told) {
    larder::PostgresOptions options;
    options.conninfo = told.conninfo;
    options.connect_timeout = std::chrono::seconds(1);
    options.statement_timeout = statement_timeout;
    options.answer_timeout = std::chrono::milliseconds(1000);
    options.most_rest = std::chrono::milliseconds(200);
    return options;
}

inline larder::Options repository_options(const ClientOptions& told) {
    larder::Options options;
    options.ttl = std::chrono::milliseconds(told.ttl);
    options.negative_ttl = std::chrono::milliseconds(500);
    options.lease_for = std::chrono::milliseconds(800);
    options.fence_for = fence_for;
    return options;
}

template <class Policy>
using Fleet = larder::CachedRepository<Login, larder::Stack<larder::MemoryCache, larder::RedisCache, larder::PostgresDatabase>, Policy>;

/// One thread that makes calls, and tells of each.
///
/// \tparam Reads \tparam Writes the repositories for them; the same one but in the control.
template <class Reads, class Writes>
class Worker {
public:
    Worker(const ClientOptions& told, Board& board, Reads& reads, Writes& writes, std::uint32_t index)
        : told_(told), board_(board), reads_(reads), writes_(writes), client_(told.incarnation * workers + index), random_(told.seed * 7919 + client_) {}

    void run() {
        while (board_.phase != Phase::last) {
            act();
            std::this_thread::sleep_for(std::chrono::microseconds(pick(2000)));
        }
        // The first client of each process asks for everything.
        if (client_ % workers != 0) return;
        const std::uint64_t last = board_.last_row;
        for (std::uint64_t row = 1; row <= last; ++row) {
            const auto seen = find(row);
            if (!seen.found) continue;
            find_by_token(seen.token);
            find_by_jti(seen.jti);
        }
    }

private:
    using Result = larder::Written<Login>;

    std::uint64_t pick(std::uint64_t below) { return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_); }

    void act() {
        const std::size_t place = pick(Board::slots);
        auto& slot = board_.slot[place];
        const std::uint64_t row = slot.row;
        const auto choice = pick(1000);
        const bool writes = board_.phase == Phase::traffic;
        if (writes && row == 0) {
            insert(place);
        } else if (writes && choice < 120) {
            rotate(slot, row);
        } else if (writes && choice < 135) {
            revoke(row);
        } else if (writes && choice < 139) {
            revoke_all(Board::user_of(place));
        } else if (choice < 450) {
            if (const Call seen = find(row); seen.revoked && writes && pick(3) == 0) insert(place);
        } else if (choice < 700) {
            find_by_token(slot.token);
        } else if (choice < 900) {
            find_by_jti(slot.jti);
        } else if (const std::uint64_t old = board_.old_tokens[pick(Board::kept)]; old != 0) {
            find_by_token(old);
        }
    }

    Call begin(Kind kind, std::uint64_t asked) {
        Call call;
        call.number = call_number(client_, ++count_);
        call.process = told_.process;
        call.client = client_;
        call.kind = kind;
        call.asked = asked;
        call.began = clock_now();
        return call;
    }
    void announce(const Call& call) const { tell(told_.pipe, call); }
    void fail(Call& call, const larder::Error& error) const {
        call.end = error == larder::errc::outcome_unknown ? End::unknown : error == larder::errc::revoked ? End::refused : End::failed;
        error.text.copy(call.text.data(), call.text.size() - 1);
    }

    template <class Ask>
    Call read(Call call, const Ask& ask) {
        announce(call);
        const larder::Found<Login> found = ask();
        call.ended = clock_now();
        if (found.failed()) {
            fail(call, found.error());
        } else {
            call.end = End::done;
            call.level = static_cast<std::uint8_t>(found.source());
            call.stale = found.stale() != larder::StaleCause::none;
            call.revoked = found.absence() == larder::Absence::revoked;
            if (found.row()) {
                call.found = true;
                call.row = number_of(found.row()->id);
                call.version = found.version();
                call.token = number_of(found.row()->token);
                call.jti = number_of(found.row()->jti);
            }
        }
        announce(call);
        return call;
    }
    Call find(std::uint64_t row) {
        return read(begin(Kind::find, row), [&] { return reads_.find(id_of(row)); });
    }
    Call find_by_token(std::uint64_t token) {
        return read(begin(Kind::find_by_token, token), [&] { return reads_.template find_by<&Login::token>(token_of(token)); });
    }
    Call find_by_jti(std::uint64_t jti) {
        return read(begin(Kind::find_by_jti, jti), [&] { return reads_.template find_by<&Login::jti>(jti_of(jti)); });
    }

    template <class Ask>
    Call write(Call call, const Ask& ask) {
        announce(call);
        const Result written = ask();
        call.ended = clock_now();
        if (written.failed()) {
            fail(call, written.error());
        } else {
            call.end = End::done;
            call.version = written.version();
            call.changed = written.changed();
            call.bound = written.pending().count();
        }
        announce(call);
        return call;
    }

    void rotate(Board::Slot& slot, std::uint64_t row) {
        Call call = begin(Kind::rotate, row);
        call.row = row;
        const auto which = pick(4);
        if (which != 0) call.token = ++board_.last_code;
        if (which <= 1) call.jti = ++board_.last_code;
        const auto ended = write(call, [&] {
            return writes_.update(id_of(row), [call](Login& login) {
                if (call.token != 0) login.token = token_of(call.token);
                if (call.jti != 0) login.jti = jti_of(call.jti);
                login.stamp = call.number;
            });
        });
        if (ended.end != End::done) return;
        if (call.token != 0) board_.retire_token(slot.token.exchange(call.token));
        if (call.jti != 0) slot.jti = call.jti;
    }

    void revoke(std::uint64_t row) {
        Call call = begin(Kind::revoke, row);
        call.row = row;
        write(call, [&] { return writes_.revoke(id_of(row), larder::set<&Login::stamp>(call.number)); });
    }

    void revoke_all(std::int64_t user) {
        Call call = begin(Kind::revoke_all, static_cast<std::uint64_t>(user));
        announce(call);
        const auto written = writes_.template revoke_all_by<&Login::user_id>(user, larder::set<&Login::stamp>(call.number));
        call.ended = clock_now();
        if (written.failed()) {
            fail(call, written.error());
        } else {
            call.end = End::done;
            call.rows = written.rows();
            call.bound = written.pending().count();
        }
        announce(call);
    }

    void insert(std::size_t place) {
        Call call = begin(Kind::insert, ++board_.last_row);
        call.row = call.asked;
        call.token = ++board_.last_code;
        call.jti = ++board_.last_code;
        Login login;
        login.id = id_of(call.row);
        login.user_id = Board::user_of(place);
        login.token = token_of(call.token);
        login.jti = jti_of(call.jti);
        login.stamp = call.number;
        login.expires_at = larder::TimePoint(std::chrono::hours(24 * 365 * 100));
        if (write(call, [&] { return writes_.insert(login); }).end != End::done) return;
        auto& slot = board_.slot[place];
        slot.row = call.row;
        slot.token = call.token;
        slot.jti = call.jti;
    }

    const ClientOptions& told_;
    Board& board_;
    Reads& reads_;
    Writes& writes_;
    std::uint32_t client_;
    std::uint64_t count_ = 0;
    std::mt19937_64 random_;
};

template <class Reads, class Writes>
void work(const ClientOptions& told, Board& board, Reads& reads, Writes& writes) {
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < workers; ++i) threads.emplace_back([&, i] { Worker(told, board, reads, writes, i).run(); });
    for (auto& thread : threads) thread.join();
}

/// A client process under a policy, until it is told to end.
template <class Policy>
void run_client(const ClientOptions& told) {
    const SharedBoard board(told.board);
    boost::asio::thread_pool io{2};
    const larder::RedisConnection redis(io.get_executor(), redis_options(told));
    const larder::PostgresPool postgres(io.get_executor(), postgres_options(told));
    Fleet<Policy> logins({{.max_entries = 1000}, redis, postgres}, repository_options(told));
    work(told, *board, logins, logins);
}

} // namespace chaos
