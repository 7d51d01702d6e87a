// SPDX-License-Identifier: BSL-1.0
#include "../database/worlds.hpp"

#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/database/sqlite.hpp>
#include <larder/policy/hybrid.hpp>
#include <larder/policy/versioned.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/stack.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <latch>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace larder;
using testing::Holder;
using testing::Pass;

namespace {

/// What is known of one row to be true from some moment on: who reads it later must see that.
struct Known {
    std::int64_t id = 0;
    std::int64_t holder = 0;
    std::atomic<Version> version{1};  ///< The newest version that was acknowledged.
    std::atomic<Version> code{1};     ///< The version at which the code was last changed, as far as acknowledged.
    std::atomic<bool> dead{false};    ///< Whether an end of the row was acknowledged.
    std::atomic<int> writes{0};

    void acknowledge(std::atomic<Version>& what, Version seen) {
        Version before = what.load();
        while (before < seen && !what.compare_exchange_weak(before, seen)) {}
    }
};

std::string code_of(const Known& row, Version version) { return "row " + std::to_string(row.id) + " code " + std::to_string(version); }

/// Threads that write and read a few rows at a time, end them, and go on to the next ones.
template <class Repository>
class Traffic {
public:
    Traffic(Repository& passes, std::size_t rows, int writes_each, const auto& make_holder) : passes_(passes), writes_each_(writes_each) {
        for (std::size_t i = 0; i < rows; ++i) {
            Known& row = rows_.emplace_back();
            row.holder = make_holder();
            Pass made;
            made.holder_id = row.holder;
            made.code = "unnamed " + std::to_string(i);
            made.expires_at = TimePoint(std::chrono::hours(24 * 365 * 100));
            row.id = passes.insert(made).or_throw().key();
            const auto named = passes.update(row.id, [&](Pass& pass) { pass.code = code_of(row, pass.version + 1); });
            row.version = row.code = named.or_throw().version();
        }
    }

    void run(int writers, int readers) {
        std::latch start(writers + readers);
        std::vector<std::thread> threads;
        for (int i = 0; i < writers + readers; ++i)
            threads.emplace_back([&, i] {
                std::minstd_rand random(static_cast<unsigned>(i) + 1);
                start.arrive_and_wait();
                while (first_.load() < rows_.size()) i < writers ? write(random) : read(random);
            });
        for (auto& thread : threads) thread.join();
    }

    std::string complaint() const { return complaint_; }
    std::size_t reads() const { return reads_; }
    std::size_t left_over() const {
        auto& core = *passes_.core();
        return core.template flights<0>().size() + core.template flights<1>().size() + core.template flights<2>().size();
    }

private:
    static constexpr std::size_t window = 3;

    Known& pick(std::minstd_rand& random) {
        const std::size_t first = std::min(first_.load(), rows_.size() - 1);
        return rows_[std::min(first + random() % window, rows_.size() - 1)];
    }

    void write(std::minstd_rand& random) {
        Known& row = pick(random);
        if (row.writes.fetch_add(1) >= writes_each_) {
            end(row, random);
            return;
        }
        switch (random() % 5) {
        case 0: {
            const auto rotated = passes_.update(row.id, [&](Pass& pass) { pass.code = code_of(row, pass.version + 1); });
            if (rotated) {
                row.acknowledge(row.code, rotated.version());
                row.acknowledge(row.version, rotated.version());
            }
            break;
        }
        case 1: passes_.expel(row.id); break;
        case 2: passes_.touch(row.id); break;
        default: {
            const auto written = passes_.update(row.id, [](Pass& pass) { pass.note = std::to_string(pass.version + 1); });
            if (written) row.acknowledge(row.version, written.version());
        }
        }
    }

    void end(Known& row, std::minstd_rand& random) {
        bool ended = false;
        switch (random() % 3) {
        case 0: ended = static_cast<bool>(passes_.revoke(row.id)); break;
        case 1: {
            // A group without valid rows tells nothing of a row that is being erased at this moment.
            const auto revoked = passes_.template revoke_all_by<&Pass::holder_id>(row.holder);
            ended = revoked && revoked.rows() != 0;
            break;
        }
        default: ended = static_cast<bool>(passes_.erase(row.id));
        }
        if (!ended) return;
        row.dead = true;
        std::size_t index = first_.load();
        while (index < rows_.size() && rows_[index].dead) {
            first_.compare_exchange_strong(index, index + 1);
            index = first_.load();
        }
    }

