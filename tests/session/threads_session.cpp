// SPDX-License-Identifier: BSL-1.0
#include "../database/worlds.hpp"
#include "together.hpp"
#include "world.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

using namespace session_tests;
using larder::Absence;
using larder::Session;

namespace {

/// A world over a database in memory, or over a file of its own.
template <class W>
struct Built {
    W world{};
};
template <class Policy>
struct Built<World<Policy, InSqlite>> {
    larder_tests::TempFolder folder{};
    World<Policy, InSqlite> world{InSqlite(folder.file("sessions.sqlite"))};
};

} // namespace

TEST_CASE_TEMPLATE("of a hundred concurrent rotations of one refresh token exactly one wins", W, SOME_SESSION_WORLDS) {
    Built<W> built;
    auto& world = built.world;
    const auto login = world.sessions.insert(world.session(world.add_user("ann"), "a"));
    REQUIRE(world.by_token("a"));

    std::atomic<int> won{0};
    std::atomic<int> lost{0};
    std::atomic<std::size_t> winner{0};
    together(100, [&](std::size_t number) {
        const auto rotated = world.rotate(login.key(), "a", std::to_string(number));
        if (rotated.changed() && !rotated.failed()) {
            ++won;
            winner = number;
        } else if (!rotated.failed()) {
            ++lost;
        }
    });
    CHECK(won == 1);
    CHECK(lost == 99);
    const auto name = std::to_string(winner);
    CHECK(world.by_token(name).version() == 2);
    CHECK(world.by_jti(name));
    CHECK(!world.by_token("a"));
    CHECK(!world.by_jti("a"));
    for (std::size_t number = 0; number < 100; ++number)
        if (number != winner) CHECK(world.by_jti(std::to_string(number)).absence() == Absence::never_was);
}

TEST_CASE_TEMPLATE("a session that was ended is served to nobody who asks later", W, SOME_SESSION_WORLDS) {
    Built<W> built;
    auto& world = built.world;
    const auto ann = world.add_user("ann");
    constexpr std::size_t session_count = 20;
    constexpr std::size_t readers = 4;
    std::vector<larder::Uuid> ids;
    for (std::size_t i = 0; i < session_count; ++i) ids.push_back(world.sessions.insert(world.session(ann, std::to_string(i))).or_throw().key());

    // How many sessions have been ended, in order; the rest end together.
    std::atomic<std::size_t> ended{0};
    std::atomic<int> served_after_end{0};
    std::atomic<int> failures{0};
    together(readers + 1, [&](std::size_t number) {
        if (number == readers) {
            for (std::size_t i = 0; i < session_count / 2; ++i) {
                if (!world.sessions.revoke(ids[i], because(larder::EndReason::logged_out))) ++failures;
                ended = i + 1;
            }
            if (!world.sessions.template revoke_all_by<&Session::user_id>(ann, because(larder::EndReason::logged_out_everywhere))) ++failures;
            ended = session_count;
            return;
        }
        for (std::size_t i = 0; ended < session_count; i = (i + 1) % session_count) {
            const bool must_be_dead = i < ended;
            const auto found = number % 2 == 0 ? world.by_jti(std::to_string(i)) : world.by_token(std::to_string(i));
            if (found.failed()) ++failures;
            if (found && must_be_dead) ++served_after_end;
        }
    });
    CHECK(failures == 0);
    CHECK(served_after_end == 0);
    for (std::size_t i = 0; i < session_count; ++i) CHECK(world.by_jti(std::to_string(i)).absence() == Absence::revoked);
}
