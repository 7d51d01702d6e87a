// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/key.hpp>
#include <larder/error.hpp>

#include <cstddef>
#include <string>

namespace larder {
inline namespace v0 {
namespace detail {

/// The errors with which every database refuses a write or a row, so that they read alike. They name tables and columns,
/// never a value.
template <entity Entity>
struct Refusal {
    static std::string table() { return std::string(schema_of<Entity>::table); }

    template <std::size_t Space>
    static Error duplicate_key() {
        return {errc::duplicate_key, describe_key<Entity, Space>() + " already belongs to another row"};
    }
    static Error no_such_row() { return {errc::no_such_row, table() + ": no row has this primary key"}; }
    static Error revoked() { return {errc::revoked, table() + ": the row is revoked and can not be written any more"}; }
    static Error version_conflict() { return {errc::version_conflict, table() + ": the row changed since it was read"}; }
    static Error deadline_passed() { return {errc::deadline_passed, table() + ": the write came after its deadline"}; }
    static Error referred_to() { return {errc::missing_relation, table() + ": the row can not be removed: rows of other tables refer to it"}; }
    static Error not_revoking() {
        return {errc::invalid_options, table() + ": the pattern of a group's revocation must have its revoked column set"};
    }
    /// The row that the member `Member` embeds does not exist.
    template <auto Member>
    static Error missing_relation() {
        return {errc::missing_relation, table() + "." + std::string(described_name<Member>()) + ": the row that the foreign key names does not exist"};
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