    void read(std::minstd_rand& random) {
        Known& row = pick(random);
        const bool dead = row.dead;
        const Version code = row.code;
        const Version version = row.version;
        const auto how = random() % 6;
        if (how == 0) {
            const std::vector<std::int64_t> keys{row.id, row.id + 1, row.id - 1};
            check("find_many", passes_.find_many(keys)[0], dead, version);
        } else if (how == 1) {
            check("refresh", passes_.refresh(row.id), dead, version);
        } else if (how < 4) {
            const auto found = passes_.template find_by<&Pass::code>(code_of(row, code));
            if (found && found->code != code_of(row, code)) complain("find_by answers with a row of another code");
            check("find_by", found, dead, version);
        } else {
            check("find", passes_.find(row.id), dead, version);
        }
        ++reads_;
    }

    void check(const char* how, const Found<Pass>& found, bool dead, Version version) {
        if (found.failed()) return complain(std::string(how) + " failed: " + found.error().text);
        if (!found) return;
        if (dead) complain(std::string(how) + " serves a row whose end was acknowledged");
        if (found.version() < version) complain(std::string(how) + " serves version " + std::to_string(found.version()) + " after " + std::to_string(version) + " was acknowledged");
        if (!found->note.empty() && std::stoull(found->note) > found.version()) complain(std::string(how) + " serves a row that does not fit its version");
    }

    void complain(const std::string& what) {
        const std::lock_guard lock(mutex_);
        if (complaint_.empty()) complaint_ = what;
    }

    Repository& passes_;
    const int writes_each_;
    std::deque<Known> rows_;
    std::atomic<std::size_t> first_{0};
    std::atomic<std::size_t> reads_{0};
    mutable std::mutex mutex_;
    std::string complaint_;
};

template <class Policy, class Backend = Stack<MemoryCache, MemoryDatabase>>
void check_in_memory() {
    MemoryTables tables;
    using Repository = CachedRepository<Pass, Backend, Policy>;
    typename Repository::Config config{};
    config.database = tables;
    Repository passes(std::move(config), {.conflict_retries = 1000, .sole_writer = true});
    Traffic traffic(passes, 80, 25, [&] { return MemoryDatabase<Holder>(tables).insert({}).value().id; });
    traffic.run(2, 3);
    CHECK(traffic.complaint() == "");
    CHECK(traffic.reads() > 0);
    CHECK(traffic.left_over() == 0);
}

} // namespace

TEST_CASE("no thread reads what is older than acknowledged: Hybrid") { check_in_memory<Hybrid>(); }
TEST_CASE("no thread reads what is older than acknowledged: WriteThrough") { check_in_memory<WriteThrough>(); }
TEST_CASE("no thread reads what is older than acknowledged: WriteThroughUnfenced") { check_in_memory<WriteThroughUnfenced>(); }
TEST_CASE("no thread reads what is older than acknowledged: Versioned by the row's own version") { check_in_memory<Versioned<row_probe>>(); }
TEST_CASE("no thread reads what is older than acknowledged: Versioned by the schema's number") { check_in_memory<Versioned<schema_constant>>(); }
TEST_CASE("no thread reads what is older than acknowledged: Versioned by a group's epoch") { check_in_memory<Versioned<group_epoch>>(); }
TEST_CASE("no thread reads what is older than acknowledged: WriteThrough with a tier in front") { check_in_memory<WriteThrough, Stack<MemoryCache, MemoryCache, MemoryDatabase>>(); }

TEST_CASE("no thread reads what is older than acknowledged: WriteThrough over a SQLite file") {
    larder_tests::SqliteWorld world(false);
    CachedRepository<Pass, Stack<MemoryCache, SqliteDatabase>, WriteThrough> passes({{}, world.file}, {.conflict_retries = 1000, .sole_writer = true});
    Traffic traffic(passes, 12, 15, [&] { return SqliteDatabase<Holder>(world.file).insert({}).value().id; });
    traffic.run(2, 3);
    CHECK(traffic.complaint() == "");
    CHECK(traffic.left_over() == 0);
}
