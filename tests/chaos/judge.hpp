// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "call.hpp"
#include "fault.hpp"

#include <larder/observe/event.hpp>
#include <larder/testing/sim/history.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace chaos {

/// A version of a row that the database committed, as a trigger of its own recorded it in the same transaction.
struct Committed {
    std::uint64_t row = 0, version = 0, token = 0, jti = 0, stamp = 0;
    std::int64_t user = 0;
    bool revoked = false;
    std::int64_t earliest = 0; ///< It was committed then or later.
};

/// All that is known of a round.
struct Evidence {
    std::vector<Call> calls;
    std::vector<Committed> commits;                     ///< Those of a row in the order of its versions.
    std::map<std::uint64_t, std::uint64_t> last_versions; ///< Of every row in the end, by its table.
    std::vector<Happened> faults;
    bool current_reads = false;
    std::int64_t origin = 0;       ///< When the round began.
    std::int64_t writes_ended = 0; ///< From when on nothing was written any more, but by calls that took longer.
    std::int64_t longest_bound = 0;///< The bound of what was never acknowledged.
};

/// Something that must not be, with what happened around it.
struct Finding {
    std::string what;
    std::vector<std::string> story{};
};

/// What the evidence shows.
struct Verdict {
    std::vector<Finding> findings;
    std::uint64_t operations = 0, reads = 0, failed_reads = 0;
    std::uint64_t writes = 0, failed_writes = 0, refused = 0, effective = 0, pending = 0, pending_long = 0, unknown = 0, open = 0;
    std::uint64_t unknown_made = 0;                 ///< Of those unknown or open, made all the same.
    std::uint64_t lost = 0, beyond_bound = 0;
    std::array<std::uint64_t, 4> from_level{};
    std::vector<std::int64_t> revoke_to_effective;  ///< In nanoseconds.
    struct Recovery {
        Fault fault;
        std::optional<std::int64_t> reads, writes; ///< Unset: not before the next fault.
    };
    std::vector<Recovery> recoveries;
};

/// Judges a round: by the library's history checker what clients read, and by the database's record what became of their writes.
class Judge {
public:
    /// \param near_bound the bound of a write that reached all tiers.
    Judge(const Evidence& evidence, std::int64_t near_bound) : evidence_(evidence), near_bound_(near_bound) {
        for (const Call& call : evidence.calls) calls_[call.number] = call;
        for (const Committed& commit : evidence.commits) rows_[commit.row].push_back(commit);
        for (auto& [row, states] : rows_) std::sort(states.begin(), states.end(), [](const Committed& left, const Committed& right) { return left.version < right.version; });
        for (const Committed& commit : evidence.commits) by_stamp_[commit.stamp].push_back(commit);
    }

    Verdict judge() {
        count();
        check_commits();
        check_writes();
        note_latest();
        check_reads();
        measure_revocations();
        measure_recoveries();
        return std::move(verdict_);
    }

private:
    using History = larder::testing::History;
    static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
    static constexpr std::size_t told_at_most = 5; ///< Findings whose story is told.

