// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// The type of a function's first parameter, of one that can be told apart: a function, or an object with one operator() that is
/// no template, or whose template takes the row's type.
template <class Result, class First, class... Rest>
std::type_identity<First> first_parameter(Result (*)(First, Rest...));
template <class Object, class Result, class First, class... Rest>
std::type_identity<First> first_parameter(Result (Object::*)(First, Rest...));
template <class Object, class Result, class First, class... Rest>
std::type_identity<First> first_parameter(Result (Object::*)(First, Rest...) const);

/// Whether a parameter of a type is a copy of a row, or of a part of it.
template <class Entity, class Parameter>
inline constexpr bool is_copy_v = !std::is_reference_v<Parameter> && std::is_base_of_v<std::remove_cv_t<Parameter>, Entity>;

/// Whether a change of a row is made to a copy of it, so far as that can be told: then it would be lost.
template <class Entity, class Change>
constexpr bool changes_a_copy() {
    if constexpr (!std::invocable<Change&, Entity>)
        return false;
    else if constexpr (requires(Change& change) { first_parameter(change); })
        return is_copy_v<Entity, typename decltype(first_parameter(std::declval<Change&>()))::type>;
    else if constexpr (requires { first_parameter(&Change::operator()); })
        return is_copy_v<Entity, typename decltype(first_parameter(&Change::operator()))::type>;
    else if constexpr (requires { first_parameter(&Change::template operator()<Entity>); })
        return is_copy_v<Entity, typename decltype(first_parameter(&Change::template operator()<Entity>))::type>;
    else
        return false;
}

} // namespace detail
} // namespace v0
} // namespace larder
