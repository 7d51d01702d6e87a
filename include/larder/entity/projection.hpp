// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/key.hpp>

#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

template <auto Member, auto... Members>
constexpr std::size_t index_of_member() noexcept {
    std::size_t index = 0;
    bool found = false;
    ((found = found || same_member<Member, Members>(), index += found ? 0U : 1U), ...);
    return index;
}

} // namespace detail

/// Some fields of a row, readable without the rest: `get<&Entity::field>()`. Holds values of its own.
template <class Entity, class Members>
class Projection;

template <class Entity, auto... Members>
class Projection<Entity, detail::MemberList<Members...>> {
public:
    Projection() = default;
    /// Copies the fields out of a row.
    explicit Projection(const Entity& row) : fields_(row.*Members...) {}
    /// Takes the fields in the projection's order.
    explicit Projection(std::tuple<detail::member_t<Members>...> fields) : fields_(std::move(fields)) {}

    /// One field. Reading a field that the projection does not hold does not compile.
    template <auto Member>
    const detail::member_t<Member>& get() const noexcept {
        static_assert((detail::same_member<Member, Members>() || ...),
                      "larder: this projection does not hold that field: add it to larder::warm<...> or ask for the whole row");
        return std::get<detail::index_of_member<Member, Members...>()>(fields_);
    }

    /// The row with just these fields set; the others are as a default-constructed row has them.
    Entity partial_row() const {
        Entity row{};
        ((row.*Members = get<Members>()), ...);
        return row;
    }

    /// The bytes that the fields own beyond the projection itself.
    std::size_t heap() const noexcept { return (std::size_t{0} + ... + detail::heap_bytes(get<Members>())); }

private:
    std::tuple<detail::member_t<Members>...> fields_;
};

/// What is kept of a warm row: the schema's warm fields and those the library needs (keys, version, expiry, revocation).
template <entity Entity>
using WarmRow = Projection<Entity, typename schema_of<Entity>::warm_members>;

} // namespace v0
} // namespace larder
