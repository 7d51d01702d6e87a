// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "service.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/session/session.hpp>

#include <boost/uuid/random_generator.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace example {

/// What stands for Redis in the original: a map of texts to whole objects with GET, SET and DEL and nothing else. It is in the
/// process, so that the original pays no round trip for it.
class PlainCache {
public:
    std::optional<larder::Session> get(const std::string& key) {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(key);
        if (found == entries_.end()) return std::nullopt;
        if (found->second.ends <= std::chrono::steady_clock::now()) {
            entries_.erase(found);
            return std::nullopt;
        }
        return found->second.session;
    }
    void set(const std::string& key, const larder::Session& session, std::chrono::seconds ttl) {
        const Entry entry{session, std::chrono::steady_clock::now() + ttl};
        const std::lock_guard lock(mutex_);
        entries_.insert_or_assign(key, entry);
    }
    void del(const std::string& key) {
        const std::lock_guard lock(mutex_);
        entries_.erase(key);
    }
    /// Roughly, as memory allocators see it.
    std::size_t bytes() {
        const std::lock_guard lock(mutex_);
        constexpr std::size_t node = 2 * sizeof(void*);
        std::size_t sum = entries_.bucket_count() * sizeof(void*);
        for (const auto& [key, entry] : entries_) {
            const auto& session = entry.session;
            sum += node + sizeof key + sizeof entry;
            for (const std::string* text : {&key, &session.jti, &session.ip_address, &session.user_agent, &session.user.email, &session.user.username})
                if (text->capacity() > std::string().capacity()) sum += text->capacity() + 1;
        }
        return sum;
    }

private:
    struct Entry {
        larder::Session session;
        std::chrono::steady_clock::time_point ends;
    };

    std::mutex mutex_;
    std::unordered_map<std::string, Entry> entries_;
};

/// Cache-aside as it is often written, step by step what the team's write-up describes:
/// - It looks in the cache under the key that is asked. On a hit it queries the row by id, with its user, all the same. On a miss it
///   queries by that key, and SETs the whole object under its three keys for an hour.
/// - Each access commits `last_seen_at`, and SETs the three keys again.
/// - A change that ends keys commits, and then DELs the three keys.
///
/// Nothing guards the SETs and DELs against each other. Three kindnesses that the team's code did not have: tokens are kept as hashes,
/// writes are conditional on the row's version, and whether a session is valid is judged by the row, not by the copy.
class Original {
public:
    static constexpr std::string_view name = "original code";

    Original(const larder::SqliteFile& file, const larder::HashKey& hash) : database_(file), hash_(hash) {}

    Answer validate(const Credential& presented) { return answer(access_by_jti(presented.jti)); }

    /// A request to refresh, after its session was looked up.
    struct Opened {
        Answer answer;
        std::optional<larder::Session> session;
    };

    /// The first half of a refresh: the request looks the session up by its refresh token, and then by its jti.
    Opened open(const Credential& presented) {
        auto found = access_by_token(presented.refresh_token);
        if (found && *found) found = access_by_jti(presented.jti);
        if (found.has_error()) return {{.failure = found.error()}, {}};
        return {answer(*found), *found};
    }

    /// The second half: the row gets a new token and a new jti.
    Answer rotate(const Opened& opened, const Credential& fresh) {
        auto changed = *opened.session;
        auto rotation = rotation_to(fresh, hash_);
        changed.refresh_token = rotation.refresh_token;
        changed.jti = std::move(rotation.jti);
        changed.access_expires_at = rotation.access_expires_at;
        changed.refresh_expires_at = rotation.refresh_expires_at;
        const auto version = query(database_.update(changed, changed.version, {}));
        if (version.has_error()) return refused_or_failed(version.error());
        changed.version = *version;
        del_three(*opened.session);
        set_three(changed);
        return answer(std::optional(changed));
    }

    Answer keep_alive(const larder::Uuid& id) { return answer(access(key_of(id), [&] { return database_.load(id, larder::ReadMode::plain); })); }

    Answer log_in(std::int64_t user, const Credential& fresh) {
        auto session = new_session(user, fresh, hash_);
        session.id = make_id();
        session.created_at = session.last_seen_at = wall_clock();
        const auto stored = query(database_.insert(session));
        if (stored.has_error()) return {.failure = stored.error()};
        set_three(*stored);
        return answer(std::optional(*stored));
    }

    larder::Error log_out(const larder::Uuid& id) {
        for (;;) {
            const auto row = query(database_.load(id, larder::ReadMode::plain));
            if (row.has_error()) return row.error();
            auto revoked = row->value();
            revoked.revoked_at = wall_clock();
            revoked.revoked_why = larder::EndReason::logged_out;
            const auto done = query(database_.update(revoked, revoked.version, {}));
            if (done.has_error() && done.error() == larder::errc::version_conflict) continue;
            if (done.has_error() && !(done.error() == larder::errc::revoked)) return done.error();
            del_three(revoked);
            return {};
        }
    }

    larder::Error log_out_everywhere(std::int64_t user) {
        constexpr auto of_user = larder::space_of_v<larder::Session, &larder::Session::user_id>;
        const auto listed = query(database_.list<of_user>(user));
        if (listed.has_error()) return listed.error();
        std::vector<larder::Uuid> ids;
        for (const auto& row : *listed) ids.push_back(row.key);
        const auto rows = query(database_.load_many(ids, larder::ReadMode::plain));
        if (rows.has_error()) return rows.error();
        larder::Session pattern;
        pattern.revoked_at = wall_clock();
        const auto revoked = query(database_.revoke_all<of_user>(user, pattern, larder::schema_of<larder::Session>::revoked_members{}));
        if (revoked.has_error()) return revoked.error();
        for (const auto& row : *rows)
            if (row) del_three(*row);
        return {};
    }

    Counters counters() {
        Counters so_far;
        so_far.row_lookups = lookups_;
        so_far.hits = hits_;
        so_far.misses = lookups_ - hits_;
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
        return access("jti:" + jti, [&] { return database_.load_by<by_jti>(jti, larder::ReadMode::plain); });
    }
    Access access_by_token(const std::string& token) {
        constexpr auto by_token = larder::space_of_v<larder::Session, &larder::Session::refresh_token>;
        const auto hashed = hash_(token);
        return access(key_of(hashed), [&] { return database_.load_by<by_token>(hashed, larder::ReadMode::plain); });
    }

    static bool valid(const larder::Session& session) { return !session.revoked_at && session.refresh_expires_at > wall_clock(); }

    void set_three(const larder::Session& session) {
        cache_.set(key_of(session.id), session, ttl);
        cache_.set(key_of(session.refresh_token), session, ttl);
        cache_.set("jti:" + session.jti, session, ttl);
    }
    void del_three(const larder::Session& session) {
        cache_.del(key_of(session.id));
        cache_.del(key_of(session.refresh_token));
        cache_.del("jti:" + session.jti);
    }

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

    larder::SqliteDatabase<larder::Session> database_;
    const larder::HashKey& hash_;
    PlainCache cache_;
    std::atomic<std::uint64_t> lookups_{0};
    std::atomic<std::uint64_t> hits_{0};
    std::atomic<std::uint64_t> queries_{0};
    std::atomic<std::uint64_t> rebuilt_{0};
};

} // namespace example
