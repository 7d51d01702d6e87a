// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace detail {

template <class Pointer>
struct MemberPointer;

template <class Class, class Type>
struct MemberPointer<Type Class::*> {
    using Owner = Class;
    using Value = Type;
};

template <auto Member>
using owner_t = typename MemberPointer<std::remove_cv_t<decltype(Member)>>::Owner;

template <auto Member>
using member_t = typename MemberPointer<std::remove_cv_t<decltype(Member)>>::Value;

/// A list of pointers to members as a type.
template <auto... Members>
struct MemberList {
    static constexpr std::size_t size = sizeof...(Members);
};

template <auto Left, auto Right>
constexpr bool same_member() noexcept {
    if constexpr (std::is_same_v<decltype(Left), decltype(Right)>)
        return Left == Right;
    else
        return false;
}

template <auto Member, class List>
inline constexpr bool contains_v = false;

template <auto Member, auto... Members>
inline constexpr bool contains_v<Member, MemberList<Members...>> = (same_member<Member, Members>() || ...);

/// The union of two lists, in order, each member once.
template <class Left, class Right>
struct JoinMembers;

template <auto... Members>
struct JoinMembers<MemberList<Members...>, MemberList<>> {
    using type = MemberList<Members...>;
};

template <auto... Members, auto First, auto... Rest>
struct JoinMembers<MemberList<Members...>, MemberList<First, Rest...>> {
    using type = typename JoinMembers<std::conditional_t<contains_v<First, MemberList<Members...>>, MemberList<Members...>,
                                                         MemberList<Members..., First>>,
                                      MemberList<Rest...>>::type;
};

template <class Left, class Right>
using join_members_t = typename JoinMembers<Left, Right>::type;

/// Whether Boost.Describe knows the members of a type.
template <class T>
concept described = requires { typename boost::describe::describe_members<T, boost::describe::mod_public>; };

template <described T>
using descriptors_t = boost::describe::describe_members<T, boost::describe::mod_public>;

/// The field's name as Boost.Describe knows it; empty if the field is not described.
template <auto Member>
constexpr std::string_view described_name() noexcept {
    std::string_view name;
    boost::mp11::mp_for_each<descriptors_t<owner_t<Member>>>([&]<class Descriptor>(Descriptor) {
        if constexpr (same_member<Descriptor::pointer, Member>()) name = Descriptor::name;
    });
    return name;
}

} // namespace detail
} // namespace v0
} // namespace larder
