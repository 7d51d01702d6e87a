// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/functions.hpp>
#include <larder/database/memory.hpp>
#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/testing/database_sample.hpp>

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <stdlib.h>

namespace larder_tests {

using namespace larder;

/// A folder for the files of one test; it goes with its content.
class TempFolder {
public:
    TempFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "larder-test-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::filesystem::filesystem_error("mkdtemp", std::error_code(errno, std::generic_category()));
        path_ = pattern;
    }
    TempFolder(TempFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TempFolder& operator=(TempFolder&&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

/// Whether an operation succeeded; says why if it did not.
template <class T>
bool succeeds(const Outcome<T>& outcome) {
    if (!outcome) MESSAGE(outcome.error().code.message() << ": " << outcome.error().text);
    return outcome.has_value();
}

/// Checks that an operation failed with a code, and with words in its text.
template <class T>
void check_fails(const Outcome<T>& outcome, errc code, const std::string& words) {
    REQUIRE(!outcome.has_value());
    CHECK_MESSAGE(outcome.error() == code, outcome.error().code.message() << ": " << outcome.error().text);
    CHECK_MESSAGE(outcome.error().text.find(words) != std::string::npos, "\"" << words << "\" is not in: " << outcome.error().text);
}

/// The sample entities in memory.
struct MemoryWorld {
    MemoryTables tables{{.clock = [] { return DatabaseTime(std::chrono::hours(500'000)); }}};

    template <class Entity>
    MemoryDatabase<Entity> database() {
        return MemoryDatabase<Entity>(tables);
    }
};

/// The sample entities in a SQLite file, or in SQLite's memory.
struct SqliteWorld {
    explicit SqliteWorld(bool in_memory) : file(in_memory ? ":memory:" : folder.file("test.db"), {.busy_timeout = std::chrono::seconds(60), .sole_writer = true}) {
        if (auto made = create_tables<testing::Pass, testing::Reading, testing::Setting, testing::Crate, testing::Coupon>(file); !made) throw Failure(made.error());
    }
    TempFolder folder;
    SqliteFile file;

    template <class Entity>
    SqliteDatabase<Entity> database() {
        return SqliteDatabase<Entity>(file);
    }
};

/// The sample entities behind functions, with a database in memory as the data access that was there before.
template <template <class> class Database>
struct FunctionWorld {
    MemoryWorld behind;

    template <class Entity>
    auto database() {
        // An entity without versions has nothing to be conditional on.
        if constexpr (schema_of<Entity>::has_version)
            return make<Entity, Database<Entity>>();
        else
            return make<Entity, FunctionDatabase<Entity>>();
    }

private:
    template <class Entity, class Made>
    Made make() {
        using Key = primary_key_t<Entity>;
        auto rows = behind.template database<Entity>();
        typename Made::Config functions{
            .load = [rows](const Key& key) mutable { return rows.load(key, ReadMode::plain); },
            .insert = [rows](const Entity& row) mutable { return rows.insert(row); },
            .load_many = [rows](std::span<const Key> keys) mutable { return rows.load_many(keys, ReadMode::plain); },
        };
        if constexpr (Made::conditional_writes) {
            functions.update = [rows](const Entity& row, Version expected) mutable { return rows.update(row, expected, {}); };
            functions.erase = [rows](const Key& key, Version expected) mutable { return rows.erase(key, expected, {}); };
        } else {
            functions.update = [rows](const Entity& row) mutable -> Outcome<void> {
                for (;;) {
                    const auto stored = rows.load(primary_key_of(row), ReadMode::plain);
                    if (!stored) return stored.error();
                    const auto version = rows.update(row, *stored ? schema_of<Entity>::version_of(**stored) : 0, {});
                    if (version) return {};
                    if (!(version.error() == errc::version_conflict)) return version.error();
                }
            };
            functions.erase = [rows](const Key& key) mutable -> Outcome<bool> {
                const auto stored = rows.load(key, ReadMode::plain);
                if (!stored) return stored.error();
                if (!*stored) return false;
                const auto version = rows.erase(key, schema_of<Entity>::version_of(**stored), {});
                if (!version) return version.error();
                return true;
            };
        }
        [&]<std::size_t... Space>(std::index_sequence<Space...>) { (give_load<Space + 1>(functions, rows), ...); }(
            std::make_index_sequence<schema_of<Entity>::unique_count>{});
        [&]<std::size_t... Group>(std::index_sequence<Group...>) { (give_list<Group + schema_of<Entity>::alias_end>(functions, rows), ...); }(
            std::make_index_sequence<schema_of<Entity>::group_count>{});
        return Made(std::move(functions));
    }

    template <std::size_t Space, class Functions, class Entity>
    static void give_load(Functions& functions, MemoryDatabase<Entity> rows) {
        [&]<auto... Members>(larder::detail::MemberList<Members...>) {
            functions.load_by.set(by<Members...>([rows](const space_key_t<Entity, Space>& key) mutable { return rows.template load_by<Space>(key, ReadMode::plain); }));
        }(boost::mp11::mp_at_c<typename schema_of<Entity>::declared_spaces, Space>{});
    }

    template <std::size_t Space, class Functions, class Entity>
    static void give_list(Functions& functions, MemoryDatabase<Entity> rows) {
        [&]<auto... Members>(larder::detail::MemberList<Members...>) {
            functions.list.set(by<Members...>([rows](const space_key_t<Entity, Space>& key) mutable { return rows.template list<Space>(key); }));
        }(boost::mp11::mp_at_c<typename schema_of<Entity>::declared_spaces, Space>{});
    }
};

} // namespace larder_tests
