// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/detail/hex.hpp>
#include <larder/codec/detail/layout.hpp>
#include <larder/codec/fingerprint.hpp>
#include <larder/entity/value.hpp>

#include <boost/json/kind.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serializer.hpp>
#include <boost/json/string_view.hpp>
#include <boost/json/value.hpp>

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace detail {

inline constexpr std::size_t uuid_dashes[] = {8, 13, 18, 23};

/// Writes fields as a JSON object.
class JsonWriter {
public:
    explicit JsonWriter(std::string& out) noexcept : out_(out) {}

    /// The fields of a value that are in clear, or those that are sealed, of which rows without any are left out.
    template <bool Sealed, class T>
    void fields(const T& value) {
        out_ += '{';
        each_field(value, [this, first = true]<auto Member>(Field<Member>, const auto& field) mutable {
            using Known = Field<Member>;
            constexpr bool written = Sealed ? Known::holds_sealed() : !Known::sealed;
            if constexpr (written) {
                if (!first) out_ += ',';
                first = false;
                text(Known::name);
                out_ += ':';
                if (is_null(field))
                    out_ += "null";
                else if constexpr (Known::is_row)
                    fields<Sealed>(bare(field));
                else
                    this->value(bare(field));
            }
            return true;
        });
        out_ += '}';
    }

private:
    template <class T>
    void value(const T& value) {
        using Traits = value_traits<T>;
        const auto stored = Traits::to(value);
        if constexpr (std::same_as<T, bool>) {
            out_ += value ? "true" : "false";
        } else if constexpr (Traits::storage == Storage::integer) {
            integer<T>(stored);
        } else if constexpr (Traits::storage == Storage::real) {
            real(static_cast<double>(stored));
        } else if constexpr (Traits::storage == Storage::text) {
            text(stored);
        } else {
            out_ += '"';
            const std::size_t start = out_.size();
            append_hex(stored, out_);
            if constexpr (std::same_as<T, Uuid>)
                for (const auto dash : uuid_dashes) out_.insert(start + dash, 1, '-');
            out_ += '"';
        }
    }

    template <class T>
    void integer(std::int64_t stored) {
        char digits[std::numeric_limits<std::uint64_t>::digits10 + 2];
        const auto end = is_unsigned_value<T>() ? std::to_chars(digits, std::end(digits), static_cast<std::uint64_t>(stored)).ptr
                                                : std::to_chars(digits, std::end(digits), stored).ptr;
        out_.append(digits, end);
    }

    /// JSON has no word for what is no number: such are texts.
    void real(double number) {
        if (std::isnan(number)) {
            out_ += "\"nan\"";
        } else if (std::isinf(number)) {
            out_ += number < 0 ? "\"-inf\"" : "\"inf\"";
        } else {
            const boost::json::value value(number);
            serializer_.reset(&value);
            drain();
        }
    }

    void text(std::string_view text) {
        serializer_.reset(boost::json::string_view(text.data(), text.size()));
        drain();
    }

    void drain() {
        char piece[512];
        while (!serializer_.done()) out_ += std::string_view(serializer_.read(piece, sizeof piece));
    }

    std::string& out_;
    boost::json::serializer serializer_;
};

/// Reads what a `JsonWriter` wrote, from any JSON. Each operation tells whether it could.
struct JsonReader {
    template <bool Sealed, class T>
    static bool fields(const boost::json::value& json, T& value) {
        const auto* const object = json.if_object();
        if (object == nullptr) return false;
        auto next = object->begin();
        const bool all = each_field(value, [&]<auto Member>(Field<Member>, auto& field) {
            using Known = Field<Member>;
            constexpr bool written = Sealed ? Known::holds_sealed() : !Known::sealed;
            if constexpr (written) {
                if (next == object->end() || std::string_view(next->key()) != Known::name) return false;
                return field_of<Sealed, Known>((next++)->value(), field);
            } else {
                return true;
            }
        });
        return all && next == object->end();
    }

private:
    template <bool Sealed, class Known, class T>
    static bool field_of(const boost::json::value& json, T& field) {
        if constexpr (is_nullable_v<T>) {
            if constexpr (Known::is_row && Sealed) {
                if (json.is_null() || !field) return json.is_null() && !field;
            } else if (json.is_null()) {
                field.reset();
                return true;
            } else if (!field) {
                field.emplace();
            }
            return content_of<Sealed, Known>(json, *field);
        } else {
            return content_of<Sealed, Known>(json, field);
        }
    }

    template <bool Sealed, class Known, class T>
    static bool content_of(const boost::json::value& json, T& content) {
        if constexpr (Known::is_row)
            return fields<Sealed>(json, content);
        else
            return value(json, content);
    }

    template <class T>
    static bool value(const boost::json::value& json, T& value) {
        using Traits = value_traits<T>;
        if constexpr (std::same_as<T, bool>) {
            if (const auto* known = json.if_bool()) return value = *known, true;
            return false;
        } else if constexpr (Traits::storage == Storage::integer) {
            if (const auto* number = json.if_int64()) return (*number >= 0 || !is_unsigned_value<T>()) && Traits::from(*number, value);
            if (const auto* number = json.if_uint64()) return is_unsigned_value<T>() && Traits::from(static_cast<std::int64_t>(*number), value);
            return false;
        } else if constexpr (Traits::storage == Storage::real) {
            double number = 0;
            return real(json, number) && Traits::from(number, value);
        } else if constexpr (Traits::storage == Storage::text) {
            const auto* const text = json.if_string();
            return text != nullptr && Traits::from(std::string_view(text->data(), text->size()), value);
        } else {
            const auto* const text = json.if_string();
            Bytes bytes;
            return text != nullptr && raw<T>(std::string_view(text->data(), text->size()), bytes) && Traits::from(bytes, value);
        }
    }

    static bool real(const boost::json::value& json, double& number) noexcept {
        if (const auto* known = json.if_double()) return number = *known, true;
        const auto* const text = json.if_string();
        if (text == nullptr) return false;
        constexpr double infinity = std::numeric_limits<double>::infinity();
        if (*text == "nan") return number = std::numeric_limits<double>::quiet_NaN(), true;
        if (*text == "inf") return number = infinity, true;
        if (*text == "-inf") return number = -infinity, true;
        return false;
    }

    template <class T>
    static bool raw(std::string_view text, Bytes& bytes) {
        bytes.reserve(text.size() / 2);
        if constexpr (std::same_as<T, Uuid>) {
            std::size_t from = 0;
            for (const auto dash : uuid_dashes) {
                if (text.size() <= dash || text[dash] != '-' || !append_unhex(text.substr(from, dash - from), bytes)) return false;
                from = dash + 1;
            }
            text.remove_prefix(from);
        }
        return append_unhex(text, bytes);
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
