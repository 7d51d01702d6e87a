// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/schema.hpp>

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace detail {

/// A name with static storage, for views that outlive the expression.
template <FixedString Name>
struct StaticName {
    static constexpr FixedString text = Name;
    static constexpr std::string_view view = text.view();
};

/// A column: a described member that is kept in the entity's own table.
template <class Entity, auto Member>
struct Column {
    using Value = member_t<Member>;
    static constexpr auto member = Member;

    /// The column's name: the schema's `column` word, else the member's own name.
    static constexpr std::string_view name() noexcept {
        std::string_view name = described_name<Member>();
        boost::mp11::mp_for_each<typename entity_traits<Entity>::parts>([&]<class Part>(Part) {
            if constexpr (is_column<Part>::value) name = renamed(Part{}, name);
        });
        return name;
    }

    static const Value& get(const Entity& entity) noexcept { return entity.*Member; }
    static Value& get(Entity& entity) noexcept { return entity.*Member; }

private:
    template <auto Other, FixedString Name>
    static constexpr std::string_view renamed(column<Other, Name>, std::string_view name) noexcept {
        if constexpr (same_member<Other, Member>())
            return StaticName<Name>::view;
        else
            return name;
    }
};

/// An `embed` word taken apart.
template <class Part>
struct Embed;

template <auto Member, auto... ForeignKeyMembers>
struct Embed<embed<Member, ForeignKeyMembers...>> {
    static constexpr auto member = Member;
    using ForeignKey = MemberList<ForeignKeyMembers...>;
    using Holder = member_t<Member>;
    using Child = bare_value_t<Holder>;
    static constexpr bool optional = is_nullable_v<Holder>;
    static_assert(sizeof...(ForeignKeyMembers) > 0, "larder: embed<&Entity::child, &Entity::child_id> needs the members of the foreign key");
};

template <class T>
inline constexpr bool is_time_point_v = false;
template <class Unit>
inline constexpr bool is_time_point_v<std::chrono::sys_time<Unit>> = true;

/// A moment as the environment's wall clock counts, where differences between two moments fit a `Duration`; nothing if it is
/// too far in the future for that.
template <class Unit>
constexpr std::optional<WallTime> within_reach(std::chrono::sys_time<Unit> moment) noexcept {
    constexpr std::chrono::sys_days first{}, last = std::chrono::year(2200) / 1 / 1;
    if (moment < first) return WallTime{};
    if (moment >= std::chrono::time_point_cast<Unit>(last)) return std::nullopt;
    return std::chrono::time_point_cast<WallTime::duration>(moment);
}

template <class Entity, auto... Members>
constexpr bool all_belong_to(MemberList<Members...>) noexcept {
    return (std::is_same_v<owner_t<Members>, Entity> && ...);
}

template <class Entity, auto... Members>
constexpr bool all_described(MemberList<Members...>) noexcept {
    return (!described_name<Members>().empty() && ...);
}

template <class Entity, class Embeds>
struct ColumnsOf {
    template <class Descriptor>
    struct IsColumn {
        template <class... Words>
        static constexpr bool embedded(boost::mp11::mp_list<Words...>) noexcept {
            return (same_member<Embed<Words>::member, Descriptor::pointer>() || ...);
        }
        static constexpr bool value = !embedded(Embeds{});
    };
    template <class Descriptor>
    using to_column = Column<Entity, Descriptor::pointer>;
    using type = boost::mp11::mp_rename<boost::mp11::mp_transform<to_column, boost::mp11::mp_copy_if<descriptors_t<Entity>, IsColumn>>, boost::mp11::mp_list>;
};

template <class Columns>
inline constexpr bool all_storable_v = false;
template <class... Columns>
inline constexpr bool all_storable_v<boost::mp11::mp_list<Columns...>> = (column_value<typename Columns::Value> && ...);

template <class Part>
struct IsKeylessEmbed : std::false_type {};
template <auto Member>
struct IsKeylessEmbed<embed<Member>> : std::true_type {};

/// Whether a schema has what everything else is derived from: known words, one primary key, foreign keys of what is embedded, and
/// fields that can be stored. What is wrong if not, `schema_of` says.
template <class Entity>
constexpr bool has_sound_parts() noexcept {
    using Parts = typename entity_traits<Entity>::parts;
    if constexpr (!boost::mp11::mp_all_of<Parts, is_word>::value || boost::mp11::mp_count_if<Parts, is_primary>::value != 1 || boost::mp11::mp_any_of<Parts, IsKeylessEmbed>::value)
        return false;
    else
        return all_storable_v<typename ColumnsOf<Entity, boost::mp11::mp_copy_if<Parts, is_embed>>::type>;
}

template <class List>
struct FirstMember;
template <auto First, auto... Rest>
struct FirstMember<MemberList<First, Rest...>> {
    static constexpr auto value = First;
};

} // namespace detail

