// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/fwd.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// A state of a row that the database committed, in commit order.
struct CommittedRow {
    Version version = 0;
    bool present = true; ///< False: the row was erased.
    bool revoked = false;
    std::string code;
    std::uint64_t step = 0; ///< When, in the run's order; where that is not known exactly, the earliest that it can have been ...
    std::optional<std::uint64_t> latest = std::nullopt; ///< ... and the latest.
};

/// A read as its client saw it. Reads that failed are not in a history.
struct ReadSeen {
    std::uint32_t client = 0;
    std::string key;                 ///< The primary key that was asked, or that of the row found; empty: an alternate key led to nothing.
    std::optional<std::string> code; ///< The alternate key that was asked, if it was one.
    bool found = false;              ///< A row came back, valid or revoked.
    bool revoked = false;
    bool expired = false;            ///< It came back as one whose time is over.
    bool stale = false;              ///< The answer said that it may be stale.
    Version version = 0;
    std::string row_code;
    std::uint64_t invoked = 0, returned = 0;
    std::size_t first_line = 0, last_line = 0; ///< Where the run's trace tells of it, if one is kept.
    SteadyTime invoked_at{};
    WallTime wall_invoked{};
};

/// A write that was acknowledged. Others may or may not have happened; what the database committed says.
struct WriteSeen {
    std::uint32_t client = 0;
    std::string key;
    Version version = 0;
    bool revoked = false;
    Duration bound{};
    std::uint64_t returned = 0;
    SteadyTime returned_at{};
};

/// What must hold of every history. The numbers are those by which the guarantees are discussed; C9, that a write
/// which calls itself effective is one, is C1 without slack. Those with an S are of session stores.
enum class Property : std::uint8_t {
    c1_fresh,           ///< A read is at least the newest version that was effective before it began.
    c2_session,         ///< A client reads its own writes, and never goes back.
    c3_no_resurrection, ///< What is revoked, erased or expired stays so.
    c4_alias,           ///< An alternate key leads to a row that has it, and to it if there is one.
    c5_committed,       ///< Nothing is seen that was not committed.
    c6_insert,          ///< An acknowledged insert is found.
    c7_quiet,           ///< When all is quiet, every tier is absent or current.
    c8_no_leak,         ///< When all is quiet, no lease and no fence is left.
    c10_answered,       ///< Every call ends.
    s1_ended,           ///< What was ended is not accepted.
    s2_valid,           ///< What is valid is not refused.
    s3_one_rotation,    ///< Of any number of rotations of one refresh token, one is granted.
    s4_theft,           ///< A refresh token that was replaced ends its family when it is presented.
    s5_limits,          ///< No limit of time is exceeded, nor any called exceeded that is not.
    s6_cap,             ///< Nobody has more sessions than one may.
    s7_terminal,        ///< What has ended stays as it ended.
    s8_elevated,        ///< An elevated session takes the old one's place, with what it had.
    s9_told,            ///< An end is told of once, and as it was.
    s10_listed,         ///< What is listed is what is active.
};

constexpr const char* name_of(Property property) noexcept {
    constexpr const char* names[] = {"C1 a read is at least the newest effective version",
                                     "C2 a client reads its own writes and never goes back",
                                     "C3 what is revoked, erased or expired stays so",
                                     "C4 an alternate key leads to the row that has it",
                                     "C5 nothing uncommitted is seen",
                                     "C6 an acknowledged insert is found",
                                     "C7 when all is quiet every tier is absent or current",
                                     "C8 when all is quiet no lease or fence is left",
                                     "C10 every call ends",
                                     "S1 what was ended is not accepted",
                                     "S2 what is valid is not refused",
                                     "S3 one rotation of a refresh token is granted",
                                     "S4 a refresh token that was replaced ends its family",
                                     "S5 limits of time are kept",
                                     "S6 nobody has more sessions than one may",
                                     "S7 what has ended stays as it ended",
                                     "S8 an elevated session takes the old one's place",
                                     "S9 an end is told of once and as it was",
                                     "S10 what is listed is what is active"};
    return names[static_cast<std::size_t>(property)];
}

/// A property that a history breaks, and how.
struct Violation {
    Property property;
    std::string what;
    std::optional<ReadSeen> read = std::nullopt; ///< The answer that breaks it, if it is one.
};

/// What happened in a run as seen from outside: commits at the database, and the answers that clients got.
class History {
public:
    void committed(const std::string& key, CommittedRow row) { rows_[key].push_back(std::move(row)); }
    void read(ReadSeen read) { reads_.push_back(std::move(read)); }
    void wrote(WriteSeen write) { writes_.push_back(std::move(write)); }

