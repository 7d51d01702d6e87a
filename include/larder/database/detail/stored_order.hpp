// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/key.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// The order of keys in a database: that of their stored forms, numbers by value and texts and bytes byte by byte.
struct StoredLess {
    template <class Key>
    bool operator()(const Key& left, const Key& right) const noexcept {
        if constexpr (is_tuple_v<Key>)
            return less_from<0>(left, right);
        else
            return less(left, right);
    }

private:
    template <class Part>
    static bool less(const Part& left, const Part& right) noexcept {
        const auto first = value_traits<Part>::to(left);
        const auto second = value_traits<Part>::to(right);
        if constexpr (std::is_same_v<std::remove_const_t<decltype(first)>, std::span<const std::byte>>)
            return std::lexicographical_compare(first.begin(), first.end(), second.begin(), second.end());
        else
            return first < second;
    }

    template <std::size_t Index, class... Part>
    static bool less_from(const std::tuple<Part...>& left, const std::tuple<Part...>& right) noexcept {
        if (less(std::get<Index>(left), std::get<Index>(right))) return true;
        if constexpr (Index + 1 < sizeof...(Part))
            return !less(std::get<Index>(right), std::get<Index>(left)) && less_from<Index + 1>(left, right);
        else
            return false;
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
