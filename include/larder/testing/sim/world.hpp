// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/memory.hpp>
#include <larder/policy/policy.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/unit_of_work.hpp>
#include <larder/testing/sim/cache.hpp>
#include <larder/testing/sim/database.hpp>
#include <larder/testing/sim/environment.hpp>
#include <larder/testing/sim/faults.hpp>
#include <larder/testing/sim/history.hpp>
#include <larder/testing/sim/network.hpp>
#include <larder/testing/sim/parts.hpp>
#include <larder/testing/sim/stage.hpp>
#include <larder/testing/sim/ticket.hpp>
#include <larder/testing/sim/unit_steps.hpp>


#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// One simulated run: processes with repositories under a policy, their clients, a shared cache tier, a database, and the
/// faults between them. The repositories are the shipping ones; only what they are composed of is simulated.
///
/// \tparam Parts what the run is composed of: `SimParts`. \tparam Units whether clients change rows in units of work too, which needs a database with transactions.
template <policy Policy, class Parts = SimParts<>, bool Units = false>
class World : SimStage {
    using Repository = CachedRepository<Ticket, typename Parts::Backend, Policy, SimEnvironment>;
    static constexpr bool has_near = Parts::has_near;
    /// Whether the policy's promises hold whatever crashes; else the TTL is their bound.
    static constexpr bool strict = Policy::fenced || Policy::guarantee.current_reads;

public:
    World(Choices& choices, WorldOptions options)
        : SimStage(choices, std::move(options)), cache_(shared_, network_, trace_),
          database_(shared_, network_, trace_, [this](const std::string& key, const Ticket* row, Version version) { on_commit(key, row, version); }) {}

    ~World() {
        for (std::uint16_t process = 1; process <= options_.processes; ++process) kill(process);
        scheduler_.clear();
    }

    WorldResult run() {
        // A short life shows what happens when copies end, a long one what happens if they do not.
        constexpr Duration lives[] = {strict ? std::chrono::seconds(30) : std::chrono::seconds(3), std::chrono::seconds(3), std::chrono::milliseconds(60)};
        ttl_ = lives[choices_.pick(3)];
        for (std::uint32_t i = 0; i < options_.rows; ++i) plant("k" + std::to_string(i));
        for (std::uint16_t process = 1; process <= options_.processes; ++process) start(process);
        plan_faults();
        const SteadyTime end = scheduler_.now() + std::chrono::seconds(20);
        while (busy_ != 0 && scheduler_.now() < end && !violation_ && scheduler_.step()) {}
        if (!violation_ && busy_ != 0) violation_ = Violation{Property::c10_answered, "a client is still waiting when everything else has long ended"};
        if (!violation_) violation_ = history_.check(promises_sessions(), slack(), Policy::guarantee.current_reads);
        if (!violation_) rest();
        return result(violation_);
    }

private:
    struct Process {
        std::unique_ptr<Repository> repository;
    };

    void on_commit(const std::string& key, const Ticket* row, Version version) {
        CommittedRow committed;
        committed.version = version;
        committed.present = row != nullptr;
        if (row) {
            committed.revoked = row->revoked_at.has_value();
            committed.code = row->code;
            codes_.push_back(row->code);
        }
        committed.step = scheduler_.steps();
        history_.committed(key, std::move(committed));
    }

    void plant(const std::string& key) {
        Ticket row;
        row.id = key;
        row.owner = "o";
        row.code = new_code();
        // One row's time is over soon if the clock is stepped forwards; the others' never is.
        row.expires_at = expiry_of_new();
        const auto stored = database_.rows().insert(row);
        database_.committed(key, &*stored, stored->version);
        history_.wrote({0, key, stored->version, false, Duration::zero(), 0, scheduler_.now()});
        keys_.push_back(key);
    }

    TimePoint expiry_of_new() {
        const auto far = keys_.empty() ? Duration(std::chrono::minutes(30)) : Duration(std::chrono::hours(24 * 365));
        return std::chrono::time_point_cast<TimePoint::duration>(wall_now() + far);
    }

    std::string new_code() { return "c" + std::to_string(++last_code_); }

