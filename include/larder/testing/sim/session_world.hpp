// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/memory.hpp>
#include <larder/database/memory_tables.hpp>
#include <larder/policy/policy.hpp>
#include <larder/session/session.hpp>
#include <larder/session/store.hpp>
#include <larder/testing/sim/cache.hpp>
#include <larder/testing/sim/database.hpp>
#include <larder/testing/sim/environment.hpp>
#include <larder/testing/sim/parts.hpp>
#include <larder/testing/sim/session_history.hpp>
#include <larder/testing/sim/session_judge.hpp>
#include <larder/testing/sim/stage.hpp>

#include <boost/random/splitmix64.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// One simulated run of session stores: processes with a `SessionStore` under a policy, over a shared cache tier and a database, clients that log in, authenticate,
/// rotate (some of them tokens that others have or had), elevate, end, list and reap, and the faults between them. `SessionJudge` judges what happened.
///
/// The rules of the stores (limits, grace, sessions per user) are choices of the run, as are the lives of copies; secrets come from its source of chance.
/// \tparam Parts what the run is composed of, as `SimParts` over `MemoryDatabase`.
template <policy Policy, class Parts = SimParts<>>
class SessionWorld : SimStage {
    using Sessions = SessionRepository<typename Parts::Backend, Policy, SimEnvironment>;
    using Store = SessionStore<typename Parts::Backend, Policy, SimEnvironment>;
    static constexpr bool has_near = Parts::has_near;
    /// Whether the policy's promises hold whatever crashes; else the TTL is their bound.
    static constexpr bool strict = Policy::fenced || Policy::guarantee.current_reads;
    static constexpr std::int64_t users = 2;

public:
    SessionWorld(Choices& choices, WorldOptions options)
        : SimStage(choices, std::move(options)), cache_(shared_, network_, trace_),
          database_(shared_, network_, trace_, [this](const Uuid& handle, const Session* row, Version) { on_commit(handle, row); }, MemoryDatabase<Session>(tables_)) {}

    ~SessionWorld() {
        for (std::uint16_t process = 1; process <= options_.processes; ++process) kill(process);
        scheduler_.clear();
    }

    WorldResult run() {
        choose_rules();
        MemoryDatabase<User> people(tables_);
        for (std::int64_t user = 1; user <= users; ++user) static_cast<void>(people.insert({.id = user, .email = "u" + std::to_string(user) + "@example.org", .username = "u" + std::to_string(user)}));
        for (std::uint32_t i = 0; i < options_.rows; ++i) plant(1);
        plant(users);
        for (std::uint16_t process = 1; process <= options_.processes; ++process) start(process);
        plan_faults();
        const SteadyTime end = scheduler_.now() + std::chrono::minutes(3);
        while (busy_ != 0 && scheduler_.now() < end && scheduler_.step()) {}
        if (busy_ != 0) violation_ = Violation{Property::c10_answered, "a client is still waiting when everything else has long ended"};
        if (!violation_) violation_ = judge();
        if (!violation_) rest();
        return result(violation_);
    }

private:
    struct Process {
        std::unique_ptr<Sessions> sessions;
        std::unique_ptr<Store> store;
    };
    /// Secrets that clients know of.
    struct Credentials {
        std::int64_t user;
        Uuid handle;
        std::string access, refresh;
    };

    /// The plainest rules are the usual ones.
    void choose_rules() {
        using std::chrono::milliseconds, std::chrono::seconds;
        constexpr Duration lives[] = {strict ? seconds(30) : seconds(3), seconds(3), milliseconds(60)};
        ttl_ = lives[choices_.pick(3)];
        if (choices_.pick(2) != 0) rules_.idle_timeout = seconds(4);
        if (choices_.pick(2) != 0) rules_.absolute_timeout = seconds(9);
        constexpr Duration access[] = {std::chrono::minutes(15), seconds(2), Duration::zero()};
        rules_.access_lifetime = access[choices_.pick(3)];
        if (choices_.pick(2) != 0) rules_.sessions_per_user = options_.rows + 1;
        if (choices_.pick(2) != 0) rules_.at_limit = AtSessionLimit::end_oldest;
        if (choices_.pick(2) != 0) rules_.rotation_grace = seconds(2);
        rules_.grace_uses = 1 + choices_.pick(2);
        if (choices_.pick(2) != 0) rules_.keep_ended = seconds(2);
        rules_.preload = choices_.pick(2) == 0;
        touch_interval_ = choices_.pick(2) == 0 ? milliseconds(400) : milliseconds(0);
        heat_ = choices_.pick(2) == 0 ? Heat::hot : Heat::warm;
        stale_if_error_ = choices_.pick(2) == 0 ? Duration::zero() : seconds(1);
    }

