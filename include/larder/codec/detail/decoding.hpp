// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/cipher.hpp>
#include <larder/codec/codec.hpp>
#include <larder/codec/detail/layout.hpp>
#include <larder/codec/fingerprint.hpp>

#include <boost/mp11/algorithm.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// Says in a sentence why a value may not go to a shared tier by a codec with this cipher; nothing if it may.
template <class T, class Cipher>
constexpr void check_secrets() noexcept {
    static_assert(primary_key_is_no_secret<typename Layout<T>::Owner>(),
                  "larder: a secret field may not be part of the primary key, which aliases hold in clear in a shared tier: make the field a larder::Hashed, or do not call it secret");
    static_assert(!has_sealed_v<T> || cipher<Cipher>,
                  "larder: the entity has secret fields, which a codec without a cipher cannot encode: use a tier whose codec has one, such as SealedRedisCache of cache/sealed_redis.hpp");
}

/// What sealed fields are bound to: the table, and the part of the value that is in clear.
template <class T>
std::string associated_data(std::string_view clear) {
    constexpr std::string_view table = table_of<T>();
    std::string bytes;
    bytes.reserve(table.size() + 1 + clear.size());
    bytes += table;
    bytes += '\0';
    bytes += clear;
    return bytes;
}

template <class T, class = void>
struct MigrationsOf {
    using type = boost::mp11::mp_list<>;
};
template <class T>
struct MigrationsOf<T, std::enable_if_t<has_schema<T>>> {
    using type = boost::mp11::mp_copy_if<typename entity_traits<T>::parts, is_migrates_from>;
};

/// Calls the function that upgrades an older layout.
template <auto Upgrade, class Older, class T>
DecodeOutcome upgrade(Older&& older, T& into) {
    using Made = std::invoke_result_t<decltype(Upgrade), Older&&>;
    try {
        if constexpr (std::same_as<std::remove_cvref_t<Made>, std::optional<T>>) {
            Made made = std::invoke(Upgrade, std::forward<Older>(older));
            if (!made) return DecodeOutcome::refused;
            into = *std::move(made);
        } else {
            into = std::invoke(Upgrade, std::forward<Older>(older));
        }
        return DecodeOutcome::migrated;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (...) {
        return DecodeOutcome::refused;
    }
}

template <class T, class Older, auto Upgrade>
constexpr bool upgrades() noexcept {
    if constexpr (std::invocable<decltype(Upgrade), Older&&>) {
        using Made = std::remove_cvref_t<std::invoke_result_t<decltype(Upgrade), Older&&>>;
        return std::same_as<Made, T> || std::same_as<Made, std::optional<T>>;
    }
    return false;
}

/// Decodes a value whose fingerprint is known: `decode(value)` as a `T`, or as one of the layouts that `T` is upgraded from, step by step.
template <class T, class Decode>
DecodeOutcome decode_layout(std::uint64_t fingerprint, T& into, const Decode& decode) {
    if (fingerprint == fingerprint_v<T>) return decode(into);
    DecodeOutcome outcome = DecodeOutcome::other_fingerprint;
    boost::mp11::mp_for_each<typename MigrationsOf<T>::type>([&]<class Older, auto Upgrade>(migrates_from<Older, Upgrade>) {
        static_assert(upgrades<T, Older, Upgrade>(), "larder: the function of a migrates_from must take the older layout and return the entity, or a std::optional of it");
        static_assert(fingerprint_v<Older> != fingerprint_v<T>, "larder: a migrates_from names a layout that has the entity's own fields: it would never be used");
        if (outcome != DecodeOutcome::other_fingerprint) return;
        Older older{};
        outcome = decode_layout(fingerprint, older, decode);
        if (succeeded(outcome)) outcome = upgrade<Upgrade>(std::move(older), into);
    });
    return outcome;
}

/// The value that is decoded into before it becomes a `Projection`, or the value itself.
template <class T, class Decode>
DecodeOutcome decode_value(T& into, const Decode& decode) {
    return decode(into);
}
template <class Entity, class Members, class Decode>
DecodeOutcome decode_value(Projection<Entity, Members>& into, const Decode& decode) {
    FieldTuple<Members> fields;
    const DecodeOutcome outcome = decode(fields);
    if (succeeded(outcome)) into = Projection<Entity, Members>(std::move(fields.values));
    return outcome;
}

} // namespace detail
} // namespace v0
} // namespace larder
