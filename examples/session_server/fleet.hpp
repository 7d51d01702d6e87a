// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/types.h>

namespace server {

/// Processes that are forked off this one and looked after: one that ends is reported, and started again; none brings another down. They end with this process, in order
/// when it is told to end; at once when it is told so a second time.
class Fleet {
public:
    /// What a process does. The signals that tell it to end are held back: `EndSignalsHeld::let_come` when it hears them. \param number its own, from 0. \param ready to be
    /// called once it has begun. \returns its exit code.
    using Work = std::function<int(std::size_t number, const std::function<void()>& ready)>;

    /// Starts so many, one after the other. \pre This process has no thread but this, and none of the signals SIGTERM, SIGINT, SIGHUP, SIGCHLD is of use to it.
    /// Throws if one of them does not begin. \param patience one that has not ended so long after it was told is killed.
    Fleet(std::size_t count, std::chrono::milliseconds patience, Work work);
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;
    ~Fleet();

    /// Looks after them until this process is told to end by SIGTERM, SIGINT or SIGHUP; then tells them, and waits for them.
    /// \param stopping called first. \param once whether they end by themselves, and are started again only if they were killed; then this ends with the last of them.
    /// \returns whether all that were not started again, nor killed by somebody else before they could be, ended with exit code 0.
    bool run(const std::function<void()>& stopping, bool once);

private:
    using Clock = std::chrono::steady_clock;
    struct Process {
        ::pid_t id = 0; ///< 0: it does not run.
        Clock::time_point began{};
        bool due = false;    ///< To be started again.
        bool killed = false; ///< By this.
    };

    void start(std::size_t number, bool wait);
    enum class Again { never, killed, always };
    /// Notes which have ended, and starts them again. \returns whether all of those that it does not start again ended with exit code 0.
    bool reap(Again again);
    bool none_runs() const;
    void kill_all();
    bool end();

    Work work_;
    std::chrono::milliseconds patience_;
    ::sigset_t signals_{}, before_{};
    std::vector<Process> processes_;
};

} // namespace server
