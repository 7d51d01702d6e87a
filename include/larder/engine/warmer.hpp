// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/batch.hpp>
#include <larder/engine/judgement.hpp>
#include <larder/repository/result.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// Reads and preloads any number of rows, in batches of the options' size.
template <class Core>
struct Warmer {
    using Entity = typename Core::Entity;
    using Key = typename Core::Key;
    using Ops = typename Core::Ops;

    static Task<std::vector<Loaded<Entity>>> read_in_batches(Core& core, Driver& driver, std::span<const Key> keys, std::span<const Version> at_least, Read how) {
        std::vector<Loaded<Entity>> all;
        all.reserve(keys.size());
        for (std::size_t from = 0; from < keys.size(); from += core.options.batch_size) {
            const std::size_t count = std::min(core.options.batch_size, keys.size() - from);
            auto read = Batch<Core>::read(core, driver, keys.subspan(from, count), at_least.empty() ? at_least : at_least.subspan(from, count), {how, false});
            auto some = co_await read;
            std::move(some.begin(), some.end(), std::back_inserter(all));
        }
        co_return all;
    }

    /// Turns what loads ended with into answers, in their order.
    static FoundMany<Entity> judge_all(Core& core, std::vector<Loaded<Entity>> loaded) {
        std::vector<Found<Entity>> answers;
        answers.reserve(loaded.size());
        for (auto& each : loaded) answers.push_back(judge_whole(core, std::move(each)));
        return FoundMany<Entity>(std::move(answers));
    }

    /// The valid rows of a group: their keys and versions from the database, and the rows from wherever they are at least that new.
    template <std::size_t Space>
    static Task<FoundMany<Entity>> find_group(Core& core, Driver& driver, const space_key_t<Entity, Space>& group, Read how) {
        auto listed = core.query(QueryKind::list, driver, Ops::template list<Space>(group));
        const auto rows = co_await listed;
        if (rows.has_error()) co_return FoundMany<Entity>(rows.error());
        std::vector<Key> keys;
        std::vector<Version> versions;
        for (const auto& row : *rows) {
            keys.push_back(row.key);
            versions.push_back(row.version);
        }
        auto read = read_in_batches(core, driver, keys, versions, how);
        auto loaded = co_await read;
        std::vector<Found<Entity>> answers;
        for (auto& each : loaded) {
            Found<Entity> answer = judge_whole(core, std::move(each));
            if (answer.failed() || (answer && has_key<Space>(*answer, group))) answers.push_back(std::move(answer));
        }
        co_return FoundMany<Entity>(std::move(answers));
    }

    /// Preloads rows. A failed batch ends the warm-up; an exception of `progress` too.
    static Task<WarmReport> warm(Core& core, Driver& driver, std::span<const Key> keys, const std::function<void(const WarmReport&)>& progress) {
        WarmReport report;
        report.total = keys.size();
        for (std::size_t from = 0; from < keys.size(); from += core.options.batch_size) {
            const std::size_t count = std::min(core.options.batch_size, keys.size() - from);
            auto read = Batch<Core>::read(core, driver, keys.subspan(from, count), {}, {Read{}, true});
            auto some = co_await read;
            report.asked += count;
            for (auto& each : some) {
                if (each.error.failed()) co_return failed(report, each.error.get());
                const bool loaded = each.source == Level::database;
                const Found<Entity> found = judge_whole(core, std::move(each));
                if (!found) {
                    ++report.absent;
                } else {
                    ++report.cached;
                    report.loaded += loaded ? 1 : 0;
                }
            }
            if (progress) {
                try {
                    progress(report);
                } catch (...) {
                    co_return failed(report, error_of_exception("the progress function"));
                }
            }
        }
        co_return report;
    }

    template <std::size_t Space>
    static Task<WarmReport> warm_group(Core& core, Driver& driver, const space_key_t<Entity, Space>& group, const std::function<void(const WarmReport&)>& progress) {
        auto listed = core.query(QueryKind::list, driver, Ops::template list<Space>(group));
        const auto rows = co_await listed;
        if (rows.has_error()) co_return WarmReport(rows.error());
        std::vector<Key> keys;
        keys.reserve(rows->size());
        for (const auto& row : *rows) keys.push_back(row.key);
        auto warming = warm(core, driver, keys, progress);
        co_return co_await warming;
    }

private:
    static WarmReport failed(const WarmReport& so_far, const Error& failure) {
        WarmReport report(failure);
        report.asked = so_far.asked;
        report.cached = so_far.cached;
        report.loaded = so_far.loaded;
        report.absent = so_far.absent;
        report.total = so_far.total;
        return report;
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