    const std::vector<ReadSeen>& reads() const noexcept { return reads_; }
    const std::vector<WriteSeen>& writes() const noexcept { return writes_; }
    /// The committed states of a row.
    const std::vector<CommittedRow>& of(const std::string& key) const {
        static const std::vector<CommittedRow> none;
        const auto place = rows_.find(key);
        return place == rows_.end() ? none : place->second;
    }
    /// All rows that ever were.
    const std::map<std::string, std::vector<CommittedRow>>& rows() const noexcept { return rows_; }

    /// The first property that the history breaks. \param sessions whether C2 is asked for. \param slack what is added to the bound
    /// of every write. \param current whether a read is held to all that was committed before it began, acknowledged or not. O(n log n) in the operations, times the commits of the rows concerned.
    std::optional<Violation> check(bool sessions, Duration slack = Duration::zero(), bool current = false) const {
        auto broken = violations(sessions, slack, current, 1);
        if (broken.empty()) return std::nullopt;
        return std::move(broken.front());
    }

    /// All answers that break a property, each with the first one that it breaks. \param at_most how many are looked for; the others are as those of `check`.
    std::vector<Violation> violations(bool sessions, Duration slack, bool current, std::size_t at_most) const {
        std::vector<Violation> broken;
        const Effective effective(writes_, slack);
        const Holders holders = holders_of_codes();
        for (const ReadSeen& read : reads_) {
            if (broken.size() == at_most) return broken;
            auto violation = check_read(read, effective, holders);
            if (!violation && current) violation = check_current(read);
            if (!violation) continue;
            violation->read = read;
            broken.push_back(std::move(*violation));
        }
        if (sessions) check_sessions(broken, at_most);
        return broken;
    }

private:
    /// For each row, the newest version effective at a moment: writes without a bound by the run's order, those with one by time.
    class Effective {
    public:
        Effective(const std::vector<WriteSeen>& writes, Duration slack) {
            for (const WriteSeen& write : writes) {
                Row& row = rows_[write.key];
                const Duration bound = write.bound + slack;
                if (bound == Duration::zero())
                    row.at_once.emplace_back(write.returned, write.version);
                else
                    row.later.emplace_back(write.returned_at + bound, write.version);
            }
            for (auto& [key, row] : rows_) {
                accumulate(row.at_once);
                accumulate(row.later);
            }
        }
        Version at(const std::string& key, std::uint64_t step, SteadyTime moment) const {
            const auto place = rows_.find(key);
            if (place == rows_.end()) return 0;
            return std::max(newest(place->second.at_once, step), newest(place->second.later, moment));
        }
    private:
        struct Row {
            std::vector<std::pair<std::uint64_t, Version>> at_once;
            std::vector<std::pair<SteadyTime, Version>> later;
        };
        template <class When>
        static void accumulate(std::vector<std::pair<When, Version>>& writes) {
            std::sort(writes.begin(), writes.end());
            Version newest = 0;
            for (auto& [when, version] : writes) version = newest = std::max(newest, version);
        }
        template <class When>
        static Version newest(const std::vector<std::pair<When, Version>>& writes, When moment) {
            const auto after = std::lower_bound(writes.begin(), writes.end(), moment, [](const auto& write, const When& when) { return write.first < when; });
            return after == writes.begin() ? 0 : std::prev(after)->second;
        }
        std::map<std::string, Row> rows_;
    };

    /// The rows that ever had a code.
    using Holders = std::map<std::string, std::vector<std::string>>;
    Holders holders_of_codes() const {
        Holders holders;
        for (const auto& [key, states] : rows_)
            for (const CommittedRow& row : states) {
                auto& keys = holders[row.code];
                if (row.present && (keys.empty() || keys.back() != key)) keys.push_back(key);
            }
        return holders;
    }

    static std::string asked(const ReadSeen& read) {
        return "client " + std::to_string(read.client) + " asked for " + (read.code ? "code " + *read.code : "row " + read.key) + (read.last_line != 0 ? " in lines " + std::to_string(read.first_line) + " to " + std::to_string(read.last_line)
                                     : " in steps " + std::to_string(read.invoked) + " to " + std::to_string(read.returned));
    }