/// Everything that follows from an entity's schema: its columns, key spaces, special members and embedded rows.
///
/// A *key space* is one way to find rows. Space 0 is the primary key, the next `unique_count` are the alternate keys in
/// the schema's order, and the last `group_count` are the groups.
template <class Entity>
struct schema_of {
    using parts = typename entity_traits<Entity>::parts;

private:
    template <template <class> class Is>
    using select = boost::mp11::mp_copy_if<parts, Is>;
    template <template <class> class Is>
    static constexpr std::size_t count = boost::mp11::mp_size<select<Is>>::value;
    template <template <class> class Is>
    using only = typename detail::OnlyPart<select<Is>>::type;

    static_assert(boost::mp11::mp_all_of<parts, detail::is_word>::value, "larder: the schema holds something that is none of larder's words");
    static_assert(count<detail::is_primary> != 0, "larder: the schema names no primary key: add larder::primary<&Entity::id>");
    static_assert(count<detail::is_primary> < 2, "larder: the schema names two primary keys; a key of several members is one primary<&E::a, &E::b>");
    static_assert(count<detail::is_version> < 2, "larder: the schema names two version columns");
    static_assert(count<detail::is_expires> < 2, "larder: the schema names two expires columns");
    static_assert(count<detail::is_revoked> < 2, "larder: the schema names two revoked columns");
    static_assert(count<detail::is_touch> < 2, "larder: the schema names two touch columns");
    static_assert(count<detail::is_scope> < 2, "larder: the schema names two scopes; a scope of several members is one scope<&E::a, &E::b>");
    static_assert(count<detail::is_warm> < 2, "larder: the schema names two warm projections");

    template <class Part>
    using members_of = typename detail::PartMembers<Part>::type;
    template <class Part>
    using scoped_members_of = detail::join_members_t<only<detail::is_scope>, members_of<Part>>;

public:
    static constexpr std::string_view table = entity_traits<Entity>::table;

    using embeds = select<detail::is_embed>;
    /// Every described member but the embedded rows, as `detail::Column<Entity, &Entity::member>`.
    using columns = typename detail::ColumnsOf<Entity, embeds>::type;
    static_assert(detail::all_storable_v<columns>, "larder: a field's type cannot be stored: specialise larder::value_traits for it, or embed it");

    using scope_members = only<detail::is_scope>;
    using primary_members = detail::join_members_t<scope_members, only<detail::is_primary>>;
    using unique_parts = select<detail::is_unique>;
    using group_parts = select<detail::is_group>;
    static constexpr std::size_t unique_count = boost::mp11::mp_size<unique_parts>::value;
    static constexpr std::size_t group_count = boost::mp11::mp_size<group_parts>::value;
    static constexpr std::size_t space_count = 1 + unique_count + group_count;
    /// How many spaces lead to one row: the primary key's and the alternate keys'.
    static constexpr std::size_t alias_end = 1 + unique_count;

