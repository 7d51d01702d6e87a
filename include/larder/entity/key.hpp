// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/schema_of.hpp>

#include <boost/mp11/algorithm.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

template <class List>
struct KeyOf;

template <auto Member>
struct KeyOf<MemberList<Member>> {
    using Key = bare_value_t<member_t<Member>>;
    using View = typename value_traits<Key>::View;
};

template <auto First, auto Second, auto... Rest>
struct KeyOf<MemberList<First, Second, Rest...>> {
    using Key = std::tuple<bare_value_t<member_t<First>>, bare_value_t<member_t<Second>>, bare_value_t<member_t<Rest>>...>;
    using View = std::tuple<typename value_traits<bare_value_t<member_t<First>>>::View, typename value_traits<bare_value_t<member_t<Second>>>::View,
                            typename value_traits<bare_value_t<member_t<Rest>>>::View...>;
};

template <entity Entity, std::size_t Space>
using space_members_t = boost::mp11::mp_at_c<typename schema_of<Entity>::spaces, Space>;

template <class T>
inline constexpr bool is_tuple_v = false;
template <class... T>
inline constexpr bool is_tuple_v<std::tuple<T...>> = true;

/// A field's value, seen through its `std::optional`. \pre not null.
template <class T>
const bare_value_t<T>& bare(const T& value) noexcept {
    if constexpr (is_nullable_v<T>)
        return *value;
    else
        return value;
}

template <class T>
bool is_null(const T& value) noexcept {
    if constexpr (is_nullable_v<T>)
        return !value.has_value();
    else
        return false;
}

} // namespace detail

/// The type of a key of one space: the member's own type, or a `std::tuple` where the key has several members (a scope
/// counts as one). Owns what it holds.
template <entity Entity, std::size_t Space = 0>
using space_key_t = typename detail::KeyOf<detail::space_members_t<Entity, Space>>::Key;

/// The primary key's type.
template <entity Entity>
using primary_key_t = space_key_t<Entity, 0>;

/// A key as it is looked up: like `space_key_t`, with `std::string_view` for `std::string`.
template <entity Entity, std::size_t Space = 0>
using space_view_t = typename detail::KeyOf<detail::space_members_t<Entity, Space>>::View;

/// The number of the key space that the schema declares over just these members.
template <entity Entity, auto... Members>
inline constexpr std::size_t space_of_v = boost::mp11::mp_find<typename schema_of<Entity>::declared_spaces, detail::MemberList<Members...>>::value;

/// Whether the schema declares these members as the primary key or an alternate key.
template <class Entity, auto... Members>
concept finds_one = entity<Entity> && (space_of_v<Entity, Members...> < schema_of<Entity>::alias_end);

/// Whether the schema declares these members as a group.
template <class Entity, auto... Members>
concept finds_group = entity<Entity> && (space_of_v<Entity, Members...> >= schema_of<Entity>::alias_end) &&
                      (space_of_v<Entity, Members...> < schema_of<Entity>::space_count);

/// The key of a row in a space; nothing where a member is null.
template <std::size_t Space, entity Entity>
std::optional<space_key_t<Entity, Space>> key_of(const Entity& row) {
    return []<auto... Members>(detail::MemberList<Members...>, const Entity& entity) -> std::optional<space_key_t<Entity, Space>> {
        if ((detail::is_null(entity.*Members) || ...)) return std::nullopt;
        return space_key_t<Entity, Space>(detail::bare(entity.*Members)...);
    }(detail::space_members_t<Entity, Space>{}, row);
}

/// The primary key of a row.
template <entity Entity>
primary_key_t<Entity> primary_key_of(const Entity& row) {
    return []<auto... Members>(detail::MemberList<Members...>, const Entity& entity) {
        return primary_key_t<Entity>(entity.*Members...);
    }(detail::space_members_t<Entity, 0>{}, row);
}

/// Whether a row has this key in a space; false where a member is null. Never allocates.
template <std::size_t Space, entity Entity, class KeyOrView>
bool has_key(const Entity& row, const KeyOrView& key) noexcept {
    return [&]<auto First, auto... Rest>(detail::MemberList<First, Rest...>) {
        if constexpr (sizeof...(Rest) == 0) {
            return !detail::is_null(row.*First) && detail::bare(row.*First) == key;
        } else {
            if (detail::is_null(row.*First) || (detail::is_null(row.*Rest) || ...)) return false;
            return std::tie(detail::bare(row.*First), detail::bare(row.*Rest)...) == key;
        }
    }(detail::space_members_t<Entity, Space>{});
}

/// A cheap view of a key, to look it up. Lives as long as the key.
template <entity Entity, std::size_t Space = 0>
space_view_t<Entity, Space> view_of(const space_key_t<Entity, Space>& key) {
    if constexpr (detail::is_tuple_v<space_key_t<Entity, Space>>)
        return std::apply([](const auto&... parts) { return space_view_t<Entity, Space>(parts...); }, key);
    else
        return space_view_t<Entity, Space>(key);
}

/// A key that owns what a view shows.
template <entity Entity, std::size_t Space = 0>
space_key_t<Entity, Space> own_key(const space_view_t<Entity, Space>& view) {
    if constexpr (detail::is_tuple_v<space_key_t<Entity, Space>>)
        return []<class... Part, class... Seen>(std::type_identity<std::tuple<Part...>>, const std::tuple<Seen...>& seen) {
            return std::apply([](const auto&... parts) { return std::tuple<Part...>(Part(parts)...); }, seen);
        }(std::type_identity<space_key_t<Entity, Space>>{}, view);
    else
        return space_key_t<Entity, Space>(view);
}

/// The 64-bit hash of a key, the same for a key and its view. Not for use outside the process.
template <class KeyOrView>
std::uint64_t hash_key(const KeyOrView& key) noexcept {
    if constexpr (detail::is_tuple_v<KeyOrView>)
        return std::apply(
            [](const auto&... parts) {
                std::uint64_t mixed = 0;
                ((mixed = detail::spread(mixed + 0x9e3779b97f4a7c15ULL + detail::hash_part(parts))), ...);
                return mixed;
            },
            key);
    else
        return detail::spread(detail::hash_part(key));
}

namespace detail {

/// The words that name a key space in texts, such as "sessions.jti"; never a key's value.
template <entity Entity, std::size_t Space>
std::string describe_key() {
    std::string words(schema_of<Entity>::table);
    [&]<auto... Members>(MemberList<Members...>) { (((words += '.') += Column<Entity, Members>::name()), ...); }(
        boost::mp11::mp_at_c<typename schema_of<Entity>::declared_spaces, Space>{});
    return words;
}

} // namespace detail
} // namespace v0
} // namespace larder
