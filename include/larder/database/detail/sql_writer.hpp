// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/schema_of.hpp>

#include <boost/mp11/algorithm.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// The text of an SQL statement while it is put together. Parameters are numbered from 1.
template <class Dialect>
class SqlWriter {
public:
    SqlWriter& text(std::string_view words) {
        sql_ += words;
        return *this;
    }

    /// A name in quotes, so that no keyword and no capital letter is special.
    SqlWriter& name(std::string_view identifier) {
        sql_ += '"';
        for (const char letter : identifier) {
            if (letter == '"') sql_ += '"';
            sql_ += letter;
        }
        sql_ += '"';
        return *this;
    }

    SqlWriter& parameter(std::size_t number) {
        Dialect::parameter(sql_, number);
        return *this;
    }

    /// `item(member)` for each member of a list, with `between` between them; `item` writes it.
    template <auto... Members, class Item>
    SqlWriter& each(MemberList<Members...>, [[maybe_unused]] std::string_view between, [[maybe_unused]] Item item) {
        std::size_t index = 0;
        ((text(index == 0 ? std::string_view() : between), item.template operator()<Members>(index), ++index), ...);
        return *this;
    }

    /// The columns of a list of members, with commas between them; `alias` is the table's, if it has one.
    template <class Entity, auto... Members>
    SqlWriter& columns(MemberList<Members...> list, std::string_view alias = {}) {
        return each(list, ", ", [&]<auto Member>(std::size_t) { column<Entity, Member>(alias); });
    }

    template <class Entity, auto Member>
    SqlWriter& column(std::string_view alias = {}) {
        if (!alias.empty()) text(alias).text(".");
        return name(Column<Entity, Member>::name());
    }

    /// `column = parameter` for each member of a list, with ` AND ` between; parameters are numbered from `first`.
    template <class Entity, auto... Members>
    SqlWriter& matches(MemberList<Members...> list, std::size_t first, std::string_view alias = {}) {
        return each(list, " AND ", [&]<auto Member>(std::size_t index) { column<Entity, Member>(alias).text(" = ").parameter(first + index); });
    }

    /// Parameters with commas between them.
    SqlWriter& parameters(std::size_t first, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) text(i == 0 ? "" : ", ").parameter(first + i);
        return *this;
    }

    std::string take() { return std::move(sql_); }

private:
    std::string sql_;
};

} // namespace detail
} // namespace v0
} // namespace larder
