// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "operation.hpp"
#include "record_model.hpp"

#include <larder/clock.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

/// An operation as a thread saw it: it took effect at some moment between its call and its answer.
struct Event {
    Operation operation;
    Observation observation;
    std::uint64_t called = 0;
    std::uint64_t answered = 0;
};

/// Decides whether a history of one key could have come of operations that took effect one after the other, each between its call and
/// its answer (J. Wing, C. Gong, "Testing and verifying concurrent objects", 1993, with the memory of visited configurations that G. Lowe added, 2017).
class HistoryChecker {
public:
    /// \param now the time, which stood still. \param forgetful whether the record may have been evicted at any moment.
    HistoryChecker(const std::vector<Event>& history, larder::SteadyTime now, bool forgetful) : history_(history), now_(now), forgetful_(forgetful) {}

    /// \pre at most 64 events.
    bool linearizable() { return extend(0, RecordModel()); }

private:
    /// \param done the events that have taken effect. \param model the record after them.
    bool extend(std::uint64_t done, const RecordModel& model) {
        if (!visited_.emplace(done, model).second) return false;
        std::uint64_t first_answer = UINT64_MAX;
        for (std::size_t i = 0; i < history_.size(); ++i)
            if (!(done >> i & 1)) first_answer = std::min(first_answer, history_[i].answered);
        if (first_answer == UINT64_MAX) return true;
        for (std::size_t i = 0; i < history_.size(); ++i) {
            const Event& event = history_[i];
            if ((done >> i & 1) || event.called > first_answer) continue;
            RecordModel next = model;
            if (apply(next, event.operation, now_, event.observation.lease) == event.observation && extend(done | std::uint64_t{1} << i, next)) return true;
        }
        return forgetful_ && model.forgettable(now_) && extend(done, RecordModel());
    }

    const std::vector<Event>& history_;
    larder::SteadyTime now_;
    bool forgetful_;
    std::set<std::pair<std::uint64_t, RecordModel>> visited_;
};
