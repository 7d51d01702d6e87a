// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/judgement.hpp>
#include <larder/engine/reader.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/unit.hpp>
#include <larder/engine/warmer.hpp>
#include <larder/engine/writer.hpp>
#include <larder/repository/assignments.hpp>
#include <larder/session/entities.hpp>
#include <larder/session/store_desk.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// All sessions of a group.
struct EverySession {
    constexpr bool operator()(const Session&) const noexcept { return true; }
};

/// The algorithms of a session store, each written once.
///
/// What changes several rows is a serializable unit of work: an elevation that adds a session to a user or to a family while these are being ended
/// either comes first, and is ended with the others, or finds that what it is based on has ended.
template <class Core>
struct SessionSteps {
    using Reading = Reader<Core>;
    using Writing = Writer<Core>;
    using Engine = UnitEngine<Core>;
    static constexpr std::size_t by_id = 0;
    static constexpr std::size_t by_jti = space_of_v<Session, &Session::jti>;
    static constexpr std::size_t of_user = space_of_v<Session, &Session::user_id>;
    static constexpr std::size_t of_family = space_of_v<Session, &Session::family>;

    /// How often a unit of work is run at the most when others stand in its way.
    static constexpr unsigned unit_attempts = 128;

    static TimePoint now(const Core& core) { return std::chrono::time_point_cast<TimePoint::duration>(WallTime(core.env.wall_now())); }

    // ---- authenticate ----------------------------------------------------------------------------------------------------

    /// \tparam Space by which key. By the access token's, that must not have ended.
    template <std::size_t Space>
    static Task<Authenticated> authenticate(Core& core, Driver& driver, const SessionDesk& desk, const space_key_t<Session, Space>& key) {
        auto find = Reading::template find<Space>(core, driver, key, Read{}, Extent::warm);
        auto loaded = co_await find;
        const FoundWarm<Session> found = judge_warm(core, std::move(loaded));
        if (found.failed()) co_return Authenticated(found.error());
        if (!found.fields()) co_return Authenticated(SessionStanding{});
        Session row = found.fields()->partial_row();
        SessionStanding standing = stand<Space>(core, desk, row);
        Level source = found.source();
        Duration age = found.age();
        bool noted = false;
        for (bool behind = source != Level::database && standing.limit == SessionLimit::idle;;) {
            if (behind) {
                // The copy knows nothing of uses in other processes.
                auto refresh = Reading::refresh(core, driver, row.id);
                auto fetched = co_await refresh;
                const Found<Session> again = judge_whole(core, std::move(fetched.result));
                if (again.failed()) co_return Authenticated(again.error());
                if (!again.row() || !has_key<Space>(*again.row(), key)) co_return Authenticated(SessionStanding{});
                row = *again.row();
                standing = stand<Space>(core, desk, row);
                source = Level::database;
                age = Duration::zero();
            }
            if (noted || standing.state != SessionState::active || !Writing::touch_is_due(core, row, core.env.wall_now())) co_return Authenticated(standing, row, source, age);
            noted = true;
            behind = false;
            auto touch = Writing::touch(core, driver, row.id);
            const Written<Session> touched = co_await touch;
            if (touched.failed() && !(touched.error() == errc::no_such_row) && !(touched.error() == errc::revoked))
                core.hide(Level::database, "touch", touched.error()); // The session is good all the same.
            else if (touched.changed() && touched)
                row.last_seen_at = now(core);
            else
                behind = source != Level::database;
        }
    }

    // ---- begin, renew ----------------------------------------------------------------------------------------------------

