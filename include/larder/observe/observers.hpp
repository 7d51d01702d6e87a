// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/observe/detail/failure_text.hpp>
#include <larder/observe/event.hpp>

#include <concepts>
#include <string>
#include <string_view>

namespace larder {
inline namespace v0 {

/// An observer that hands each hidden failure to a function as one line of text, "memory: lookup: the cause", and
/// ignores everything else.
///
/// The function is called in the thread that met the failure, by several threads at once: it guards what it shares.
/// What it throws is dropped, since no observer may fail a read.
template <std::invocable<std::string_view> Function> struct FailureLog {
    [[no_unique_address]] Function function; ///< What receives the texts.

    template <class Event> constexpr void on(const Event&) noexcept {}

    void on(const event::HiddenFailure& failure) noexcept {
        try {
            std::string line(name_of(failure.level));
            line += ": ";
            line += detail::text_of(failure);
            function(std::string_view(line));
        } catch (...) {
        }
    }
};

template <class Function> FailureLog(Function) -> FailureLog<Function>;

/// Several observers as one: each event goes to each of them in order, as in `Observers<Metrics, FailureLog<F>>{{},
/// {f}}`.
///
/// An aggregate that derives from them, so it has their members (such as the `snapshot()` of `Metrics`), takes no room
/// for empty ones, and is as thread-safe as they are. They are of different types.
template <observer... Each> struct Observers : Each... {
    static constexpr bool silent = (detail::is_silent_v<Each> && ...);

    template <class Event> constexpr void on([[maybe_unused]] const Event& happened) noexcept {
        (static_cast<Each&>(*this).on(happened), ...);
    }
};

} // namespace v0
} // namespace larder
