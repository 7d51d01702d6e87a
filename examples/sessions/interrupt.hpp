// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <csignal>
#include <initializer_list>
#include <stdexcept>

#include <signal.h>

namespace example {

/// The user wants the program to end.
struct Interrupted : std::runtime_error {
    Interrupted() : std::runtime_error("interrupted") {}
};

/// The wish to end the program, by a signal: noted, so that servers are stopped and files removed on the way out.
class Interrupt {
public:
    static void note() {
        struct sigaction action = {};
        action.sa_handler = [](int) { noted_ = 1; };
        for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
    }
    /// Leaves it to another process to note.
    static void ignore() {
        for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_IGN);
    }
    /// Throws if it was noted.
    static void check() {
        if (noted_) throw Interrupted();
    }

private:
    static inline volatile std::sig_atomic_t noted_ = 0;
};

} // namespace example
