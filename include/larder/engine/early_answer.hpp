// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/driver.hpp>

namespace larder {
inline namespace v0 {
namespace detail {

/// A driver whose caller need not wait for the end of the task.
template <class Result>
class AnsweringDriver : public Driver {
public:
    /// Answers the caller, unless it was answered before; what the task ends with is dropped then. Does not call the handler inside the call.
    virtual void answer_early(Result result) = 0;
};

/// Whoever waits for the answer of a read and may have it before the read is over, which has yet to fill the tiers; or nobody.
///
/// Refers to a function, which must outlive the read. \tparam Answer what a read ends with, before it is judged.
template <class Answer>
class EarlyAnswer {
public:
    EarlyAnswer() = default;
    /// \param give called with the answer.
    template <class Give>
    explicit EarlyAnswer(Give& give) noexcept : who_(const_cast<void*>(static_cast<const void*>(&give))), give_([](void* who, const Answer& answer) { (*static_cast<Give*>(who))(answer); }) {}

    /// Gives the answer to whoever waits for it.
    void operator()(const Answer& answer) const {
        if (give_) give_(who_, answer);
    }

private:
    void* who_ = nullptr;
    void (*give_)(void*, const Answer&) = nullptr;
};

} // namespace detail
} // namespace v0
} // namespace larder