    static Task<Granted> login(Core& core, Driver& driver, const SessionDesk& desk, const Login& order) {
        const TimePoint moment = now(core);
        Session row;
        SessionSecrets secrets;
        row.user_id = order.user_id;
        row.ip_address = SessionDesk::as_shown(order.ip_address, Login::longest_address);
        row.user_agent = SessionDesk::as_shown(order.user_agent, Login::longest_user_agent);
        row.data = order.data;
        row.created_at = row.last_seen_at = moment;
        row.refresh_expires_at = moment + SessionDesk::in_milliseconds(desk.options.absolute_timeout);
        if (Error failed = desk.arm(row, secrets, moment)) co_return Granted(std::move(failed));
        row.family = row.id;
        std::vector<Session> ended;
        Duration pending{};
        if (desk.options.sessions_per_user == 0) {
            auto insert = Writing::insert(core, driver, row);
            const Written<Session> inserted = co_await insert;
            if (inserted.failed()) co_return Granted(inserted.error());
            pending = inserted.pending();
        } else {
            auto admit = admit_one(core, driver, desk, row, ended);
            const UnitResult<bool> admitted = co_await admit;
            if (admitted.failed()) co_return Granted(admitted.error());
            if (!admitted.value()) {
                desk.tell(AuditKind::refused, &row, moment);
                co_return Granted(SessionStanding{SessionState::refused, SessionLimit::none, {}}, Uuid{}, row.user_id);
            }
            pending = admitted.pending();
        }
        for (const auto& session : ended) desk.tell_ended(session, EndReason::too_many, moment);
        desk.tell(AuditKind::begun, &row, moment);
        if (desk.options.preload) {
            const std::function<void(const WarmReport&)> nobody;
            auto warm = Warmer<Core>::template warm_group<of_user>(core, driver, row.user_id, nobody);
            const WarmReport warmed = co_await warm;
            if (warmed.failed()) core.hide(Level::database, "preload", warmed.error());
        }
        co_return Granted(row, std::move(secrets), pending, false, ended.size());
    }

    static Task<Granted> rotate(Core& core, Driver& driver, const SessionDesk& desk, const PresentedToken& token) {
        const TimePoint moment = now(core);
        // No copy decides that a token was stolen.
        auto find = Reading::template find<by_id>(core, driver, token.handle, truth, Extent::whole);
        auto loaded = co_await find;
        const Found<Session> found = judge_whole(core, std::move(loaded));
        if (found.failed()) co_return Granted(found.error());
        if (!found.row()) {
            desk.tell(AuditKind::unknown_token, nullptr, moment);
            co_return Granted(SessionStanding{});
        }
        TokenSecret random;
        if (Error failed = desk.draw(random)) co_return Granted(std::move(failed));
        Exchange exchange{desk, token, desk.tokens.salt_of(random), moment, {}, {}, false};
        Written<Session> written;
        Session row = *found.row();
        if (exchange.decide(row)) {
            auto change = [&exchange, &row](Session& session, const Session&) -> Outcome<bool> {
                const bool changes = exchange.decide(session);
                row = session;
                return changes;
            };
            auto write = Writing::modify(core, driver, token.handle, change, core.options.conflict_retries, false, {found.row(), Duration::zero(), false, {}});
            written = co_await write;
            if (written.error() == errc::no_such_row) co_return Granted(SessionStanding{});
            if (written.failed() && !(written.error() == errc::revoked)) co_return Granted(written.error());
            if (written.failed()) exchange.standing = {SessionState::revoked, SessionLimit::none, {}};
        }
        if (exchange.standing.state == SessionState::active) {
            desk.tell(exchange.repeated ? AuditKind::repeated : AuditKind::rotated, &row, moment);
            co_return Granted(row, std::move(exchange.secrets), written.pending(), exchange.repeated, 0);
        }
        if (exchange.standing.state != SessionState::reused) co_return Granted(exchange.standing, row.id, row.user_id);
        desk.tell(AuditKind::reused, &row, moment);
        auto end = end_family(core, driver, desk, row, EndReason::token_reused, Effect::may_be_pending);
        const SessionsEnded ended = co_await end;
        if (ended.failed()) co_return Granted(ended.error());
        co_return Granted(exchange.standing, row.id, row.user_id, ended.count(), ended.pending());
    }

    static Task<Granted> elevate(Core& core, Driver& driver, const SessionDesk& desk, const Uuid& handle, const std::optional<std::string>& data) {
        const TimePoint moment = now(core);
        SessionStanding standing;
        SessionSecrets secrets;
        Session before, after;
        const auto self = core.shared_from_this();
        auto body = [&](Engine& engine, Driver& within) -> Task<Outcome<bool>> {
            auto& part = *engine.part_of(self);
            auto find = engine.template find<by_id>(within, part, handle);
            const Found<Session> found = co_await find;
            if (found.failed()) co_return found.error();
            standing = {};
            before = {};
            if (!found.row()) co_return false;
            before = *found.row();
            standing = desk.standing_of(before, moment);
            if (standing.state != SessionState::active) co_return false;
            after = before;
            after.last_seen_at = moment;
            after.rotated_at.reset();
            after.rotation_salt.reset();
            after.grace_left.reset();
            after.family = before.family.value_or(before.id);
            if (data) after.data = *data;
            if (Error failed = desk.arm(after, secrets, moment)) co_return failed;
            auto replaced = [&](Session& session) {
                if (!session.family) session.family = session.id;
                return revoke_row(core, session, EndReason::replaced);
            };
            auto end = engine.modify(within, part, before.id, replaced, 0U);
            const Staged<Session> ended = co_await end;
            if (ended.failed()) co_return ended.error();
            auto insert = engine.insert(within, part, after);
            const Staged<Session> inserted = co_await insert;
            if (inserted.failed()) co_return inserted.error();
            co_return true;
        };
        auto unit = run(core, driver, Effect::may_be_pending, body);
        const UnitResult<bool> done = co_await unit;
        if (done.failed()) co_return Granted(done.error());
        if (!done.value()) co_return Granted(standing, before.id, before.user_id);
        desk.tell_ended(before, EndReason::replaced, moment);
        desk.tell(AuditKind::elevated, &after, moment);
        co_return Granted(after, std::move(secrets), done.pending(), false, 1);
    }