    static std::vector<SessionKey> keys_of(std::uint16_t process) {
        std::vector<SessionKey> keys;
        for (std::uint8_t id = 1; id <= 2; ++id) {
            keys.push_back({id, {}});
            keys.back().secret.fill(std::byte{id});
        }
        // Fleets change their key while both are in use.
        if (process % 2 == 0) std::swap(keys[0], keys[1]);
        return keys;
    }

    /// Random bytes; of a handle the last two count, so that a trace can name it.
    bool draw(std::span<std::byte> bytes) {
        boost::random::splitmix64 engine(choices_.token());
        for (auto& each : bytes) each = static_cast<std::byte>(engine() & 0xff);
        if (bytes.size() == Uuid::static_size()) {
            ++handles_;
            bytes[bytes.size() - 2] = static_cast<std::byte>(handles_ >> 8 & 0xff);
            bytes[bytes.size() - 1] = static_cast<std::byte>(handles_ & 0xff);
        }
        return true;
    }

    TimePoint now() { return std::chrono::time_point_cast<TimePoint::duration>(wall_now()); }

    void on_commit(const Uuid& handle, const Session* row) {
        history_.commits.push_back({scheduler_.steps(), scheduler_.now(), handle, row ? std::optional<Session>(*row) : std::nullopt});
    }

    /// A session that is there from the beginning, with its secrets.
    void plant(std::int64_t user) {
        const larder::detail::SessionDesk desk(keys_of(1), [this](std::span<std::byte> bytes) { return draw(bytes); }, rules_);
        Session row;
        SessionSecrets secrets;
        row.user_id = user;
        row.created_at = row.last_seen_at = now();
        row.refresh_expires_at = row.created_at + std::chrono::duration_cast<TimePoint::duration>(rules_.absolute_timeout);
        static_cast<void>(desk.arm(row, secrets, row.created_at));
        row.family = row.id;
        const auto stored = database_.rows().insert(row);
        database_.committed(row.id, &*stored, stored->version);
        SessionCall& call = history_.calls.emplace_back();
        call.user = user;
        call.answered = true;
        call.returned_at = call.invoked_at = scheduler_.now();
        call.standing.state = SessionState::active;
        call.grant = learn(user, row.id, secrets, false);
    }

    /// What was granted is known to all clients from now on.
    SessionGrant learn(std::int64_t user, const Uuid& handle, const SessionSecrets& secrets, bool repeated) {
        known_.push_back({user, handle, std::string(secrets.access.reveal()), std::string(secrets.refresh.reveal())});
        return {handle, tokens_.read_access(known_.back().access).value_or(""), tokens_.read_refresh(known_.back().refresh)->kept, repeated};
    }

