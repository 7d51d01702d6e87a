// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/database_concurrency.hpp>
#include <larder/testing/detail/database_groups.hpp>
#include <larder/testing/detail/database_rows.hpp>
#include <larder/testing/detail/database_suite.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace detail {

template <class Entity>
struct TransactionsKind {
    template <class Database>
    static constexpr bool in = transactional<Database, Entity>;
    static std::string name() { return "begin"; }
};
template <class Entity>
using Transactions = Can<Entity, TransactionsKind<Entity>>;

/// Counts one down when it ends, even by an exception.
struct Departure {
    std::atomic<int>& present;
    ~Departure() { --present; }
};

/// Begins a transaction and puts databases into it.
template <class Database>
auto begin_in(Database& database, Isolation isolation = Isolation::rows) {
    auto begun = database.begin(isolation);
    succeeds(begun, "a transaction should begin");
    expect(database.takes(*begun), "a database should take the transactions that it begins");
    return std::move(*begun);
}

/// Does some work in a transaction until nobody stands in its way. \param work is given the transaction, and answers whether it could be done.
template <class Database, class Work>
void until_committed(Database& database, Isolation isolation, Work work) {
    for (;;) {
        auto transaction = begin_in(database, isolation);
        const Error failed = work(transaction);
        const auto ended = failed ? transaction.roll_back() : transaction.commit({});
        if (!failed && ended) return;
        const Error why = failed ? failed : ended.error();
        const bool overtaken = why == errc::transaction_conflict || why == errc::version_conflict;
        expect(overtaken, "a transaction that others overtake should be told of a conflict, but: " + described(why));
    }
}

