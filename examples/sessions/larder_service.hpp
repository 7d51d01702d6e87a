// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "service.hpp"

#include <larder/larder.hpp>
#include <larder/session/session.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace example {

/// The service on Larder. What it promises about freshness is the policy's business.
/// \tparam Backend where the sessions and their copies are.
template <class Backend, class Policy>
class LarderService final : public Service {
    using Sessions = larder::SessionRepository<Backend, Policy>;
    using Found = larder::Found<larder::Session>;

public:
    using Config = typename Sessions::Config;

    LarderService(Config stack, larder::Options options, const larder::HashKey& hash) : sessions_(std::move(stack), std::move(options)), hash_(hash) {}

    Answer validate(const Presented& presented) override { return seen(sessions_.template find_by<&larder::Session::jti>(presented.jti())); }

    /// What a scope has found once it knows by every key.
    Opened open(const Presented& presented) override {
        const auto token = hash_(presented.refresh_token());
        auto request = sessions_.scope();
        const Found by_token = request.template find_by<&larder::Session::refresh_token>(token);
        if (!by_token) return {answer(by_token), token};
        return {answer(request.template find_by<&larder::Session::jti>(presented.jti())), token};
    }

    /// Of any number of rotations of one token one changes the row; the others find that it has another token.
    Answer rotate(const Opened& opened, const Presented& fresh) override {
        bool accepted = false;
        const auto write = sessions_.update(opened.answer.session, [&](larder::Session& session) {
            const auto now = wall_clock();
            accepted = session.refresh_token == opened.token && session.refresh_expires_at > now;
            if (!accepted) return false;
            renew(session, fresh, hash_);
            session.last_seen_at = now;
            return true;
        });
        if (write.error() == larder::errc::revoked || write.error() == larder::errc::no_such_row) return {};
        auto answer = written(write);
        answer.accepted = answer.accepted && accepted;
        return answer;
    }

    Answer keep_alive(const larder::Uuid& id) override { return seen(sessions_.find(id)); }

    Answer log_in(std::int64_t user, const Presented& fresh) override { return written(sessions_.insert(new_session(user, fresh, hash_))); }
    Ended log_out(const larder::Uuid& id) override { return ended(sessions_.revoke(id, larder::set<&larder::Session::revoked_why>(larder::EndReason::logged_out))); }
    Ended log_out_everywhere(std::int64_t user) override {
        return ended(sessions_.template revoke_all_by<&larder::Session::user_id>(user, larder::set<&larder::Session::revoked_why>(larder::EndReason::logged_out_everywhere)));
    }

    Counters counters() override {
        const auto counted = sessions_.metrics();
        Counters so_far;
        so_far.memory = lookups(counted, larder::Level::memory);
        so_far.redis = lookups(counted, larder::Level::shared);
        so_far.keeps_rows = Policy::caches_rows;
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
        return {.accepted = static_cast<bool>(write), .session = write.key(), .version = write.version(), .failure = write.error(), .pending = write.pending()};
    }
    template <class Write>
    static Ended ended(const Write& write) {
        return {write.error(), write.pending()};
    }

    static Lookups lookups(const larder::MetricsSnapshot& counted, larder::Level level) {
        Lookups sum;
        counted.lookups[level].for_each([&](larder::LookupOutcome outcome, const auto& lookups) {
            sum.keys += lookups.aliases;
            sum.rows += lookups.records;
            if (outcome != larder::LookupOutcome::hit && outcome != larder::LookupOutcome::negative_hit) return;
            sum.key_hits += lookups.aliases;
            sum.row_hits += lookups.records;
        });
        return sum;
    }

    Sessions sessions_;
    const larder::HashKey& hash_;
};

} // namespace example
