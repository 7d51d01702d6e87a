// SPDX-License-Identifier: BSL-1.0

// A session store over SQLite: a login, a request, the exchange of a refresh token, its theft.

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/larder.hpp>
#include <larder/openssl_random.hpp>
#include <larder/session/store.hpp>
#include <boost/algorithm/hex.hpp>
#include <fmt/format.h>
#include <chrono>
#include <cstdlib>
#include <cstring>

using namespace std::chrono_literals;
using Backend = larder::Stack<larder::MemoryCache, larder::SqliteDatabase>;

int main() {
    larder::SessionKey key{.id = 1};
    const char* digits = std::getenv("SESSION_KEY"); // made once, by: openssl rand -hex 32
    if (!digits || std::strlen(digits) != 2 * key.secret.size()) return fmt::print("SESSION_KEY must be 64 hexadecimal digits\n"), 1;
    boost::algorithm::unhex(digits, reinterpret_cast<unsigned char*>(key.secret.data()));

    // README: from here
    const larder::SqliteFile file(":memory:");
    larder::create_tables<larder::Session>(file).value(); // the users' table, too, for a session embeds its user
    larder::CachedRepository<larder::User, Backend> users{{{}, file}, {.sole_writer = true}};
    larder::SessionRepository<Backend> sessions{{{}, file}, {.sole_writer = true}};
    larder::SessionStore store(sessions, {key}, larder::OpensslRandom{}, {.idle_timeout = 30min, .absolute_timeout = 12h});

    const auto ann = users.insert({.email = "ann@example.org", .username = "ann"}).or_throw().key();
    const auto login = store.login({.user_id = ann, .ip_address = "192.0.2.1", .user_agent = "example", .data = "one"}).or_throw();
    // login.secrets() are shown now and kept nowhere: the client presents `access` with each request, and exchanges `refresh`.
    const auto who = store.authenticate(login.secrets().access.reveal()); // no query; if it is false: who.state(), who.limit(), who.why()
    fmt::print("user {}: {}, from {}\n", who.user_id(), name_of(who.state()), name_of(who.source()));
    sessions.update(who.handle(), [](larder::Session& session) { session.data = "two"; }).or_throw();

    const auto proved = store.elevate(who.handle()).or_throw(); // a second factor: another handle and other secrets, the same data
    fmt::print("data: {}\n", sessions.find(proved.handle())->data.value());
    const auto renewed = store.rotate(proved.secrets().refresh.reveal()).or_throw(); // of a hundred at a time one wins
    store.revoke_others(ann, renewed.handle()).or_throw();                           // or revoke, revoke_family, revoke_before
    for (const auto& each : store.list(ann)) fmt::print("{} from {}\n", each.user_agent, each.ip_address);

    const auto theft = store.rotate(proved.secrets().refresh.reveal()); // exchanged before: now its whole family is ended
    fmt::print("{}, {} ended, {}\n", name_of(theft.state()), theft.ended(), name_of(store.authenticate(renewed.secrets().access.reveal()).state()));
    store.revoke_all(ann, larder::EndReason::administrator, larder::Effect::required).or_throw(); // returns once none is taken for active
    while (store.expire().more) {} // now and then, in any process
    // README: to here
    return theft.state() == larder::SessionState::reused ? 0 : 1;
}
