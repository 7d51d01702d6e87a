// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <signal.h>

namespace server {

/// The signals that tell a process to end.
inline ::sigset_t end_signals() {
    ::sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
    return signals;
}

/// Holds them back in this thread, and in those and in the processes that it starts, so that none is lost while nobody hears it yet.
class EndSignalsHeld {
public:
    EndSignalsHeld() {
        const auto signals = end_signals();
        ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
    }
    EndSignalsHeld(const EndSignalsHeld&) = delete;
    EndSignalsHeld& operator=(const EndSignalsHeld&) = delete;
    ~EndSignalsHeld() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    /// Lets them come, once there is somebody to hear them.
    static void let_come() {
        const auto signals = end_signals();
        ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    }

private:
    ::sigset_t before_{};
};

} // namespace server