    // ---- end -------------------------------------------------------------------------------------------------------------

    static Task<SessionsEnded> end_one(Core& core, Driver& driver, const SessionDesk& desk, const Uuid& handle, EndReason why, Effect effect) {
        const auto reason = set<&Session::revoked_why>(why);
        auto revoke = Writing::revoke(core, driver, handle, reason, effect);
        const Written<Session> written = co_await revoke;
        if (written.error() == errc::no_such_row) co_return SessionsEnded(0, Duration::zero());
        if (written.failed()) co_return SessionsEnded(written.error());
        if (written.changed() && written.row()) desk.tell_ended(*written.row(), why, now(core));
        co_return SessionsEnded(written.changed() ? 1 : 0, written.pending());
    }

    /// Ends a session if it is that user's. Whose it is never changes, so that the look before the write is enough.
    static Task<SessionsEnded> end_own(Core& core, Driver& driver, const SessionDesk& desk, std::int64_t user, const Uuid& handle, EndReason why, Effect effect) {
        auto find = Reading::template find<by_id>(core, driver, handle, truth, Extent::whole);
        auto loaded = co_await find;
        const Found<Session> found = judge_whole(core, std::move(loaded));
        if (found.failed()) co_return SessionsEnded(found.error());
        if (!found.row() || found.row()->user_id != user) co_return SessionsEnded(0, Duration::zero());
        auto end = end_one(core, driver, desk, handle, why, effect);
        co_return co_await end;
    }

    /// Ends the sessions of a group for which `which(session)` is true.
    template <std::size_t Space, class Which>
    static Task<SessionsEnded> end_group(Core& core, Driver& driver, const SessionDesk& desk, const space_key_t<Session, Space>& group, Which which, EndReason why, Effect effect) {
        std::vector<Session> ended;
        const auto self = core.shared_from_this();
        auto body = [&](Engine& engine, Driver& within) -> Task<Outcome<bool>> {
            auto& part = *engine.part_of(self);
            ended.clear();
            // Those whose time is up are ended, too: nobody has told of them.
            auto list = engine.template read_group<Space>(within, part, group);
            const FoundMany<Session> found = co_await list;
            if (found.failed()) co_return found.error();
            std::vector<RowVersion<Session>> others;
            for (const auto& session : found) {
                if (!which(*session.row())) continue;
                if (session.row()->revoked_at)
                    others.push_back({session.row()->id, session.row()->version});
                else
                    ended.push_back(*session.row());
            }
            if constexpr (std::is_same_v<Which, EverySession>) {
                Session pattern;
                revoke_row(core, pattern, why);
                using Members = join_members_t<typename schema_of<Session>::revoked_members, Assignments<&Session::revoked_why>::members>;
                auto revoke = engine.template revoke_all<Space>(within, part, group, pattern, Members{});
                const StagedMany<Session> revoked = co_await revoke;
                if (revoked.failed()) co_return revoked.error();
            } else {
                engine.confirm(part, others);
                auto end = end_each(engine, core, within, ended, why);
                const Error failed = co_await end;
                if (failed) co_return failed;
            }
            co_return true;
        };
        auto unit = run(core, driver, effect, body);
        const UnitResult<bool> done = co_await unit;
        if (done.failed()) co_return SessionsEnded(done.error());
        for (const auto& session : ended) desk.tell_ended(session, why, now(core));
        co_return SessionsEnded(ended.size(), done.pending());
    }

