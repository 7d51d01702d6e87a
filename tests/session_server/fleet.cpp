// SPDX-License-Identifier: BSL-1.0

// Server processes that are looked after.

#include "../../examples/session_server/fleet.hpp"
#include "../../examples/session_server/log.hpp"
#include "../../examples/session_server/signals.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// What processes tell the one that looks after them.
class Pipe {
public:
    Pipe() {
        if (::pipe(ends_.data()) != 0) throw std::runtime_error("no pipe");
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    void tell(char word) const { CHECK(::write(ends_[1], &word, 1) == 1); }
    char hear() const {
        char word = 0;
        CHECK(::read(ends_[0], &word, 1) == 1);
        return word;
    }

private:
    std::array<int, 2> ends_{};
};

constexpr auto patience = std::chrono::minutes(1);

/// Waits until this process is told to end.
int wait_for_the_end() {
    const auto end = server::end_signals();
    int signal = 0;
    ::sigwait(&end, &signal);
    return 0;
}

/// Waits for something that a child process does, and leaves it to others to note that it ended.
void await_child(int what) {
    ::siginfo_t child{};
    CHECK(::waitid(P_ALL, 0, &child, what) == 0);
}

/// As long as this lives nobody hears the standard error stream.
class Unheard {
public:
    Unheard() {
        std::array<int, 2> pipe{};
        if (stderr_ < 0 || ::pipe(pipe.data()) != 0) throw std::runtime_error("no pipe");
        ::dup2(pipe[1], STDERR_FILENO);
        for (const int end : pipe) ::close(end);
    }
    Unheard(const Unheard&) = delete;
    Unheard& operator=(const Unheard&) = delete;
    ~Unheard() {
        ::dup2(stderr_, STDERR_FILENO);
        ::close(stderr_);
        std::signal(SIGPIPE, before_);
    }

private:
    int stderr_ = ::dup(STDERR_FILENO);
    void (*before_)(int) = std::signal(SIGPIPE, SIG_IGN);
};

/// Kills a process of two, and looks how they go on.
void kill_one() {
    const Pipe turns;
    turns.tell('1');
    const Pipe lives;
    server::Fleet fleet(2, patience, [&](std::size_t number, const std::function<void()>& ready) {
        ready();
        if (number == 1) {
            lives.tell('b');
            return wait_for_the_end();
        }
        const char turn = turns.hear();
        turns.tell(static_cast<char>(turn + 1));
        lives.tell('a');
        if (turn == '1') ::raise(SIGKILL);
        ::kill(::getppid(), SIGTERM);
        return wait_for_the_end();
    });
    bool stopping = false;
    CHECK(fleet.run([&] { stopping = true; }, false));
    CHECK(stopping);
    CHECK(turns.hear() == '3');
    lives.tell('.');
    std::array<int, 2> begun{};
    for (char life = lives.hear(); life != '.'; life = lives.hear()) ++begun[life == 'a' ? 0 : 1];
    CHECK(begun == std::array{2, 1});
}

} // namespace

TEST_CASE("a process that is killed is started again, and the others go on") { kill_one(); }

TEST_CASE("a process that is killed is started again though nobody hears of it") {
    const Unheard unheard;
    server::say("to nobody");
    for (int i = 0; i < 10; ++i) server::log("to nobody");
    kill_one();
}

TEST_CASE("a process that is told to end before it hears that ends all the same") {
    server::Fleet fleet(1, patience, [](std::size_t, const std::function<void()>& ready) {
        ::raise(SIGTERM);
        ready();
        return wait_for_the_end();
    });
    CHECK(fleet.run([] {}, true));
}

TEST_CASE("a process that was stopped ends when it is told to") {
    server::Fleet fleet(1, patience, [](std::size_t, const std::function<void()>& ready) {
        ready();
        ::raise(SIGSTOP);
        return wait_for_the_end();
    });
    await_child(WSTOPPED);
    ::raise(SIGTERM);
    CHECK(fleet.run([] {}, false));
}

TEST_CASE("a process that does not end is killed, and that counts") {
    const auto deaf = [](std::size_t, const std::function<void()>& ready) -> int {
        ready();
        for (;;) ::pause();
    };
    SUBCASE("when its time is over") {
        server::Fleet fleet(1, std::chrono::milliseconds(10), deaf);
        ::raise(SIGTERM);
        CHECK(!fleet.run([] {}, false));
    }
    SUBCASE("when its parent is told so a second time") {
        server::Fleet fleet(1, patience, deaf);
        ::raise(SIGTERM);
        CHECK(!fleet.run([] { ::raise(SIGTERM); }, false));
    }
}

TEST_CASE("that a process was killed by somebody before all were told to end is none's fault") {
    server::Fleet fleet(1, patience, [](std::size_t, const std::function<void()>& ready) {
        ready();
        return ::raise(SIGKILL);
    });
    await_child(WEXITED | WNOWAIT);
    ::raise(SIGTERM);
    CHECK(fleet.run([] {}, false));
}

TEST_CASE("processes that end by themselves are not started again, and their exit codes count") {
    for (const int code : {0, 1}) {
        server::Fleet fleet(2, patience, [&](std::size_t number, const std::function<void()>& ready) {
            ready();
            return number == 0 ? 0 : code;
        });
        CHECK(fleet.run([] {}, true) == (code == 0));
    }
}

TEST_CASE("processes that do not begin are no fleet") {
    const auto begin = [](std::size_t number, const std::function<void()>& ready) {
        if (number == 1) throw std::runtime_error("this is what it is to say");
        ready();
        return wait_for_the_end();
    };
    CHECK_THROWS_AS(server::Fleet(2, patience, begin), std::runtime_error);
}
