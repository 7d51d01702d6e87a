// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/memory.hpp>
#include <larder/testing/sim/database_server.hpp>
#include <larder/testing/sim/database_within.hpp>
#include <larder/testing/sim/network.hpp>
#include <larder/testing/sim/scheduler.hpp>
#include <larder/testing/sim/transaction.hpp>

#include <concepts>
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

namespace detail {

/// The type of a simulated database's transactions, if what keeps its rows has any.
template <class Rows>
struct SimTransactions {};
template <class Rows>
    requires requires { typename Rows::Transaction; }
struct SimTransactions<Rows> {
    using Transaction = SimTransaction<typename Rows::Transaction>;
};

} // namespace detail

/// A process's client of the simulated database. It has transactions if the database that keeps the rows has.
///
/// \tparam Database as for the server.
template <class Entity, template <class...> class Database = MemoryDatabase>
class BasicSimDatabase : public detail::SimTransactions<Database<Entity>> {
    using Server = SimDatabaseServer<Entity, Database>;
    using Rows = Database<Entity>;
    using Schema = schema_of<Entity>;
    using Key = primary_key_t<Entity>;
    template <class T>
    using Reply = std::function<void(Outcome<T>)>;

public:
    struct Config {
        Server* server = nullptr;
        Actor actor;
    };

    static constexpr bool conditional_writes = Rows::conditional_writes;
    static constexpr bool replicas = true;

    explicit BasicSimDatabase(Config config) : server_(*config.server), actor_(config.actor) {}

