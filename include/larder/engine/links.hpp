// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/tier_path.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

template <auto Member>
struct parents_of_method {
    static constexpr std::string_view name = "parents_of";
    template <class Backend, class... Args>
    static auto run(Backend& backend, Args&... args) -> decltype(backend.template parents_of<Member>(args...)) {
        return backend.template parents_of<Member>(args...);
    }
    template <class Backend, class Completion, class... Args>
    static void start(Backend& backend, Completion done, Args&... args) {
        backend.template async_parents_of<Member>(args..., std::move(done));
    }
};

/// Adds the alternate keys of a row.
template <class Entity>
void add_aliases_of(KeySet<Entity>& keys, const Entity& row) {
    [&]<std::size_t... Alias>(std::index_sequence<Alias...>) {
        (
            [&] {
                if (auto key = key_of<Alias + 1>(row)) keys.template in<Alias + 1>().push_back(std::move(*key));
            }(),
            ...);
    }(std::make_index_sequence<schema_of<Entity>::unique_count>{});
}

/// Lists the parents that embed a row and drops their copies, and then those of the rows that embed the parents. \returns whether
/// that was done.
template <auto Member, class Parent, class ChildKey>
Task<bool> expel_parents(std::shared_ptr<Parent> parent, Driver& driver, ChildKey child) {
    using Entity = typename Parent::Entity;
    auto operation = Request<parents_of_method<Member>, Outcome<std::vector<RowVersion<Entity>>>, const ChildKey&>{{child}};
    auto listed = parent->query(QueryKind::list, driver, std::move(operation));
    const auto rows = co_await listed;
    if (rows.has_error()) {
        parent->hide(Level::database, "listing the rows that embed a changed row", rows.error());
        co_return false;
    }
    KeySet<Entity> keys;
    for (const auto& row : *rows) keys.template in<0>().push_back(row.key);
    bool aliases_known = true;
    if constexpr (Parent::Authority::outlives_process && Parent::Policy::caches_rows && schema_of<Entity>::unique_count != 0) {
        // Another process may be loading a parent through an alias: only the alias's lease can tell it that the load is too old.
        for (std::size_t from = 0; from < rows->size(); from += parent->options.batch_size) {
            const std::size_t count = std::min(parent->options.batch_size, rows->size() - from);
            const std::vector<typename Parent::Key> some(keys.template in<0>().begin() + static_cast<std::ptrdiff_t>(from), keys.template in<0>().begin() + static_cast<std::ptrdiff_t>(from + count));
            auto asked = parent->query(QueryKind::load_many, driver, Parent::Ops::load_many(some, ReadMode::plain));
            const auto loaded = co_await asked;
            if (loaded.has_error()) {
                parent->hide(Level::database, "reading the aliases of rows that embed a changed row", loaded.error());
                aliases_known = false;
                continue;
            }
            for (const auto& row : *loaded)
                if (row) add_aliases_of(keys, *row);
        }
    }
    auto drop = TierPath<Parent>::drop(*parent, driver, keys, Invalidation::expel);
    const Done dropped = co_await drop;
    bool done = aliases_known && !dropped.failed();
    for (const auto& row : *rows)
        for (const auto& grandparent : parent->parents) {
            auto task = grandparent(driver, row.key);
            if (!task) continue;
            auto& expelling = *task;
            const bool expelled = co_await expelling;
            done = done && expelled;
        }
    co_return done;
}

/// Makes writes of `child` expel the parents that embed the written row. The child does not keep the parent alive.
template <auto Member, class Parent, class Child>
void link_parents(const std::shared_ptr<Parent>& parent, Child& child) {
    using ChildKey = typename Child::Key;
    parent->embeds_linked.store(true, std::memory_order_relaxed);
    child.parents.push_back([weak = std::weak_ptr<Parent>(parent)](Driver& driver, const ChildKey& key) -> std::optional<Task<bool>> {
        auto alive = weak.lock();
        if (!alive) return std::nullopt;
        return expel_parents<Member>(std::move(alive), driver, key);
    });
}

} // namespace detail
} // namespace v0
} // namespace larder
