// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "plain_cache.hpp"
#include "service.hpp"

#include <larder/database/database.hpp>
#include <larder/session/session.hpp>

#include <boost/uuid/random_generator.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace example {

/// Cache-aside as it is often written, step by step what the team's write-up describes:
/// - It looks in the cache under the key that is asked. On a hit it queries the row by id, with its user, all the same. On a miss it
///   queries by that key, and SETs the whole object under its three keys for an hour.
/// - Each access commits `last_seen_at`, and SETs the three keys again.
/// - A change that ends keys commits, and then DELs the three keys.
///
/// Nothing guards the SETs and DELs against each other. Three kindnesses that the team's code did not have: tokens are kept as hashes,
/// writes are conditional on the row's version, and whether a session is valid is judged by the row, not by the copy.
/// \tparam Database holds the sessions, and blocks. \tparam Cache has GET, SET and DEL.
template <class Database, class Cache>
class Original final : public Service {
public:
    /// \param from what the cache is made.
    template <class... From>
    Original(Database database, const larder::HashKey& hash, From&&... from) : database_(std::move(database)), hash_(hash), cache_(std::forward<From>(from)...) {}

    Answer validate(const Presented& presented) override { return answer(access_by_jti(presented.jti())); }

    Opened open(const Presented& presented) override {
        auto found = access_by_token(presented.refresh_token());
        if (found && *found) found = access_by_jti(presented.jti());
        if (found.has_error()) return {{.failure = found.error()}};
        return {answer(*found), {}, *found};
    }

    Answer rotate(const Opened& opened, const Presented& fresh) override {
        auto changed = *opened.session;
        renew(changed, fresh, hash_);
        const auto version = query(database_.update(changed, changed.version, {}));
        if (version.has_error()) return refused_or_failed(version.error());
        changed.version = *version;
        del_three(*opened.session);
        set_three(changed);
        return answer(std::optional(changed));
    }

    Answer keep_alive(const larder::Uuid& id) override {
        return answer(access(key_of(id), [&] { return database_.load(id, larder::ReadMode::plain); }));
    }

    Answer log_in(std::int64_t user, const Presented& fresh) override {
        auto session = new_session(user, fresh, hash_);
        session.id = make_id();
        session.created_at = session.last_seen_at = wall_clock();
        const auto stored = query(database_.insert(session));
        if (stored.has_error()) return {.failure = stored.error()};
        set_three(*stored);
        return answer(std::optional(*stored));
    }

    Ended log_out(const larder::Uuid& id) override {
        for (;;) {
            const auto row = query(database_.load(id, larder::ReadMode::plain));
            if (row.has_error()) return {row.error()};
            auto revoked = row->value();
            revoked.revoked_at = wall_clock();
            revoked.revoked_why = larder::EndReason::logged_out;
            const auto done = query(database_.update(revoked, revoked.version, {}));
            if (done.has_error() && done.error() == larder::errc::version_conflict) continue;
            if (done.has_error() && !(done.error() == larder::errc::revoked)) return {done.error()};
            del_three(revoked);
            return {};
        }
    }

    Ended log_out_everywhere(std::int64_t user) override {
        constexpr auto of_user = larder::space_of_v<larder::Session, &larder::Session::user_id>;
        const auto listed = query(database_.template list<of_user>(user));
        if (listed.has_error()) return {listed.error()};
        std::vector<larder::Uuid> ids;
        for (const auto& row : *listed) ids.push_back(row.key);
        const auto rows = query(database_.load_many(ids, larder::ReadMode::plain));
        if (rows.has_error()) return {rows.error()};
        larder::Session pattern;
        pattern.revoked_at = wall_clock();
        const auto revoked = query(database_.template revoke_all<of_user>(user, pattern, larder::schema_of<larder::Session>::revoked_members{}));
        if (revoked.has_error()) return {revoked.error()};
        for (const auto& row : *rows)
            if (row) del_three(*row);
        return {};
    }

