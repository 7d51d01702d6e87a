// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/error.hpp>
#include <larder/session/entities.hpp>
#include <larder/session/store_events.hpp>
#include <larder/session/store_options.hpp>
#include <larder/session/store_results.hpp>
#include <larder/session/tokens.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// What a store works by, whatever its backend: the rules, the keys, the source of random bytes, and who is told. Thread-safe.
class SessionDesk {
public:
    SessionDesk(std::vector<SessionKey> keys, RandomBytes random, SessionStoreOptions chosen) : options(std::move(chosen)), tokens(keys), random_(std::move(random)) {
        if (!random_) throw Failure(Error{errc::invalid_options, "a session store needs a source of random bytes"});
        for (auto& key : keys) wipe(key.secret.data(), key.secret.size());
    }

    // ---- the rules -------------------------------------------------------------------------------------------------------

    /// Where a session stands at a moment, but for the end of its access token.
    SessionStanding standing_of(const Session& session, TimePoint now) const noexcept {
        if (session.revoked_at) {
            if (session.revoked_why == EndReason::idle_timeout) return expired(SessionLimit::idle);
            if (session.revoked_why == EndReason::absolute_timeout) return expired(SessionLimit::absolute);
            return {SessionState::revoked, SessionLimit::none, session.revoked_why};
        }
        if (session.refresh_expires_at <= now) return expired(SessionLimit::absolute);
        if (options.idle_timeout > Duration::zero() && session.last_seen_at + in_milliseconds(options.idle_timeout) <= now) return expired(SessionLimit::idle);
        return active();
    }

    static SessionStanding active() noexcept { return {SessionState::active, SessionLimit::none, {}}; }
    static SessionStanding expired(SessionLimit limit) noexcept { return {SessionState::expired, limit, {}}; }

    bool is_active(const Session& session, TimePoint now) const noexcept { return standing_of(session, now).state == SessionState::active; }

    TimePoint access_end(const Session& session, TimePoint now) const noexcept {
        if (options.access_lifetime == Duration::zero()) return session.refresh_expires_at;
        return std::min(session.refresh_expires_at, now + in_milliseconds(options.access_lifetime));
    }

    /// A text from outside as it is kept: no longer than so many bytes, and of nothing but printable ASCII.
    static std::string as_shown(std::string_view text, std::size_t longest) {
        std::string shown(text.substr(0, longest));
        std::replace_if(shown.begin(), shown.end(), [](char letter) { return letter < ' ' || letter > '~'; }, '?');
        return shown;
    }

    static TimePoint::duration in_milliseconds(Duration span) noexcept { return std::chrono::duration_cast<TimePoint::duration>(span); }

    // ---- secrets ---------------------------------------------------------------------------------------------------------

    /// Fills bytes from the random source.
    Error draw(std::span<std::byte> bytes) const {
        try {
            if (random_(bytes)) return {};
        } catch (...) {
            // What it says may name what it was asked for.
        }
        return {errc::no_random_bytes, "sessions: the source of random bytes failed, so that no secret could be made"};
    }

    /// Gives a session a handle (a random UUID, version 4 of RFC 9562) and secrets of its own. \pre `refresh_expires_at` is set.
    Error arm(Session& session, SessionSecrets& secrets, TimePoint now) const {
        WipedBytes<16> handle;
        TokenSecret access, refresh;
        for (const std::span<std::byte> bytes : {std::span<std::byte>(handle), std::span<std::byte>(access), std::span<std::byte>(refresh)})
            if (Error failed = draw(bytes)) return failed;
        std::copy(handle.begin(), handle.end(), reinterpret_cast<std::byte*>(session.id.begin()));
        mark_as_random(session.id);
        take(session, secrets, tokens.make_access(tokens.making(), access), tokens.make_refresh(tokens.making(), session.id, refresh), now);
        return {};
    }

    /// Gives a session the secrets that follow a refresh token. \param salt as `SessionTokens::salt_of` gives it. \returns whether the salt's key is still there.
    bool rearm(Session& session, SessionSecrets& secrets, const PresentedToken& token, const Bytes& salt, TimePoint now) const {
        const auto access = tokens.successor("next access", token, salt);
        const auto refresh = tokens.successor("next refresh", token, salt);
        if (!access || !refresh) return false;
        const auto key = std::to_integer<std::uint8_t>(salt[0]);
        take(session, secrets, tokens.make_access(key, *access), tokens.make_refresh(key, session.id, *refresh), now);
        return true;
    }

    // ---- who is told -----------------------------------------------------------------------------------------------------

    void tell_ended(const Session& session, std::optional<EndReason> why, TimePoint now) const {
        if (options.on_ended) guarded([&] { options.on_ended({session.id, session.user_id, why, now}); });
        tell(AuditKind::ended, &session, now, why);
    }

    /// \param session null: not known.
    void tell(AuditKind kind, const Session* session, TimePoint now, std::optional<EndReason> why = {}) const {
        if (!options.on_audit) return;
        guarded([&] {
            SessionAudit line{kind, now, why, {}, {}, {}, {}};
            if (session) {
                const HashKey& hash = *options.audit_salt;
                line.session = hash(text_of(session->id));
                line.family = hash(text_of(session->family.value_or(session->id)));
                line.user = hash(std::to_string(session->user_id));
                line.address = hash(session->ip_address);
            }
            options.on_audit(line);
        });
    }

    const SessionStoreOptions options;
    const SessionTokens tokens;

private:
    void take(Session& session, SessionSecrets& secrets, SessionTokens::Access access, SessionTokens::Refresh refresh, TimePoint now) const {
        session.jti = std::move(access.kept);
        session.refresh_token = refresh.kept;
        session.access_expires_at = access_end(session, now);
        secrets.access = std::move(access.shown);
        secrets.refresh = std::move(refresh.shown);
    }

    static std::string_view text_of(const Uuid& id) noexcept { return {reinterpret_cast<const char*>(id.begin()), id.size()}; }

    template <class Call>
    static void guarded(Call call) {
        try {
            call();
        } catch (...) {
            // What is told of has happened already, and is not undone because somebody cannot hear of it.
        }
    }

    RandomBytes random_;
};

} // namespace detail
} // namespace v0
} // namespace larder
