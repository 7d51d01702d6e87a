// SPDX-License-Identifier: BSL-1.0

// A session store over SQLite: a login, a request, the exchange of a refresh token, its theft.

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/larder.hpp>
#include <larder/openssl_random.hpp>
#include <larder/session/store.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

using Backend = larder::Stack<larder::MemoryCache, larder::SqliteDatabase>;

int main() {
    using namespace std::chrono_literals;
    const larder::SqliteFile file(":memory:");
    larder::create_tables<larder::Session>(file).value();
    larder::CachedRepository<larder::User, Backend> users{{{}, file}, {.sole_writer = true}};
    larder::SessionRepository<Backend> sessions{{{}, file}, {.sole_writer = true}};

    larder::SessionKey key{.id = 1}; // Where there are several processes or restarts, from where secrets are kept.
    if (!larder::OpensslRandom{}(std::span(key.secret))) return 1;
    larder::SessionStore store(sessions, {key}, larder::OpensslRandom{}, {.idle_timeout = 30min, .absolute_timeout = 12h});

    const auto ann = users.insert({.email = "ann@example.org", .username = "ann"}).or_throw().key();
    const auto login = store.login({.user_id = ann, .ip_address = "192.0.2.1", .user_agent = "example"}).or_throw();
    const std::string stolen(login.secrets().refresh.reveal());
    fmt::print("a request of user {}: {}\n", ann, name_of(store.authenticate(login.secrets().access.reveal()).state()));

    const auto renewed = store.rotate(login.secrets().refresh.reveal()).or_throw();
    fmt::print("the old access token: {}\n", name_of(store.authenticate(login.secrets().access.reveal()).state()));
    fmt::print("sessions of user {}: {}\n", ann, store.list(ann).or_throw().size());

    const auto theft = store.rotate(stolen);
    const auto after = store.authenticate(renewed.secrets().access.reveal());
    fmt::print("the old refresh token: {}, {} session ended; the new access token: {}\n", name_of(theft.state()), theft.ended(), name_of(after.state()));
    return theft.state() == larder::SessionState::reused && !after ? 0 : 1;
}
