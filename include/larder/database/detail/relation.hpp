// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/key.hpp>

#include <boost/mp11/algorithm.hpp>

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// An `embed` word seen from the database: which row of the child's table belongs to a row of the parent's.
template <class Word>
struct Relation {
    using Taken = Embed<Word>;
    using Child = typename Taken::Child;
    using ForeignKey = typename Taken::ForeignKey;
    using ChildKey = space_members_t<Child, 0>;

    static constexpr bool optional = Taken::optional;

    template <auto... Members>
    static constexpr bool any_null(MemberList<Members...>) noexcept {
        return (is_nullable_v<member_t<Members>> || ...);
    }
    /// Whether the child has to exist when a row is written: always, unless the embed is optional and no member of the
    /// foreign key can be null to say that there is none.
    static constexpr bool enforced = !optional || any_null(ForeignKey{});

    static_assert(entity<Child>, "larder: an embedded row must be an entity of its own: describe it with a schema");
    static_assert(ForeignKey::size == ChildKey::size,
                  "larder: embed<> must name as many members of the foreign key as the embedded entity's primary key has (its scope first)");

    /// The primary key of the child; nothing where a member of the foreign key is null.
    template <class Parent>
    static std::optional<primary_key_t<Child>> key_of(const Parent& row) {
        return [&]<auto... Members, auto... Parts>(MemberList<Members...>, MemberList<Parts...>) -> std::optional<primary_key_t<Child>> {
            if ((is_null(row.*Members) || ...)) return std::nullopt;
            return primary_key_t<Child>(static_cast<bare_value_t<member_t<Parts>>>(bare(row.*Members))...);
        }(ForeignKey{}, ChildKey{});
    }
};

/// The number of the embed whose row is held by a member; the number of embeds if there is none.
template <entity Entity, auto Member>
inline constexpr std::size_t embed_index_v = []<class... Words>(boost::mp11::mp_list<Words...>) {
    std::size_t index = 0;
    bool found = false;
    ((found = found || same_member<Embed<Words>::member, Member>(), index += found ? 0U : 1U), ...);
    return index;
}(typename schema_of<Entity>::embeds{});

template <entity Entity, std::size_t Index>
using relation_t = Relation<boost::mp11::mp_at_c<typename schema_of<Entity>::embeds, Index>>;

template <entity Entity>
inline constexpr std::size_t embed_count_v = boost::mp11::mp_size<typename schema_of<Entity>::embeds>::value;

/// Calls `visit.template operator()<Index>()` for each embed of an entity.
template <entity Entity, class Visitor>
constexpr void for_each_embed(Visitor&& visit) {
    [&]<std::size_t... Index>(std::index_sequence<Index...>) { (visit.template operator()<Index>(), ...); }(
        std::make_index_sequence<embed_count_v<Entity>>{});
}

/// The same while `visit` answers true; answers whether all did.
template <entity Entity, class Visitor>
constexpr bool all_of_embeds(Visitor&& visit) {
    return [&]<std::size_t... Index>(std::index_sequence<Index...>) { return (visit.template operator()<Index>() && ...); }(
        std::make_index_sequence<embed_count_v<Entity>>{});
}

} // namespace detail
} // namespace v0
} // namespace larder
