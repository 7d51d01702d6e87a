// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/observe/event.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

namespace larder {
inline namespace v0 {

namespace detail {

template <class Enum> inline constexpr std::size_t enum_count = 0;
template <> inline constexpr std::size_t enum_count<Level> = level_count;
template <> inline constexpr std::size_t enum_count<LookupOutcome> = lookup_outcome_count;
template <> inline constexpr std::size_t enum_count<QueryKind> = query_kind_count;
template <> inline constexpr std::size_t enum_count<FillOutcome> = fill_outcome_count;
template <> inline constexpr std::size_t enum_count<EvictionCause> = eviction_cause_count;
template <> inline constexpr std::size_t enum_count<Invalidation> = invalidation_count;
template <> inline constexpr std::size_t enum_count<StaleCause> = stale_cause_count;
template <> inline constexpr std::size_t enum_count<Verb> = verb_count;

} // namespace detail

/// One `T` for each enumerator of an enumeration of observe/event.hpp. As thread-safe as a plain array.
template <class Enum, class T> struct EnumTable {
    std::array<T, detail::enum_count<Enum>> values{};

    constexpr T& operator[](Enum key) & noexcept { return values[static_cast<std::size_t>(key)]; }
    constexpr const T& operator[](Enum key) const& noexcept { return values[static_cast<std::size_t>(key)]; }
    /// By value, so that a reference to a part of a temporary snapshot does not dangle.
    constexpr T operator[](Enum key) && { return std::move(values[static_cast<std::size_t>(key)]); }

    /// Calls `visit(enumerator, value)` for each enumerator in order.
    template <class Visit> constexpr void for_each(Visit&& visit) const {
        for (std::size_t i = 0; i < values.size(); ++i) visit(static_cast<Enum>(i), values[i]);
    }
};

namespace detail {

/// Walks two nests of tables and structs of the same shape and calls `leaf(into, from)` for each pair of numbers.
///
/// A struct takes part by a static `fields(self)` that ties its members.
template <class Into, class From, class Leaf> constexpr void zip_leaves(Into& into, From& from, const Leaf& leaf) {
    if constexpr (requires { Into::fields(into); }) {
        auto left = Into::fields(into);
        auto right = From::fields(from);
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (zip_leaves(std::get<I>(left), std::get<I>(right), leaf), ...);
        }
        (std::make_index_sequence<std::tuple_size_v<decltype(left)>>{});
    } else if constexpr (requires { into.values; }) {
        for (std::size_t i = 0; i < into.values.size(); ++i) zip_leaves(into.values[i], from.values[i], leaf);
    } else {
        leaf(into, from);
    }
}

/// Calls `leaf(number)` for each number in a nest of tables and structs.
template <class Nest, class Leaf> constexpr void for_each_leaf(const Nest& nest, const Leaf& leaf) {
    zip_leaves(nest, nest, [&](const auto& number, const auto&) { leaf(number); });
}

} // namespace detail

} // namespace v0
} // namespace larder