    void start(std::uint16_t process) {
        const Actor actor{process, 1};
        Options options;
        options.ttl = ttl_;
        options.jitter = 0;
        options.fence_for = fence_for;
        options.lease_for = lease_for;
        options.negative_ttl = std::chrono::milliseconds(400);
        options.stale_if_error = std::chrono::seconds(1);
        options.conflict_retries = 2;
        // Every other process lets its loads share queries as soon as two come together.
        if (actor.process % 2 == 1) options.loads_apart = 1;
        options.executor = scheduler_.executor(actor);
        SimEnvironment environment(shared_, actor);
        choices_.enter(process);
        if constexpr (has_near)
            processes_[process].repository = std::make_unique<Repository>(typename Repository::Config{{.max_entries = 100, .max_bytes = 1 << 20}, {&cache_, actor}, {&database_, actor}}, options, Policy{}, environment);
        else
            processes_[process].repository = std::make_unique<Repository>(typename Repository::Config{{&cache_, actor}, {&database_, actor}}, options, Policy{}, environment);
        begin_clients(process, [this](Actor each, std::uint32_t client, std::uint32_t left) { act(each, client, left); });
    }

    void kill(std::uint16_t process) {
        kill_process(process, [this, process] { processes_[process].repository.reset(); });
    }

    /// A client's next operation; the plainest one is to do nothing.
    void act(Actor actor, std::uint32_t client, std::uint32_t left) {
        std::uint32_t kind = 0;
        for (; left != 0 && kind == 0; left -= kind == 0) {
            choices_.enter(strand_of(client, left));
            kind = choices_.pick(Units ? 23 : 17);
        }
        if (kind == 0) {
            finish(actor.process, client);
            return;
        }
        ++operations_;
        const auto next = [this, actor, client, left] {
            scheduler_.after(actor, think(), [this, actor, client, left] { act(actor, client, left - 1); });
        };
        const std::string key = keys_[choices_.pick(static_cast<std::uint32_t>(keys_.size()))];
        switch (kind) {
        case 8: case 9: case 10: rotate(actor, client, key, next); break;
        case 11: revoke(actor, client, key, next); break;
        case 12: insert(actor, client, next); break;
        case 13: erase(actor, client, key, next); break;
        case 14: revoke_all(actor, client, next); break;
        case 17: case 18: case 19: case 20: case 21: case 22: work_in_unit(actor, client, next); break;
        case 5: case 6: case 7: case 15: find_by_code(actor, client, codes_[choices_.pick(static_cast<std::uint32_t>(codes_.size()))], next); break;
        default: find(actor, client, key, next); break;
        }
    }

    ReadSeen begin_read(std::uint32_t client) {
        ReadSeen read;
        read.client = client;
        read.invoked = scheduler_.steps();
        read.invoked_at = scheduler_.now();
        read.wall_invoked = wall_now();
        read.first_line = trace_.lines().size();
        return read;
    }

    void end_read(Actor actor, ReadSeen read, const Error& failure, const Found<Ticket>& found) {
        if (failure) {
            note(who(actor, read.client) + " got an error: " + failure.text);
            return;
        }
        read.returned = scheduler_.steps();
        read.last_line = trace_.keeps() ? trace_.lines().size() + 1 : 0;
        read.stale = found.stale() == StaleCause::database_failed;
        if (found.row()) {
            read.found = true;
            read.revoked = found.absence() == Absence::revoked;
            read.expired = found.absence() == Absence::expired;
            const bool valid = !read.revoked && !read.expired;
            if (valid && found.row()->expires_at <= std::min(read.wall_invoked, wall_now()) && !violation_)
                violation_ = Violation{Property::c3_no_resurrection, who(actor, read.client) + " was given " + found.row()->id + " as valid after its time"};
            if (read.expired && found.row()->expires_at > std::max(read.wall_invoked, wall_now()) && !violation_)
                violation_ = Violation{Property::c5_committed, who(actor, read.client) + " was told that " + found.row()->id + " is expired before its time"};
            read.version = found.version();
            read.key = found.row()->id;
            read.row_code = found.row()->code;
        }
        note(who(actor, read.client) + (read.found ? " sees " + read.key + " v" + std::to_string(read.version) + (read.revoked ? ", revoked" : read.expired ? ", expired" : "") + (read.stale ? ", stale" : "") : std::string(" sees no row")) + ", from " +
             std::string(name_of(found.source())));
        history_.read(std::move(read));
    }