    /// Ends the family that a session belongs to.
    static Task<SessionsEnded> end_family(Core& core, Driver& driver, const SessionDesk& desk, const Session& member, EndReason why, Effect effect) {
        if (!member.family) {
            auto end = end_one(core, driver, desk, member.id, why, effect);
            co_return co_await end;
        }
        auto end = end_group<of_family>(core, driver, desk, *member.family, EverySession{}, why, effect);
        co_return co_await end;
    }

    /// Ends the family of the session with a handle.
    static Task<SessionsEnded> end_family_of(Core& core, Driver& driver, const SessionDesk& desk, const Uuid& handle, EndReason why, Effect effect) {
        auto find = Reading::template find<by_id>(core, driver, handle, truth, Extent::whole);
        auto loaded = co_await find;
        const Found<Session> found = judge_whole(core, std::move(loaded));
        if (found.failed()) co_return SessionsEnded(found.error());
        if (!found.row()) co_return SessionsEnded(0, Duration::zero());
        auto end = end_family(core, driver, desk, *found.row(), why, effect);
        co_return co_await end;
    }

    /// Ends the sessions of all users that were begun before a moment, in batches, until there are none.
    static Task<SessionsEnded> end_before(Core& core, Driver& driver, const SessionDesk& desk, TimePoint moment, EndReason why, Effect effect) {
        const bool insists = effect == Effect::required;
        if (insists)
            if (Error never = WriteSteps<Core>::never_effective(core)) co_return SessionsEnded(std::move(never));
        const auto change = [&core, why](Session& session) { return revoke_row(core, session, why); };
        std::size_t count = 0;
        Duration pending{};
        for (;;) {
            auto list = due<&Session::created_at>(core, driver, moment - TimePoint::duration(1), core.options.batch_size);
            const auto rows = co_await list;
            if (rows.has_error()) co_return SessionsEnded(rows.error());
            if (rows->empty()) break;
            for (const auto& row : *rows) {
                auto write = Writing::modify(core, driver, row.id, change, core.options.conflict_retries, insists, known(row));
                const Written<Session> written = co_await write;
                if (written.error() == errc::no_such_row) continue;
                if (written.failed()) co_return SessionsEnded(written.error());
                pending = std::max(pending, written.pending());
                if (!written.changed()) continue;
                ++count;
                desk.tell_ended(row, why, now(core));
            }
        }
        if (insists && pending > Duration::zero()) {
            auto sleep = Sleep{driver, std::exchange(pending, Duration::zero())};
            co_await sleep;
        }
        co_return SessionsEnded(count, pending);
    }

    /// Ends the sessions whose time is up, and removes what ended long ago. \param most how many rows it looks at, for each reason.
    static Task<Reaped> reap(Core& core, Driver& driver, const SessionDesk& desk, std::size_t most) {
        const TimePoint moment = now(core);
        Reaped reaped;
        {
            auto end = reap_by<&Session::refresh_expires_at>(core, driver, desk, moment, moment, most, reaped);
            const Error failed = co_await end;
            if (failed) co_return Reaped(failed);
        }
        if (desk.options.idle_timeout > Duration::zero()) {
            auto end = reap_by<&Session::last_seen_at>(core, driver, desk, moment - SessionDesk::in_milliseconds(desk.options.idle_timeout), moment, most, reaped);
            const Error failed = co_await end;
            if (failed) co_return Reaped(failed);
        }
        auto list = core.query(QueryKind::list, driver,
                               Core::Ops::template list_due<&Session::revoked_at>(moment - SessionDesk::in_milliseconds(desk.options.keep_ended), static_cast<std::int64_t>(most)));
        const auto rows = co_await list;
        if (rows.has_error()) co_return Reaped(rows.error());
        reaped.more = reaped.more || rows->size() == most;
        for (const auto& row : *rows) {
            auto erase = Writing::erase(core, driver, row.key);
            const Written<Session> erased = co_await erase;
            if (erased.failed() && !(erased.error() == errc::no_such_row)) co_return Reaped(erased.error());
            reaped.erased += erased ? 1 : 0;
        }
        co_return reaped;
    }

    // ---- list ------------------------------------------------------------------------------------------------------------

