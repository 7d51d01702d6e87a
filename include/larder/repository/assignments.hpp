// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/member.hpp>

#include <cstddef>
#include <tuple>
#include <utility>

namespace larder {
inline namespace v0 {

/// Values for some fields of a row, to be written along with what a verb writes by itself.
template <auto... Members>
class Assignments {
public:
    using members = detail::MemberList<Members...>;

    explicit Assignments(detail::member_t<Members>... values) : values_(std::move(values)...) {}

    /// Writes the values into a row.
    template <class Entity>
    void apply(Entity& row) const {
        [&]<std::size_t... Index>(std::index_sequence<Index...>) { ((row.*Members = std::get<Index>(values_)), ...); }(std::index_sequence_for<detail::member_t<Members>...>{});
    }

private:
    std::tuple<detail::member_t<Members>...> values_;
};

/// Nothing to be written along.
template <>
class Assignments<> {
public:
    using members = detail::MemberList<>;
    template <class Entity>
    void apply(Entity&) const noexcept {}
};

namespace detail {

template <class T>
inline constexpr bool is_assignments = false;
template <auto... Members>
inline constexpr bool is_assignments<Assignments<Members...>> = true;

} // namespace detail

/// Names fields and the values they get: `set<&Session::revoked_why>(Why::logout)`.
template <auto... Members>
Assignments<Members...> set(detail::member_t<Members>... values) {
    return Assignments<Members...>(std::move(values)...);
}

} // namespace v0
} // namespace larder