    /// The members of each key space, the scope's in front: a list of `detail::MemberList`.
    using spaces = boost::mp11::mp_append<boost::mp11::mp_list<primary_members>, boost::mp11::mp_transform<scoped_members_of, unique_parts>,
                                          boost::mp11::mp_transform<scoped_members_of, group_parts>>;
    /// The members of each key space as the schema declares them.
    using declared_spaces = boost::mp11::mp_append<boost::mp11::mp_list<only<detail::is_primary>>, boost::mp11::mp_transform<members_of, unique_parts>,
                                                   boost::mp11::mp_transform<members_of, group_parts>>;

    using version_members = only<detail::is_version>;
    using expires_members = only<detail::is_expires>;
    using revoked_members = only<detail::is_revoked>;
    using touch_members = only<detail::is_touch>;
    using secret_members = boost::mp11::mp_fold<boost::mp11::mp_transform<members_of, select<detail::is_secret>>, detail::MemberList<>, detail::join_members_t>;

    static constexpr bool has_version = version_members::size != 0;
    static constexpr bool has_expires = expires_members::size != 0;
    static constexpr bool has_revoked = revoked_members::size != 0;
    static constexpr bool has_touch = touch_members::size != 0;
    static constexpr bool has_scope = scope_members::size != 0;
    static constexpr bool has_embeds = boost::mp11::mp_size<embeds>::value != 0;
    static constexpr bool has_warm = count<detail::is_warm> != 0;
    static constexpr bool is_reusable = boost::mp11::mp_contains<parts, reusable>::value;
    static constexpr bool is_never_stale = boost::mp11::mp_contains<parts, never_stale>::value;
    /// The schema's revision number; 0 if it declares none.
    static constexpr std::uint64_t revision_number = [] {
        std::uint64_t number = 0;
        boost::mp11::mp_for_each<parts>([&]<class Part>(Part) {
            if constexpr (detail::is_revision<Part>::value) number = detail::is_revision<Part>::number;
        });
        return number;
    }();

    /// Whether the database makes the primary key: a single integer that may not be reused. Such a row is inserted with 0 there.
    static constexpr bool is_generated = [] {
        if constexpr (only<detail::is_primary>::size == 1 && !is_reusable && !has_scope) {
            using Key = detail::member_t<detail::FirstMember<only<detail::is_primary>>::value>;
            return std::integral<Key> && !std::same_as<Key, bool>;
        } else {
            return false;
        }
    }();

    /// The fields of the warm projection: those the schema names, and what the library needs to verify, date and refuse.
    using warm_members = detail::join_members_t<
        detail::join_members_t<detail::join_members_t<only<detail::is_warm>, primary_members>, detail::join_members_t<version_members, expires_members>>,
        boost::mp11::mp_fold<boost::mp11::mp_append<boost::mp11::mp_transform<scoped_members_of, unique_parts>, boost::mp11::mp_transform<scoped_members_of, group_parts>>,
                             only<detail::is_revoked>, detail::join_members_t>>;

    static constexpr Version version_of(const Entity& entity) noexcept {
        if constexpr (has_version)
            return static_cast<Version>(entity.*detail::FirstMember<version_members>::value);
        else
            return 0;
    }

    static constexpr void set_version(Entity& entity, Version version) noexcept {
        if constexpr (has_version) entity.*detail::FirstMember<version_members>::value = version;
    }

    /// When the row ends to be valid; nothing if it never does, or not before the year 2200. A moment before 1970 counts as 1970.
    static constexpr std::optional<WallTime> expiry_of(const Entity& entity) noexcept {
        if constexpr (has_expires) {
            const auto& moment = entity.*detail::FirstMember<expires_members>::value;
            if constexpr (is_nullable_v<std::remove_cvref_t<decltype(moment)>>)
                return moment ? detail::within_reach(*moment) : std::nullopt;
            else
                return detail::within_reach(moment);
        } else {
            return std::nullopt;
        }
    }

