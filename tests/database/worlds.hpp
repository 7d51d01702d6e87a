// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/memory.hpp>
#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/testing/database_sample.hpp>

#include <filesystem>
#include <string>
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

} // namespace larder_tests