/// What holds of transactions of several operations.
template <class Factory>
void check_database_transactions(DatabaseSuite<Factory>& suite) {
    suite.template add<Has<Holder>, Has<Pass>, Transactions<Holder>, Transactions<Pass>>("a transaction sees what it wrote, and keeps it once it has committed", [](auto& world) {
        auto holders = world.template database<Holder>();
        auto passes = world.template database<Pass>();
        std::int64_t holder = 0, pass = 0;
        {
            auto transaction = begin_in(holders);
            auto holders_inside = holders.within(transaction);
            auto passes_inside = passes.within(transaction);
            const auto stored = holders_inside.insert(holder_row(1));
            succeeds(stored, "a row should be inserted in a transaction");
            holder = stored->id;
            const auto embedding = passes_inside.insert(pass_row(holder, 1));
            succeeds(embedding, "a row that embeds one of the same transaction should be inserted");
            equals(embedding->holder, *stored, "its answer should have the embedded row");
            pass = embedding->id;
            Pass changed = *embedding;
            changed.code = secret("code", 2);
            const auto moved = passes_inside.update(changed, embedding->version, {});
            succeeds(moved, "a row should be updated in the transaction that inserted it");
            equals(*moved, embedding->version + 1, "its version should move");
            const auto seen = passes_inside.load(pass, ReadMode::plain);
            succeeds(seen, "it should be loaded in the transaction");
            equals(field(*seen, &Pass::code), changed.code, "as it was written there");
            const auto again = holders_inside.update(*stored, stored->version, {});
            succeeds(again, "another row should be updated");
            succeeds(transaction.commit({}), "the transaction should commit");
        }
        const auto found = passes.load(pass, ReadMode::plain);
        succeeds(found, "a row should be loaded after the commit");
        expect(found->has_value(), "it should be there");
        equals((*found)->code, secret("code", 2), "as it was written last");
        equals((*found)->version, 2, "at its version");
        equals((*found)->holder.version, 2, "with the embedded row as the transaction left it");
    });

    suite.template add<Has<Reading>, Transactions<Reading>>("a transaction that is rolled back, or not ended at all, leaves nothing", [](auto& world) {
        auto readings = world.template database<Reading>();
        const auto kept = readings.insert(reading_row("a", 1, 1, "x"));
        const auto erased = readings.insert(reading_row("a", 1, 2, "x"));
        succeeds(kept, "a row should be inserted");
        succeeds(erased, "and another one");
        for (const bool says_so : {true, false}) {
            {
                auto transaction = begin_in(readings);
                auto inside = readings.within(transaction);
                Reading changed = *kept;
                changed.value = 7;
                changed.label = secret("label", 77);
                changed.batch = "y";
                succeeds(inside.update(changed, kept->version, {}), "a row should be updated in a transaction");
                succeeds(inside.erase({"a", 1, 2}, erased->version, {}), "and another one erased");
                succeeds(inside.insert(reading_row("a", 1, 3, "x")), "and one inserted");
                // A key that was given up in the transaction is free there.
                auto heir = reading_row("a", 1, 4);
                heir.label = kept->label;
                succeeds(inside.insert(heir), "and one with a key that another one gave up");
                if (says_so) succeeds(transaction.roll_back(), "the transaction should be rolled back");
            }
            const auto rows = readings.load_many(std::vector<primary_key_t<Reading>>{{"a", 1, 1}, {"a", 1, 2}, {"a", 1, 3}, {"a", 1, 4}}, ReadMode::plain);
            succeeds(rows, "rows should be loaded after it");
            equals((*rows)[0], *kept, "what was updated should be as before");
            equals((*rows)[1], *erased, "what was erased should be there");
            expect(!(*rows)[2] && !(*rows)[3], "what was inserted should not be there");
            succeeds(readings.update(*kept, kept->version, {}), "the rows should be free for others");
            succeeds(readings.update(*kept, kept->version + 1, {}), "and again");
            auto restored = *kept;
            succeeds(readings.erase({"a", 1, 1}, kept->version + 2, {}), "and to be erased");
            succeeds(readings.insert(restored), "and to be inserted");
        }
    });

    suite.template add<Has<Holder>, Has<Pass>, Transactions<Pass>>("a transaction in which a write was refused can be rolled back", [](auto& world) {
        auto passes = world.template database<Pass>();
        const auto holder = world.template database<Holder>().insert(holder_row(1));
        succeeds(holder, "an embedded row should be inserted");
        const auto first = passes.insert(pass_row(holder->id, 1));
        succeeds(first, "a row should be inserted");
        auto transaction = begin_in(passes);
        auto inside = passes.within(transaction);
        succeeds(inside.insert(pass_row(holder->id, 2)), "a row should be inserted in a transaction");
        fails(inside.update(*first, first->version + 5, {}), errc::version_conflict, "a write on another version should be refused", "passes");
        fails(inside.insert(pass_row(holder->id, 1)), errc::duplicate_key, "a key that is taken should be refused", "passes.code");
        succeeds(transaction.roll_back(), "the transaction should be rolled back");
        succeeds(passes.insert(pass_row(holder->id, 2)), "what it inserted should not be there");
    });

    suite.template add<Has<Holder>, Has<Pass>, Transactions<Pass>, Clock<Pass>>("a transaction past its deadline does not commit", [](auto& world) {
        auto passes = world.template database<Pass>();
        const auto holder = world.template database<Holder>().insert(holder_row(1));
        succeeds(holder, "an embedded row should be inserted");
        const auto now = passes.clock();
        succeeds(now, "the clock should be read");
        for (const bool late : {true, false}) {
            auto transaction = begin_in(passes);
            auto inside = passes.within(transaction);
            succeeds(inside.insert(pass_row(holder->id, 1)), "a row should be inserted in a transaction");
            const auto ended = transaction.commit({.not_after = *now + (late ? -std::chrono::hours(1) : std::chrono::hours(1))});
            if (late)
                fails(ended, errc::deadline_passed, "a commit past its deadline should be refused");
            else
                succeeds(ended, "a commit before its deadline should succeed, and nothing of the refused one be there");
        }
    });

    suite.template add<Has<Holder>, Has<Pass>, Transactions<Pass>, RevokesAll<Pass, &Pass::holder_id>, Epochs<Pass, &Pass::holder_id>>(
        "a group and its epoch are revoked with the commit", [](auto& world) {
            auto passes = world.template database<Pass>();
            const auto holder = world.template database<Holder>().insert(holder_row(1));
            succeeds(holder, "an embedded row should be inserted");
            const auto stored = passes.insert(pass_row(holder->id, 1));
            succeeds(stored, "a row should be inserted");
            Pass pattern;
            pattern.revoked_at = TimePoint(std::chrono::hours(2));
            for (const bool commits : {false, true}) {
                auto transaction = begin_in(passes);
                auto inside = passes.within(transaction);
                const auto done = inside.template revoke_all<of_holder>(holder->id, pattern, typename schema_of<Pass>::revoked_members{});
                succeeds(done, "a group should be revoked in a transaction");
                equals(done->rows.size(), 1, "with all its rows");
                succeeds(inside.insert(pass_row(holder->id, commits ? 2 : 3)), "a row that joins it later should be inserted");
                succeeds(commits ? transaction.commit({}) : transaction.roll_back(), "the transaction should end");
                const auto epoch = passes.template load_epoch<of_holder>(holder->id);
                succeeds(epoch, "the epoch should be read");
                equals(*epoch, commits ? 1 : 0, "it should have moved with the commit, and not without");
                const auto row = passes.load(stored->id, ReadMode::plain);
                succeeds(row, "a row of the group should be loaded");
                equals((*row)->revoked_at.has_value(), commits, "it should be revoked with the commit, and not without");
            }
        });

    suite.template add<Has<Coupon>, Transactions<Coupon>, Versions<Coupon>>("what a transaction erased and brought back goes on with its versions", [](auto& world) {
        auto coupons = world.template database<Coupon>();
        const Coupon row{secret("name", 1), 10, 0};
        succeeds(coupons.insert(row), "a row should be inserted");
        for (const bool commits : {false, true, true}) {
            const auto before = coupons.load(row.name, ReadMode::plain);
            succeeds(before, "it should be loaded");
            auto transaction = begin_in(coupons);
            auto inside = coupons.within(transaction);
            succeeds(inside.erase(row.name, (*before)->version, {}), "it should be erased in a transaction");
            const auto back = inside.insert(row);
            succeeds(back, "and inserted again");
            equals(back->version, (*before)->version + 2, "with the version after its tombstone's");
            succeeds(commits ? transaction.commit({}) : transaction.roll_back(), "the transaction should end");
            const auto after = coupons.load(row.name, ReadMode::plain);
            succeeds(after, "it should be loaded");
            equals((*after)->version, (*before)->version + (commits ? 2U : 0U), "it should have that version with the commit, and not without");
        }
    });

    suite.template add<Has<Reading>, Transactions<Reading>, Versions<Reading>>("of transactions that change the same rows none is lost, and others see all of one or nothing", [](auto& world) {
        constexpr int writers = 4, rounds = 20;
        auto readings = world.template database<Reading>();
        const std::vector<primary_key_t<Reading>> keys{{"a", 1, 1}, {"a", 1, 2}};
        for (const std::int64_t number : {1, 2}) succeeds(readings.insert(reading_row("a", 1, number)), "a row should be inserted");
        std::atomic<int> at_work{writers};
        on_threads(writers + 2, [&](int number) {
            if (number >= writers) {
                while (at_work > 0) {
                    const auto rows = readings.load_many(keys, ReadMode::plain);
                    succeeds(rows, "a reader should succeed");
                    equals(field((*rows)[0], &Reading::value), field((*rows)[1], &Reading::value), "rows that are only changed together should be seen so");
                }
                return;
            }
            const Departure departure{at_work};
            for (int round = 0; round < rounds; ++round)
                until_committed(readings, Isolation::rows, [&](auto& transaction) -> Error {
                    auto inside = readings.within(transaction);
                    for (const auto& key : keys) {
                        auto row = inside.load(key, ReadMode::plain);
                        if (!row) return row.error();
                        (*row)->value += 1;
                        const auto moved = inside.update(**row, (*row)->version, {});
                        if (!moved) return moved.error();
                    }
                    return {};
                });
        });
        for (const auto& key : keys) {
            const auto row = readings.load(key, ReadMode::plain);
            succeeds(row, "a row should be loaded");
            equals((*row)->value, writers * rounds, "each transaction should have added one");
        }
    });

    suite.template add<Has<Holder>, Has<Pass>, Transactions<Pass>, Lists<Pass, &Pass::holder_id>>("what a serializable transaction has read is still true when it commits", [](auto& world) {
        constexpr std::size_t most = 5;
        auto passes = world.template database<Pass>();
        const auto holder = world.template database<Holder>().insert(holder_row(1));
        succeeds(holder, "an embedded row should be inserted");
        on_threads(threads, [&](int number) {
            for (int round = 0; round < 3; ++round)
                until_committed(passes, Isolation::serializable, [&](auto& transaction) -> Error {
                    auto inside = passes.within(transaction);
                    const auto listed = inside.template list<of_holder>(holder->id);
                    if (!listed) return listed.error();
                    if (listed->size() >= most) return {};
                    const auto stored = inside.insert(pass_row(holder->id, number * 10 + round));
                    return stored ? Error() : stored.error();
                });
        });
        const auto listed = passes.template list<of_holder>(holder->id);
        succeeds(listed, "the group should be listed");
        equals(listed->size(), most, "the bound that each of many transactions looked at should hold");
    });
}

} // namespace detail
} // namespace testing
} // namespace v0
} // namespace larder