    template <class Handler>
    void async_load(const Key& key, ReadMode mode, Handler handler) {
        read<std::optional<Entity>>(
            mode == ReadMode::settled ? "settled load" : mode == ReadMode::recent ? "load at a replica" : "load",
            [key, mode](Server& server, Reply<std::optional<Entity>> reply) {
                const auto answer = [&server, key, mode, reply] {
                    auto row = mode == ReadMode::recent ? server.at_replica(key) : server.rows().load(key, ReadMode::plain);
                    server.note((mode == ReadMode::recent ? "load at a replica -> " : mode == ReadMode::settled ? "settled load -> " : "load -> ") + text_of(row));
                    reply(std::move(row));
                };
                if (mode == ReadMode::settled)
                    server.locked(key, [answer](const std::function<void()>& unlock) {
                        answer();
                        unlock();
                    });
                else
                    answer();
            },
            std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_load_by(const space_key_t<Entity, Space>& key, ReadMode mode, Handler handler) {
        read<std::optional<Entity>>(
            "load by " + larder::detail::describe_key<Entity, Space>(),
            [key, mode](Server& server, Reply<std::optional<Entity>> reply) {
                auto row = server.rows().template load_by<Space>(key, ReadMode::plain);
                server.note("load by " + larder::detail::describe_key<Entity, Space>() + " -> " + text_of(row));
                if (mode == ReadMode::plain || row.has_error() || !*row) {
                    reply(std::move(row));
                    return;
                }
                // A settled read locks the row that it found, and reads again once it has the lock.
                server.locked(primary_key_of(**row), [&server, key, reply](const std::function<void()>& unlock) {
                    reply(server.rows().template load_by<Space>(key, ReadMode::plain));
                    unlock();
                });
            },
            std::move(handler));
    }
    template <class Handler>
    void async_load_many(std::span<const Key> keys, ReadMode, Handler handler) {
        read<std::vector<std::optional<Entity>>>(
            "load many", [keys = std::vector<Key>(keys.begin(), keys.end())](Server& server, Reply<std::vector<std::optional<Entity>>> reply) { reply(server.rows().load_many(keys, ReadMode::plain)); },
            std::move(handler));
    }
    template <std::size_t Space, class Handler>
        requires requires(Rows& rows, const space_key_t<Entity, Space>& key) { rows.template list<Space>(key); }
    void async_list(const space_key_t<Entity, Space>& key, Handler handler) {
        read<std::vector<RowVersion<Entity>>>(
            "list", [key](Server& server, Reply<std::vector<RowVersion<Entity>>> reply) { reply(server.rows().template list<Space>(key)); }, std::move(handler));
    }
    template <auto EmbedMember, class ChildKey, class Handler>
        requires requires(Rows& rows, const ChildKey& key) { rows.template parents_of<EmbedMember>(key); }
    void async_parents_of(const ChildKey& key, Handler handler) {
        read<std::vector<RowVersion<Entity>>>(
            "list the parents", [key](Server& server, Reply<std::vector<RowVersion<Entity>>> reply) {
                server.note("list the parents");
                reply(server.rows().template parents_of<EmbedMember>(key));
            },
            std::move(handler));
    }
    template <class Handler>
        requires requires(Rows& rows, const Key& key) { rows.load_version(key); }
    void async_load_version(const Key& key, Handler handler) {
        read<std::optional<Version>>(
            "probe the version", [key](Server& server, Reply<std::optional<Version>> reply) { reply(server.rows().load_version(key)); }, std::move(handler));
    }
    template <std::size_t Space, class Handler>
        requires requires(Rows& rows, const space_key_t<Entity, Space>& key) { rows.template load_epoch<Space>(key); }
    void async_load_epoch(const space_key_t<Entity, Space>& key, Handler handler) {
        read<std::uint64_t>(
            "read the epoch", [key](Server& server, Reply<std::uint64_t> reply) { reply(server.rows().template load_epoch<Space>(key)); }, std::move(handler));
    }
    template <class Handler>
    void async_clock(Handler handler) {
        read<DatabaseTime>(
            "read the clock", [](Server& server, Reply<DatabaseTime> reply) { reply(server.clock()); }, std::move(handler));
    }

    template <class Handler>
    void async_insert(const Entity& row, Handler handler) {
        write<Entity>(
            "insert",
            [row](Server& server, Reply<Entity> reply) {
                server.locked(primary_key_of(row), [&server, row, reply](const std::function<void()>& unlock) {
                    server.commit_later([&server, row, reply, unlock] {
                        auto stored = server.rows().insert(row);
                        if (stored.has_value()) {
                            server.note("commit: insert v1");
                            server.committed(primary_key_of(*stored), &*stored, Schema::version_of(*stored));
                        }
                        unlock();
                        reply(std::move(stored));
                    });
                });
            },
            std::move(handler));
    }
    template <class Handler>
    void async_update(const Entity& row, Version expected, const WriteCondition& condition, Handler handler) {
        write<Version>(
            "update of v" + std::to_string(expected),
            [row, expected, condition](Server& server, Reply<Version> reply) {
                statement(server, primary_key_of(row), expected, condition, reply, [&server, row, expected](const Reply<Version>& done) {
                    auto version = server.rows().update(row, expected, WriteCondition{});
                    if (version.has_value()) {
                        server.note("commit: v" + std::to_string(*version));
                        tell(server, primary_key_of(row), *version);
                    }
                    done(std::move(version));
                });
            },
            std::move(handler));
    }
    template <class Handler>
    void async_erase(const Key& key, Version expected, const WriteCondition& condition, Handler handler) {
        write<Version>(
            "erase of v" + std::to_string(expected),
            [key, expected, condition](Server& server, Reply<Version> reply) {
                statement(server, key, expected, condition, reply, [&server, key, expected](const Reply<Version>& done) {
                    auto version = server.rows().erase(key, expected, WriteCondition{});
                    if (version.has_value()) {
                        server.note("commit: erased, v" + std::to_string(*version));
                        server.committed(key, nullptr, *version);
                    }
                    done(std::move(version));
                });
            },
            std::move(handler));
    }
    template <std::size_t Space, class Members, class Handler>
        requires requires(Rows& rows, const space_key_t<Entity, Space>& key, const Entity& row, Members members) { rows.template revoke_all<Space>(key, row, members); }
    void async_revoke_all(const space_key_t<Entity, Space>& key, const Entity& pattern, Members members, Handler handler) {
        write<GroupRevocation<Entity>>(
            "revoke all",
            [key, pattern, members](Server& server, Reply<GroupRevocation<Entity>> reply) {
                // The statement takes the locks of the group's rows, one after the other, and keeps them until it has committed.
                std::vector<Key> rows;
                if (const auto listed = server.rows().template list<Space>(key); listed.has_value())
                    for (const auto& row : *listed) rows.push_back(row.key);
                server.locked_all(std::move(rows), [&server, key, pattern, members, reply](const std::function<void()>& unlock) {
                    server.commit_later([&server, key, pattern, members, reply, unlock] {
                        auto outcome = server.rows().template revoke_all<Space>(key, pattern, members);
                        if (outcome.has_value()) {
                            server.note("commit: revoked " + std::to_string(outcome->rows.size()) + " rows of a group");
                            for (const auto& each : outcome->rows) tell(server, each.key, each.version);
                        }
                        unlock();
                        reply(std::move(outcome));
                    });
                });
            },
            std::move(handler));
    }

    /// Waits for the row's lock, as any write does, and others see it from its commit on.
    template <class Handler>
        requires touches_rows<Rows, Entity>
    void async_touch(const Key& key, WallTime moment, Handler handler) {
        write<bool>(
            "touch",
            [key, moment](Server& server, Reply<bool> reply) {
                server.locked(key, [&server, key, moment, reply](const std::function<void()>& unlock) {
                    server.commit_later([&server, key, moment, reply, unlock] {
                        auto moved = server.rows().touch(key, moment);
                        if (moved.has_value() && *moved) {
                            server.note("commit: touched");
                            tell(server, key, *server.version_of(key));
                        }
                        unlock();
                        reply(std::move(moved));
                    });
                });
            },
            std::move(handler));
    }
    template <auto Member, class Handler>
        requires requires(Rows& rows, bare_value_t<larder::detail::member_t<Member>> moment) { rows.template list_due<Member>(moment, 1); }
    void async_list_due(bare_value_t<larder::detail::member_t<Member>> moment, std::int64_t most, Handler handler) {
        read<std::vector<RowVersion<Entity>>>(
            "list what is due", [moment, most](Server& server, Reply<std::vector<RowVersion<Entity>>> reply) { reply(server.rows().template list_due<Member>(moment, most)); }, std::move(handler));
    }

    template <class Handler>
        requires transactional<Rows, Entity>
    void async_begin(Isolation isolation, Handler handler) {
        using Begun = SimTransaction<typename Rows::Transaction>;
        read<Begun>(
            "begin",
            [isolation, actor = actor_](Server& server, const Reply<Begun>& reply) {
                auto begun = server.rows().begin(isolation);
                if (begun.has_error()) return reply(begun.error());
                reply(Begun(server, actor, std::make_shared<typename Begun::Session>(server, std::move(*begun))));
            },
            std::move(handler));
    }
    template <class Underlying>
    bool takes(const SimTransaction<Underlying>& transaction) const {
        return transaction.session() && server_.rows().takes(transaction.session()->transaction());
    }
    template <class Underlying>
    SimDatabaseWithin<Entity, Database> within(SimTransaction<Underlying>& transaction) const {
        return {server_, actor_, transaction.session()};
    }

private:
    static std::string text_of(const Outcome<std::optional<Entity>>& row) {
        if (row.has_error()) return "error";
        return *row ? "v" + std::to_string(Schema::version_of(**row)) : "absent";
    }

    /// Others get to know of a row as it is now.
    static void tell(Server& server, const Key& key, Version version) {
        const auto row = server.rows().load(key, ReadMode::plain);
        if (row.has_value() && *row) server.committed(key, &**row, version);
    }

    /// A conditional statement: takes the lock, judges, and commits a while later.
    template <class Commit>
    static void statement(Server& server, const Key& key, Version expected, const WriteCondition& condition, Reply<Version> reply, Commit commit) {
        server.locked(key, [&server, key, expected, condition, reply, commit](const std::function<void()>& unlock) {
            const auto current = server.version_of(key);
            if (server.is_past(condition)) {
                reply(Error{errc::deadline_passed, "the fence had ended"});
                unlock();
                return;
            }
            if (!current || *current != expected) {
                reply(current ? Error{errc::version_conflict, "the row moved on"} : Error{errc::no_such_row, "the row is gone"});
                unlock();
                return;
            }
            server.commit_later([unlock, reply, commit] {
                commit([&](Outcome<Version> outcome) {
                    unlock();
                    reply(std::move(outcome));
                });
            });
        });
    }

    template <class T, class Serve, class Handler>
    void read(std::string what, Serve serve, Handler handler) {
        call<T>(std::move(what), std::move(serve), std::move(handler), Error{errc::database_unavailable, "the database did not answer in time"});
    }
    template <class T, class Serve, class Handler>
    void write(std::string what, Serve serve, Handler handler) {
        call<T>(std::move(what), std::move(serve), std::move(handler), Error{errc::outcome_unknown, "the database did not answer in time"});
    }
    template <class T, class Serve, class Handler>
    void call(std::string what, Serve serve, Handler handler, Error lost) {
        server_.network().template call<Outcome<T>>(
            actor_, std::move(what), [&server = server_, serve = std::move(serve)](auto reply) { serve(server, Reply<T>(std::move(reply))); }, std::move(handler), std::move(lost), false);
    }

    Server& server_;
    Actor actor_;
};

/// The simulated database over `MemoryDatabase`.
template <class Entity>
class SimDatabase : public BasicSimDatabase<Entity> {
public:
    using BasicSimDatabase<Entity>::BasicSimDatabase;
};

} // namespace testing
} // namespace v0
} // namespace larder
