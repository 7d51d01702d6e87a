// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/policy/hybrid.hpp>
#include <larder/policy/versioned.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/detail/policy_world.hpp>
#include <larder/testing/interposer.hpp>
#include <larder/testing/policy_conformance.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

/// What the tests of repositories share.
namespace repository_tests {

using namespace larder;
using namespace std::chrono_literals;
using testing::Coupon;
using testing::Holder;
using testing::ManualEnvironment;
using testing::Pass;
using testing::Reading;
using testing::Setting;
using testing::Stage;

/// A repository of passes over a database in memory, with clocks that stand still and operations that a test can get in the way of.
template <class Policy = WriteThrough, class Backend = Stack<MemoryCache, MemoryDatabase>>
class World : public testing::policy_suite::World<testing::PolicyFactory<Policy, Backend>> {
    using Base = testing::policy_suite::World<testing::PolicyFactory<Policy, Backend>>;
    static inline const testing::PolicyFactory<Policy, Backend> factory{};

public:
    explicit World(const std::function<void(Options&)>& adjust = {}) : Base(factory, adjust) {}

    /// A repository of another entity over the same tables.
    template <class Entity>
    auto repository_of(const std::function<void(Options&)>& adjust = {}) {
        Options adjusted = this->options;
        if (adjust) adjust(adjusted);
        return factory.template make<Entity>(this->tables, this->environment, adjusted);
    }

    /// How many queries some work makes.
    template <class Work>
    std::size_t queries_of(Work&& work) {
        const std::size_t before = this->database->queries();
        work();
        return this->database->queries() - before;
    }

    /// The events of one kind so far.
    template <class Event>
    std::vector<Event> events() const {
        return this->environment.observer().template all<Event>();
    }
};

/// Whether something succeeded; says why if it did not.
template <class Result>
bool succeeds(const Result& result) {
    if (result.failed()) MESSAGE(std::string(result.error().code.message() + ": " + result.error().text));
    return !result.failed();
}

} // namespace repository_tests
