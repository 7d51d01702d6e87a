// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/environment.hpp>
#include <larder/observe/metrics.hpp>
#include <larder/observe/snapshot.hpp>
#include <larder/policy/hybrid.hpp>
#include <larder/policy/versioned.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/assignments.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/options.hpp>
#include <larder/repository/stack.hpp>
#include <larder/session/session.hpp>
#include <larder/testing/manual_environment.hpp>

#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

/// What the tests of sessions share: users and sessions in a database, and repositories over it.
namespace session_tests {

using namespace std::chrono_literals;

/// Clocks stand still until a test moves them; what happens is counted.
using Environment = larder::testing::BasicManualEnvironment<larder::Metrics>;

/// A database in memory.
struct InMemory {
    template <class Entity>
    using Database = larder::MemoryDatabase<Entity>;
    using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
    larder::MemoryTables tables;
};

/// A SQLite database.
struct InSqlite {
    template <class Entity>
    using Database = larder::SqliteDatabase<Entity>;
    using Stack = larder::Stack<larder::MemoryCache, larder::SqliteDatabase>;

    explicit InSqlite(const std::string& path = ":memory:", larder::SqliteOptions options = {}) : tables(path, std::move(options)) {
        larder::create_tables<larder::Session>(tables).value();
    }
    larder::SqliteFile tables;
};

/// What a revocation sets besides.
inline auto because(larder::EndReason why) { return larder::set<&larder::Session::revoked_why>(why); }

template <class PolicyType, class PlaceType>
struct World {
    using Policy = PolicyType;
    using Place = PlaceType;
    using Sessions = larder::SessionRepository<typename Place::Stack, Policy, Environment>;
    using Users = larder::CachedRepository<larder::User, typename Place::Stack, larder::WriteThrough, Environment>;

    explicit World(Place where = Place{}, larder::Options chosen = standard_options()) : place(std::move(where)), options(std::move(chosen)) {}

    static larder::Options standard_options() {
        larder::Options options;
        options.touch_interval = 1min;
        options.sole_writer = true;
        return options;
    }

    larder::TimePoint now() const { return std::chrono::time_point_cast<larder::TimePoint::duration>(larder::WallTime(environment.wall_now())); }

    std::int64_t add_user(const std::string& name) { return users.insert({.email = name + "@example.org", .username = name}).or_throw().key(); }

    /// A session with the refresh token "refresh <name>" and the jti "jti <name>".
    larder::Session session(std::int64_t user, const std::string& name) const {
        larder::Session made;
        made.user_id = user;
        made.refresh_token = hash("refresh " + name);
        made.jti = "jti " + name;
        made.created_at = made.last_seen_at = now();
        made.access_expires_at = now() + 15min;
        made.refresh_expires_at = now() + 24h;
        made.ip_address = "192.0.2.1";
        made.user_agent = "test";
        return made;
    }

    /// Exchanges the refresh token and the jti of one name for those of another, if the session has them still.
    larder::Written<larder::Session> rotate(const larder::Uuid& id, const std::string& from, const std::string& to, Sessions& where) const {
        return where.update(id, [&](larder::Session& session) {
            if (!(session.refresh_token == hash("refresh " + from))) return false;
            session.refresh_token = hash("refresh " + to);
            session.jti = "jti " + to;
            return true;
        });
    }
    larder::Written<larder::Session> rotate(const larder::Uuid& id, const std::string& from, const std::string& to) { return rotate(id, from, to, sessions); }

    larder::Found<larder::Session> by_jti(const std::string& name) { return sessions.template find_by<&larder::Session::jti>("jti " + name); }
    larder::Found<larder::Session> by_token(const std::string& name) { return sessions.template find_by<&larder::Session::refresh_token>(hash("refresh " + name)); }

    /// What the sessions' repository has counted.
    larder::MetricsSnapshot counted() const { return environment.observer().snapshot(); }

    /// What it counts while `work` runs.
    template <class Work>
    larder::MetricsSnapshot count(Work work) {
        const auto before = counted();
        work();
        return counted() - before;
    }

    Place place;
    larder::Options options;
    larder::HashKey hash{"the key of the keyed hash"};
    Environment environment;
    Users users{{{}, place.tables}, options};
    Sessions sessions{{{}, place.tables}, options, {}, environment};
};

using Probing = larder::Versioned<larder::row_probe>;
using ByEpoch = larder::Versioned<larder::group_epoch>;
using ByRevision = larder::Versioned<larder::schema_constant>;

/// Every policy over each database.
#define ALL_SESSION_WORLDS                                                                                                                                         \
    session_tests::World<larder::Hybrid, session_tests::InMemory>, session_tests::World<larder::WriteThrough, session_tests::InMemory>,                           \
        session_tests::World<larder::WriteThroughUnfenced, session_tests::InMemory>, session_tests::World<session_tests::Probing, session_tests::InMemory>,       \
        session_tests::World<session_tests::ByEpoch, session_tests::InMemory>, session_tests::World<session_tests::ByRevision, session_tests::InMemory>,          \
        session_tests::World<larder::Hybrid, session_tests::InSqlite>, session_tests::World<larder::WriteThrough, session_tests::InSqlite>,                       \
        session_tests::World<larder::WriteThroughUnfenced, session_tests::InSqlite>, session_tests::World<session_tests::Probing, session_tests::InSqlite>,       \
        session_tests::World<session_tests::ByEpoch, session_tests::InSqlite>, session_tests::World<session_tests::ByRevision, session_tests::InSqlite>

/// Some of them: each way of reading and of writing, and each database.
#define SOME_SESSION_WORLDS                                                                                                                                        \
    session_tests::World<larder::Hybrid, session_tests::InMemory>, session_tests::World<larder::WriteThrough, session_tests::InSqlite>,                           \
        session_tests::World<session_tests::Probing, session_tests::InSqlite>, session_tests::World<session_tests::ByEpoch, session_tests::InMemory>

} // namespace session_tests
