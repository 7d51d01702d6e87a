// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/batch.hpp>
#include <larder/engine/core.hpp>
#include <larder/engine/reader.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/tier_path.hpp>
#include <larder/repository/result.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The refresh of many cached rows: one lookup in the tiers, one query, one fill, and the same for the rows' aliases.
template <class Core>
struct BatchRefresh {
    using Entity = typename Core::Entity;
    using Schema = typename Core::Schema;
    using Key = typename Core::Key;
    using Tiers = TierPath<Core>;
    using Row = CachedRow<Entity>;
    using Batches = Batch<Core>;

    /// Loads rows although they are cached and replaces the copies, whole; with them those of their aliases that are cached, which
    /// live no longer by themselves. Rows that somebody else loads or writes at this moment are left out.
    static Task<WarmReport> run(Core& core, Driver& driver, std::span<const Key> keys) {
        Demand demand;
        demand.want_lease = false;
        demand.refresh = true;
        auto look = Tiers::template lookup_many<0>(core, driver, keys, demand);
        std::vector<Seen<Row>> seen = co_await look;
        Rows rows{keys, std::move(seen)};
        for (std::size_t i = 0; i < keys.size(); ++i)
            if (rows.seen[i].lease != 0) rows.ours.push_back(i);
        rows.results.resize(keys.size());
        rows.served.resize(keys.size());
        WarmReport report;
        if (!rows.ours.empty()) {
            auto replace = replace_with_aliases<1>(core, driver, rows);
            const Error failure = co_await replace;
            if (failure) report = WarmReport(failure);
        }
        report.asked = report.total = keys.size();
        for (const std::size_t i : rows.ours) {
            if (rows.results[i].error.failed()) continue;
            ++(rows.results[i].row.full ? report.loaded : report.absent);
        }
        report.cached = report.loaded;
        co_return report;
    }

private:
    struct Rows {
        std::span<const Key> keys;
        std::vector<Seen<Row>> seen;
        std::vector<std::size_t> ours{};                ///< Which of the keys are refreshed here.
        std::vector<typename Batches::Result> results{};
        std::vector<Duration> served{};                 ///< How long each row is served now, if it is.
    };

    /// Replaces the rows, and what is cached of their aliases from `Space` on. \returns why the query failed, if it did.
    template <std::size_t Space>
    static Task<Error> replace_with_aliases(Core& core, Driver& driver, Rows& rows) {
        if constexpr (Space == Schema::alias_end) {
            const typename Batches::Plan plan{Read{}, true};
            auto load = Batches::load_and_fill(core, driver, rows.keys, rows.ours, rows.seen, rows.results, plan, &rows.served);
            co_return co_await load;
        } else {
            std::vector<std::size_t> owners;
            std::vector<space_key_t<Entity, Space>> aliases;
            for (const std::size_t i : rows.ours) {
                const Row& known = rows.seen[i].value;
                if (rows.seen[i].answer != Answer::hit || known.absent()) continue;
                if (auto alias = known.full ? key_of<Space>(*known.full) : key_of<Space>(known.warm->partial_row())) {
                    owners.push_back(i);
                    aliases.push_back(std::move(*alias));
                }
            }
            Demand demand;
            demand.want_lease = false;
            demand.refresh = true;
            auto look = Tiers::template lookup_many<Space>(core, driver, aliases, demand);
            std::vector<Seen<std::optional<Key>>> seen = co_await look;
            auto rest = replace_with_aliases<Space + 1>(core, driver, rows);
            const Error failure = co_await rest;
            std::vector<typename Tiers::template Filling<Space>> fillings;
            for (std::size_t n = 0; n < owners.size(); ++n) {
                const std::size_t i = owners[n];
                const auto& result = rows.results[i];
                FillRequest<std::optional<Key>> request;
                if (rows.served[i] > Duration::zero() && result.row.full && has_key<Space>(*result.row.full, aliases[n]) && seen[n].value == rows.keys[i]) {
                    request.version = result.version;
                    request.value = rows.keys[i];
                    request.age = core.env.now() - result.loaded_at;
                    request.lifetime = core.lifetime_of(*result.row.full, Read{});
                    request.lifetime.serve = rows.served[i];
                }
                fillings.push_back({&aliases[n], &seen[n], std::move(request)});
            }
            auto fill = Tiers::template fill_many<Space>(core, driver, fillings);
            co_await fill;
            co_return failure;
        }
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