    template <class Next>
    void find(Actor actor, std::uint32_t client, const std::string& key, Next next) {
        note(who(actor, client) + " finds " + key);
        ReadSeen read = begin_read(client);
        read.key = key;
        processes_[actor.process].repository->async_find(key, Read{}, waiting<Found<Ticket>>(actor, [this, actor, read, next](const Error& failure, const Found<Ticket>& found) {
                                                             end_read(actor, read, failure, found);
                                                             next();
                                                         }));
    }

    template <class Next>
    void find_by_code(Actor actor, std::uint32_t client, const std::string& code, Next next) {
        note(who(actor, client) + " finds the row with code " + code);
        ReadSeen read = begin_read(client);
        read.code = code;
        processes_[actor.process].repository->template async_find_by<&Ticket::code>(code, Read{}, waiting<Found<Ticket>>(actor, [this, actor, read, next](const Error& failure, const Found<Ticket>& found) {
                                                                                          end_read(actor, read, failure, found);
                                                                                          next();
                                                                                      }));
    }

    template <class Next>
    auto end_write(Actor actor, std::uint32_t client, std::string what, bool revokes, Next next) {
        return bound(actor, [this, actor, client, what, revokes, next](const Error& failure, const Written<Ticket>& written) {
            if (failure) {
                note(who(actor, client) + ": " + what + " failed: " + failure.text);
            } else {
                note(who(actor, client) + ": " + what + " is acknowledged as v" + std::to_string(written.version()) + (written.effective() ? ", effective" : ", pending"));
                // A write that found nothing to do acknowledges nothing, but a revocation that the row is revoked.
                if (written.changed())
                    history_.wrote({client, written.key(), written.version(), revokes, written.pending(), scheduler_.steps(), scheduler_.now()});
                else if (revokes)
                    acknowledge_first_revoked(client, written.key(), written.pending());
            }
            next();
        });
    }

    template <class Next>
    void rotate(Actor actor, std::uint32_t client, const std::string& key, Next next) {
        const std::string code = new_code();
        note(who(actor, client) + " rotates the code of " + key + " to " + code);
        processes_[actor.process].repository->async_update(key, [code](Ticket& row) { row.code = code; }, end_write(actor, client, "the rotation", false, next));
    }
    template <class Next>
    void revoke(Actor actor, std::uint32_t client, const std::string& key, Next next) {
        note(who(actor, client) + " revokes " + key);
        processes_[actor.process].repository->async_revoke(key, Effect::may_be_pending, end_write(actor, client, "the revocation", true, next));
    }
    /// A row that nobody has inserted yet; everybody may look for it from now on.
    Ticket new_row() {
        Ticket row;
        row.id = "k" + std::to_string(keys_.size());
        // Not of the group that is revoked as a whole: see Writer::revoke_all on rows that join a group meanwhile.
        row.owner = "p";
        row.code = new_code();
        row.expires_at = expiry_of_new();
        keys_.push_back(row.id);
        codes_.push_back(row.code);
        return row;
    }

    template <class Next>
    void insert(Actor actor, std::uint32_t client, Next next) {
        const Ticket row = new_row();
        note(who(actor, client) + " inserts " + row.id + " with code " + row.code);
        processes_[actor.process].repository->async_insert(row, end_write(actor, client, "the insert", false, next));
    }
    template <class Next>
    void erase(Actor actor, std::uint32_t client, const std::string& key, Next next) {
        note(who(actor, client) + " erases " + key);
        processes_[actor.process].repository->async_erase(key, end_write(actor, client, "the erasure", false, next));
    }
    template <class Next>
    void revoke_all(Actor actor, std::uint32_t client, Next next) {
        note(who(actor, client) + " revokes all tickets of owner o");
        ++groups_unanswered_;
        const auto before = group_rows();
        processes_[actor.process].repository->template async_revoke_all_by<&Ticket::owner>("o", Assignments<>(), bound(actor, [this, actor, client, next, before](const Error& failure, const WrittenMany<Ticket>& written) {
                if (failure) {
                    note(who(actor, client) + ": the revocation of all failed: " + failure.text);
                } else {
                    note(who(actor, client) + ": the revocation of all is acknowledged, " + std::to_string(written.rows()) + " rows, " + (written.effective() ? "effective" : "pending"));
                    --groups_unanswered_;
                    acknowledge_revoked(client, before, written.pending());
                }
                next();
            }));
    }