    static Task<SessionList> list(Core& core, Driver& driver, const SessionDesk& desk, std::int64_t user) {
        auto find = Warmer<Core>::template find_group<of_user>(core, driver, user, truth); // Copies may know nothing of uses in other processes.
        const FoundMany<Session> found = co_await find;
        if (found.failed()) co_return SessionList(found.error());
        const TimePoint moment = now(core);
        std::vector<SessionInfo> infos;
        for (const auto& each : found)
            if (desk.is_active(*each, moment)) infos.push_back({each->id, each->user_id, each->created_at, each->last_seen_at, each->refresh_expires_at, each->ip_address, each->user_agent});
        std::sort(infos.begin(), infos.end(), [](const SessionInfo& left, const SessionInfo& right) {
            return std::tie(right.last_seen_at, right.created_at, right.handle) < std::tie(left.last_seen_at, left.created_at, left.handle);
        });
        co_return SessionList(std::move(infos));
    }

private:
    /// What a presented refresh token makes of its session.
    struct Exchange {
        const SessionDesk& desk;
        const PresentedToken& token;
        Bytes salt;
        TimePoint moment;
        SessionStanding standing;
        SessionSecrets secrets;
        bool repeated;

        /// Decides, and changes the row if there is something to change. \returns whether there is.
        bool decide(Session& row) {
            repeated = false;
            standing = desk.standing_of(row, moment);
            const bool is_current = row.refresh_token == token.kept;
            if (standing.state == SessionState::revoked) {
                // Whoever holds the token of a session that was replaced, or an older token, does not hold it by right.
                if (!is_current || standing.why == EndReason::replaced) standing = reuse();
                return false;
            }
            if (standing.state == SessionState::expired) return false;
            if (is_current) {
                desk.rearm(row, secrets, token, salt, moment);
                row.rotated_at = moment;
                row.rotation_salt.reset();
                row.grace_left.reset();
                if (desk.options.rotation_grace > Duration::zero()) {
                    row.rotation_salt = salt;
                    row.grace_left = desk.options.grace_uses;
                }
                row.last_seen_at = moment;
                return true;
            }
            if (within_grace(row)) {
                Session again = row;
                SessionSecrets same;
                if (desk.rearm(again, same, token, *row.rotation_salt, *row.rotated_at) && again.refresh_token == row.refresh_token) {
                    secrets = std::move(same);
                    --*row.grace_left;
                    row.last_seen_at = moment;
                    repeated = true;
                    return true;
                }
            }
            standing = reuse();
            return false;
        }

        bool within_grace(const Session& row) const {
            if (!row.rotated_at || !row.rotation_salt || row.grace_left.value_or(0) == 0) return false;
            // A clock that was set back does not make it longer.
            return std::chrono::abs(moment - *row.rotated_at) < SessionDesk::in_milliseconds(desk.options.rotation_grace);
        }

        static SessionStanding reuse() noexcept { return {SessionState::reused, SessionLimit::none, EndReason::token_reused}; }
    };

    /// Runs a unit of work, and runs it again if others stood in its way: it then finds what they did.
    template <class Body>
    static Task<UnitResult<bool>> run(Core& core, Driver& driver, Effect effect, Body& body) {
        const auto in_the_way = [](const Error& failure) { return may_run_again(failure) || failure == errc::revoked || failure == errc::no_such_row; };
        for (unsigned attempt = 1;; ++attempt) {
            auto unit = run_unit<bool>(std::tuple(core.shared_from_this()), driver, UnitOptions{effect, Isolation::serializable, 1}, body);
            auto done = co_await unit;
            if (attempt == unit_attempts || !in_the_way(done.error())) co_return std::move(done);
        }
    }

    /// What the database itself has just answered, to base a write on.
    static typename Writing::Base known(const Session& row) { return {std::make_shared<const Session>(row), Duration::zero(), false, {}}; }

    /// The rows of sessions that are due by a time column and have not ended, as the database has them.
    template <auto Member>
    static Task<Outcome<std::vector<Session>>> due(Core& core, Driver& driver, TimePoint moment, std::size_t most) {
        auto list = core.query(QueryKind::list, driver, Core::Ops::template list_due<Member>(moment, static_cast<std::int64_t>(most)));
        const auto listed = co_await list;
        if (listed.has_error()) co_return listed.error();
        std::vector<Uuid> keys;
        for (const auto& row : *listed) keys.push_back(row.key);
        auto read = Warmer<Core>::read_in_batches(core, driver, keys, {}, truth);
        const auto loaded = co_await read;
        std::vector<Session> rows;
        for (const auto& each : loaded) {
            if (each.error.failed()) co_return each.error.get();
            if (each.row.full) rows.push_back(*each.row.full);
        }
        co_return rows;
    }

