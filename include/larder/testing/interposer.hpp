// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/memory_tables.hpp>
#include <larder/error.hpp>
#include <larder/observe/event.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <utility>

namespace larder {
inline namespace v0 {
namespace testing {

/// A stage of an operation on the database: before it begins, or when it has taken effect and not yet answered.
enum class Stage : bool { before, after };

/// What a test does in the middle of an in-memory database's operations, on the thread that asks for them: the hook of `MemoryOptions`
/// that counts operations, interleaves others and lets them fail. Not thread-safe.
class Interposer {
public:
    /// Runs an action once, at the next operation of a kind.
    void once(QueryKind kind, Stage stage, std::function<void()> action) { fail_once(kind, stage, [action = std::move(action)] { return action(), Error(); }); }
    /// Lets the next operation of a kind fail.
    void fail_once(QueryKind kind, Stage stage, Error failure) { fail_once(kind, stage, [failure = std::move(failure)] { return failure; }); }
    /// Forgets what was to be done once and was not.
    void forget() noexcept { actions_.clear(); }
    /// Lets every operation of the kinds that are reads fail, until told otherwise.
    void fail_reads(bool fail) noexcept { reads_fail_ = fail; }

    /// Operations so far.
    std::size_t queries() const noexcept {
        std::size_t sum = 0;
        for (const std::size_t count : counts_) sum += count;
        return sum;
    }
    std::size_t queries(QueryKind kind) const noexcept { return counts_[static_cast<std::size_t>(kind)]; }

    Error operator()(const MemoryOperation& operation) {
        if (!operation.done) {
            ++counts_[static_cast<std::size_t>(operation.kind)];
            const bool reads = operation.kind <= QueryKind::epoch_read;
            if (reads_fail_ && reads) return {errc::database_unavailable, "the test let the database fail"};
        }
        const auto due = std::find_if(actions_.begin(), actions_.end(), [&](const Action& action) { return action.kind == operation.kind && (action.stage == Stage::after) == operation.done; });
        if (due == actions_.end()) return {};
        const auto act = std::move(due->act);
        actions_.erase(due);
        return act();
    }

private:
    struct Action {
        QueryKind kind;
        Stage stage;
        std::function<Error()> act;
    };

    void fail_once(QueryKind kind, Stage stage, std::function<Error()> act) { actions_.push_back({kind, stage, std::move(act)}); }

    std::list<Action> actions_;
    std::array<std::size_t, query_kind_count> counts_{};
    bool reads_fail_ = false;
};

/// Tables whose operations pass through an interposer.
inline MemoryTables interposed_tables(std::shared_ptr<Interposer> interposer, std::function<DatabaseTime()> clock = {}) {
    return MemoryTables(MemoryOptions{.clock = std::move(clock), .hook = [interposer = std::move(interposer)](const MemoryOperation& operation) { return (*interposer)(operation); }});
}

} // namespace testing
} // namespace v0
} // namespace larder
