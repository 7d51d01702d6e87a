// SPDX-License-Identifier: BSL-1.0
#include <larder/repository/explain.hpp>

#include "explain_world.hpp"

#include <string>

using namespace explained;

namespace {

template <class Policy>
using Passes = CachedRepository<Pass, Stack<MemoryCache, MemoryDatabase>, Policy>;

// The design's table of what a read costs.
static_assert(Passes<Hybrid>::explain(Verb::find_by).alias_hit.cache == 1 && Passes<Hybrid>::explain(Verb::find_by).alias_hit.queries == 1);
static_assert(Passes<Hybrid>::explain(Verb::find).miss.cache == 0 && Passes<Hybrid>::explain(Verb::find).miss.queries == 1);
static_assert(Passes<WriteThrough>::explain(Verb::find).hit.cache == 1 && Passes<WriteThrough>::explain(Verb::find).hit.queries == 0);
static_assert(explain<Passes<WriteThrough>>(Verb::find_by).alias_hit.queries == 0);
static_assert(explain<Passes<WriteThroughUnfenced>>(Verb::find).hit == explain<Passes<WriteThrough>>(Verb::find).hit);
static_assert(Passes<Versioned<row_probe>>::explain(Verb::find).hit.queries == 1);
static_assert(Passes<Versioned<row_probe>>::explain(Verb::find).hit[1].query == QueryKind::version_probe);
static_assert(Passes<Versioned<group_epoch>>::explain(Verb::find).hit.cache == 2 && Passes<Versioned<group_epoch>>::explain(Verb::find).hit.queries == 0);
static_assert(Passes<Versioned<schema_constant>>::explain(Verb::find).hit.cache == 1 && Passes<Versioned<schema_constant>>::explain(Verb::find).hit.queries == 0);

// A batch takes one lookup and one query, whatever its size.
static_assert(Passes<WriteThrough>::explain(Verb::find_many, 100).miss.queries == 1 && Passes<WriteThrough>::explain(Verb::find_many, 100).miss.cache == 2);
static_assert(Passes<Versioned<row_probe>>::explain(Verb::find_many, 100).hit.queries == 1 && Passes<Versioned<row_probe>>::explain(Verb::find_many, 100).hit.cache == 2);

// No bound is met by an outcome that cannot be.
static_assert(!Passes<Hybrid>::explain(Verb::find).hit.possible());
static_assert(Passes<Hybrid>::explain(Verb::find).hit.queries > 1'000'000 && Passes<Hybrid>::explain(Verb::find).hit.cache > 1'000'000);
static_assert(!CachedRepository<Holder, Stack<MemoryCache, MemoryDatabase>>::explain(Verb::touch).success.possible());
static_assert(!CachedRepository<Holder, Stack<MemoryCache, MemoryDatabase>>::explain(Verb::find_by).alias_hit.possible());

} // namespace

TEST_CASE("a step, steps and a plan are printed") {
    CHECK(fmt::format("{}", Step{.kind = StepKind::lookup, .level = Level::shared, .subject = StepSubject::alias}) == "shared: lookup alias");
    CHECK(fmt::format("{}", Step{.kind = StepKind::fill, .subject = StepSubject::row, .times = 3}) == "memory: 3 x fill row");
    CHECK(fmt::format("{}", Step{.kind = StepKind::query, .level = Level::database, .query = QueryKind::load_by}) == "database: load_by");
    CHECK(fmt::format("{}", Steps()) == "never");
    CHECK(fmt::format("{}", Passes<Hybrid>::explain(Verb::find_by)) == "find_by in passes under Hybrid\n"
                                                                      "  alias hit        1 cache, 1 database = memory: lookup alias > database: load\n"
                                                                      "  alias miss       2 cache, 1 database = memory: lookup alias > database: load_by > memory: fill alias\n"
                                                                      "  absent           2 cache, 1 database = memory: lookup alias > database: load_by > memory: give back alias\n"
                                                                      "  bypass           1 cache, 1 database = memory: lookup alias > database: load_by\n"
                                                                      "  alias mismatch   3 cache, 2 database = memory: lookup alias > database: load > memory: lookup alias > "
                                                                      "database: load_by > memory: give back alias\n");
    const std::string many = fmt::format("{}", Passes<WriteThrough>::explain(Verb::find_many, 7));
    CHECK(many.substr(0, many.find('\n')) == "find_many in passes under WriteThrough, 7 rows");
}

TEST_CASE("a plan of no row is refused") { CHECK_THROWS_AS(static_cast<void>(Passes<WriteThrough>::explain(Verb::find_many, 0)), std::invalid_argument); }

TEST_CASE_TEMPLATE("plans are what runs where there is no version", Policy, WriteThrough, Hybrid) { compare_all<Setting, One, Policy>(); }
