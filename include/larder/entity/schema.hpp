// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/fixed_string.hpp>
#include <larder/entity/member.hpp>
#include <larder/entity/value.hpp>
#include <larder/fwd.hpp>

#include <boost/describe/class.hpp> // for those who describe an entity
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace larder {
inline namespace v0 {

/// \name The words of a schema
/// Each is a part of `schema<"table", parts...>`; all of them are types without members that a user would touch.
/// @{

/// The primary key: one member, or several in order. Required, once.
template <auto... Members>
struct primary {};

/// An alternate key: no two rows share it. A null member means that the row has no such key.
template <auto... Members>
struct unique {};

/// A key that many rows share, such as "all sessions of a user". A null member means that the row is in no group.
template <auto... Members>
struct group {};

/// The column that moves by one with each write, under the row's lock. An unsigned 64-bit integer.
template <auto Member>
struct version {};

/// The moment after which the row is no longer valid; no tier serves it for longer. A time point, or an optional one (null: never).
template <auto Member>
struct expires {};

/// The moment at which the row was revoked; a row that has it set is a tombstone, whoever wrote it. An optional time point.
template <auto Member>
struct revoked {};

/// A column written lazily that moves no version, such as "last seen". A time point, or an optional one.
template <auto Member>
struct touch {};

/// A related row loaded in the same query: the member that holds it, and the members that are its foreign key. The
/// embedded struct is an entity of its own; held in a `std::optional`, it may be missing.
template <auto Member, auto... ForeignKey>
struct embed {};

/// The fields kept of a row that is warm, besides those the library itself needs to answer honestly.
template <auto... Members>
struct warm {};

/// A part of every key, such as a tenant: no look-up can forget it.
template <auto... Members>
struct scope {};

/// The column's name where it differs from the member's.
template <auto Member, FixedString Name>
struct column {};

/// Fields that must not be shown: in no text, and in no shared tier in clear.
template <auto... Members>
struct secret {};

/// Declares that a primary key may come back after its row was erased; the database then keeps the version of what is gone.
struct reusable {};

/// Declares that no row of this entity is ever served stale, whatever fails.
struct never_stale {};

/// The schema's own number, moved by hand when cached rows must not survive a deploy (`Versioned<schema_constant>`).
template <std::uint64_t Number>
struct revision {};

/// An older layout of the entity, and the function that makes the entity of it: what a shared tier still holds of an earlier
/// version of the program is upgraded instead of loaded again.
///
/// `Older` is a described struct with the fields of old, in their old order; a schema of its own says which of them are secret, and which
/// layout is older still. `Upgrade` takes an `Older` and returns the entity, or a `std::optional` of it that is empty for a value that it refuses.
template <class Older, auto Upgrade>
struct migrates_from {};
/// @}

/// Describes an entity once; everything else is derived from it. Derive `entity_traits<YourEntity>` from it:
///
/// ```cpp
/// template <> struct larder::entity_traits<Session>
///     : larder::schema<"sessions", larder::primary<&Session::id>, larder::unique<&Session::jti>, larder::version<&Session::version>> {};
/// ```
///
/// \tparam Table the table's name. \tparam Parts the words above, in any order.
template <FixedString Table, class... Parts>
struct schema {
    static constexpr FixedString table_name = Table;
    static constexpr std::string_view table = table_name.view();
    using parts = boost::mp11::mp_list<Parts...>;
};

namespace detail {

/// Whether a part of a schema is one of the words above.
template <class Part>
struct is_word : std::false_type {};

#define LARDER_PART(word)                                                                                                        \
    template <auto... Members>                                                                                                   \
    struct is_word<word<Members...>> : std::true_type {};                                                                        \
    template <class Part>                                                                                                        \
    struct is_##word : std::false_type {};                                                                                       \
    template <auto... Members>                                                                                                   \
    struct is_##word<word<Members...>> : std::true_type {};
LARDER_PART(primary)
LARDER_PART(unique)
LARDER_PART(group)
LARDER_PART(warm)
LARDER_PART(scope)
LARDER_PART(secret)
#undef LARDER_PART

#define LARDER_PART(word)                                                                                                        \
    template <auto Member>                                                                                                       \
    struct is_word<word<Member>> : std::true_type {};                                                                            \
    template <class Part>                                                                                                        \
    struct is_##word : std::false_type {};                                                                                       \
    template <auto Member>                                                                                                       \
    struct is_##word<word<Member>> : std::true_type {};
LARDER_PART(version)
LARDER_PART(expires)
LARDER_PART(revoked)
LARDER_PART(touch)
#undef LARDER_PART

template <auto Member, auto... ForeignKey>
struct is_word<embed<Member, ForeignKey...>> : std::true_type {};
template <class Part>
struct is_embed : std::false_type {};
template <auto Member, auto... ForeignKey>
struct is_embed<embed<Member, ForeignKey...>> : std::true_type {};

template <auto Member, FixedString Name>
struct is_word<column<Member, Name>> : std::true_type {};
template <class Part>
struct is_column : std::false_type {};
template <auto Member, FixedString Name>
struct is_column<column<Member, Name>> : std::true_type {};

template <std::uint64_t Number>
struct is_word<revision<Number>> : std::true_type {};
template <class Part>
struct is_revision : std::false_type {};
template <std::uint64_t Number>
struct is_revision<revision<Number>> : std::true_type {
    static constexpr std::uint64_t number = Number;
};

template <class Older, auto Upgrade>
struct is_word<migrates_from<Older, Upgrade>> : std::true_type {};
template <class Part>
struct is_migrates_from : std::false_type {};
template <class Older, auto Upgrade>
struct is_migrates_from<migrates_from<Older, Upgrade>> : std::true_type {};

template <>
struct is_word<reusable> : std::true_type {};
template <>
struct is_word<never_stale> : std::true_type {};

template <class Part>
struct PartMembers {
    using type = MemberList<>;
};
template <template <auto...> class Word, auto... Members>
struct PartMembers<Word<Members...>> {
    using type = MemberList<Members...>;
};

/// The members of the one part of a kind, or none.
template <class Found>
struct OnlyPart {
    using type = MemberList<>;
};
template <class Part>
struct OnlyPart<boost::mp11::mp_list<Part>> {
    using type = typename PartMembers<Part>::type;
};

} // namespace detail

/// True for a type whose `entity_traits` derive from `schema`.
template <class T>
concept has_schema = requires {
    typename entity_traits<T>::parts;
    { entity_traits<T>::table } -> std::convertible_to<std::string_view>;
};

} // namespace v0
} // namespace larder
