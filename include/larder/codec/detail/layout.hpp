// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/codec.hpp>
#include <larder/entity/key.hpp>
#include <larder/entity/projection.hpp>
#include <larder/entity/schema_of.hpp>

#include <boost/mp11/list.hpp>

#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

template <class Descriptors>
struct MembersOfDescriptors;
template <class... Descriptors>
struct MembersOfDescriptors<boost::mp11::mp_list<Descriptors...>> {
    using type = MemberList<Descriptors::pointer...>;
};

/// Every described member of a struct, rows that it holds among them, in the order of their description.
template <described T>
using described_members_t = typename MembersOfDescriptors<boost::mp11::mp_rename<descriptors_t<T>, boost::mp11::mp_list>>::type;

/// Whether a member holds a row of its own, perhaps in a `std::optional`, rather than a column's value.
template <class T>
inline constexpr bool holds_row_v = false;
template <class T>
    requires(!column_value<T> && described<bare_value_t<T>>)
inline constexpr bool holds_row_v<T> = true;

template <class T>
inline constexpr bool is_hashed_v = false;
template <class T>
inline constexpr bool is_hashed_v<Hashed<T>> = true;

/// Whether a field is kept in the sealed part of a value: the schema calls it secret, and it is no keyed hash anyway.
template <auto Member>
constexpr bool is_sealed() noexcept {
    using Owner = owner_t<Member>;
    if constexpr (has_schema<Owner>) {
        if constexpr (contains_v<Member, typename schema_of<Owner>::secret_members>) {
            static_assert(!holds_row_v<member_t<Member>>,
                          "larder: larder::secret names columns, not an embedded row: name the columns in the schema of the embedded entity");
            return !is_hashed_v<bare_value_t<member_t<Member>>>;
        }
    }
    return false;
}

/// Whether one of these members is sealed, or holds a row with a member that is.
template <class Members>
constexpr bool has_sealed_fields() noexcept;

/// A field of a layout, as `each_field` hands it to its visitor.
template <auto Member>
struct Field {
    using Value = member_t<Member>;
    static_assert(column_value<Value> || holds_row_v<Value>,
                  "larder: a field of this layout cannot be encoded: specialise larder::value_traits for its type, or describe it with BOOST_DESCRIBE_STRUCT");
    static constexpr bool is_row = holds_row_v<Value>;
    static constexpr bool sealed = is_sealed<Member>();
    static constexpr std::string_view name = described_name<Member>();

    /// Whether the field is sealed, or holds a row in which one is.
    static constexpr bool holds_sealed() noexcept {
        if constexpr (is_row)
            return has_sealed_fields<described_members_t<bare_value_t<Value>>>();
        else
            return sealed;
    }
};

template <class Members>
constexpr bool has_sealed_fields() noexcept {
    return []<auto... Member>(MemberList<Member...>) { return (Field<Member>::holds_sealed() || ...); }(Members{});
}

/// The fields of a `Projection` while they are decoded.
template <class Members>
struct FieldTuple;
template <auto... Members>
struct FieldTuple<MemberList<Members...>> {
    std::tuple<member_t<Members>...> values;
};

/// \name each_field(value, visit)
/// Calls `visit(Field<&Owner::member>{}, the field)` for each field in the layout's order until it returns false; returns whether
/// none did.
/// @{
template <class T, class Visit>
    requires described<std::remove_const_t<T>>
constexpr bool each_field(T& row, Visit&& visit) {
    return [&]<auto... Members>(MemberList<Members...>) { return (visit(Field<Members>{}, row.*Members) && ...); }(described_members_t<std::remove_const_t<T>>{});
}

template <class Entity, auto... Members, class Visit>
constexpr bool each_field(const Projection<Entity, MemberList<Members...>>& fields, Visit&& visit) {
    return (visit(Field<Members>{}, fields.template get<Members>()) && ...);
}

template <auto... Members, std::size_t... I, class Tuple, class Visit>
constexpr bool each_element(MemberList<Members...>, std::index_sequence<I...>, Tuple& tuple, Visit& visit) {
    return (visit(Field<Members>{}, std::get<I>(tuple)) && ...);
}
template <class Members, class Visit>
constexpr bool each_field(FieldTuple<Members>& fields, Visit&& visit) {
    return each_element(Members{}, std::make_index_sequence<Members::size>{}, fields.values, visit);
}

template <class Members, class Key, class Visit>
constexpr bool each_key_part(Key& key, Visit& visit) {
    if constexpr (Members::size == 1)
        return visit(Field<FirstMember<Members>::value>{}, key);
    else
        return each_element(Members{}, std::make_index_sequence<Members::size>{}, key, visit);
}
template <entity Entity, class Visit>
constexpr bool each_field(const AliasTarget<Entity>& target, Visit&& visit) {
    return each_key_part<space_members_t<Entity, 0>>(target.primary, visit);
}
template <entity Entity, class Visit>
constexpr bool each_field(AliasTarget<Entity>& target, Visit&& visit) {
    return each_key_part<space_members_t<Entity, 0>>(target.primary, visit);
}
/// @}

/// What kind of value a codec is given, and what its fields are.
template <class T>
struct Layout {
    using members = described_members_t<T>;
    using Owner = T;
    static constexpr std::string_view kind = "row";
};
template <class Entity, class Members>
struct Layout<Projection<Entity, Members>> {
    using members = Members;
    using Owner = Entity;
    static constexpr std::string_view kind = "fields";
};
template <class Entity>
struct Layout<AliasTarget<Entity>> {
    using members = space_members_t<Entity, 0>;
    using Owner = Entity;
    static constexpr std::string_view kind = "alias";
};

/// Whether a layout, or a row embedded in it, has a sealed field.
template <class T>
inline constexpr bool has_sealed_v = has_sealed_fields<typename Layout<T>::members>();

template <class Space>
constexpr bool names_sealed_member() noexcept {
    return []<auto... Members>(MemberList<Members...>) { return (is_sealed<Members>() || ...); }(Space{});
}

/// Whether an entity's primary key, which its alternate keys lead to in a shared tier, holds no secret in clear.
template <class Entity>
constexpr bool primary_key_is_no_secret() noexcept {
    if constexpr (has_schema<Entity>)
        return !names_sealed_member<boost::mp11::mp_front<typename schema_of<Entity>::spaces>>();
    else
        return true;
}

/// The table of a layout's rows; empty for a struct without a schema.
template <class T>
constexpr std::string_view table_of() noexcept {
    if constexpr (has_schema<typename Layout<T>::Owner>)
        return schema_of<typename Layout<T>::Owner>::table;
    else
        return {};
}

} // namespace detail
} // namespace v0
} // namespace larder
