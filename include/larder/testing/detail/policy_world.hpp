// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/clock.hpp>
#include <larder/database/memory.hpp>
#include <larder/database/memory_tables.hpp>
#include <larder/error.hpp>
#include <larder/policy/policy.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/testing/conformance.hpp>
#include <larder/testing/interposer.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace policy_suite {

/// A store with a holder, and a repository of passes over it, made by the factory under test.
template <class Factory>
class World {
public:
    using Repository = typename std::remove_cvref_t<decltype(std::declval<const Factory&>().template make<Pass>(std::declval<const MemoryTables&>(), std::declval<const ManualEnvironment&>(),
                                                                                                                  std::declval<const Options&>()))>::element_type;
    using Policy = typename Repository::policy_type;
    static constexpr Guarantee guarantee = Policy::guarantee;

    explicit World(const Factory& factory, const std::function<void(Options&)>& adjust = {}) : factory_(factory) {
        const auto holder = MemoryDatabase<Holder>(tables).insert({.id = 0, .name = "holder", .motto = std::nullopt, .version = 0});
        holder_ = holder.value().id;
        options.ttl = std::chrono::minutes(10);
        options.sole_writer = true;
        options.jitter = 0;
        if (adjust) adjust(options);
        passes = repository();
    }

    /// A further repository over the same database.
    auto repository() { return factory_.template make<Pass>(tables, environment, options); }

    Pass row(int number) const {
        Pass made;
        made.holder_id = holder_;
        made.code = "code " + std::to_string(number);
        made.badge = "badge " + std::to_string(number);
        made.note = "first";
        made.expires_at = std::chrono::time_point_cast<TimePoint::duration>(environment.wall_now() + std::chrono::hours(24 * 365));
        return made;
    }

    /// A row that is in the database, and was written by way of the repository.
    Pass insert(int number) { return *passes->insert(row(number)).or_throw().row(); }

    std::int64_t holder() const noexcept { return holder_; }

    std::shared_ptr<Interposer> database = std::make_shared<Interposer>();
    MemoryTables tables = interposed_tables(database);
    ManualEnvironment environment;
    boost::asio::io_context context;
    Options options = [this] {
        Options made;
        made.executor = context.get_executor();
        return made;
    }();
    std::unique_ptr<Repository> passes;

    /// Runs what verbs under way, or in the background, have left to do.
    void settle() {
        context.restart();
        context.run();
    }

    /// The answers to a read of one row by every way there is.
    struct Way {
        std::string_view name;
        std::function<Found<Pass>(Repository&)> read;
    };
    static std::vector<Way> ways(const Pass& row) {
        std::vector<Way> all{
            {"find", [row](Repository& from) { return from.find(row.id); }},
            {"find_by the first key", [row](Repository& from) { return from.template find_by<&Pass::code>(row.code); }},
            {"find_many", [row](Repository& from) {
                 const std::vector<std::int64_t> keys{row.id, row.id};
                 const auto found = from.find_many(keys);
                 return found[1];
             }}};
        if (row.badge) all.push_back({"find_by the second key", [row](Repository& from) { return from.template find_by<&Pass::badge>(*row.badge); }});
        return all;
    }

    /// Expects that a row is read as it is, by every way, twice: from the database or from what the first read cached.
    void expect_found(const Pass& row, std::string_view when, const std::source_location& where = std::source_location::current()) {
        for (int round = 0; round < 2; ++round)
            for (const Way& way : ways(row)) {
                const auto found = way.read(*passes);
                const std::string by = " by " + std::string(way.name) + " " + std::string(when);
                expect(!found.failed(), "no failure" + by + ": " + found.error().text, where);
                expect(static_cast<bool>(found), "the row is found" + by, where);
                expect(found.version() == row.version && found->note == row.note && found->code == row.code && found->badge == row.badge, "the row is found as it was last written" + by, where);
                expect(found.stale() == StaleCause::none, "the answer is not stale" + by, where);
            }
        const auto group = passes->template find_all_by<&Pass::holder_id>(row.holder_id);
        expect(std::any_of(group.begin(), group.end(), [&](const Found<Pass>& each) { return each && each->id == row.id && each.version() == row.version; }),
               "the row is found among its group " + std::string(when), where);
    }

    /// Expects that a row is not served, by any way, twice.
    void expect_absent(const Pass& row, Absence why, std::string_view when, const std::source_location& where = std::source_location::current()) {
        for (int round = 0; round < 2; ++round)
            for (const Way& way : ways(row)) {
                const auto found = way.read(*passes);
                const std::string by = " by " + std::string(way.name) + " " + std::string(when) + " (it is " + std::string(name_of(found.absence())) + ")";
                expect(!found, "the row is not served" + by, where);
                expect(found.absence() == why, "the reason is " + std::string(name_of(why)) + by, where);
            }
        const auto group = passes->template find_all_by<&Pass::holder_id>(row.holder_id);
        expect(std::none_of(group.begin(), group.end(), [&](const Found<Pass>& each) { return each && each->id == row.id; }), "the row is not among its group " + std::string(when), where);
    }

    /// Expects that no lease and no fence stands under any key of a row, and that nobody waits for a load.
    void expect_free(const Pass& row, std::string_view when, const std::source_location& where = std::source_location::current()) {
        auto& core = *passes->core();
        const auto check = [&]<std::size_t Space>(const std::optional<space_key_t<Pass, Space>>& key) {
            if (!key) return;
            Demand demand;
            demand.refresh = true;
            const auto found = core.authority.template lookup<Space>(*key, demand);
            expect(found.answer != Answer::bypass, "no fence is left " + std::string(when), where);
            expect(found.answer != Answer::wait && found.lease != 0, "no lease is left " + std::string(when), where);
            FillRequest<space_value_t<Pass, Space>> nothing;
            nothing.lease = found.lease;
            core.authority.template fill<Space>(*key, std::move(nothing));
        };
        [&]<std::size_t... Space>(std::index_sequence<Space...>) { (check.template operator()<Space>(key_of<Space>(row)), ...); }(std::make_index_sequence<schema_of<Pass>::space_count>{});
        [&]<std::size_t... Space>(std::index_sequence<Space...>) {
            expect(((core.template flights<Space>().size() == 0) && ...), "no load is left under way " + std::string(when), where);
        }(std::make_index_sequence<schema_of<Pass>::alias_end>{});
    }

private:
    const Factory& factory_;
    std::int64_t holder_ = 0;
};

} // namespace policy_suite
} // namespace testing
} // namespace v0
} // namespace larder