    void start(std::uint16_t process) {
        const Actor actor{process, 1};
        Options options;
        options.ttl = ttl_;
        options.jitter = 0;
        options.fence_for = fence_for;
        options.lease_for = lease_for;
        options.negative_ttl = std::chrono::milliseconds(400);
        options.stale_if_error = stale_if_error_;
        options.touch_interval = touch_interval_;
        if (process % 2 == 1) options.loads_apart = 1;
        if (heat_ == Heat::warm) options.heat = [](std::uint32_t) { return Heat::warm; };
        options.executor = scheduler_.executor(actor);
        SimEnvironment environment(shared_, actor);
        choices_.enter(process);
        Process& made = processes_[process];
        if constexpr (has_near)
            made.sessions = std::make_unique<Sessions>(typename Sessions::Config{{.max_entries = 100, .max_bytes = 1 << 20}, {&cache_, actor}, {&database_, actor}}, options, Policy{}, environment);
        else
            made.sessions = std::make_unique<Sessions>(typename Sessions::Config{{&cache_, actor}, {&database_, actor}}, options, Policy{}, environment);
        SessionStoreOptions rules = rules_;
        rules.on_ended = [this, process](const SessionEnded& end) { on_ended(process, end); };
        made.store = std::make_unique<Store>(*made.sessions, keys_of(process), [this](std::span<std::byte> bytes) { return draw(bytes); }, std::move(rules));
        begin_clients(process, [this](Actor each, std::uint32_t client, std::uint32_t left) { act(each, client, left); });
    }

    void on_ended(std::uint16_t process, const SessionEnded& end) {
        note("process " + std::to_string(process) + " tells that " + named(end.handle) + " has ended" + (end.why ? ": " + std::string(name_of(*end.why)) : std::string()));
        history_.told.push_back({scheduler_.steps(), end});
    }

    void kill(std::uint16_t process) {
        for (auto& call : history_.calls)
            if (call.returned == 0 && call.invoked != 0 && asked_in_[&call - history_.calls.data()] == process) {
                call.returned = scheduler_.steps();
                call.returned_at = scheduler_.now();
                ++unanswered_;
            }
        kill_process(process, [this, process] { processes_[process] = {}; });
    }

    void plan_faults() {
        const auto restart = [this](std::uint16_t process) {
            kill(process);
            note("process " + std::to_string(process) + " starts again");
            start(process);
        };
        const auto evict = [this] {
            const Uuid handle = some_credentials().handle;
            if constexpr (requires { cache_.store().template evict<0>(handle); })
                if (cache_.store().template evict<0>(handle)) note("the cache forgets " + named(handle));
        };
        SimStage::plan_faults(cache_, has_near, restart, evict);
    }

    // ---- what clients do -------------------------------------------------------------------------------------------------

    static std::string named(const Uuid& handle) { return "session " + shown(handle); }