    static constexpr bool is_revoked(const Entity& entity) noexcept {
        if constexpr (has_revoked)
            return (entity.*detail::FirstMember<revoked_members>::value).has_value();
        else
            return false;
    }

    /// Where a row's expiry is, or else its revocation, or else the row: what is read of each hit.
    static const void* judged_by(const Entity& entity) noexcept {
        if constexpr (has_expires)
            return &(entity.*detail::FirstMember<expires_members>::value);
        else if constexpr (has_revoked)
            return &(entity.*detail::FirstMember<revoked_members>::value);
        else
            return &entity;
    }

private:
    static constexpr bool members_are_sound() noexcept {
        bool sound = true;
        boost::mp11::mp_for_each<spaces>([&]<class List>(List) { sound = sound && detail::all_belong_to<Entity>(List{}) && detail::all_described<Entity>(List{}); });
        return sound;
    }
    static constexpr bool primary_is_sound() noexcept {
        return []<auto... Members>(detail::MemberList<Members...>) { return (!is_nullable_v<detail::member_t<Members>> && ...); }(primary_members{});
    }
    template <class Word>
    using foreign_key_of = typename detail::Embed<Word>::ForeignKey;
    static constexpr bool others_are_sound() noexcept {
        using Lists = boost::mp11::mp_append<boost::mp11::mp_list<version_members, expires_members, revoked_members, touch_members, secret_members, only<detail::is_warm>>,
                                             boost::mp11::mp_transform<foreign_key_of, embeds>>;
        bool sound = true;
        boost::mp11::mp_for_each<Lists>([&]<class List>(List) { sound = sound && detail::all_belong_to<Entity>(List{}) && detail::all_described<Entity>(List{}); });
        return sound;
    }
    static constexpr bool version_is_sound() noexcept {
        if constexpr (has_version)
            return std::is_same_v<detail::member_t<detail::FirstMember<version_members>::value>, std::uint64_t>;
        else
            return true;
    }
    static constexpr bool revoked_is_sound() noexcept {
        if constexpr (has_revoked) {
            using Value = detail::member_t<detail::FirstMember<revoked_members>::value>;
            return is_nullable_v<Value> && detail::is_time_point_v<bare_value_t<Value>>;
        } else {
            return true;
        }
    }
    static constexpr bool times_are_sound() noexcept {
        bool sound = true;
        boost::mp11::mp_for_each<boost::mp11::mp_list<expires_members, touch_members>>([&]<auto... Members>(detail::MemberList<Members...>) {
            sound = sound && (detail::is_time_point_v<bare_value_t<detail::member_t<Members>>> && ...);
        });
        return sound;
    }

    static_assert(members_are_sound(), "larder: a key of the schema names a member that is not a described field of this entity");
    static_assert(others_are_sound(), "larder: a word of the schema names a member that is not a described field of this entity");
    static_assert(primary_is_sound(), "larder: a member of the primary key or of the scope may not be a std::optional");
    static_assert(version_is_sound(), "larder: the version column must be a std::uint64_t");
    static_assert(revoked_is_sound(), "larder: the revoked column must be a std::optional time point, null while the row is valid");
    static_assert(times_are_sound(), "larder: the expires and touch columns must be time points of the system clock");
};

/// What a type without a schema or without described fields makes: nothing but the sentence that says so.
template <class Entity>
    requires(!has_schema<Entity> || !detail::described<Entity>)
struct schema_of<Entity> {
    static_assert(has_schema<Entity>, "larder: describe the entity first: specialise larder::entity_traits<Entity> deriving from larder::schema<...>");
    static_assert(detail::described<Entity>, "larder: the entity needs BOOST_DESCRIBE_STRUCT(Entity, (), (fields...)), in its own namespace");
};

/// A type with a sound schema: every check of `schema_of` holds.
template <class T>
concept entity = has_schema<T> && detail::described<T> && std::copyable<T> && detail::has_sound_parts<T>();

} // namespace v0
} // namespace larder