    std::optional<Violation> check_read(const ReadSeen& read, const Effective& effective, const Holders& holders) const {
        if (!read.found) return read.code ? check_no_row_by_code(read, effective, holders) : check_no_row(read, effective);
        const auto& states = of(read.key);
        const auto state = std::find_if(states.begin(), states.end(), [&](const CommittedRow& row) { return row.version == read.version && row.present; });
        if (state == states.end() || state->step > read.returned || state->code != read.row_code || (state->revoked != read.revoked && !read.expired))
            return Violation{Property::c5_committed, asked(read) + " and saw v" + std::to_string(read.version) + ", which was not committed like that"};
        if (read.code && *read.code != read.row_code) return Violation{Property::c4_alias, asked(read) + " and was given a row whose code is " + read.row_code};
        const Version newest = effective.at(read.key, read.invoked, read.invoked_at);
        if (read.version >= newest) return std::nullopt;
        const auto required = std::find_if(states.begin(), states.end(), [&](const CommittedRow& row) { return row.version == newest; });
        const bool terminal = required != states.end() && (required->revoked || !required->present);
        // An answer that calls itself stale may be older, but never than a revocation.
        if (read.stale && !terminal) return std::nullopt;
        return Violation{terminal ? Property::c3_no_resurrection : Property::c1_fresh,
                         asked(read) + " and saw v" + std::to_string(read.version) + " although v" + std::to_string(newest) + " was effective before"};
    }

    /// A read by primary key, or one that found a row, against the last commit before it began.
    std::optional<Violation> check_current(const ReadSeen& read) const {
        if (read.stale || (!read.found && read.code)) return std::nullopt;
        const CommittedRow* last = nullptr;
        bool erased = false;
        for (const CommittedRow& row : of(read.key)) {
            const std::uint64_t latest = row.latest.value_or(row.step);
            if (latest < read.invoked) last = &row;
            erased = erased || (latest >= read.invoked && row.step <= read.returned && !row.present);
        }
        if (!last || (read.found ? read.version >= last->version : !last->present || erased)) return std::nullopt;
        return Violation{Property::c1_fresh, asked(read) + " and saw " + (read.found ? "v" + std::to_string(read.version) : std::string("no row")) + " although v" + std::to_string(last->version) +
                                                 " was committed before, which the policy promises to verify"};
    }

    std::optional<Violation> check_no_row(const ReadSeen& read, const Effective& effective) const {
        const Version newest = effective.at(read.key, read.invoked, read.invoked_at);
        if (newest == 0) return std::nullopt;
        for (const CommittedRow& row : of(read.key))
            if (!row.present && row.step <= read.returned && row.version >= newest) return std::nullopt;
        return Violation{Property::c6_insert, asked(read) + " and was told that there is none although v" + std::to_string(newest) + " was effective before"};
    }

    std::optional<Violation> check_no_row_by_code(const ReadSeen& read, const Effective& effective, const Holders& holders) const {
        const auto place = holders.find(*read.code);
        if (place == holders.end()) return std::nullopt;
        for (const std::string& key : place->second) {
            const Version newest = effective.at(key, read.invoked, read.invoked_at);
            bool has_code = false;
            for (const CommittedRow& row : of(key)) {
                if (row.version < newest || row.step > read.returned) continue;
                if (row.version == newest)
                    has_code = row.present && row.code == *read.code;
                else if (!row.present || row.code != *read.code)
                    has_code = false;
            }
            if (has_code && newest != 0) return Violation{Property::c4_alias, asked(read) + " and was told that there is none although row " + key + " had it throughout"};
        }
        return std::nullopt;
    }

    void check_sessions(std::vector<Violation>& broken, std::size_t at_most) const {
        struct Known {
            Version version = 0;
            std::uint64_t since = 0;
        };
        // In the order of return: what a client knew before it asked is what had returned by then.
        std::vector<const ReadSeen*> reads;
        for (const ReadSeen& read : reads_)
            if (read.found && !read.stale) reads.push_back(&read);
        std::sort(reads.begin(), reads.end(), [](const ReadSeen* left, const ReadSeen* right) { return left->returned < right->returned; });
        std::map<std::pair<std::uint32_t, std::string>, std::vector<Known>> known;
        for (const WriteSeen& write : writes_)
            if (write.bound == Duration::zero()) known[{write.client, write.key}].push_back({write.version, write.returned});
        for (const ReadSeen* read : reads) {
            if (broken.size() == at_most) return;
            auto& before = known[{read->client, read->key}];
            const auto newer = std::find_if(before.begin(), before.end(), [&](const Known& each) { return each.since < read->invoked && each.version > read->version; });
            if (newer != before.end())
                broken.push_back({Property::c2_session, asked(*read) + " and saw v" + std::to_string(read->version) + " although it knew of v" + std::to_string(newer->version), *read});
            // What a client learnt first of a version binds it the longest.
            if (before.empty() || before.back().version < read->version || before.back().since > read->returned) before.push_back({read->version, read->returned});
        }
    }

    std::map<std::string, std::vector<CommittedRow>> rows_;
    std::vector<ReadSeen> reads_;
    std::vector<WriteSeen> writes_;
};

} // namespace testing
} // namespace v0
} // namespace larder
