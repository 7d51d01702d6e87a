// SPDX-License-Identifier: BSL-1.0
#include "../../examples/sessions/make_services.hpp"
#include "../../examples/sessions/stores.hpp"
#include "beginning.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/larder.hpp>

#include <memory>
#include <string>

namespace bench {
namespace {

/// The files of all codes.
struct Files {
    explicit Files(const Beginning& beginning) : store(folder, beginning.rows, beginning.hash) {}

    larder::SqliteFile copy_for(std::string_view code) {
        example::Site site;
        store.copy_for(code, site);
        return larder::SqliteFile(site.sqlite, {.sole_writer = true});
    }

    example::TempFolder folder;
    example::SqliteStore store;
};

} // namespace

void add_sessions_on_sqlite(const Beginning& beginning) {
    using Database = larder::SqliteDatabase<larder::Session>;
    using Backend = larder::Stack<larder::MemoryCache, larder::SqliteDatabase>;
    const auto files = std::make_shared<Files>(beginning);
    const auto& hash = beginning.hash;
    refer(request, "original code");
    add_requests(beginning, "SQLite", "original code", [files, &hash, file = files->copy_for("original")] { return std::make_unique<example::Original<Database, example::PlainCache>>(Database(file), hash); });
    const auto add_policy = [&]<class Policy>(const std::string& name) {
        using Larder = example::LarderService<Backend, Policy>;
        add_requests(beginning, "SQLite", name, [files, &hash, file = files->copy_for(name)] { return std::make_unique<Larder>(typename Larder::Config{example::memory_of_a_process, file}, larder::Options{.sole_writer = true}, hash); });
    };
    add_policy.operator()<larder::WriteThrough>("WriteThrough");
    add_policy.operator()<larder::Hybrid>("Hybrid");
}

} // namespace bench