    /// Several changes in one transaction, which may be undone in the end. Everybody may look for its codes from now on.
    UnitPlan plan_unit() {
        using Kind = UnitStep::Kind;
        constexpr Kind kinds[] = {Kind::rotate, Kind::rotate, Kind::rotate, Kind::find, Kind::revoke, Kind::insert, Kind::erase, Kind::revoke_all};
        UnitPlan plan;
        const auto known = static_cast<std::uint32_t>(keys_.size());
        for (std::uint32_t steps = 1 + choices_.pick(3); steps != 0; --steps) {
            UnitStep& step = plan.steps.emplace_back();
            step.kind = kinds[choices_.pick(8)];
            if (step.kind == Kind::insert)
                step.row = new_row();
            else if (step.kind == Kind::revoke_all)
                step.row.owner = "o";
            else
                step.row.id = keys_[choices_.pick(known)];
            if (step.kind == Kind::rotate) codes_.push_back(step.row.code = new_code());
        }
        plan.undone = choices_.once_in(5);
        return plan;
    }

    template <class Next>
    void work_in_unit(Actor actor, std::uint32_t client, Next next) {
        if constexpr (Units) {
            auto plan = std::make_shared<const UnitPlan>(plan_unit());
            note(who(actor, client) + " works in a unit: " + text_of(*plan));
            Repository& tickets = *processes_[actor.process].repository;
            auto work = [&tickets, plan](auto& unit) { return perform(unit, tickets, plan); };
            async_in_one_transaction(std::tie(tickets), std::move(work), bound(actor, [this, actor, client, next, before = group_rows()](const Error& failure, const UnitResult<UnitDone>& unit) {
                                         if (failure) {
                                             note(who(actor, client) + ": the unit failed: " + failure.text);
                                         } else {
                                             note(who(actor, client) + ": the unit is acknowledged, " + (unit.effective() ? "effective" : "pending"));
                                             acknowledge_unit(client, unit.value(), before, unit.pending());
                                         }
                                         next();
                                     }));
        }
    }

    void acknowledge_unit(std::uint32_t client, const UnitDone& done, const std::map<std::string, std::size_t>& before, Duration bound) {
        if (done.blind && !violation_) violation_ = Violation{Property::c2_session, "client " + std::to_string(client) + " did not read in its unit what it had written there"};
        for (const auto& [key, row] : done.written) history_.wrote({client, key, row.version, row.revoked, bound, scheduler_.steps(), scheduler_.now()});
        for (const auto& key : done.found_revoked) acknowledge_first_revoked(client, key, bound);
        if (done.whole_group) acknowledge_revoked(client, before, bound);
    }

    /// The rows of the group, and how many states of each are known.
    std::map<std::string, std::size_t> group_rows() const {
        std::map<std::string, std::size_t> rows;
        for (std::uint32_t i = 0; i < options_.rows; ++i) rows[keys_[i]] = history_.of(keys_[i]).size();
        return rows;
    }

    /// A group's revocation is acknowledged: for each row that was there before it began, its first revoked state is.
    void acknowledge_revoked(std::uint32_t client, const std::map<std::string, std::size_t>& before, Duration bound) {
        for (const auto& [key, count] : before) {
            // A row that was erased meanwhile was not of the group any more.
            if (!history_.of(key).back().present) continue;
            acknowledge_first_revoked(client, key, bound);
        }
    }

    void acknowledge_first_revoked(std::uint32_t client, const std::string& key, Duration bound) {
        for (const CommittedRow& state : history_.of(key))
            if (state.revoked) {
                history_.wrote({client, key, state.version, true, bound, scheduler_.steps(), scheduler_.now()});
                break;
            }
    }

