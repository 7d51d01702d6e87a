// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/memory_tables.hpp>
#include <larder/error.hpp>
#include <larder/observe/event.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// A transaction of in-memory tables (`transactional`). It holds no lock: each of its operations does again what the transaction has
/// written so far, and undoes it, so that others never see it; the last time it stays. If it cannot be done again as it was, since
/// others have changed what it is about, that is `errc::transaction_conflict`.
///
/// A write costs as much as all those before it in the transaction. Not thread-safe.
class MemoryTransaction {
public:
    MemoryTransaction(MemoryTransaction&&) noexcept = default;
    MemoryTransaction& operator=(MemoryTransaction&&) = delete;
    ~MemoryTransaction() {
        if (work_) work_->open = false;
    }

    Outcome<void> commit(const WriteCondition& condition) {
        return end(QueryKind::commit, [condition](Work& work) -> Error {
            auto& state = *work.state;
            if (work.isolation == Isolation::serializable && work.commits_before != state.commits) return conflict();
            if (condition.not_after && state.options.clock && state.options.clock() > *condition.not_after) return {errc::deadline_passed, "the transaction came after its deadline"};
            if (auto failed = work.do_again()) return failed;
            if (!work.writes.empty()) ++state.commits;
            work.way_back.clear();
            return {};
        });
    }

    Outcome<void> roll_back() {
        return end(QueryKind::roll_back, [](Work&) { return Error(); });
    }

private:
    template <class Entity>
    friend class MemoryDatabase;

    /// What the transaction has done; ends with it, whoever else still knows of it.
    struct Work {
        std::shared_ptr<MemoryTables::State> state;
        Isolation isolation = Isolation::rows;
        std::uint64_t commits_before = 0;
        bool open = true;
        std::vector<std::function<Error(Work&)>> writes; ///< Each does a write again.
        std::vector<std::function<void()>> way_back;     ///< From what was done again.

        /// Does all writes again. \pre the lock is held.
        Error do_again() {
            try {
                for (const auto& write : writes)
                    if (auto failed = write(*this)) {
                        undo();
                        return failed;
                    }
            } catch (...) {
                undo();
                throw;
            }
            return {};
        }
        /// \pre the lock is held.
        void undo() {
            for (; !way_back.empty(); way_back.pop_back()) try {
                    way_back.back()();
                } catch (const std::bad_alloc&) {
                    // It did nothing, and what the transaction has written must not stay: there may be room for it now.
                    way_back.back()();
                }
        }
    };

    explicit MemoryTransaction(std::shared_ptr<Work> work) noexcept : work_(std::move(work)) {}

    static Error conflict() { return {errc::transaction_conflict, "another transaction has changed what this one is about"}; }

    template <class Finish>
    Outcome<void> end(QueryKind kind, Finish finish) {
        const auto work = std::exchange(work_, nullptr);
        if (!work || !std::exchange(work->open, false)) return Error(errc::stopped, "the transaction has ended");
        const auto& hook = work->state->options.hook;
        if (hook)
            if (auto failed = hook({"", kind, false})) return failed;
        Error failed = [&] {
            const std::lock_guard lock(work->state->mutex);
            return finish(*work);
        }();
        if (!failed && hook) failed = hook({"", kind, true});
        if (failed) return failed;
        return {};
    }

    std::shared_ptr<Work> work_;
};

} // namespace v0
} // namespace larder
