// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/error.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/options.hpp>
#include <larder/repository/stack.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>

using namespace larder;
using namespace std::chrono_literals;

namespace {

/// The option that an error names; empty if there is none.
std::string refused(void (*change)(Options&)) {
    Options options;
    change(options);
    const Error wrong = options.check();
    if (!wrong) return {};
    CHECK(wrong == errc::invalid_options);
    return wrong.text;
}

} // namespace

TEST_CASE("every option that is out of its range is refused, and named") {
    CHECK(Options().check().text.empty());
    const auto names = [](const std::string& text, const char* option) { return text.find(option) != std::string::npos; };
    CHECK(names(refused([](Options& o) { o.ttl = 0s; }), "ttl"));
    CHECK(names(refused([](Options& o) { o.ttl = -1s; }), "ttl"));
    CHECK(names(refused([](Options& o) { o.jitter = -0.1; }), "jitter"));
    CHECK(names(refused([](Options& o) { o.jitter = 1; }), "jitter"));
    CHECK(names(refused([](Options& o) { o.jitter = std::numeric_limits<double>::quiet_NaN(); }), "jitter"));
    CHECK(names(refused([](Options& o) { o.negative_ttl = -1ns; }), "negative_ttl"));
    CHECK(names(refused([](Options& o) { o.stale_if_error = -1ns; }), "stale_if_error"));
    CHECK(names(refused([](Options& o) { o.refresh_ahead = -0.1; }), "refresh_ahead"));
    CHECK(names(refused([](Options& o) { o.refresh_ahead = 1; }), "refresh_ahead"));
    CHECK(names(refused([](Options& o) { o.refresh_ahead = std::numeric_limits<double>::quiet_NaN(); }), "refresh_ahead"));
    CHECK(names(refused([](Options& o) { o.lease_for = 0s; }), "lease_for"));
    CHECK(names(refused([](Options& o) { o.fence_for = 0s; }), "fence_for"));
    CHECK(names(refused([](Options& o) { o.touch_interval = -1s; }), "touch_interval"));
    CHECK(names(refused([](Options& o) { o.batch_size = 0; }), "batch_size"));
    for (const auto member : {&Options::ttl, &Options::negative_ttl, &Options::stale_if_error, &Options::lease_for, &Options::fence_for, &Options::touch_interval}) {
        Options options;
        options.*member = Options::longest;
        CHECK(!options.check());
        options.*member = Duration::max();
        CHECK(names(options.check().text, "longest"));
    }
}

TEST_CASE("what is at the ends of its range is taken") {
    CHECK(refused([](Options& o) { o.ttl = 1ns; }).empty());
    CHECK(refused([](Options& o) { o.jitter = 0; }).empty());
    CHECK(refused([](Options& o) { o.negative_ttl = 0s; }).empty());
    CHECK(refused([](Options& o) { o.conflict_retries = 0; }).empty());
    CHECK(refused([](Options& o) { o.touch_interval = 0s; }).empty());
    CHECK(refused([](Options& o) { o.batch_size = 1; }).empty());
}

TEST_CASE("a repository is not made with options or bounds out of range") {
    using Repository = CachedRepository<testing::Holder, Stack<MemoryCache, MemoryDatabase>>;
    static_assert(!std::is_copy_constructible_v<Repository> && !std::is_move_constructible_v<Repository>);
    const auto refuses = [](Repository::Config config, Options options) {
        try {
            const Repository repository(std::move(config), std::move(options));
        } catch (const Failure& failure) {
            return failure.error() == errc::invalid_options && !failure.error().text.empty();
        }
        return false;
    };
    CHECK(refuses({{}, MemoryTables()}, {.ttl = 0s}));
    CHECK(refuses({{.max_entries = 0}, MemoryTables()}, {}));
    CHECK(refuses({{.max_bytes = 0}, MemoryTables()}, {}));
    CHECK(refuses({{}, MemoryTables()}, {.refresh_ahead = 0.5}));
    CHECK(!refuses({{}, MemoryTables()}, {}));
}

TEST_CASE("the default heat rule goes by the number of accesses") {
    const HeatRule rule = heat_by_frequency(2, 4);
    CHECK(rule(1) == Heat::cold);
    CHECK(rule(2) == Heat::warm);
    CHECK(rule(3) == Heat::warm);
    CHECK(rule(4) == Heat::hot);
    CHECK(rule(100) == Heat::hot);
}
