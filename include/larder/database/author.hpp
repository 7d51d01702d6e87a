// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/key.hpp>
#include <larder/entity/member.hpp>
#include <larder/entity/schema_of.hpp>
#include <larder/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

/// \file What the author of a database (database/database.hpp) writes it with, as the library's own are written: the texts of
/// errors, keys that the database makes, and lists of members.

namespace larder {
inline namespace v0 {

/// A list of pointers to members as a type: the third parameter of a database's `revoke_all`, which takes the values of just these
/// members from its pattern.
///
/// ```cpp
/// template <std::size_t Space, auto... Members>
/// Outcome<GroupRevocation<Entity>> revoke_all(const space_key_t<Entity, Space>& key, const Entity& pattern, MemberList<Members...>);
/// ```
template <auto... Members>
using MemberList = detail::MemberList<Members...>;

/// The words that name a key space in texts, such as "sessions.jti"; never a key's value.
template <entity Entity, std::size_t Space>
std::string describe_key() {
    return detail::describe_key<Entity, Space>();
}

/// The errors with which every database refuses a write or a row, so that they read alike. They name tables and columns,
/// never a value. All are safe to call from any thread.
template <entity Entity>
struct Refusal {
    static std::string table() { return std::string(schema_of<Entity>::table); }

    /// Another row has this key already. \tparam Space the kind of key.
    template <std::size_t Space>
    static Error duplicate_key() {
        return {errc::duplicate_key, describe_key<Entity, Space>() + " already belongs to another row"};
    }
    static Error no_such_row() { return {errc::no_such_row, table() + ": no row has this primary key"}; }
    /// The stored row is revoked, so that nothing but its removal is left to be done with it.
    static Error revoked() { return {errc::revoked, table() + ": the row is revoked and can not be written any more"}; }
    static Error version_conflict() { return {errc::version_conflict, table() + ": the row changed since it was read"}; }
    /// The database's clock is past `WriteCondition::not_after`.
    static Error deadline_passed() { return {errc::deadline_passed, table() + ": the write came after its deadline"}; }
    /// A row that is to be removed is embedded in others.
    static Error referred_to() { return {errc::missing_relation, table() + ": the row can not be removed: rows of other tables refer to it"}; }
    /// The pattern of a group's revocation does not revoke.
    static Error not_revoking() {
        return {errc::invalid_options, table() + ": the pattern of a group's revocation must have its revoked column set"};
    }
    /// The row that the member `Member` embeds does not exist.
    template <auto Member>
    static Error missing_relation() {
        return {errc::missing_relation, table() + "." + std::string(detail::described_name<Member>()) + ": the row that the foreign key names does not exist"};
    }
};

/// Whether a row that is to be inserted leaves its primary key to the database: the key is a single integer that may not be reused
/// (`schema_of<Entity>::is_generated`), and 0.
template <entity Entity>
constexpr bool wants_generated_key(const Entity& row) noexcept {
    if constexpr (schema_of<Entity>::is_generated)
        return row.*detail::FirstMember<typename schema_of<Entity>::primary_members>::value == 0;
    else
        return false;
}

/// Sets the primary key of a row to one that the database made; does nothing for an entity whose keys no database makes.
/// \param key above 0, and never given to a row before, erased ones included.
template <entity Entity>
constexpr void set_generated_key([[maybe_unused]] Entity& row, [[maybe_unused]] std::int64_t key) noexcept {
    if constexpr (schema_of<Entity>::is_generated) {
        auto& member = row.*detail::FirstMember<typename schema_of<Entity>::primary_members>::value;
        member = static_cast<std::remove_reference_t<decltype(member)>>(key);
    }
}

} // namespace v0
} // namespace larder
