// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>

namespace larder {
inline namespace v0 {
namespace detail {

/// Whether a type has any of the operations of a database, and so is meant to be one.
template <class Database, class Entity>
concept resembles_database =
    loads_row<Database, Entity> || loads_many<Database, Entity> || inserts_row<Database, Entity> || updates_row<Database, Entity> || erases_row<Database, Entity>;

/// Says of a database in the making what it lacks, one sentence for each operation.
template <class Database, class Entity>
struct DatabaseLacks {
    static_assert(loads_row<Database, Entity>, "larder: this database needs load(const Key&, larder::ReadMode), and it must answer larder::Outcome<std::optional<Entity>>");
    static_assert(loads_many<Database, Entity>,
                  "larder: this database needs load_many(std::span<const Key>, larder::ReadMode), and it must answer larder::Outcome<std::vector<std::optional<Entity>>>");
    static_assert(inserts_row<Database, Entity>, "larder: this database needs insert(const Entity&), and it must answer larder::Outcome<Entity>, the row as it is stored");
    static_assert(updates_row<Database, Entity>,
                  "larder: this database needs update(const Entity&, larder::Version, const larder::WriteCondition&), and it must answer larder::Outcome<larder::Version>");
    static_assert(erases_row<Database, Entity>,
                  "larder: this database needs erase(const Key&, larder::Version, const larder::WriteCondition&), and it must answer larder::Outcome<larder::Version>");
    static_assert(says_conditional<Database>,
                  "larder: this database must say whether a write honours the version that it expects: static constexpr bool conditional_writes = true (or false)");
    static constexpr bool told = true;
};

} // namespace detail
} // namespace v0
} // namespace larder
