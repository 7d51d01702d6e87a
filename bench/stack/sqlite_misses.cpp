// SPDX-License-Identifier: BSL-1.0
#include "../harness.hpp"
#include "note.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/larder.hpp>

#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <stdlib.h>

namespace bench {
namespace {

constexpr std::int64_t notes_in_file = 50'000;
constexpr auto misses = "a miss, to SQLite", by_code = "a miss by the alternate key, to SQLite";

/// A database file with all notes, in a folder of its own.
class File {
public:
    File() {
        std::string pattern = (std::filesystem::temp_directory_path() / "larder-bench-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::runtime_error("there is no folder for the database");
        folder_ = pattern;
        const larder::SqliteFile file(path());
        larder::create_tables<Note>(file).value();
        larder::SqliteDatabase<Note> notes(file);
        for (std::int64_t number = 1; number <= notes_in_file; ++number) notes.insert(note(number)).value();
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::string path() const { return folder_ / "notes"; }

private:
    std::filesystem::path folder_;
};

/// A prepared statement, and a row made of what it answers, by the library that Larder uses too.
class BareStatement {
public:
    BareStatement(const std::string& path, const std::string& key) {
        if (sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK ||
            sqlite3_prepare_v3(database_, ("SELECT id, code, text, written_at, version FROM notes WHERE " + key + " = ?1").c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) != SQLITE_OK)
            throw std::runtime_error(sqlite3_errmsg(database_));
    }
    BareStatement(const BareStatement&) = delete;
    BareStatement& operator=(const BareStatement&) = delete;
    ~BareStatement() {
        sqlite3_finalize(statement_);
        sqlite3_close(database_);
    }

    std::shared_ptr<const Note> load(std::int64_t id) {
        sqlite3_bind_int64(statement_, 1, id);
        return row();
    }
    std::shared_ptr<const Note> load(const std::string& code) {
        sqlite3_bind_text(statement_, 1, code.data(), static_cast<int>(code.size()), SQLITE_STATIC);
        return row();
    }

private:
    std::shared_ptr<const Note> row() {
        if (sqlite3_step(statement_) != SQLITE_ROW) throw std::runtime_error("there is no such note");
        auto found = std::make_shared<Note>();
        found->id = sqlite3_column_int64(statement_, 0);
        found->code = text(1);
        found->text = text(2);
        found->written_at = larder::TimePoint(std::chrono::milliseconds(sqlite3_column_int64(statement_, 3)));
        found->version = static_cast<std::uint64_t>(sqlite3_column_int64(statement_, 4));
        sqlite3_reset(statement_);
        return found;
    }
    std::string text(int column) { return {reinterpret_cast<const char*>(sqlite3_column_text(statement_, column)), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))}; }

    sqlite3* database_ = nullptr;
    sqlite3_stmt* statement_ = nullptr;
};

/// A repository whose memory holds a fiftieth of the notes, so that reading them in turn misses, fills and evicts nearly each time.
struct Missing {
    using Notes = larder::CachedRepository<Note, larder::Stack<larder::MemoryCache, larder::SqliteDatabase>, larder::WriteThrough>;
    explicit Missing(const std::shared_ptr<File>& file) : kept(file), notes({little(), larder::SqliteFile(file->path())}) {}

    static larder::MemoryCacheConfig<Note> little() {
        larder::MemoryCacheConfig<Note> config;
        config.max_entries = notes_in_file / 50;
        return config;
    }

    std::shared_ptr<File> kept;
    Notes notes;
};

std::int64_t number(std::size_t at) { return static_cast<std::int64_t>(at * 7919 % notes_in_file) + 1; }

/// Registers one subject that reads note after note. \param read answers whether the note came from the database: a good rule of eviction keeps
/// some even of those that are read in turn, and what it has kept does not count.
template <class Read>
void add_reads(const std::string& table, const std::string& subject, Read read) {
    add(table, "1 caller", subject, [read, at = std::make_shared<std::size_t>(0)](benchmark::State& state) {
        for (auto _ : state)
            while (!read(number((*at)++))) {}
    });
}

} // namespace

void add_sqlite_misses() {
    const auto file = std::make_shared<File>();
    refer(misses, "bare prepared statement");
    refer(by_code, "bare prepared statement");
    processor_time(misses);
    processor_time(by_code);
    const auto by_id_statement = std::make_shared<BareStatement>(file->path(), "id");
    const auto by_code_statement = std::make_shared<BareStatement>(file->path(), "code");
    const auto taken = [](const std::shared_ptr<const Note>& row) {
        benchmark::DoNotOptimize(row->version);
        return true;
    };
    add_reads(misses, "bare prepared statement", [by_id_statement, taken](std::int64_t id) { return taken(by_id_statement->load(id)); });
    add_reads(by_code, "bare prepared statement", [by_code_statement, taken](std::int64_t id) { return taken(by_code_statement->load(note(id).code)); });

    const auto missing = std::make_shared<Missing>(file);
    const auto missed = [](const larder::Found<Note>& found) {
        if (!found) throw std::runtime_error("there is no such note");
        benchmark::DoNotOptimize(found.version());
        return found.source() == larder::Level::database;
    };
    add_reads(misses, "CachedRepository", [missing, missed](std::int64_t id) { return missed(missing->notes.find(id)); });
    add_reads(by_code, "CachedRepository", [missing, missed](std::int64_t id) { return missed(missing->notes.find_by<&Note::code>(note(id).code)); });
    const auto database = std::make_shared<larder::SqliteDatabase<Note>>(larder::SqliteFile(file->path()));
    add_reads(misses, "SqliteDatabase alone", [database, taken, file](std::int64_t id) {
        return taken(std::make_shared<const Note>(std::move(**database->load(id, larder::ReadMode::plain))));
    });
}

} // namespace bench
