// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/sim/database.hpp>
#include <larder/testing/sim/parts.hpp>

#include <utility>

namespace simulation {

/// What a database does not do that the session store rests on.
enum class Lacks {
    nothing,
    conditions, ///< An update does not ask whether the row is still at the version that it was read at.
    isolation,  ///< A transaction goes on although others have changed what it has read.
    touches,    ///< Uses are not written.
};

/// The simulated database without something. Which is said once for all of a thread, so that it is compiled once.
template <class Entity>
class BrokenDatabase : public larder::testing::BasicSimDatabase<Entity> {
    using Base = larder::testing::BasicSimDatabase<Entity>;

public:
    using Config = typename Base::Config;
    static inline thread_local Lacks lacks = Lacks::nothing;

    explicit BrokenDatabase(Config config) : Base(config), server_(*config.server) {}

    template <class Handler>
    void async_update(const Entity& row, larder::Version expected, const larder::WriteCondition& condition, Handler handler) {
        const auto current = server_.version_of(larder::primary_key_of(row));
        Base::async_update(row, lacks == Lacks::conditions && current ? *current : expected, condition, std::move(handler));
    }
    template <class Handler>
    void async_touch(const larder::primary_key_t<Entity>& key, larder::WallTime moment, Handler handler) {
        if (lacks == Lacks::touches) return handler(larder::Outcome<bool>(true));
        Base::async_touch(key, moment, std::move(handler));
    }
    template <class Handler>
    void async_begin(larder::Isolation isolation, Handler handler) {
        Base::async_begin(lacks == Lacks::isolation ? larder::Isolation::rows : isolation, std::move(handler));
    }

private:
    larder::testing::SimDatabaseServer<Entity>& server_;
};

/// What a run over such a database is composed of.
struct BrokenParts : larder::testing::SimParts<> {
    using Backend = larder::Stack<Cache, BrokenDatabase>;
};

} // namespace simulation
