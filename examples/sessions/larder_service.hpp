// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "service.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/larder.hpp>
#include <larder/session/session.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace example {

/// The same service on Larder. What it promises about freshness is the policy's business.
template <class Policy>
class LarderService {
    using Sessions = larder::SessionRepository<larder::Stack<larder::MemoryCache, larder::SqliteDatabase>, Policy>;
    using Found = larder::Found<larder::Session>;

public:
    static constexpr std::string_view name = Policy::name;

    LarderService(const larder::SqliteFile& file, const larder::HashKey& hash) : sessions_({{.max_entries = 200'000}, file}, {.sole_writer = true}), hash_(hash) {}

    Answer validate(const Credential& presented) { return seen(sessions_.template find_by<&larder::Session::jti>(presented.jti)); }

    /// A request to refresh, after its session was looked up.
    struct Opened {
        Answer answer;
        larder::Hashed<std::string> token;
    };

    /// The request looks its session up by refresh token, and then by jti: what a scope has found once it knows by every key.
    Opened open(const Credential& presented) {
        const auto token = hash_(presented.refresh_token);
        auto request = sessions_.scope();
        const Found by_token = request.template find_by<&larder::Session::refresh_token>(token);
        if (!by_token) return {answer(by_token), token};
        return {answer(request.template find_by<&larder::Session::jti>(presented.jti)), token};
    }

    Answer rotate(const Opened& opened, const Credential& fresh) { return written(sessions_.rotate(opened.token, rotation_to(fresh, hash_))); }

    Answer keep_alive(const larder::Uuid& id) {
        const auto touched = sessions_.touch(id);
        return touched.error() == larder::errc::revoked ? Answer{} : written(touched);
    }

    Answer log_in(std::int64_t user, const Credential& fresh) { return written(sessions_.login(new_session(user, fresh, hash_))); }
    larder::Error log_out(const larder::Uuid& id) { return sessions_.end(id, larder::EndReason::logged_out).error(); }
    larder::Error log_out_everywhere(std::int64_t user) { return sessions_.end_all_of(user).error(); }

    Counters counters() const {
        const auto counted = sessions_.metrics();
        Counters so_far;
        std::uint64_t key_hits = 0;
        std::uint64_t row_hits = 0;
        counted.lookups[larder::Level::memory].for_each([&](larder::LookupOutcome outcome, const auto& lookups) {
            so_far.key_lookups += lookups.aliases;
            so_far.row_lookups += lookups.records;
            if (outcome != larder::LookupOutcome::hit && outcome != larder::LookupOutcome::negative_hit) return;
            key_hits += lookups.aliases;
            row_hits += lookups.records;
        });
        so_far.misses = so_far.key_lookups - key_hits + so_far.row_lookups - row_hits;
        so_far.hits = Policy::caches_rows ? row_hits : key_hits;
        so_far.queries = counted.database_queries();
        so_far.rebuilt = counted.rebuilt;
        so_far.bytes = counted.bytes;
        return so_far;
    }

private:
    /// Each access marks the session as seen, which is written once in a minute.
    Answer seen(const Found& found) {
        if (found) sessions_.touch(found);
        return answer(found);
    }
    static Answer answer(const Found& found) {
        return {.accepted = static_cast<bool>(found), .session = found ? found->id : larder::Uuid{}, .version = found.version(), .failure = found.error()};
    }
    static Answer written(const larder::Written<larder::Session>& write) {
        return {.accepted = static_cast<bool>(write), .session = write.key(), .version = write.version(), .failure = write.error()};
    }

    Sessions sessions_;
    const larder::HashKey& hash_;
};

} // namespace example
