// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/observe/event.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace larder {
inline namespace v0 {

/// What one step of a plan does.
enum class StepKind : std::uint8_t {
    lookup,    ///< A tier is looked in, for a value or for the right to fill it.
    fill,      ///< A tier is given what was loaded.
    give_back, ///< The right to fill is given back unused.
    fence,     ///< A write's keys are fenced.
    publish,   ///< What was written is told to a tier.
    expel,     ///< A tier drops its copies.
    expire,    ///< A tier keeps its copies as a fallback only.
    query,     ///< The database is asked.
};

constexpr std::string_view name_of(StepKind kind) noexcept {
    constexpr std::string_view names[] = {"lookup", "fill", "give back", "fence", "publish", "expel", "expire", "query"};
    return names[static_cast<std::size_t>(kind)];
}

/// What a step in a tier is about.
enum class StepSubject : std::uint8_t {
    row,   ///< The row, under its primary key.
    rows,  ///< Many rows at once.
    alias, ///< An alternate key, and the primary key that it leads to.
    epoch, ///< The epoch of the row's group.
    keys,  ///< All keys of a write.
};

constexpr std::string_view name_of(StepSubject subject) noexcept {
    constexpr std::string_view names[] = {"row", "rows", "alias", "epoch", "keys"};
    return names[static_cast<std::size_t>(subject)];
}

/// One step of a plan: an operation on a tier, or a query.
struct Step {
    StepKind kind = StepKind::lookup;
    Level level = Level::memory;                 ///< Where.
    StepSubject subject = StepSubject::row;      ///< Of an operation on a tier: what about.
    QueryKind query = QueryKind::load;           ///< Of a query: what for.
    std::size_t times = 1;                       ///< How often in a row; more than 1 where each row of many takes its own.

    friend constexpr bool operator==(const Step&, const Step&) = default;
};

/// The steps of one outcome in their order, and their sums.
///
/// Of an outcome that cannot be, each sum is `never`, so that no bound is met by it.
class Steps {
public:
    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

    std::size_t cache = never;   ///< Round trips to the cache: operations on the authority, the outermost tier.
    std::size_t near = never;    ///< Operations on the in-process tier in front of a shared one; no round trips.
    std::size_t queries = never; ///< Round trips to the database.

    /// Whether the verb can end so.
    constexpr bool possible() const noexcept { return cache != never; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr const Step* begin() const noexcept { return steps_.data(); }
    constexpr const Step* end() const noexcept { return steps_.data() + size_; }
    constexpr const Step& operator[](std::size_t index) const noexcept { return steps_[index]; }

    /// Adds a step. \param authority the level of the outermost tier.
    constexpr void add(const Step& step, Level authority) {
        if (step.times == 0) return;
        if (!possible()) cache = near = queries = 0;
        if (size_ == steps_.size()) throw std::length_error("larder: a plan has more steps than it can hold");
        steps_[size_++] = step;
        (step.kind == StepKind::query ? queries : step.level == authority ? cache : near) += step.times;
    }

    friend constexpr bool operator==(const Steps& left, const Steps& right) noexcept {
        return left.possible() == right.possible() && std::equal(left.begin(), left.end(), right.begin(), right.end());
    }

private:
    std::array<Step, 28> steps_{};
    std::size_t size_ = 0;
};

/// What a verb costs under a composition, for each outcome: the steps in order, and the round trips.
///
/// As the algorithms do it where nothing fails and nobody else is in the way: default options, every tier read and filled,
/// every row hot, no waiting for another load, no linked repositories. Usable in `static_assert`:
///
/// ```cpp
/// static_assert(Sessions::explain(larder::Verb::find_by).alias_hit.queries == 0);
/// ```
///
/// Printable with fmt (repository/explain_report.hpp). The plain in-memory hit that is tried before anything else is counted where it answers.
struct Plan {
    Verb verb = Verb::find;
    std::string_view policy; ///< The policy's name.
    std::string_view table;  ///< The entity's table.
    std::size_t rows = 1;    ///< For how many rows the verb is asked, if it takes many.

    /// \name Reads
    /// Each says how the row, or all of them, is found. In `find_by` the alias has been found in the nearest tier, unless it is said otherwise.
    /// @{
    Steps hit;              ///< In the nearest tier, and the policy answers with it. A write: the row that it is based on.
    Steps shared_hit;       ///< The same in the shared tier, with nothing in the tier in front.
    Steps alias_hit;        ///< By an alternate key: as `hit`, or where no rows are cached, the alias alone.
    Steps shared_alias_hit; ///< By an alternate key: as `shared_hit`.
    Steps row_miss;         ///< By an alternate key: the alias is there, the row is not.
    Steps miss;             ///< Nowhere, and the database has it; where rows are marked with their group's epoch, that is in the nearest tier.
    Steps alias_miss;       ///< By an alternate key: neither the alias nor the row is anywhere.
    Steps epoch_miss;       ///< As `hit`, but the group's epoch is nowhere.
    Steps absent;           ///< Nowhere, and the database has no such row.
    Steps negative_hit;     ///< "There is no such row" is in the nearest tier.
    Steps bypass;           ///< A write of the row is under way.
    Steps verified;         ///< As `hit`, where the policy may serve but asks for the row's version this time.
    Steps version_mismatch; ///< The policy asks for the row's version, and it is another one. A write: the cached row that it is based on is out of date.
    Steps stamp_mismatch;   ///< The row bears another mark than the policy asks for.
    Steps alias_mismatch;   ///< By an alternate key: the row that the alias leads to has this key no more; no row has it.
    Steps reload;           ///< The policy has the row loaded although it is there.
    /// @}

    /// \name Writes, and `refresh`
    /// @{
    Steps success;   ///< It succeeds, and nothing of the row was cached.
    Steps unchanged; ///< There is nothing to do, as the cached row shows.
    /// @}

    /// Calls `visit(name, steps)` for each outcome, those that cannot be included.
    template <class Visit>
    constexpr void for_each(Visit&& visit) const {
        visit(std::string_view("hit"), hit);
        visit(std::string_view("shared hit"), shared_hit);
        visit(std::string_view("alias hit"), alias_hit);
        visit(std::string_view("shared alias hit"), shared_alias_hit);
        visit(std::string_view("row miss"), row_miss);
        visit(std::string_view("miss"), miss);
        visit(std::string_view("alias miss"), alias_miss);
        visit(std::string_view("epoch miss"), epoch_miss);
        visit(std::string_view("absent"), absent);
        visit(std::string_view("negative hit"), negative_hit);
        visit(std::string_view("bypass"), bypass);
        visit(std::string_view("verified"), verified);
        visit(std::string_view("version mismatch"), version_mismatch);
        visit(std::string_view("stamp mismatch"), stamp_mismatch);
        visit(std::string_view("alias mismatch"), alias_mismatch);
        visit(std::string_view("reload"), reload);
        visit(std::string_view("success"), success);
        visit(std::string_view("unchanged"), unchanged);
    }
};

} // namespace v0
} // namespace larder
