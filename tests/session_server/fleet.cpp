// SPDX-License-Identifier: BSL-1.0

// Server processes that are looked after.

#include "../../examples/session_server/fleet.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>

#include <signal.h>
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

/// Waits until this process is told to end.
int wait_for_the_end() {
    ::sigset_t end;
    ::sigemptyset(&end);
    ::sigaddset(&end, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &end, nullptr);
    int signal = 0;
    ::sigwait(&end, &signal);
    return 0;
}

} // namespace

TEST_CASE("a process that is killed is started again, and the others go on") {
    const Pipe turns;
    turns.tell('1');
    const Pipe lives;
    server::Fleet fleet(2, [&](std::size_t number, const std::function<void()>& ready) {
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

TEST_CASE("processes that end by themselves are not started again, and their exit codes count") {
    for (const int code : {0, 1}) {
        server::Fleet fleet(2, [&](std::size_t number, const std::function<void()>& ready) {
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
    CHECK_THROWS_AS(server::Fleet(2, begin), std::runtime_error);
}
