// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/environment.hpp>
#include <larder/error.hpp>
#include <larder/observe/event.hpp>

#include <cstddef>

namespace larder {
inline namespace v0 {
namespace detail {

/// One query of the database: timed from here on, and told to the observer when it has ended.
template <class Env>
class QueryReport {
public:
    QueryReport(Env& env, QueryKind kind) : env_(env), began_(precise_now(env)), kind_(kind) {}

    template <class T>
    void ended(const Outcome<T>& outcome) const {
        env_.observe(event::Query{kind_, precise_now(env_) - began_, rows_of(outcome), outcome.has_error()});
    }

private:
    template <class T>
    static std::size_t rows_of(const Outcome<T>& outcome) noexcept {
        if (outcome.has_error()) return 0;
        if constexpr (requires { outcome->has_value(); })
            return outcome->has_value() ? 1 : 0;
        else if constexpr (requires { outcome->rows.size(); })
            return outcome->rows.size();
        else if constexpr (requires { outcome->size(); })
            return outcome->size();
        else
            return 1;
    }

    Env& env_;
    SteadyTime began_;
    QueryKind kind_;
};

} // namespace detail
} // namespace v0
} // namespace larder
