// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/postgres_group.hpp>
#include <larder/environment.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {
class PostgresSession;
} // namespace detail

/// Where a PostgreSQL server is and how its connections are used.
///
/// What is left empty is libpq's to say: its defaults and its environment variables. A host given by name is looked up by
/// libpq, which blocks the executor for as long as that takes.
struct PostgresOptions {
    /// A connection string ("host=... dbname=..." or "postgresql://..."), for TLS, several hosts and whatever else libpq knows.
    std::string conninfo = {};
    std::string host = {}; ///< A host, an address, or the folder of a unix socket; as all that follow, it goes before what `conninfo` says.
    std::uint16_t port = 0;
    std::string dbname = {};
    std::string user = {};
    std::string password = {};

    /// How many connections plain reads share, 1 to 1000. Each carries any number of them at once, so a few serve many callers.
    std::size_t readers = 2;
    /// How many connections share what may wait for a lock, which are writes and settled reads, 1 to 1000. One that waits holds up those
    /// behind it on its connection.
    std::size_t writers = 4;
    /// How many units of work there may be at once, 1 to 1000, each on a connection of its own; more wait.
    std::size_t units = 4;
    /// How long a unit of work may pause between two operations before the server rolls it back, 1 ms or more.
    std::chrono::milliseconds unit_pause = std::chrono::seconds(10);

    /// How long connecting may take, 1 ms or more.
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
    /// After how long the server gives a statement up, 1 ms or more (`errc::timed_out`; nothing was changed).
    std::chrono::milliseconds statement_timeout = std::chrono::seconds(5);
    /// How long an operation waits for its answer, connecting included, 1 ms or more; noticed up to an eighth of it later, and up to 1 ms. A read then fails with `errc::timed_out`, a write
    /// that was sent with `errc::outcome_unknown`; so let it be longer than `statement_timeout`, by what the network may take.
    std::chrono::milliseconds answer_timeout = std::chrono::seconds(7);
    /// How long no new connection is tried after one failed: the least, doubled at each further failure up to the most.
    std::chrono::milliseconds least_rest = std::chrono::milliseconds(20);
    std::chrono::milliseconds most_rest = std::chrono::seconds(2);

    /// The largest text or byte string that is written or looked up, in bytes, 1 or more; a larger one is `errc::value_too_large`.
    std::size_t max_value_bytes = std::size_t{16} << 20;
    /// A source of random numbers, 64 bits each, from any thread; empty: the machine's.
    std::function<std::uint64_t()> random = {};
};

/// Connections to a PostgreSQL server (14 or newer), shared by the databases of all entities kept there. A cheap handle: copies share
/// the connections, which are opened when they are needed and end with the last copy.
///
/// All input and output happens on the executor, without blocking and without a thread of the pool's own; many callers share a
/// connection, whose requests are pipelined. The executor's context outlives the pool and the operations under way. Thread-safe.
/// Operations under way keep the executor at work; idle connections do not. A handle must not be carried across `fork`.
///
/// A repository's blocking verbs wait for the executor, so they must be called on threads that do not run it: on its only thread such a verb waits for itself, for
/// ever, since its time limit is kept there too. Statements stay prepared for as
/// long as a connection lasts, so a proxy between must keep each connection on one server's session.
class PostgresPool {
public:
    /// \throws Failure `errc::invalid_options`. Nothing is connected yet.
    PostgresPool(boost::asio::any_io_executor executor, PostgresOptions options = {}) : PostgresPool(std::move(executor), std::move(options), Error()) {
        if (auto wrong = state_->open()) throw Failure(std::move(wrong));
    }

    /// The same without exceptions.
    static Outcome<PostgresPool> open(boost::asio::any_io_executor executor, PostgresOptions options = {}) {
        PostgresPool pool(std::move(executor), std::move(options), Error());
        if (auto wrong = pool.state_->open()) return wrong;
        return pool;
    }

    /// Where everything happens.
    boost::asio::any_io_executor executor() const { return state_->executor; }
    const PostgresOptions& options() const noexcept { return state_->options; }

    /// Ends all connections. What is under way fails, a write that was sent with `errc::outcome_unknown`; later operations fail
    /// with `errc::stopped`.
    void close() const {
        state_->readers->close();
        state_->writers->close();
        state_->units->close();
    }

private:
    template <class Entity>
    friend class PostgresDatabase;
    template <class Entity>
    friend class PostgresOutbox;
    friend class detail::PostgresSession;
    friend class PostgresTransaction;