    void plan_faults() {
        const auto restart = [this](std::uint16_t process) {
            kill(process);
            note("process " + std::to_string(process) + " starts again");
            start(process);
        };
        const auto evict = [this] {
            const std::string key = keys_[choices_.pick(static_cast<std::uint32_t>(keys_.size()))];
            if constexpr (requires { cache_.store().template evict<0>(key); })
                if (cache_.store().template evict<0>(key)) note("the cache forgets " + key);
        };
        SimStage::plan_faults(cache_, has_near, restart, evict);
    }

    /// Whether no client may ever go back: not where an in-process tier lags by its bound, nor across the loss of the shared tier,
    /// with which the fences of writes under way are lost, nor where a group's revocation may commit after its fences.
    bool promises_sessions() const {
        return strict && !has_near && groups_unanswered_ == 0 && !lost_shared_tier();
    }

    /// What the faults of the run add to every bound: an in-process tier that is not told of changes knows its TTL only.
    Duration slack() const { return deaf() ? ttl_ : Duration::zero(); }

    /// Whether all copies are known to be current once fences and leases have ended: not if the shared tier missed changes or forgot
    /// fences, nor if an in-process tier missed messages, nor under a policy that a crash leaves with its TTL as the bound, nor after a
    /// group's revocation whose outcome nobody knows, for it has no deadline at the database.
    bool heals_soon() const {
        return strict && slack() == Duration::zero() && cache_.missed_changes() == 0 && groups_unanswered_ == 0 && !lost_shared_tier();
    }

    /// Lets all faults end and all bounds pass, and then asks every process for every row.
    void rest() {
        end_faults();
        const Duration quiet = (fence_for + lease_for) * 2 + std::chrono::seconds(2) + (heals_soon() ? Duration::zero() : ttl_ * 2);
        scheduler_.run_until(scheduler_.now() + quiet);
        note("all is quiet");
        for (const auto& [key, states] : history_.rows()) {
            if constexpr (requires { cache_.store().template inspect<0>(key); }) {
                const auto kept = cache_.store().template inspect<0>(key);
                if (kept.answer == Answer::wait || kept.answer == Answer::bypass) {
                    violation_ = Violation{Property::c8_no_leak, "a lease or fence of " + key + " is left"};
                    return;
                }
            }
        }
        for (std::uint16_t process = 1; process <= options_.processes; ++process)
            for (const auto& [key, states] : history_.rows()) ask_quietly(process, key);
    }

    void ask_quietly(std::uint16_t process, const std::string& key) {
        const CommittedRow& truth = history_.of(key).back();
        const Actor actor{process, 50};
        ReadSeen read = begin_read(0);
        read.key = key;
        bool answered = false;
        processes_[process].repository->async_find(key, Read{}, bound(actor, [&](const Error& failure, const Found<Ticket>& found) {
                                                       answered = true;
                                                       const bool same = !failure && (truth.present ? found.row() && found.version() == truth.version : !found.row());
                                                       end_read(actor, read, failure, found);
                                                       if (!same && !violation_)
                                                           violation_ = Violation{Property::c7_quiet, "process " + std::to_string(process) + " answers for " + key + " with v" + std::to_string(found.version()) +
                                                                                                          (failure ? " (" + failure.text + ")" : "") + ", the database has v" + std::to_string(truth.version)};
                                                   }));
        const SteadyTime end = scheduler_.now() + std::chrono::seconds(20);
        while (!answered && scheduler_.now() < end && scheduler_.step()) {}
        if (!answered && !violation_) violation_ = Violation{Property::c10_answered, "process " + std::to_string(process) + " does not answer for " + key};
    }

    typename Parts::template CacheServer<Ticket> cache_;
    typename Parts::template DatabaseServer<Ticket> database_;
    Duration ttl_{};
    History history_;
    std::map<std::uint16_t, Process> processes_;
    std::vector<std::string> keys_, codes_;
    std::uint32_t last_code_ = 0;
    std::uint32_t groups_unanswered_ = 0;
    std::optional<Violation> violation_;
};

} // namespace testing
} // namespace v0
} // namespace larder
