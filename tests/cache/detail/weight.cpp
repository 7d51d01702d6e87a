// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/weight.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <tuple>

namespace {

using namespace larder;
using testing::Holder;
using testing::Pass;

TEST_CASE("a row weighs what it is and what it owns") {
    Pass row;
    CHECK(detail::heap_of_row(row) == 0);
    CHECK(detail::weight_of_row(row) == sizeof(Pass) + detail::shared_overhead);
    row.code = std::string(100, 'x');
    const std::size_t with_code = detail::heap_of_row(row);
    CHECK(with_code >= 100);
    row.badge = std::string(100, 'x');
    row.holder.motto = std::string(100, 'x');
    CHECK(detail::heap_of_row(row) == 3 * with_code);
    CHECK(detail::heap_of_row(row.holder) == with_code);
}

TEST_CASE("a key weighs what it owns") {
    CHECK(detail::heap_of_key(std::int64_t{1}) == 0);
    CHECK(detail::heap_of_key(std::string("short")) == 0);
    CHECK(detail::heap_of_key(std::string(100, 'x')) >= 100);
    CHECK(detail::heap_of_key(std::tuple(std::string(100, 'x'), std::int64_t{1}, std::string(100, 'x'))) >= 200);
}

} // namespace
