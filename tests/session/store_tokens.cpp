// SPDX-License-Identifier: BSL-1.0
#include "store_world.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace session_tests;
using larder::Granted;
using larder::SessionState;

namespace {

std::string refresh_of(const Granted& granted) { return std::string(granted.secrets().refresh.reveal()); }
std::string access_of(const Granted& granted) { return std::string(granted.secrets().access.reveal()); }

/// Texts that are like a token, and are none.
std::vector<std::string> distorted(const std::string& token) {
    std::vector<std::string> texts;
    for (std::size_t size = 0; size < token.size(); ++size) texts.push_back(token.substr(0, size));
    for (const char* more : {"0", "00", " ", "\n", "0000000000000000"}) {
        texts.push_back(token + more);
        texts.push_back(more + token);
    }
    texts.push_back(token + token);
    texts.push_back(token + std::string(1 << 20, '0'));
    texts.emplace_back(token.size(), '\0');
    texts.emplace_back(token.size(), '\xff');
    for (const std::size_t at : {std::size_t{0}, token.size() / 2, token.size() - 1})
        for (const char wrong : {'\0', 'g', 'A', '-', '/', ':', '`', '\x80'}) {
            texts.push_back(token);
            texts.back()[at] = wrong;
        }
    return texts;
}

} // namespace

TEST_CASE("a text that is no token is unknown, asks nobody, and ends nothing") {
    const auto world = write_through_in_memory.make({});
    auto& store = *world->store;
    const auto session = store.login({.user_id = world->add_user("ann")}).or_throw();
    std::vector<std::string> texts = distorted(access_of(session));
    for (auto& text : distorted(refresh_of(session))) texts.push_back(std::move(text)); // One of them has as many digits as an access token.
    const auto counted = world->count([&] {
        for (const auto& text : texts) {
            CAPTURE(text.size());
            CHECK(store.authenticate(text).state() == SessionState::unknown);
            CHECK(store.rotate(text).state() == SessionState::unknown);
        }
        CHECK(store.rotate(access_of(session)).state() == SessionState::unknown);
        CHECK(store.authenticate(refresh_of(session)).state() == SessionState::unknown);
    });
    CHECK(counted.database_queries() == 0);
    CHECK(store.authenticate(access_of(session)));
    CHECK(store.rotate(refresh_of(session)));
}

TEST_CASE("no digit of a token may be another") {
    const auto world = write_through_in_memory.make({});
    auto& store = *world->store;
    const auto session = store.login({.user_id = world->add_user("ann")}).or_throw();
    const auto another = [](std::string token, std::size_t at) {
        token[at] = token[at] == 'f' ? '0' : token[at] == '9' ? 'a' : static_cast<char>(token[at] + 1);
        return token;
    };
    const auto counted = world->count([&] {
        for (std::size_t at = 0; at < access_of(session).size(); ++at) CHECK(store.authenticate(another(access_of(session), at)).state() == SessionState::unknown);
        for (std::size_t at = 0; at < refresh_of(session).size(); ++at) CHECK(store.rotate(another(refresh_of(session), at)).state() == SessionState::unknown);
    });
    CHECK(counted.database_queries() == 0);
    CHECK(store.authenticate(access_of(session)));
    CHECK(store.rotate(refresh_of(session)));
}

TEST_CASE("tokens of another store, whose key has the same number, are unknown and end nothing") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        StoreSettings stranger;
        stranger.keys[0].secret.fill(std::byte{1});
        const auto another = world.open(stranger);
        const auto ours = world.store->login({.user_id = world.add_user("ann")}).or_throw();
        const auto theirs = another->login({.user_id = world.add_user("bob")}).or_throw();
        CHECK(world.store->authenticate(access_of(theirs)).state() == SessionState::unknown);
        CHECK(another->authenticate(access_of(ours)).state() == SessionState::unknown);
        CHECK(world.store->rotate(refresh_of(theirs)).state() == SessionState::unknown);
        CHECK(another->rotate(refresh_of(ours)).state() == SessionState::unknown);
        CHECK(world.store->authenticate(access_of(ours)));
        CHECK(another->authenticate(access_of(theirs)));
        CHECK(world.store->rotate(refresh_of(ours)));
        CHECK(another->rotate(refresh_of(theirs)));
    });
}

TEST_CASE("a token does not lead to another session than its own") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto ann = world.store->login({.user_id = world.add_user("ann")}).or_throw();
        const auto bob = world.store->login({.user_id = world.add_user("bob")}).or_throw();
        // The handle of one with the secret and the tag of the other, and the other way round.
        constexpr std::size_t handle = 2, secret = 2 * (1 + 16);
        const std::string swapped = refresh_of(bob).substr(0, secret) + refresh_of(ann).substr(secret);
        CHECK(refresh_of(ann).substr(handle, 32) != refresh_of(bob).substr(handle, 32));
        CHECK(world.store->rotate(swapped).state() == SessionState::unknown);
        CHECK(world.store->rotate(refresh_of(ann)).or_throw().handle() == ann.handle());
        CHECK(world.store->authenticate(access_of(bob)).user_id() != world.store->authenticate(ann.handle()).user_id());
        CHECK(world.store->rotate(refresh_of(bob)));
    });
}