    /// The newest ones are the plainest.
    std::size_t some_known() {
        const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(known_.size(), 8));
        return known_.size() - 1 - choices_.pick(count);
    }
    Credentials some_credentials() { return known_[some_known()]; }

    /// A client's next operation; the plainest one is to do nothing.
    void act(Actor actor, std::uint32_t client, std::uint32_t left) {
        std::uint32_t kind = 0;
        for (; left != 0 && kind == 0; left -= kind == 0) {
            choices_.enter(strand_of(client, left));
            kind = choices_.pick(28);
        }
        if (kind == 0) {
            finish(actor.process, client);
            return;
        }
        ++operations_;
        const auto next = [this, actor, client, left] {
            scheduler_.after(actor, think(), [this, actor, client, left] { act(actor, client, left - 1); });
        };
        const std::size_t index = some_known();
        const Credentials whose = known_[index];
        const std::string name = std::to_string(index + 1);
        SessionCall call;
        call.who = who(actor, client);
        call.user = whose.user;
        call.handle = whose.handle;
        Store& store = *processes_[actor.process].store;
        switch (kind) {
        case 1: case 2: case 3: case 4: case 5: case 6:
            call.verb = SessionVerb::authenticate;
            call.access = tokens_.read_access(whose.access);
            return store.async_authenticate(whose.access, asking<Authenticated>(actor, std::move(call), "authenticates by access token " + name + " of " + named(whose.handle), next));
        case 7: case 8:
            call.verb = SessionVerb::authenticate;
            return store.async_authenticate(whose.handle, asking<Authenticated>(actor, std::move(call), "authenticates " + named(whose.handle), next));
        case 9: case 10: case 11: case 12: case 13:
            call.verb = SessionVerb::rotate;
            call.refresh = tokens_.read_refresh(whose.refresh)->kept;
            return store.async_rotate(whose.refresh, doing<Granted>(actor, std::move(call), "rotates by refresh token " + name + " of " + named(whose.handle), next));
        case 14: case 15:
            call.verb = SessionVerb::login;
            call.user = 1 + choices_.pick(static_cast<std::uint32_t>(users));
            call.data = "d" + std::to_string(++last_data_);
            return store.async_login({.user_id = call.user, .ip_address = "192.0.2.1", .user_agent = "c" + std::to_string(client), .data = call.data}, doing<Granted>(actor, call, "logs user " + std::to_string(call.user) + " in", next));
        case 16: case 17:
            call.verb = SessionVerb::elevate;
            if (choices_.pick(2) != 0) call.data = "d" + std::to_string(++last_data_);
            return store.async_elevate(whose.handle, call.data, doing<Granted>(actor, call, "elevates " + named(whose.handle) + (call.data ? " with other data" : ""), next));
        case 18: case 19: case 20: case 21: case 22: case 23: return end(store, actor, kind, std::move(call), next);
        case 24:
            call.verb = SessionVerb::list;
            return store.async_list(call.user, asking<SessionList>(actor, call, "lists the sessions of user " + std::to_string(call.user), next));
        case 25:
            call.verb = SessionVerb::expire;
            return store.async_expire(100, doing<Reaped>(actor, std::move(call), "reaps", next));
        default: {
            constexpr Duration spans[] = {std::chrono::milliseconds(2100), std::chrono::milliseconds(4100), std::chrono::milliseconds(9100)};
            const Duration span = spans[choices_.pick(3)];
            note(call.who + " waits for " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(span).count()) + " ms");
            scheduler_.after(actor, span, next);
        }
        }
    }

    template <class Next>
    void end(Store& store, Actor actor, std::uint32_t kind, SessionCall call, Next next) {
        const bool insists = choices_.once_in(3);
        const Effect effect = insists ? Effect::required : Effect::may_be_pending;
        const EndReason why = choices_.pick(2) == 0 ? EndReason::logged_out : EndReason::administrator;
        const std::int64_t user = call.user;
        const Uuid handle = call.handle;
        const std::string of_user = " of user " + std::to_string(user), with = insists ? ", and insists" : "";
        call.before = now();
        call.insists = insists;
        switch (kind) {
        case 18: call.verb = SessionVerb::revoke; return store.async_revoke(handle, why, effect, doing<SessionsEnded>(actor, std::move(call), "ends " + named(handle) + with, next));
        case 19: call.verb = SessionVerb::revoke_others; return store.async_revoke_others(user, handle, why, effect, doing<SessionsEnded>(actor, std::move(call), "ends all sessions" + of_user + " but " + named(handle) + with, next));
        case 20: call.verb = SessionVerb::revoke_all; return store.async_revoke_all(user, why, effect, doing<SessionsEnded>(actor, std::move(call), "ends all sessions" + of_user + with, next));
        case 21: call.verb = SessionVerb::revoke_family; return store.async_revoke_family(handle, why, effect, doing<SessionsEnded>(actor, std::move(call), "ends the family of " + named(handle) + with, next));
        case 22: call.verb = SessionVerb::revoke_before; return store.async_revoke_before(user, call.before, why, effect, doing<SessionsEnded>(actor, call, "ends all sessions" + of_user + " from before now" + with, next));
        default: call.verb = SessionVerb::revoke_all_before; return store.async_revoke_before(call.before, why, effect, doing<SessionsEnded>(actor, call, "ends all sessions from before now" + with, next));
        }
    }

    /// \name Completion tokens, for what only asks and for what changes something
    /// @{
    template <class Answer, class Next>
    auto asking(Actor actor, SessionCall call, const std::string& what, Next next) {
        const std::size_t index = begin(actor, std::move(call), what);
        return waiting<Answer>(actor, [this, index, next](const Error& failure, const Answer& answer) {
            end_call(index, failure, answer);
            next();
        });
    }
    template <class Answer, class Next>
    auto doing(Actor actor, SessionCall call, const std::string& what, Next next) {
        const std::size_t index = begin(actor, std::move(call), what);
        return bound(actor, [this, index, next](const Error& failure, const Answer& answer) {
            end_call(index, failure, answer);
            next();
        });
    }
    /// @}

    std::size_t begin(Actor actor, SessionCall call, const std::string& what) {
        note(call.who + " " + what);
        call.invoked = scheduler_.steps();
        call.invoked_at = scheduler_.now();
        call.first_line = trace_.lines().size();
        history_.calls.push_back(std::move(call));
        asked_in_[history_.calls.size() - 1] = actor.process;
        return history_.calls.size() - 1;
    }

    template <class Answer>
    void end_call(std::size_t index, const Error& failure, const Answer& answer) {
        SessionCall& call = history_.calls[index];
        call.returned = scheduler_.steps();
        call.returned_at = scheduler_.now();
        call.last_line = trace_.keeps() ? trace_.lines().size() + 1 : 0;
        call.answered = true;
        call.failed = static_cast<bool>(failure);
        if (failure)
            note(call.who + " got an error: " + failure.text);
        else
            note(call.who + take(call, answer));
    }

    // ---- what they are told: noted in the call, and as words

    static std::string text_of(const SessionStanding& standing) {
        std::string text(name_of(standing.state));
        if (standing.limit != SessionLimit::none) text += ", " + std::string(name_of(standing.limit));
        if (standing.why) text += ", " + std::string(name_of(*standing.why));
        return text;
    }
    static std::string text_of(Duration pending) { return pending == Duration::zero() ? "effective" : "pending"; }

    std::string take(SessionCall& call, const Authenticated& answer) {
        call.standing = {answer.state(), answer.limit(), answer.why()};
        call.grant.handle = answer.handle();
        call.created_at = answer.created_at();
        call.access_expires_at = answer.access_expires_at();
        call.expires_at = answer.expires_at();
        if (answer) call.user = answer.user_id();
        return " is told: " + text_of(call.standing) + (answer ? ", from " + std::string(name_of(answer.source())) : std::string());
    }
    std::string take(SessionCall& call, const Granted& answer) {
        call.standing = {answer.state(), answer.limit(), answer.why()};
        call.pending = answer.pending();
        call.count = answer.ended();
        if (!answer) return " is told: " + text_of(call.standing) + (answer.ended() != 0 ? ", " + std::to_string(answer.ended()) + " ended, " + text_of(call.pending) : std::string());
        call.grant = learn(call.user, answer.handle(), answer.secrets(), answer.repeated());
        return " is granted " + named(answer.handle()) + " with tokens " + std::to_string(known_.size()) + (answer.repeated() ? ", again" : "") + ", " + text_of(call.pending);
    }
    static std::string take(SessionCall& call, const SessionsEnded& answer) {
        call.count = answer.count();
        call.pending = answer.pending();
        return " is told: " + std::to_string(answer.count()) + " ended, " + text_of(call.pending);
    }
    static std::string take(SessionCall& call, const SessionList& answer) {
        std::string text = " sees";
        for (const auto& each : answer) {
            call.listed.push_back(each);
            text += " " + shown(each.handle);
        }
        return text + (answer.empty() ? " none" : "");
    }
    static std::string take(SessionCall& call, const Reaped& answer) {
        call.count = answer.expired;
        call.erased = answer.erased;
        call.more = answer.more;
        return " is told: " + std::to_string(answer.expired) + " expired, " + std::to_string(answer.erased) + " removed";
    }

    // ---- how it is judged ------------------------------------------------------------------------------------------------

    /// What the faults of the run add to every bound: an in-process tier that is not told of changes knows its TTL only.
    Duration slack() const { return deaf() ? ttl_ : Duration::zero(); }

    std::optional<Violation> judge() {
        const Duration off = wall_now().time_since_epoch() - scheduler_.now().time_since_epoch() - shared_.wall_step;
        history_.wall = WallHistory(off, shared_.wall_steps);
        history_.faultless = options_.faults.injected() == 0 && unanswered_ == 0;
        SessionPromises promises;
        promises.rules = rules_;
        promises.touch_interval = touch_interval_;
        // An answer that the database could not give may come from a copy.
        promises.current = Policy::guarantee.current_reads && stale_if_error_ == Duration::zero();
        promises.slack = slack();
        return SessionJudge(history_, std::move(promises)).check();
    }

    /// Whether all copies are known to be current once fences and leases have ended.
    bool heals_soon() const { return strict && !deaf() && cache_.missed_changes() == 0 && !lost_shared_tier(); }

    /// Lets all faults end and all bounds pass, and then asks every process for every session.
    void rest() {
        end_faults();
        const Duration quiet = (fence_for + lease_for) * 2 + std::chrono::seconds(2) + (heals_soon() ? Duration::zero() : ttl_ * 2);
        scheduler_.run_until(scheduler_.now() + quiet);
        note("all is quiet");
        for (const Credentials& each : known_)
            if constexpr (requires { cache_.store().template inspect<0>(each.handle); }) {
                const auto kept = cache_.store().template inspect<0>(each.handle);
                if (kept.answer == Answer::wait || kept.answer == Answer::bypass) {
                    violation_ = Violation{Property::c8_no_leak, "a lease or fence of " + named(each.handle) + " is left"};
                    return;
                }
            }
        for (std::uint16_t process = 1; process <= options_.processes; ++process)
            for (const Credentials& each : known_)
                if (!violation_) ask_quietly(process, each);
    }

    /// Where a session stands by the database's row. \param kept what is kept of the access token.
    bool is_good(const Uuid& handle, const std::string& kept) {
        const auto row = database_.rows().load(handle, ReadMode::plain);
        if (!row.has_value() || !*row) return false;
        const Session& session = **row;
        const TimePoint moment = now();
        const bool idle = rules_.idle_timeout > Duration::zero() && session.last_seen_at + std::chrono::duration_cast<TimePoint::duration>(rules_.idle_timeout) <= moment;
        return session.jti == kept && !session.revoked_at && session.refresh_expires_at > moment && session.access_expires_at > moment && !idle;
    }

    void ask_quietly(std::uint16_t process, const Credentials& whose) {
        const std::string kept = *tokens_.read_access(whose.access);
        const bool was_good = is_good(whose.handle, kept);
        std::optional<bool> accepted;
        std::string told;
        processes_[process].store->async_authenticate(whose.access, bound(Actor{process, 50}, [&](const Error& failure, const Authenticated& answer) {
                                                          accepted = static_cast<bool>(answer);
                                                          told = failure ? failure.text : text_of(SessionStanding{answer.state(), answer.limit(), answer.why()});
                                                      }));
        const SteadyTime end = scheduler_.now() + std::chrono::seconds(20);
        while (!accepted && scheduler_.now() < end && scheduler_.step()) {}
        const std::string which = "process " + std::to_string(process) + ", asked for " + named(whose.handle);
        if (!accepted)
            violation_ = Violation{Property::c10_answered, which + ", does not answer"};
        else if (*accepted != was_good && *accepted != is_good(whose.handle, kept))
            violation_ = Violation{Property::c7_quiet, which + ", answers: " + told + "; the database " + (was_good ? "has it as active" : "does not have it as active")};
    }

    MemoryTables tables_;
    typename Parts::template CacheServer<Session> cache_;
    typename Parts::template DatabaseServer<Session> database_;
    SessionStoreOptions rules_;
    Duration ttl_{}, touch_interval_{}, stale_if_error_{};
    Heat heat_ = Heat::hot;
    larder::detail::SessionTokens tokens_{keys_of(1)};
    SessionHistory history_;
    std::map<std::size_t, std::uint16_t> asked_in_; ///< The processes of calls.
    std::map<std::uint16_t, Process> processes_;
    std::vector<Credentials> known_;
    std::uint32_t handles_ = 0, last_data_ = 0;
    std::size_t unanswered_ = 0;
    std::optional<Violation> violation_;
};

} // namespace testing
} // namespace v0
} // namespace larder