    struct State {
        boost::asio::any_io_executor executor;
        PostgresOptions options;
        detail::PostgresTarget target;
        std::shared_ptr<detail::PostgresGroup> readers, writers, units;

        State(boost::asio::any_io_executor where, PostgresOptions how) : executor(std::move(where)), options(std::move(how)) {}
        State(const State&) = delete;
        State& operator=(const State&) = delete;
        ~State() {
            for (const auto& group : {readers, writers, units})
                if (group) group->abandon();
        }

        Error open() {
            constexpr auto longest = std::chrono::milliseconds(std::numeric_limits<int>::max());
            for (const auto& [name, span] : {std::pair{"connect_timeout", options.connect_timeout}, std::pair{"statement_timeout", options.statement_timeout},
                                             std::pair{"answer_timeout", options.answer_timeout}, std::pair{"least_rest", options.least_rest}, std::pair{"most_rest", options.most_rest},
                                             std::pair{"unit_pause", options.unit_pause}})
                if (span < std::chrono::milliseconds(1) || span > longest) return wrong(name);
            if (options.readers == 0 || options.readers > 1000) return wrong("readers");
            if (options.writers == 0 || options.writers > 1000) return wrong("writers");
            if (options.units == 0 || options.units > 1000) return wrong("units");
            if (options.max_value_bytes == 0 || options.max_value_bytes > std::size_t{1} << 29) return wrong("max_value_bytes");
            if (!options.random) options.random = [] { return SystemEnvironment<Unobserved>().random(); };
            std::string asked;
            if (auto invalid = read_conninfo(asked)) return invalid;
            fill_target(asked);
            readers = group(target, options.readers, false);
            writers = group(target, options.writers, true);
            auto pausing = target;
            pausing.parameters.back().second += " -c idle_in_transaction_session_timeout=" + std::to_string(options.unit_pause.count());
            units = group(std::move(pausing), options.units, true);
            return {};
        }

    private:
        struct Unobserved {
            template <class Event>
            void on(const Event&) const noexcept {}
        };

        static Error wrong(const char* option) { return {errc::invalid_options, std::string("PostgresOptions::") + option + " is out of its range"}; }

        /// Checks the connection string, and takes the server options that it asks for. What libpq says of it may tell a part of it.
        Error read_conninfo(std::string& asked) {
            char* said = nullptr;
            const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parts(PQconninfoParse(options.conninfo.c_str(), &said), &PQconninfoFree);
            PQfreemem(said);
            if (!parts) return {errc::invalid_options, "PostgresOptions::conninfo is no connection string that libpq understands"};
            for (const auto* part = parts.get(); part->keyword; ++part)
                if (std::string(part->keyword) == "options" && part->val) asked = part->val;
            return {};
        }

        void fill_target(const std::string& asked) {
            auto& list = target.parameters;
            target.connect_timeout = options.connect_timeout;
            if (!options.conninfo.empty()) list.emplace_back("dbname", options.conninfo);
            if (!options.host.empty()) list.emplace_back("host", options.host);
            if (options.port != 0) list.emplace_back("port", std::to_string(options.port));
            if (!options.dbname.empty()) list.emplace_back("dbname", options.dbname);
            if (!options.user.empty()) list.emplace_back("user", options.user);
            if (!options.password.empty()) list.emplace_back("password", options.password);
            list.emplace_back("client_encoding", "UTF8");
            // What the statements rely on: each sees what was committed when it began, and moments without a zone are in UTC.
            list.emplace_back("options", asked + " -c default_transaction_isolation=read\\ committed -c TimeZone=UTC -c statement_timeout=" + std::to_string(options.statement_timeout.count()));
        }

        std::shared_ptr<detail::PostgresGroup> group(detail::PostgresTarget place, std::size_t connections, bool apart) const {
            return std::make_shared<detail::PostgresGroup>(
                executor, detail::PostgresGroupSettings{std::move(place), connections, apart, options.answer_timeout, options.least_rest, options.most_rest, options.random});
        }
    };

    PostgresPool(boost::asio::any_io_executor executor, PostgresOptions options, Error) : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}

    void submit(detail::PostgresCallPtr call) const {
        auto& group = call->request.may_wait() ? *state_->writers : *state_->readers;
        group.submit(std::move(call));
    }

    std::shared_ptr<State> state_;
};

} // namespace v0
} // namespace larder