    /// \name Steps of the history are microseconds since the round began, to the favour of the accused
    /// @{
    std::uint64_t earlier(std::int64_t moment) const { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, moment - evidence_.origin) / 1000); }
    std::uint64_t later(std::int64_t moment) const { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, moment - evidence_.origin) / 1000 + 1); }
    /// @}
    static larder::SteadyTime moment(std::int64_t time) { return larder::SteadyTime(larder::Duration(time)); }

    void count() {
        for (const auto& [number, call] : calls_) {
            ++verdict_.operations;
            if (is_read(call.kind)) {
                ++verdict_.reads;
                verdict_.failed_reads += call.end == End::failed || call.end == End::unknown;
                if (call.end == End::done) ++verdict_.from_level[call.level];
                continue;
            }
            ++verdict_.writes;
            verdict_.failed_writes += call.end == End::failed;
            verdict_.refused += call.end == End::refused;
            verdict_.open += call.end == End::open;
            verdict_.unknown += call.end == End::unknown;
            if (call.end == End::open || call.end == End::unknown) verdict_.unknown_made += by_stamp_.contains(number);
            if (call.end != End::done) continue;
            ++(call.bound == 0 ? verdict_.effective : call.bound <= near_bound_ ? verdict_.pending : verdict_.pending_long);
        }
    }

    /// What the database committed must be a history that the protocol allows.
    void check_commits() {
        for (const auto& [row, states] : rows_) {
            for (std::size_t i = 0; i < states.size(); ++i) {
                if (states[i].version != i + 1) {
                    find(fmt::format("row {} has a version {} where version {} should be", row, states[i].version, i + 1), row, states[i].earliest);
                    break;
                }
                if (i != 0 && states[i - 1].revoked) find(fmt::format("row {} was written after it was revoked", row), row, states[i].earliest);
            }
            const auto last = evidence_.last_versions.find(row);
            if (last == evidence_.last_versions.end() || last->second != states.back().version) {
                ++verdict_.lost;
                find(fmt::format("row {} was committed as v{}, but its table has v{}", row, states.back().version, last == evidence_.last_versions.end() ? 0 : last->second), row, states.back().earliest);
            }
        }
        for (const auto& [stamp, commits] : by_stamp_) {
            const auto call = calls_.find(stamp);
            if (call == calls_.end()) {
                find(fmt::format("row {} has a version that no client wrote", commits.front().row), commits.front().row, commits.front().earliest);
                continue;
            }
            std::vector<std::uint64_t> written;
            for (const Committed& commit : commits) written.push_back(commit.row);
            std::sort(written.begin(), written.end());
            const bool twice = std::adjacent_find(written.begin(), written.end()) != written.end() || (call->second.kind != Kind::revoke_all && written.size() > 1);
            if (twice) find(fmt::format("a write was made twice: {}", text_of(call->second)), commits.front().row, commits.front().earliest);
            if (call->second.end == End::failed || call->second.end == End::refused) find(fmt::format("a write was made that had said that it failed: {}", text_of(call->second)), commits.front().row, commits.front().earliest);
        }
    }

    /// What was acknowledged must have been made.
    void check_writes() {
        for (const auto& [number, call] : calls_) {
            if (is_read(call.kind) || call.end != End::done) continue;
            if (call.kind == Kind::revoke_all) {
                acknowledge_all(call);
                continue;
            }
            const Committed* made = call.changed ? state(call.row, call.version) : first_revoked(call.row);
            if (!made || (call.changed && made->stamp != number) || (call.kind == Kind::revoke && !made->revoked)) {
                lose(call, call.row);
                continue;
            }
            // A revocation that found nothing left to do says all the same that the row is revoked.
            acknowledge(call, *made);
        }
    }

    /// A revocation of all says that every row is revoked that was the user's before it began.
    void acknowledge_all(const Call& call) {
        for (const auto& [row, states] : rows_) {
            if (states.front().user != static_cast<std::int64_t>(call.asked)) continue;
            const auto insert = calls_.find(states.front().stamp);
            if (insert == calls_.end() || insert->second.end != End::done || insert->second.ended >= call.began) continue;
            if (const Committed* revoked = first_revoked(row))
                acknowledge(call, *revoked);
            else
                lose(call, row);
        }
    }

    void acknowledge(const Call& call, const Committed& made) {
        larder::testing::WriteSeen write;
        write.client = call.client;
        write.key = std::to_string(made.row);
        write.version = made.version;
        write.revoked = made.revoked;
        write.bound = larder::Duration(call.bound);
        write.returned = later(call.ended);
        write.returned_at = moment(call.ended);
        for (History* history : {&by_token_, &by_jti_}) history->wrote(write);
        seen_by_[{made.row, made.version}] = std::min(seen(made.row, made.version), later(call.ended));
        if (made.revoked && call.changed) revocations_.push_back({made.row, made.version, call.client, call.began});
    }

    void lose(const Call& call, std::uint64_t row) {
        ++verdict_.lost;
        find(fmt::format("an acknowledged write was lost: {}", text_of(call)), row, call.ended);
    }

    /// By when each version had been committed: when a client had been told of it or of a later one.
    void note_latest() {
        for (const auto& [number, call] : calls_)
            if (is_read(call.kind) && call.end == End::done && call.found) seen_by_[{call.row, call.version}] = std::min(seen(call.row, call.version), later(call.ended));
        std::int64_t quiet = evidence_.writes_ended;
        for (const Committed& commit : evidence_.commits) quiet = std::max(quiet, commit.earliest);
        for (const auto& [number, call] : calls_)
            if (!is_read(call.kind)) quiet = std::max(quiet, call.ended);
        for (const auto& [row, states] : rows_) {
            std::uint64_t latest = never;
            std::vector<std::uint64_t> of_version(states.size());
            for (std::size_t i = states.size(); i-- != 0;) of_version[i] = latest = std::min(latest, seen(row, states[i].version));
            for (std::size_t i = 0; i < states.size(); ++i) {
                larder::testing::CommittedRow committed;
                committed.version = states[i].version;
                committed.revoked = states[i].revoked;
                committed.step = earlier(states[i].earliest);
                committed.latest = of_version[i];
                committed.code = std::to_string(states[i].token);
                by_token_.committed(std::to_string(row), committed);
                committed.code = std::to_string(states[i].jti);
                by_jti_.committed(std::to_string(row), committed);
            }
            // What nobody acknowledged binds nobody before its bound, but then it does.
            larder::testing::WriteSeen last;
            last.key = std::to_string(row);
            last.version = states.back().version;
            last.revoked = states.back().revoked;
            last.bound = larder::Duration(evidence_.longest_bound);
            last.returned = later(quiet);
            last.returned_at = moment(quiet);
            for (History* history : {&by_token_, &by_jti_}) history->wrote(last);
        }
    }
    std::uint64_t seen(std::uint64_t row, std::uint64_t version) const {
        const auto place = seen_by_.find({row, version});
        return place == seen_by_.end() ? never : place->second;
    }

    /// The checker knows one alternate key of a row, so reads by token and reads by jti are histories of their own.
    void check_reads() {
        for (const auto& [number, call] : calls_) {
            if (!is_read(call.kind) || call.end != End::done) continue;
            larder::testing::ReadSeen read;
            read.client = call.client;
            if (call.kind == Kind::find) read.key = std::to_string(call.asked);
            if (call.kind != Kind::find) read.code = std::to_string(call.asked);
            read.found = call.found;
            read.revoked = call.revoked;
            read.stale = call.stale;
            read.version = call.version;
            if (call.found) {
                read.key = std::to_string(call.row);
                read.row_code = std::to_string(call.kind == Kind::find_by_jti ? call.jti : call.token);
            }
            read.invoked = earlier(call.began);
            read.returned = later(call.ended);
            read.invoked_at = moment(call.began);
            (call.kind == Kind::find_by_jti ? by_jti_ : by_token_).read(read);
        }
        constexpr std::size_t at_most = 1'000;
        for (const auto& [history, code] : {std::pair{&by_token_, "token"}, std::pair{&by_jti_, "jti"}})
            for (const auto& broken : history->violations(evidence_.current_reads, larder::Duration::zero(), evidence_.current_reads, at_most)) {
                using larder::testing::Property;
                verdict_.beyond_bound += broken.property == Property::c1_fresh || broken.property == Property::c3_no_resurrection || broken.property == Property::c6_insert || broken.property == Property::c2_session;
                const auto& read = *broken.read;
                const std::uint64_t row = !read.key.empty() ? std::stoull(read.key) : row_with(read.code ? std::stoull(*read.code) : 0, code);
                find(fmt::format("{}: {} (a code is a {}, steps are microseconds)", name_of(broken.property), broken.what, code), row, evidence_.origin + static_cast<std::int64_t>(read.invoked) * 1000, read.client);
            }
    }
    std::uint64_t row_with(std::uint64_t code, std::string_view kind) const {
        for (const Committed& commit : evidence_.commits)
            if ((kind == "jti" ? commit.jti : commit.token) == code) return commit.row;
        return 0;
    }

    void measure_revocations() {
        std::unordered_map<std::uint64_t, std::vector<const Call*>> valid;
        for (const auto& [number, call] : calls_)
            if (is_read(call.kind) && call.end == End::done && call.found && !call.revoked) valid[call.row].push_back(&call);
        for (const Revocation& revocation : revocations_) {
            std::int64_t last = 0;
            for (const Call* read : valid[revocation.row])
                if (read->client != revocation.client && read->version < revocation.version) last = std::max(last, read->began - revocation.began);
            verdict_.revoke_to_effective.push_back(last);
        }
    }

    /// From the end of a fault that was alone until every process has read, and written.
    void measure_recoveries() {
        for (const Happened& fault : evidence_.faults) {
            if (!fault.alone) continue;
            std::int64_t next = evidence_.writes_ended;
            for (const Happened& other : evidence_.faults)
                if (other.began > fault.began) next = std::min(next, other.began);
            verdict_.recoveries.push_back({fault.fault, recovery(fault.ended, next, true), recovery(fault.ended, next, false)});
        }
    }
    std::optional<std::int64_t> recovery(std::int64_t from, std::int64_t next, bool reads) const {
        std::map<std::uint32_t, std::int64_t> first;
        for (const auto& [number, call] : calls_) {
            auto& mine = first.try_emplace(call.process, std::numeric_limits<std::int64_t>::max()).first->second;
            if (is_read(call.kind) == reads && call.end == End::done && call.began >= from) mine = std::min(mine, call.ended);
        }
        std::int64_t all = from;
        for (const auto& [process, mine] : first) all = std::max(all, mine);
        if (all > next) return std::nullopt;
        return all - from;
    }

    const Committed* state(std::uint64_t row, std::uint64_t version) const {
        const auto place = rows_.find(row);
        if (place == rows_.end()) return nullptr;
        for (const Committed& commit : place->second)
            if (commit.version == version) return &commit;
        return nullptr;
    }
    const Committed* first_revoked(std::uint64_t row) const {
        const auto place = rows_.find(row);
        if (place == rows_.end()) return nullptr;
        for (const Committed& commit : place->second)
            if (commit.revoked) return &commit;
        return nullptr;
    }

    // ---- stories ----------------------------------------------------------------------------------------------------------

    std::string time_of(std::int64_t moment) const { return fmt::format("{:10.6f}", static_cast<double>(moment - evidence_.origin) / 1e9); }

    static std::string text_of(const Call& call) {
        std::string text = fmt::format("client {} of process {} {} {}", call.client, call.process, name_of(call.kind), call.asked);
        if (!is_read(call.kind) && call.token != 0) text += fmt::format(", token {}", call.token);
        if (!is_read(call.kind) && call.jti != 0) text += fmt::format(", jti {}", call.jti);
        return text;
    }
    static std::string end_of(const Call& call) {
        if (call.end == End::open) return "never returned";
        if (call.end != End::done) return fmt::format("{}: {}", call.end == End::unknown ? "does not know" : "failed", call.text.data());
        if (is_read(call.kind)) {
            if (!call.found) return fmt::format("no row, from {}", level_of(call));
            return fmt::format("row {} v{}{}, token {}, jti {}, from {}", call.row, call.version, call.revoked ? ", revoked" : "", call.token, call.jti, level_of(call));
        }
        const std::string bound = call.bound == 0 ? std::string("effective") : fmt::format("pending for {} ms", call.bound / 1'000'000);
        if (call.kind == Kind::revoke_all) return fmt::format("done, {} rows, {}", call.rows, bound);
        return fmt::format("{} v{}, {}", call.changed ? "done," : "nothing to do,", call.version, bound);
    }
    static std::string_view level_of(const Call& call) { return larder::name_of(static_cast<larder::Level>(call.level)); }

    void find(std::string what, std::uint64_t row, std::int64_t moment, std::uint32_t client = std::numeric_limits<std::uint32_t>::max()) {
        auto& finding = verdict_.findings.emplace_back(Finding{std::move(what)});
        if (verdict_.findings.size() <= told_at_most) finding.story = story(row, moment, client);
    }

    /// What happened to a row around a moment: all that was written, and what was read shortly before and after, or by a client.
    std::vector<std::string> story(std::uint64_t row, std::int64_t moment, std::uint32_t client) const {
        constexpr std::int64_t before = 3'000'000'000, near = 30'000'000;
        constexpr std::size_t lines_at_most = 70;
        std::int64_t user = 0;
        std::vector<std::pair<std::int64_t, std::string>> lines;
        if (const auto place = rows_.find(row); place != rows_.end()) {
            user = place->second.front().user;
            for (const Committed& commit : place->second)
                lines.emplace_back(commit.earliest, fmt::format("now or later the database commits v{} of row {}{}, token {}, jti {}", commit.version, row, commit.revoked ? ", revoked" : "", commit.token, commit.jti));
        }
        for (const auto& [number, call] : calls_) {
            const bool concerns = call.kind == Kind::revoke_all ? static_cast<std::int64_t>(call.asked) == user : call.row == row || (call.kind == Kind::find && call.asked == row);
            if (!concerns) continue;
            if (is_read(call.kind)) {
                if (call.client == client || std::abs(call.began - moment) < near) lines.emplace_back(call.began, text_of(call) + " until " + time_of(call.ended) + ": " + end_of(call));
            } else {
                lines.emplace_back(call.began, text_of(call));
                if (call.end != End::open) lines.emplace_back(call.ended, text_of(call) + ": " + end_of(call));
            }
        }
        for (const Happened& fault : evidence_.faults) {
            const std::string name = fmt::format("fault {}{}", name_of(fault.fault), fault.fault >= Fault::client_kill ? fmt::format(" of process {}", fault.victim) : std::string());
            lines.emplace_back(fault.began, name + " begins");
            lines.emplace_back(fault.ended, name + " ends");
        }
        std::erase_if(lines, [&](const auto& line) { return line.first < moment - before || line.first > moment + near; });
        std::sort(lines.begin(), lines.end());
        if (lines.size() > lines_at_most) lines.erase(lines.begin(), lines.end() - lines_at_most);
        std::vector<std::string> texts;
        for (const auto& [when, text] : lines) texts.push_back(time_of(when) + "  " + text);
        return texts;
    }

    /// A revocation that was acknowledged.
    struct Revocation {
        std::uint64_t row, version;
        std::uint32_t client;
        std::int64_t began;
    };

    const Evidence& evidence_;
    std::int64_t near_bound_;
    std::map<std::uint64_t, Call> calls_;
    std::map<std::uint64_t, std::vector<Committed>> rows_;
    std::map<std::uint64_t, std::vector<Committed>> by_stamp_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> seen_by_;
    std::vector<Revocation> revocations_;
    History by_token_, by_jti_;
    Verdict verdict_;
};

} // namespace chaos