    Counters counters() override {
        Counters so_far;
        auto& looked_up = Cache::shared ? so_far.redis : so_far.memory;
        looked_up.rows = lookups_;
        looked_up.row_hits = hits_;
        so_far.queries = queries_;
        so_far.rebuilt = rebuilt_;
        so_far.bytes = cache_.bytes();
        return so_far;
    }

private:
    using Access = larder::Outcome<std::optional<larder::Session>>;
    static constexpr std::chrono::hours ttl{1};

    /// One access by any key.
    template <class LoadByKey>
    Access access(const std::string& key, LoadByKey load_by_key) {
        ++lookups_;
        const auto cached = cache_.get(key);
        if (cached) ++hits_;
        auto row = query(cached ? database_.load(cached->id, larder::ReadMode::plain) : load_by_key());
        if (row.has_error() || !*row || !valid(**row)) return row.has_error() ? Access(row.error()) : Access(std::nullopt);
        auto session = std::move(**row);
        if (!cached) set_three(session);
        session.last_seen_at = wall_clock();
        const auto touched = query(database_.touch(session.id, session.last_seen_at));
        if (touched.has_error()) return touched.error();
        set_three(session);
        return std::optional(std::move(session));
    }
    Access access_by_jti(const std::string& jti) {
        constexpr auto by_jti = larder::space_of_v<larder::Session, &larder::Session::jti>;
        return access("jti:" + jti, [&] { return database_.template load_by<by_jti>(jti, larder::ReadMode::plain); });
    }
    Access access_by_token(const std::string& token) {
        constexpr auto by_token = larder::space_of_v<larder::Session, &larder::Session::refresh_token>;
        const auto hashed = hash_(token);
        return access(key_of(hashed), [&] { return database_.template load_by<by_token>(hashed, larder::ReadMode::plain); });
    }

    static bool valid(const larder::Session& session) { return !session.revoked_at && session.refresh_expires_at > wall_clock(); }

    void set_three(const larder::Session& session) { cache_.set(keys_of(session), session, ttl); }
    void del_three(const larder::Session& session) { cache_.del(keys_of(session)); }

    static ThreeKeys keys_of(const larder::Session& session) { return {key_of(session.id), key_of(session.refresh_token), "jti:" + session.jti}; }
    static std::string key_of(const larder::Uuid& id) { return "id:" + std::string(reinterpret_cast<const char*>(id.begin()), id.size()); }
    static std::string key_of(const larder::Hashed<std::string>& token) {
        return "token:" + std::string(reinterpret_cast<const char*>(token.digest().data()), token.digest().size());
    }

    static larder::Uuid make_id() {
        thread_local boost::uuids::random_generator_mt19937 make;
        return make();
    }

    /// Counts a query.
    template <class Outcome>
    Outcome query(Outcome outcome) {
        ++queries_;
        if constexpr (std::is_same_v<Outcome, larder::Outcome<std::optional<larder::Session>>>)
            if (outcome && *outcome) ++rebuilt_;
        if constexpr (std::is_same_v<Outcome, larder::Outcome<std::vector<std::optional<larder::Session>>>>)
            if (outcome) rebuilt_ += outcome->size();
        return outcome;
    }

    static Answer answer(const Access& found) { return found.has_error() ? Answer{.failure = found.error()} : answer(*found); }
    static Answer answer(const std::optional<larder::Session>& session) { return session ? Answer{.accepted = true, .session = session->id, .version = session->version} : Answer{}; }
    static Answer refused_or_failed(const larder::Error& error) {
        return error == larder::errc::version_conflict || error == larder::errc::revoked ? Answer{} : Answer{.failure = error};
    }

    Database database_;
    const larder::HashKey& hash_;
    Cache cache_;
    std::atomic<std::uint64_t> lookups_{0};
    std::atomic<std::uint64_t> hits_{0};
    std::atomic<std::uint64_t> queries_{0};
    std::atomic<std::uint64_t> rebuilt_{0};
};

} // namespace example