    /// Ends sessions that are due by a time column. \param due_at since when. \param most of how many.
    template <auto Member>
    static Task<Error> reap_by(Core& core, Driver& driver, const SessionDesk& desk, TimePoint due_at, TimePoint moment, std::size_t most, Reaped& reaped) {
        auto find = due<Member>(core, driver, due_at, most);
        const auto rows = co_await find;
        if (rows.has_error()) co_return rows.error();
        reaped.more = reaped.more || rows->size() == most;
        const auto self = core.shared_from_this();
        for (const auto& row : *rows) {
            std::optional<EndReason> why;
            // A use that is noted moves no version: only a transaction finds that it came between.
            auto body = [&](Engine& engine, Driver& within) -> Task<Outcome<bool>> {
                why.reset();
                auto& part = *engine.part_of(self);
                auto read = engine.template find<by_id>(within, part, row.id);
                const Found<Session> found = co_await read;
                if (found.failed()) co_return found.error();
                if (!found.row() || found.row()->revoked_at) co_return false;
                const SessionStanding standing = desk.standing_of(*found.row(), moment);
                if (standing.state != SessionState::expired) co_return false;
                const EndReason reason = standing.limit == SessionLimit::idle ? EndReason::idle_timeout : EndReason::absolute_timeout;
                auto change = [&core, reason](Session& session) { return revoke_row(core, session, reason); };
                auto end = engine.modify(within, part, row.id, change, 0U);
                const Staged<Session> ended = co_await end;
                if (ended.failed()) co_return ended.error();
                if (ended.changed()) why = reason;
                co_return true;
            };
            auto unit = run(core, driver, Effect::may_be_pending, body);
            const UnitResult<bool> done = co_await unit;
            if (done.failed()) co_return done.error();
            if (!why) continue;
            ++reaped.expired;
            desk.tell_ended(row, why, moment);
        }
        co_return Error();
    }

    static bool revoke_row(const Core& core, Session& session, EndReason why) {
        const auto reason = set<&Session::revoked_why>(why);
        return revocation_of(core, reason)(session);
    }

    template <std::size_t Space>
    static SessionStanding stand(const Core& core, const SessionDesk& desk, const Session& row) {
        const TimePoint moment = now(core);
        const SessionStanding standing = desk.standing_of(row, moment);
        if (Space == by_jti && standing.state == SessionState::active && row.access_expires_at <= moment) return SessionDesk::expired(SessionLimit::access);
        return standing;
    }

    static Task<Error> end_each(Engine& engine, Core& core, Driver& within, const std::vector<Session>& sessions, EndReason why) {
        auto& part = *engine.part_of(core.shared_from_this());
        for (const auto& session : sessions) {
            auto change = [&core, why](Session& row) { return revoke_row(core, row, why); };
            auto end = engine.modify(within, part, session.id, change, core.options.conflict_retries);
            const Staged<Session> ended = co_await end;
            if (ended.failed()) co_return ended.error();
        }
        co_return Error();
    }

    /// Inserts a session if its user may have one more, or once the oldest have made room. \returns whether it did.
    static Task<UnitResult<bool>> admit_one(Core& core, Driver& driver, const SessionDesk& desk, const Session& row, std::vector<Session>& ended) {
        const auto self = core.shared_from_this();
        auto body = [&](Engine& engine, Driver& within) -> Task<Outcome<bool>> {
            auto& part = *engine.part_of(self);
            ended.clear();
            // All is judged by one moment, whatever the clock does meanwhile.
            auto list = engine.template read_group<of_user>(within, part, row.user_id);
            const FoundMany<Session> found = co_await list;
            if (found.failed()) co_return found.error();
            for (const auto& session : found)
                if (desk.is_active(*session.row(), row.created_at)) ended.push_back(*session.row());
            const std::size_t most = desk.options.sessions_per_user;
            if (ended.size() < most) {
                ended.clear();
            } else if (desk.options.at_limit == AtSessionLimit::refuse) {
                ended.clear();
                co_return false;
            } else {
                std::sort(ended.begin(), ended.end(), [](const Session& left, const Session& right) { return std::tie(left.created_at, left.id) < std::tie(right.created_at, right.id); });
                ended.resize(ended.size() + 1 - most);
                auto end = end_each(engine, core, within, ended, EndReason::too_many);
                const Error failed = co_await end;
                if (failed) co_return failed;
            }
            auto insert = engine.insert(within, part, row);
            const Staged<Session> inserted = co_await insert;
            if (inserted.failed()) co_return inserted.error();
            co_return true;
        };
        auto unit = run(core, driver, Effect::may_be_pending, body);
        co_return co_await unit;
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
