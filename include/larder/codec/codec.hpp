// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/key.hpp>
#include <larder/entity/projection.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder {
inline namespace v0 {

/// What an alias holds in a shared tier: the primary key of the row that it leads to.
template <entity Entity>
struct AliasTarget {
    primary_key_t<Entity> primary{};

    friend bool operator==(const AliasTarget&, const AliasTarget&) = default;
};

/// How the decoding of a value ended. Whatever is neither `decoded` nor `migrated` is a miss to the tier.
enum class DecodeOutcome : std::uint8_t {
    decoded,           ///< The value is there, in the layout of this program.
    migrated,          ///< The value was in an older layout that the schema names, and was upgraded.
    other_format,      ///< The bytes are not of this codec, or of a format version that it does not know.
    other_fingerprint, ///< The value is in a layout that the schema does not name: another program version's.
    truncated,         ///< The end of the bytes is missing.
    corrupted,         ///< The bytes are not what was encoded.
    unsealable,        ///< The sealed fields cannot be opened: their key is not known, or they belong to another value.
    refused,           ///< The function that upgrades an older layout refused this value, or threw.
};
inline constexpr std::size_t decode_outcome_count = 8;

constexpr std::string_view name_of(DecodeOutcome outcome) noexcept {
    constexpr std::string_view names[] = {"decoded",   "migrated",  "other_format", "other_fingerprint",
                                          "truncated", "corrupted", "unsealable",   "refused"};
    return names[static_cast<std::size_t>(outcome)];
}

/// Whether decoding made a value.
constexpr bool succeeded(DecodeOutcome outcome) noexcept { return outcome == DecodeOutcome::decoded || outcome == DecodeOutcome::migrated; }

/// Meets the requirements of a codec: what turns the values of a shared tier into bytes and back.
///
/// The values are an entity's whole row with the rows that it embeds (`Entity`), its warm fields (`WarmRow<Entity>`), and the
/// primary key that an alias holds (`AliasTarget<Entity>`). One codec serves every entity. It is an object, for it may hold keys;
/// both operations are const, and safe from any thread at once. Copies are interchangeable.
///
/// - `encode(value, out) -> bool`: appends the value to `out`. What was in `out` stays. False if the value cannot be encoded (its
///   secret fields cannot be sealed, or it is too large for the format); `out` is then as it was. Throws nothing but
///   `std::bad_alloc`. Two calls need not make the same bytes.
/// - `decode(bytes, into) -> DecodeOutcome`: sets `into` to the value that was encoded. `bytes` must be the whole value and nothing else,
///   and may be anything at all: bytes that were truncated, changed, or made by somebody else are an outcome other than `decoded`
///   and `migrated`, and then `into` is valid and unspecified. It throws nothing but `std::bad_alloc`, and allocates in proportion to
///   `bytes.size()` at most. What `into` held before does not show in the result; memory that it owns is used again where it suffices.
///
/// Bytes are the same on every machine and from every compiler. They name the layout that they are in by its fingerprint
/// (codec/fingerprint.hpp): a program with another layout, older or newer, refuses them as `other_fingerprint`, unless its schema
/// says how the older layout is upgraded (`migrates_from`). No clear text of a field that the schema declares `secret` is in them.
///
/// A codec says nothing about *which* row the bytes are of: compare the decoded row's key with the key that was asked for.
///
/// The smallest one, for entities without a pointer or a secret in them; it guards nothing and tells no layout from another of its size:
///
/// ```cpp
/// struct MemoryImage {
///     template <class Value> bool encode(const Value& value, std::string& out) const {
///         out.append(reinterpret_cast<const char*>(&value), sizeof value);
///         return true;
///     }
///     template <class Value> DecodeOutcome decode(std::string_view bytes, Value& into) const {
///         if (bytes.size() != sizeof into) return DecodeOutcome::truncated;
///         std::memcpy(&into, bytes.data(), sizeof into);
///         return DecodeOutcome::decoded;
///     }
/// };
/// ```
template <class C, class Entity>
concept codec = entity<Entity> && std::copy_constructible<C> &&
                requires(const C& coder, const Entity& row, const WarmRow<Entity>& warm, const AliasTarget<Entity>& target, std::string& out, std::string_view bytes,
                         Entity& row_into, WarmRow<Entity>& warm_into, AliasTarget<Entity>& target_into) {
                    { coder.encode(row, out) } -> std::same_as<bool>;
                    { coder.encode(warm, out) } -> std::same_as<bool>;
                    { coder.encode(target, out) } -> std::same_as<bool>;
                    { coder.decode(bytes, row_into) } -> std::same_as<DecodeOutcome>;
                    { coder.decode(bytes, warm_into) } -> std::same_as<DecodeOutcome>;
                    { coder.decode(bytes, target_into) } -> std::same_as<DecodeOutcome>;
                };

} // namespace v0
} // namespace larder
