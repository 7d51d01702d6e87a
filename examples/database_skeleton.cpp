// SPDX-License-Identifier: BSL-1.0
//
// What a minimal database looks like, to begin one of your own with: everything that `larder::database` asks for, over a vector of
// rows where yours has a connection. It proves itself by the conformance suite; exits with 0 if every rule holds.

#include <larder/database/author.hpp>
#include <larder/database/database.hpp>
#include <larder/testing/database_conformance.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

/// What stands behind the database: one table of rows.
template <class Entity>
struct MyTable {
    std::mutex mutex;
    std::vector<Entity> rows;
    std::int64_t last_number = 0;
};

template <class Entity>
class MyDatabase {
    using Schema = larder::schema_of<Entity>;
    using Refusal = larder::Refusal<Entity>; // the texts of errors

public:
    using Key = larder::primary_key_t<Entity>;

    /// What a `Stack` is given to make it from.
    struct Config {
        MyTable<Entity>* table;
    };
    explicit MyDatabase(Config config) : table_(*config.table) {}

    /// `update` and `erase` honour `expected`. One for which they do not says false, and is asked less by the suite.
    static constexpr bool conditional_writes = true;
    /// One that waits for a disk or a server has instead: boost::asio::any_io_executor executor(), where it may block.
    static constexpr bool never_blocks = true;

    larder::Outcome<std::optional<Entity>> load(const Key& key, larder::ReadMode) {
        const std::lock_guard lock(table_.mutex);
        return found(key);
    }

    /// In the order of the keys.
    larder::Outcome<std::vector<std::optional<Entity>>> load_many(std::span<const Key> keys, larder::ReadMode) {
        const std::lock_guard lock(table_.mutex);
        std::vector<std::optional<Entity>> rows;
        for (const Key& key : keys) rows.push_back(found(key));
        return rows;
    }

    larder::Outcome<Entity> insert(const Entity& given) {
        const std::lock_guard lock(table_.mutex);
        Entity row = given;
        if (larder::wants_generated_key(row)) larder::set_generated_key(row, ++table_.last_number);
        if (position(larder::primary_key_of(row)) != table_.rows.end()) return Refusal::template duplicate_key<0>();
        if (auto refused = taken(row)) return refused;
        Schema::set_version(row, 1); // nothing, for an entity without a version
        table_.rows.push_back(row);
        return row;
    }

    larder::Outcome<larder::Version> update(const Entity& given, larder::Version expected, const larder::WriteCondition&) {
        const std::lock_guard lock(table_.mutex); // all of it is one step
        const auto stored = position(larder::primary_key_of(given));
        if (stored == table_.rows.end()) return Refusal::no_such_row();
        if (Schema::is_revoked(*stored)) return Refusal::revoked();
        if (Schema::has_version && Schema::version_of(*stored) != expected) return Refusal::version_conflict();
        if (auto refused = taken(given)) return refused;
        const larder::Version next = after(*stored);
        *stored = given;
        Schema::set_version(*stored, next);
        return next;
    }

    larder::Outcome<larder::Version> erase(const Key& key, larder::Version expected, const larder::WriteCondition&) {
        const std::lock_guard lock(table_.mutex);
        const auto stored = position(key);
        if (stored == table_.rows.end()) return Refusal::no_such_row();
        if (Schema::has_version && Schema::version_of(*stored) != expected) return Refusal::version_conflict();
        const larder::Version tombstone = after(*stored);
        table_.rows.erase(stored);
        return tombstone;
    }

private:
    auto position(const Key& key) {
        return std::find_if(table_.rows.begin(), table_.rows.end(), [&](const Entity& row) { return larder::primary_key_of(row) == key; });
    }

    std::optional<Entity> found(const Key& key) {
        const auto row = position(key);
        return row == table_.rows.end() ? std::nullopt : std::optional(*row);
    }

    /// The version that follows a row's; without versions it is always 0.
    static larder::Version after(const Entity& row) { return Schema::has_version ? Schema::version_of(row) + 1 : 0; }

    /// Whether another row has one of the alternate keys of this one: the refusal that names it, unset if none has.
    larder::Error taken(const Entity& row) {
        return [&]<std::size_t... Unique>(std::index_sequence<Unique...>) {
            larder::Error refused;
            static_cast<void>(((refused = taken_in<Unique + 1>(row), bool(refused)) || ...));
            return refused;
        }(std::make_index_sequence<Schema::unique_count>());
    }
    template <std::size_t Space>
    larder::Error taken_in(const Entity& row) {
        const auto key = larder::key_of<Space>(row); // nothing if the key is null
        for (const Entity& other : table_.rows)
            if (key && larder::key_of<Space>(other) == key && larder::primary_key_of(other) != larder::primary_key_of(row)) return Refusal::template duplicate_key<Space>();
        return {};
    }

    MyTable<Entity>& table_;
};

// ---- the proof ---------------------------------------------------------------------------------------------------------

using larder::testing::Coupon;
using larder::testing::Crate;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::Reading;
using larder::testing::Setting;

/// An empty store with tables of the suite's entities; each rule has one of its own.
struct MyWorld {
    /// What this database cannot do yet: rows that embed others, and keys that come back with the version after their last.
    using leaves_out = larder::testing::Entities<Pass, Crate, Coupon>;

    template <class Entity>
    MyDatabase<Entity> database() {
        return MyDatabase<Entity>({&std::get<MyTable<Entity>>(tables)});
    }

    std::tuple<MyTable<Holder>, MyTable<Reading>, MyTable<Setting>> tables;
};

int main() {
    // What is lacking is named, so that no rule is left out unnoticed: the suite tells what there is to name. Begin with {}.
    const auto suite = larder::testing::database_conformance([] { return MyWorld(); }, {"Pass", "Crate", "Coupon", "Holder: clock", "Reading: clock", "Reading: load_by readings.label",
                                                                                        "Reading: list readings.batch", "Reading: begin"});
    int broken = 0;
    for (const auto& rule : suite) {
        try {
            rule.run();
        } catch (const larder::testing::ConformanceFailure& failure) {
            ++broken;
            fmt::print("broken: {}\n    {}\n", rule.name, failure.what());
        }
    }
    fmt::print("{} rules checked, {} left out, {} broken\n", suite.size(), suite.left_out.size(), broken);
    return broken == 0 ? 0 : 1;
}
