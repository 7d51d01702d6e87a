// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/relation.hpp>
#include <larder/entity/key.hpp>
#include <larder/entity/schema_of.hpp>

#include <boost/mp11/algorithm.hpp>

#include <cstddef>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace detail {

template <class Columns>
struct MembersOfColumns;
template <class... Columns>
struct MembersOfColumns<boost::mp11::mp_list<Columns...>> {
    using type = MemberList<Columns::member...>;
};

/// Every column's member, in the schema's order.
template <entity Entity>
using column_members_t = typename MembersOfColumns<typename schema_of<Entity>::columns>::type;

/// A list without the members of another.
template <class List, class Without>
struct WithoutMembers;
template <auto... Members, class Without>
struct WithoutMembers<MemberList<Members...>, Without> {
    using type = boost::mp11::mp_fold<boost::mp11::mp_list<std::conditional_t<contains_v<Members, Without>, MemberList<>, MemberList<Members>>...>, MemberList<>,
                                      join_members_t>;
};
template <class List, class Without>
using without_members_t = typename WithoutMembers<List, Without>::type;

/// The columns that an INSERT gives a value: all but the version, and but a primary key that the database makes.
template <entity Entity, bool WithKey>
using insert_members_t =
    std::conditional_t<WithKey, without_members_t<column_members_t<Entity>, typename schema_of<Entity>::version_members>,
                       without_members_t<without_members_t<column_members_t<Entity>, typename schema_of<Entity>::version_members>, typename schema_of<Entity>::primary_members>>;

/// The columns that an UPDATE is given, its row's primary key among them: all but the version.
template <entity Entity>
using update_members_t = insert_members_t<Entity, true>;

template <entity Entity>
struct IndexedMembers {
    template <class Word>
    using foreign_key = typename Relation<Word>::ForeignKey;
    using Schema = schema_of<Entity>;
    using type = boost::mp11::mp_fold<boost::mp11::mp_append<typename Schema::spaces, boost::mp11::mp_transform<foreign_key, typename Schema::embeds>>, MemberList<>, join_members_t>;
};

/// The columns that keys, groups and foreign keys consist of.
template <entity Entity>
using indexed_members_t = typename IndexedMembers<Entity>::type;

/// The position of a member in a list, from 0.
template <auto Member, auto... Members>
constexpr std::size_t position_in(MemberList<Members...>) noexcept {
    std::size_t index = 0;
    bool found = false;
    ((found = found || same_member<Member, Members>(), index += found ? 0U : 1U), ...);
    return index;
}

/// How many columns a joined SELECT of an entity answers: its own and those of the rows that it embeds.
template <entity Entity>
constexpr std::size_t joined_columns() noexcept {
    std::size_t count = column_members_t<Entity>::size;
    for_each_embed<Entity>([&]<std::size_t Index>() { count += joined_columns<typename relation_t<Entity, Index>::Child>(); });
    return count;
}

} // namespace detail
} // namespace v0
} // namespace larder
