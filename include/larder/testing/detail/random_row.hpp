// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/detail/layout.hpp>
#include <larder/entity/value.hpp>

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace testing {
namespace codec_suite {

/// Makes values of every type that a field may have, extremes more often than chance would; the same ones from every compiler.
class RandomValues {
public:
    explicit RandomValues(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t below(std::uint64_t end) { return engine_() % end; }

    void fill(bool& value) { value = below(2) != 0; }

    template <std::integral T>
    void fill(T& value) {
        using Limits = std::numeric_limits<T>;
        const T choices[] = {T{0}, T{1}, Limits::min(), Limits::max(), static_cast<T>(Limits::max() / 2), static_cast<T>(engine_() % 200), static_cast<T>(engine_())};
        value = choices[below(std::size(choices))];
    }

    template <std::floating_point T>
    void fill(T& value) {
        using Limits = std::numeric_limits<T>;
        const T choices[] = {T{0},         -T{0},         Limits::infinity(), -Limits::infinity(), Limits::denorm_min(), Limits::max(), Limits::lowest(), Limits::epsilon(),
                             T{1} / T{10}, std::ldexp(static_cast<T>(engine_() % 1000000007), static_cast<int>(engine_() % 60) - 30)};
        value = choices[below(std::size(choices))];
    }

    template <class T>
        requires std::is_enum_v<T>
    void fill(T& value) {
        std::underlying_type_t<T> number{};
        fill(number);
        value = static_cast<T>(number);
    }

    void fill(std::string& value) {
        value.resize(length());
        const bool readable = below(2) != 0;
        for (char& letter : value) letter = static_cast<char>(readable ? 'a' + below(26) : below(256));
    }

    void fill(Bytes& value) {
        value.resize(length());
        for (auto& byte : value) byte = static_cast<std::byte>(below(256));
    }

    void fill(Uuid& value) {
        for (auto* byte = value.begin(); byte != value.end(); ++byte) *byte = static_cast<unsigned char>(below(256));
    }

    template <class T>
    void fill(Hashed<T>& value) {
        typename Hashed<T>::Digest digest{};
        for (auto& byte : digest) byte = static_cast<std::byte>(below(256));
        value = Hashed<T>(digest);
    }

    template <class Unit>
    void fill(std::chrono::sys_time<Unit>& value) {
        typename Unit::rep count{};
        fill(count);
        value = std::chrono::sys_time<Unit>(Unit(count));
    }

    template <class T>
    void fill(std::optional<T>& value) {
        value.reset();
        if (below(3) != 0) fill(value.emplace());
    }

    /// Every field of a row, and of the rows that it embeds.
    template <class T>
        requires larder::detail::holds_row_v<T>
    void fill(T& row) {
        larder::detail::each_field(row, [this]<class Known>(Known, auto& field) { return this->fill(field), true; });
    }

    template <class T>
    T make() {
        T value{};
        fill(value);
        return value;
    }

private:
    std::size_t length() {
        constexpr std::size_t lengths[] = {0, 1, 2, 15, 16, 31, 127, 128, 129, 300};
        return lengths[below(std::size(lengths))];
    }

    std::mt19937_64 engine_;
};

} // namespace codec_suite
} // namespace testing
} // namespace v0
} // namespace larder
