// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/memory_table.hpp>
#include <larder/error.hpp>
#include <larder/observe/event.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>

namespace larder {
inline namespace v0 {

/// An operation on an in-memory database, as its hook sees it.
struct MemoryOperation {
    std::string_view table;                  ///< The table of the entity that was asked.
    QueryKind kind = QueryKind::load;        ///< What was asked.
    bool done = false;                       ///< False before it begins, true once it has taken effect.
};

/// What in-memory tables may be given from outside.
struct MemoryOptions {
    /// The database's own clock. Empty: time stands still, and no write is ever past its deadline.
    std::function<DatabaseTime()> clock = {};
    /// Called before each operation, and again after each one that succeeded, with no lock held; a failure that it answers
    /// is the operation's answer. So it counts operations, delays or interleaves them, and makes them fail: before
    /// (nothing was changed) or after (it took effect and the answer was lost). Called from any thread.
    std::function<Error(const MemoryOperation&)> hook = {};
};

/// The store of in-memory databases: a tiny in-process server that keeps the tables of many entities, so that embedded
/// rows and foreign keys are found. A cheap handle: copies share the tables, which live as long as any of them.
///
/// Safe from any thread: one lock guards all tables.
class MemoryTables {
public:
    /// Makes a store without rows.
    explicit MemoryTables(MemoryOptions options) : state_(std::make_shared<State>(std::move(options))) {}
    MemoryTables() : MemoryTables(MemoryOptions{}) {}

private:
    template <class Entity>
    friend class MemoryDatabase;
    friend class MemoryTransaction;

    struct State {
        explicit State(MemoryOptions given) : options(std::move(given)) {}

        /// The table of an entity, made on first use. \pre the lock is held.
        template <entity Entity>
        detail::MemoryTable<Entity>& table() {
            auto& slot = tables[typeid(Entity)];
            if (!slot) {
                auto made = std::make_shared<detail::MemoryTable<Entity>>();
                slot = made;
                detail::for_each_embed<Entity>([&]<std::size_t Embed>() { connect<Entity, Embed>(*made); });
                return *made;
            }
            return *static_cast<detail::MemoryTable<Entity>*>(slot.get());
        }

        template <entity Entity, std::size_t Embed>
        void connect(detail::MemoryTable<Entity>& parents) {
            using Relation = detail::relation_t<Entity, Embed>;
            auto& children = table<typename Relation::Child>();
            if constexpr (Relation::enforced)
                children.add_referrer([&parents](const auto& child) { return parents.template referring_to<Embed>(child) != nullptr; });
        }

        const MemoryOptions options;
        std::mutex mutex;
        std::unordered_map<std::type_index, std::shared_ptr<void>> tables;
        std::uint64_t commits = 0; ///< How often something was changed.
    };

    std::shared_ptr<State> state_;
};

} // namespace v0
} // namespace larder
