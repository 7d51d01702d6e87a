// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

namespace load {

/// The clock by which the program notes when it asked and when it was answered.
using Moment = std::chrono::steady_clock::time_point;
using Span = std::chrono::nanoseconds;

/// What ended something: a request of this program.
struct Cause {
    std::string_view what{};
    Moment asked{};
    std::optional<Moment> answered{}; ///< Unset: it was not, or not yet.
    Span bound{};                     ///< What the answer declared; counted from when it was there.
};

/// What is known of the end of a session, of a token, or of a family.
///
/// It may have ended from the moment on at which the first request was sent that ends it, so that refusing it needs no excuse after that. It has
/// ended once the bound of an answer has passed, so that accepting it has none. Between the two, and where no answer came, both are right.
class Ending {
public:
    /// A request that may end it is sent.
    void may(const Cause& cause) {
        ++asked_for_;
        possible_ = std::min(possible_, cause.asked);
    }
    /// A request that has ended it was answered. \pre `cause.answered`, and `may` was told of the request.
    void must(const Cause& cause) {
        const Moment from = *cause.answered + cause.bound;
        if (from >= certain_) return;
        certain_ = from;
        cause_ = cause;
    }

    /// Whether it may have ended before a moment.
    bool possible_before(Moment moment) const noexcept { return possible_ < moment; }
    /// Whether it had ended for everyone at a moment.
    bool certain_at(Moment moment) const noexcept { return certain_ <= moment; }
    /// Whether no other request may have ended it than the one that was sent at a moment.
    bool only_by(Moment asked) const noexcept { return asked_for_ == 1 && possible_ == asked; }
    Moment certain() const noexcept { return certain_; }
    const Cause& cause() const noexcept { return cause_; }

private:
    Moment possible_ = Moment::max(), certain_ = Moment::max();
    Cause cause_; ///< Of the certain end.
    unsigned asked_for_ = 0;
};

} // namespace load
