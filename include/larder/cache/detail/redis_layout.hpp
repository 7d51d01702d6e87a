// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/codec/detail/hex.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/entity/key.hpp>
#include <larder/entity/value.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// Moments and spans as the scripts know them: microseconds of Redis's clock.
using RedisMicros = std::int64_t;

/// A span in microseconds, rounded down, and short enough that sums with moments stay exact in the numbers of a script.
constexpr RedisMicros redis_span(Duration span) noexcept {
    constexpr Duration most = std::chrono::hours(24 * 365 * 50);
    return std::chrono::floor<std::chrono::microseconds>(std::clamp(span, -most, most)).count();
}

/// Appends text in which only letters, digits, '_', '-', '.' and '@' are themselves and all else is written as "%" and two digits.
inline void append_escaped(std::string& out, std::string_view text) {
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '.' || byte == '@';
        if (plain)
            out += letter;
        else
            append_hex(std::as_bytes(std::span(&letter, 1)), out += '%');
    }
}

/// Undoes `append_escaped`. \returns whether it could.
inline bool unescape(std::string_view text, std::string& out) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size() || !append_unhex(text.substr(i + 1, 2), out)) return false;
        i += 2;
    }
    return true;
}

/// Whether a member of a key must not be shown in clear: the schema calls it secret, and it is no keyed hash itself.
template <class Entity, auto Member>
inline constexpr bool is_hidden_part_v = []<auto... Secret>(MemberList<Secret...>) {
    return (same_member<Member, Secret>() || ...);
}(typename schema_of<Entity>::secret_members{}) && !requires(const bare_value_t<member_t<Member>>& value) { value.digest(); };

/// The keys of one space of an entity as text: the space's name and the key's parts, in which each character has one meaning.
///
/// "table.column{part,part}": the braces are what a Redis Cluster hashes. Parts that must not be shown are "#" and their keyed hash.
template <entity Entity, std::size_t Space>
struct RedisKeyText {
    using Key = space_key_t<Entity, Space>;
    using Members = space_members_t<Entity, Space>;

    /// Whether a part of the key is hidden, so that the key cannot be told from its text.
    static constexpr bool hidden = []<auto... Member>(MemberList<Member...>) { return (is_hidden_part_v<Entity, Member> || ...); }(Members{});

    /// What the keys of the space begin with.
    static const std::string& prefix() {
        static const std::string text = [] {
            std::string name;
            append_escaped(name, std::string_view(schema_of<Entity>::table));
            name += '/';
            bool first = true;
            [&]<auto... Member>(MemberList<Member...>) {
                (((first ? name : name += '+'), first = false, append_escaped(name, Column<Entity, Member>::name())), ...);
            }(boost::mp11::mp_at_c<typename schema_of<Entity>::declared_spaces, Space>{});
            return name += '{';
        }();
        return text;
    }

    static void append_parts(std::string& out, const Key& key, const HashKey* secret) {
        bool first = true;
        const auto add = [&]<auto Member>(const auto& part) {
            if (!std::exchange(first, false)) out += ',';
            append_part<Member>(out, part, secret);
        };
        each_part(key, add, Members{});
    }
    static std::string full(const Key& key, const HashKey* secret) {
        std::string text = prefix();
        append_parts(text, key, secret);
        return text += '}';
    }

    /// The key of which this is the parts' text; nothing if it cannot be told.
    static std::optional<Key> parse_parts(std::string_view text) {
        if constexpr (hidden) {
            return std::nullopt;
        } else {
            return [&]<auto... Member>(MemberList<Member...>) -> std::optional<Key> {
                std::tuple<bare_value_t<member_t<Member>>...> parts{};
                bool good = true;
                std::size_t number = 0;
                const auto take = [&](auto& part) {
                    const std::size_t comma = text.find(',');
                    const bool last = ++number == sizeof...(Member);
                    if (last != (comma == std::string_view::npos)) good = false;
                    if (!good) return;
                    good = parse_part(text.substr(0, comma), part);
                    if (!last) text.remove_prefix(comma + 1);
                };
                std::apply([&](auto&... part) { (take(part), ...); }, parts);
                if (!good) return std::nullopt;
                return std::apply([](auto&... part) { return Key(std::move(part)...); }, parts);
            }(Members{});
        }
    }

private:
    template <class Add, auto... Member>
    static void each_part(const Key& key, const Add& add, MemberList<Member...>) {
        if constexpr (sizeof...(Member) == 1)
            (add.template operator()<Member>(key), ...);
        else
            std::apply([&](const auto&... part) { (add.template operator()<Member>(part), ...); }, key);
    }

    template <auto Member, class Part>
    static void append_part(std::string& out, const Part& part, const HashKey* secret) {
        if constexpr (is_hidden_part_v<Entity, Member>) {
            std::string clear;
            append_clear(clear, part);
            out += '#';
            append_hex((*secret)(clear).digest(), out);
        } else {
            append_clear(out, part);
        }
    }

    template <class Part>
    static void append_clear(std::string& out, const Part& part) {
        using Traits = value_traits<Part>;
        const auto stored = Traits::to(part);
        if constexpr (Traits::storage == Storage::integer)
            out += std::to_string(stored);
        else if constexpr (Traits::storage == Storage::real)
            out += std::to_string(std::bit_cast<std::uint64_t>(stored));
        else if constexpr (Traits::storage == Storage::text)
            append_escaped(out, stored);
        else
            append_hex(stored, out);
    }

    template <class Part>
    static bool parse_part(std::string_view text, Part& part) {
        using Traits = value_traits<Part>;
        if constexpr (Traits::storage == Storage::integer || Traits::storage == Storage::real) {
            std::conditional_t<Traits::storage == Storage::integer, std::int64_t, std::uint64_t> number{};
            const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
            if (failed != std::errc() || end != text.data() + text.size()) return false;
            if constexpr (Traits::storage == Storage::integer)
                return Traits::from(number, part);
            else
                return Traits::from(std::bit_cast<double>(number), part);
        } else if constexpr (Traits::storage == Storage::text) {
            std::string clear;
            return unescape(text, clear) && Traits::from(clear, part);
        } else {
            Bytes bytes;
            return append_unhex(text, bytes) && Traits::from(bytes, part);
        }
    }
};

/// The facts of a value, as the field `t` of a record tells them.
struct RedisFacts {
    std::uint64_t version = 0;
    RedisMicros loaded = 0;
    RedisMicros serve = 0;
    RedisMicros refresh = 0;
    RedisMicros fallback = 0; ///< 0: none.
    std::string_view about;
    std::string_view note;

    static std::optional<RedisFacts> parse(std::string_view text) noexcept {
        RedisFacts facts;
        const auto word = [&text] {
            const std::size_t end = std::min(text.find(' '), text.size());
            const std::string_view first = text.substr(0, end);
            text.remove_prefix(std::min(end + 1, text.size()));
            return first;
        };
        const auto number = [&word](auto& into) {
            const std::string_view digits = word();
            const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
            return failed == std::errc() && end == digits.data() + digits.size();
        };
        if (!number(facts.version) || !number(facts.loaded) || !number(facts.serve) || !number(facts.refresh) || !number(facts.fallback)) return std::nullopt;
        facts.about = word();
        facts.note = text;
        return facts.about.empty() || facts.note.empty() ? std::nullopt : std::optional(facts);
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
