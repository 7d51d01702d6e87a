// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/testing/sim/database_server.hpp>
#include <larder/testing/sim/network.hpp>
#include <larder/testing/sim/scheduler.hpp>
#include <larder/testing/sim/transaction.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// A process's client of the simulated database as it is in a transaction.
///
/// Reads see what the transaction has written, and wait for nobody. A write waits for its row's lock, and is seen by others from the
/// commit on. A request that is lost is `errc::database_unavailable`: nothing is committed by it.
/// \tparam Database as for the server.
template <class Entity, template <class...> class Database>
class SimDatabaseWithin {
    using Server = SimDatabaseServer<Entity, Database>;
    using Rows = Database<Entity>;
    using Session = SimSessionOf<typename Rows::Transaction>;
    using Schema = schema_of<Entity>;
    using Key = primary_key_t<Entity>;
    using Row = std::optional<Entity>;
    using Versions = std::vector<RowVersion<Entity>>;
    template <class T>
    using Reply = std::function<void(Outcome<T>)>;

public:
    static constexpr bool conditional_writes = Rows::conditional_writes;

    SimDatabaseWithin(Server& server, Actor actor, const std::shared_ptr<Session>& session) : server_(&server), actor_(actor), session_(session) {}

    template <class Handler>
    void async_load(const Key& key, ReadMode mode, Handler handler) {
        read<Row>("load", [key, mode](auto& rows) { return rows.load(key, mode); }, std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_load_by(const space_key_t<Entity, Space>& key, ReadMode mode, Handler handler) {
        read<Row>("load by " + larder::detail::describe_key<Entity, Space>(), [key, mode](auto& rows) { return rows.template load_by<Space>(key, mode); }, std::move(handler));
    }
    template <class Handler>
    void async_load_many(std::span<const Key> keys, ReadMode mode, Handler handler) {
        read<std::vector<Row>>("load many", [keys = std::vector<Key>(keys.begin(), keys.end()), mode](auto& rows) { return rows.load_many(keys, mode); }, std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_list(const space_key_t<Entity, Space>& key, Handler handler) {
        read<Versions>("list", [key](auto& rows) { return rows.template list<Space>(key); }, std::move(handler));
    }
    template <class Handler>
    void async_clock(Handler handler) {
        call<DatabaseTime>("read the clock", [](Server& server, const std::shared_ptr<Session>&, const Reply<DatabaseTime>& reply) { reply(server.clock()); }, std::move(handler));
    }

    template <class Handler>
    void async_insert(const Entity& row, Handler handler) {
        write<Entity>("insert", primary_key_of(row), WriteCondition{}, [row](auto& rows) { return rows.insert(row); }, [](const Entity& stored) { return Schema::version_of(stored); }, std::move(handler));
    }
    template <class Handler>
    void async_update(const Entity& row, Version expected, const WriteCondition& condition, Handler handler) {
        write<Version>(
            "update of v" + std::to_string(expected), primary_key_of(row), condition, [row, expected](auto& rows) { return rows.update(row, expected, WriteCondition{}); }, std::identity(), std::move(handler));
    }
    template <class Handler>
    void async_erase(const Key& key, Version expected, const WriteCondition& condition, Handler handler) {
        write<Version>(
            "erase of v" + std::to_string(expected), key, condition, [key, expected](auto& rows) { return rows.erase(key, expected, WriteCondition{}); }, std::identity(), std::move(handler));
    }
    template <std::size_t Space, class Members, class Handler>
    void async_revoke_all(const space_key_t<Entity, Space>& key, const Entity& pattern, Members members, Handler handler) {
        using Result = GroupRevocation<Entity>;
        call<Result>(
            "revoke all",
            [key, pattern, members](Server& server, const std::shared_ptr<Session>& session, const Reply<Result>& reply) {
                std::vector<Key> keys;
                auto rows = server.rows().within(session->transaction());
                if (const auto listed = rows.template list<Space>(key); listed.has_value())
                    for (const auto& row : *listed) keys.push_back(row.key);
                server.locked_for(session, std::move(keys), [&server, session, key, pattern, members, reply](const Error& refused) {
                    if (refused) return reply(refused);
                    auto inside = server.rows().within(session->transaction());
                    Outcome<Result> done = inside.template revoke_all<Space>(key, pattern, members);
                    if (done.has_value())
                        for (const auto& row : done->rows) server.wrote_in(*session, row.key, row.version);
                    reply(std::move(done));
                });
            },
            std::move(handler));
    }

private:
    template <class T, class Ask, class Handler>
    void read(std::string what, Ask ask, Handler handler) {
        call<T>(
            std::move(what),
            [ask = std::move(ask)](Server& server, const std::shared_ptr<Session>& session, const Reply<T>& reply) {
                auto rows = server.rows().within(session->transaction());
                reply(ask(rows));
            },
            std::move(handler));
    }

    /// \param version_of the version at which the row is, of what the write answers.
    template <class T, class Work, class VersionOf, class Handler>
    void write(std::string what, Key key, const WriteCondition& condition, Work work, VersionOf version_of, Handler handler) {
        call<T>(
            std::move(what),
            [key = std::move(key), condition, work = std::move(work), version_of](Server& server, const std::shared_ptr<Session>& session, const Reply<T>& reply) {
                server.locked_for(session, key, [&server, session, key, condition, work, version_of, reply](const Error& refused) {
                    if (refused) return reply(refused);
                    if (server.is_past(condition)) return reply(Error{errc::deadline_passed, "the fence had ended"});
                    auto rows = server.rows().within(session->transaction());
                    Outcome<T> done = work(rows);
                    if (done.has_value()) server.wrote_in(*session, key, version_of(*done));
                    reply(std::move(done));
                });
            },
            std::move(handler));
    }

    template <class T, class Serve, class Handler>
    void call(const std::string& what, Serve serve, Handler handler) {
        auto session = session_.lock();
        if (!session) return handler(Outcome<T>(SimSession::ended()));
        server_->network().template call<Outcome<T>>(
            actor_, "in a transaction: " + what,
            [&server = *server_, session = std::move(session), serve = std::move(serve)](auto reply) {
                if (session->open())
                    serve(server, session, Reply<T>(std::move(reply)));
                else
                    reply(Outcome<T>(SimSession::ended()));
            },
            std::move(handler), Error{errc::database_unavailable, "the database did not answer in time"}, false);
    }

    Server* server_;
    Actor actor_;
    std::weak_ptr<Session> session_; ///< Of the transaction, whose end ends it.
};

} // namespace testing
} // namespace v0
} // namespace larder
