// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/testing/sim/environment.hpp>
#include <larder/testing/sim/faults.hpp>
#include <larder/testing/sim/network.hpp>
#include <larder/testing/sim/trace.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace larder {
inline namespace v0 {
namespace testing {

/// What the server of a simulated database has, whatever rows it keeps: a clock of its own, and commits that take a while.
class SimDatabaseHost {
public:
    SimDatabaseHost(SimShared& shared, Network& network, Trace& trace) : shared_(shared), network_(network), trace_(trace) {}

    Network& network() noexcept { return network_; }
    Trace& trace() noexcept { return trace_; }
    SimShared& shared() noexcept { return shared_; }

    /// The server's own clock, which no fault steps.
    DatabaseTime clock() const { return DatabaseTime(std::chrono::duration_cast<std::chrono::microseconds>(shared_.scheduler.now().time_since_epoch())); }

    /// Whether a write has come too late; the trace tells of it.
    bool is_past(const WriteCondition& condition) {
        if (!condition.not_after || clock() <= *condition.not_after) return false;
        note("refused: past the fence's deadline");
        return true;
    }

    void note(const std::string& what) { trace_.note(shared_.scheduler, "  database: " + what); }

    /// Commits after a while, which may be longer than any fence.
    void commit_later(std::function<void()> commit) {
        Duration delay = network_.hop();
        if (network_.suffers(Fault::commit_stall)) {
            note("the commit stalls");
            delay = std::chrono::milliseconds(700);
        }
        shared_.scheduler.after(Network::server, delay, std::move(commit));
    }

private:
    SimShared& shared_;
    Network& network_;
    Trace& trace_;
};

} // namespace testing
} // namespace v0
} // namespace larder
