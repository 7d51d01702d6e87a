// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/scope.hpp>
#include <larder/repository/stack.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace larder_tests {

using namespace larder;
using namespace larder::testing;
using namespace std::chrono_literals;

/// The passes and holders of the samples, with queries counted and failing on demand.
struct Tables {
    struct State {
        std::mutex mutex;
        std::map<QueryKind, std::size_t> asked;
        std::optional<Error> failure;
        std::function<void(const MemoryOperation&)> gate;
    };

    std::shared_ptr<State> state = std::make_shared<State>();
    MemoryTables tables{MemoryOptions{.clock = {}, .hook = [state = state](const MemoryOperation& operation) -> Error {
                                          std::function<void(const MemoryOperation&)> gate;
                                          std::optional<Error> failure;
                                          {
                                              const std::lock_guard lock(state->mutex);
                                              if (operation.table != "passes") return {};
                                              if (!operation.done) ++state->asked[operation.kind];
                                              if (!operation.done) failure = state->failure;
                                              gate = state->gate;
                                          }
                                          if (gate) gate(operation);
                                          return failure.value_or(Error{});
                                      }}};

    std::size_t queries() const {
        const std::lock_guard lock(state->mutex);
        std::size_t sum = 0;
        for (const auto& [kind, count] : state->asked) sum += count;
        return sum;
    }
    std::size_t queries(QueryKind kind) const {
        const std::lock_guard lock(state->mutex);
        const auto place = state->asked.find(kind);
        return place == state->asked.end() ? 0 : place->second;
    }
    void forget() const {
        const std::lock_guard lock(state->mutex);
        state->asked.clear();
    }
    void fail(std::optional<Error> failure) const {
        const std::lock_guard lock(state->mutex);
        state->failure = std::move(failure);
    }
    void gate(std::function<void(const MemoryOperation&)> gate) const {
        const std::lock_guard lock(state->mutex);
        state->gate = std::move(gate);
    }
};

using Passes = CachedRepository<Pass, Stack<MemoryCache, MemoryDatabase>, WriteThrough, ManualEnvironment>;
using Holders = CachedRepository<Holder, Stack<MemoryCache, MemoryDatabase>, WriteThrough, ManualEnvironment>;

/// A repository of passes with one holder, under a clock that stands still.
struct Fixture {
    Tables tables;
    ManualEnvironment env;
    Passes passes;
    Holders holders{{{}, tables.tables}, Options{.sole_writer = true}, {}, env};
    std::int64_t holder = 0;

    explicit Fixture(Options options = {}) : passes({{}, tables.tables}, sole(std::move(options)), {}, env) {
        Holder row;
        row.name = "ann";
        holder = holders.insert(row).key();
    }

    static Options sole(Options options) {
        options.sole_writer = true;
        options.jitter = 0;
        return options;
    }

    Pass pass(const std::string& code) const {
        Pass row;
        row.holder_id = holder;
        row.code = code;
        row.expires_at = std::chrono::time_point_cast<std::chrono::milliseconds>(env.wall_now() + 24h);
        return row;
    }

    std::int64_t add(const std::string& code) {
        const auto written = passes.insert(pass(code));
        return written.or_throw().key();
    }

    /// What the database has, whatever is cached.
    Found<Pass> truth_of(std::int64_t id) { return passes.find(id, truth); }
};

} // namespace larder_tests
