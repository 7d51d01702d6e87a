// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/columns.hpp>
#include <larder/database/detail/refusal.hpp>
#include <larder/database/detail/relation.hpp>
#include <larder/entity/key.hpp>
#include <larder/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// How the reading of one column of an answered row went.
enum class Cell : std::uint8_t {
    read,       ///< The value is there.
    null,       ///< The database holds a null where the field can hold none.
    wrong_type, ///< The database holds a value of another type.
    wrong_value ///< The value is none of the field's type, such as a number out of its range.
};

template <entity Entity, auto Member>
Error wrong_cell(Cell cell) {
    const auto* what = cell == Cell::null ? " holds a null, which the field can not" : cell == Cell::wrong_type ? " holds a value of another type" : " holds a value out of the field's range";
    return {errc::schema_mismatch, Refusal<Entity>::table() + "." + std::string(Column<Entity, Member>::name()) + what};
}

/// Reads the columns `Members` of an answered row, from column `first` on; an error names the column.
///
/// A cursor answers `is_null(column)` and `read(column, value) -> Cell`.
template <entity Entity, class Cursor, auto... Members>
Error read_members(const Cursor& cursor, int first, Entity& row, MemberList<Members...>) {
    Cell cell = Cell::read;
    Error wrong;
    int column = first;
    (void)(((cell = cursor.read(column++, row.*Members)) == Cell::read || (wrong = wrong_cell<Entity, Members>(cell), false)) && ...);
    return wrong;
}

/// Reads a key of a space from column `first` on. \param why set to how the reading of its last column went, if it is given.
template <entity Entity, class Cursor, auto... Members>
Error read_key(const Cursor& cursor, int first, MemberList<Members...>, primary_key_t<Entity>& key, Cell* why = nullptr) {
    Error wrong;
    int column = first;
    const auto part = [&]<auto Member>(auto& value) {
        const Cell cell = cursor.read(column++, value);
        if (why) *why = cell;
        if (cell != Cell::read) wrong = wrong_cell<Entity, Member>(cell);
        return cell == Cell::read;
    };
    if constexpr (sizeof...(Members) == 1)
        (void)(part.template operator()<Members>(key) && ...);
    else
        [&]<std::size_t... Part>(std::index_sequence<Part...>) { (void)(part.template operator()<Members>(std::get<Part>(key)) && ...); }(
            std::make_index_sequence<sizeof...(Members)>{});
    return wrong;
}

/// Reads a joined row (see `Sql`) from column `first` on.
template <entity Entity, class Cursor>
Error read_joined(const Cursor& cursor, int first, Entity& row) {
    using Own = column_members_t<Entity>;
    Error wrong = read_members(cursor, first, row, Own{});
    if constexpr (schema_of<Entity>::has_embeds) {
        int column = first + static_cast<int>(Own::size);
        (void)(!wrong && all_of_embeds<Entity>([&]<std::size_t Index>() {
            using Relation = relation_t<Entity, Index>;
            using Child = typename Relation::Child;
            constexpr auto member = Relation::Taken::member;
            constexpr auto key = FirstMember<typename Relation::ChildKey>::value;
            const int child = std::exchange(column, column + static_cast<int>(joined_columns<Child>()));
            const bool missing = cursor.is_null(child + static_cast<int>(position_in<key>(column_members_t<Child>{})));
            if constexpr (Relation::optional) {
                if (missing)
                    (row.*member).reset();
                else
                    wrong = read_joined(cursor, child, (row.*member).emplace());
            } else {
                wrong = missing ? Refusal<Entity>::template missing_relation<member>() : read_joined(cursor, child, row.*member);
            }
            return !wrong;
        }));
    }
    return wrong;
}

} // namespace detail
} // namespace v0
} // namespace larder
