// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/database_rows.hpp>
#include <larder/testing/detail/database_suite.hpp>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace detail {

/// Runs a function on several threads that begin together; it is given the thread's number. Throws what one of them threw.
template <class Work>
void on_threads(int count, Work work) {
    std::barrier start(count);
    std::mutex mutex;
    std::exception_ptr thrown;
    std::vector<std::thread> running;
    for (int i = 0; i < count; ++i)
        running.emplace_back([&, i] {
            start.arrive_and_wait();
            try {
                work(i);
            } catch (...) {
                const std::lock_guard lock(mutex);
                thrown = std::current_exception();
            }
        });
    for (auto& thread : running) thread.join();
    if (thrown) std::rethrow_exception(thrown);
}

/// How many threads use a database at once.
inline constexpr int threads = 8;

/// Raises a flag when its scope ends, however it ends.
struct Raise {
    std::atomic<bool>& flag;
    ~Raise() { flag = true; }
};

/// What holds while many threads use a database at once.
template <class Factory>
void check_database_concurrency(DatabaseSuite<Factory>& suite) {
    suite.template add_for_versioned<Versions>("of concurrent updates on one version exactly one wins", []<class Entity>(auto& world, std::type_identity<Entity>) {
        constexpr int writers = 100;
        using Schema = schema_of<Entity>;
        auto rows = world.template database<Entity>();
        const auto stored = rows.insert(versioned_row<Entity>(world, 1));
        succeeds(stored, "a row should be inserted");
        const Version first = Schema::version_of(*stored);
        for (Version version = first; version < first + 3; ++version) {
            std::atomic<int> won{0}, lost{0}, winner{-1};
            on_threads(writers, [&](int number) {
                Entity row = marked(*stored, number);
                Schema::set_version(row, version);
                const auto moved = rows.update(row, version, {});
                if (moved) {
                    equals(*moved, version + 1, "the winner's answer should be the next version");
                    winner = number;
                    ++won;
                } else {
                    fails(moved, errc::version_conflict, "a loser should be told of a version conflict");
                    ++lost;
                }
            });
            equals(won.load(), 1, "one of 100 updates should win");
            equals(lost.load(), writers - 1, "all others should be refused");
            const auto loaded = rows.load(primary_key_of(*stored), ReadMode::plain);
            succeeds(loaded, "the row should be loaded");
            Entity expected = marked(*stored, winner);
            Schema::set_version(expected, version + 1);
            equals(*loaded, expected, "it should be the winner's");
        }
    });

    suite.template add<Has<Setting>>("of concurrent inserts of one key exactly one wins", [](auto& world) {
        auto settings = world.template database<Setting>();
        std::atomic<int> won{0};
        on_threads(threads, [&](int number) {
            auto row = setting_row(number);
            row.alias = secret("alias", 0);
            const auto stored = settings.insert(row);
            if (stored)
                ++won;
            else
                fails(stored, errc::duplicate_key, "a loser should be told of the duplicate key", "settings.alias");
        });
        equals(won.load(), 1, "one of the inserts should win");
    });

    suite.template add<Has<Reading>>("readers see whole rows, never older than what they saw", [](auto& world) {
        constexpr int rounds = 200;
        auto readings = world.template database<Reading>();
        const auto stored = readings.insert(reading_row("a", 1, 1));
        succeeds(stored, "a row should be inserted");
        std::atomic<bool> over{false};
        on_threads(threads, [&](int number) {
            if (number == 0) {
                const Raise at_the_end{over};
                Reading row = *stored;
                for (int round = 1; round <= rounds; ++round) {
                    row.value = round;
                    row.label = secret("label", round);
                    row.batch = row.label;
                    const auto version = readings.update(row, row.version, {});
                    succeeds(version, "the only writer should succeed");
                    if (*version != 0) row.version = *version;
                    const auto mine = readings.load({"a", 1, 1}, ReadMode::plain);
                    succeeds(mine, "the writer should read");
                    equals(field(*mine, &Reading::value), row.value, "a writer should see its own write");
                }
            } else {
                double last = 0;
                while (!over) {
                    const auto seen = readings.load({"a", 1, 1}, number == 1 ? ReadMode::settled : ReadMode::plain);
                    succeeds(seen, "a reader should succeed");
                    expect(seen->has_value(), "the row should be there");
                    const Reading& row = **seen;
                    if (row.value != 0) {
                        equals(row.label, secret("label", static_cast<int>(row.value)), "a row's fields should be of one version");
                        equals(row.batch, row.label, "a row's fields should be of one version");
                    }
                    expect(row.value >= last, fmt::format("a reader should not go back in time, but it saw {} after {}", row.value, last));
                    last = row.value;
                }
            }
        });
    });

    suite.template add<Has<Holder>>("generated keys are distinct under concurrency", [](auto& world) {
        constexpr int each = 25;
        auto holders = world.template database<Holder>();
        std::vector<std::vector<std::int64_t>> keys(threads);
        on_threads(threads, [&](int number) {
            for (int i = 0; i < each; ++i) {
                const auto stored = holders.insert(holder_row(number * each + i));
                succeeds(stored, "a row should be inserted");
                keys[static_cast<std::size_t>(number)].push_back(stored->id);
            }
        });
        std::vector<std::int64_t> all;
        for (const auto& some : keys) all.insert(all.end(), some.begin(), some.end());
        std::sort(all.begin(), all.end());
        const auto twice = std::adjacent_find(all.begin(), all.end());
        expect(twice == all.end(), fmt::format("each row should have a key of its own, but {} was given twice", twice == all.end() ? 0 : *twice));
    });
}

} // namespace detail
} // namespace testing
} // namespace v0
} // namespace larder
