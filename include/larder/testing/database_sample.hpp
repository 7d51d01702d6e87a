// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/schema.hpp>
#include <larder/entity/schema_of.hpp>
#include <larder/entity/value.hpp>
#include <larder/testing/sample.hpp>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace larder {
inline namespace v0 {
namespace testing {

/// What a crate is made of.
enum class Material : std::int16_t { wood = -3, steel = 0, paper = 300 };

/// A crate: a sample entity with a random key, a column of each kind of value, an embedded row that may be missing and that
/// embeds a row of its own, and names in the database that differ from the members'.
struct Crate {
    Uuid id{};
    bool sealed = false;
    std::int8_t shelf = 0;
    std::uint32_t count = 0;
    std::int64_t low = 0;
    std::uint64_t high = 0;
    float weight = 0;
    double price = 0;
    Material material = Material::steel;
    std::string label;
    Bytes content;
    Uuid owner{};
    TimePoint packed_at{};
    std::chrono::sys_seconds due{};
    Hashed<std::string> token;
    std::optional<bool> checked;
    std::optional<double> height;
    std::optional<Material> lining;
    std::optional<std::string> remark;
    std::optional<Bytes> picture;
    std::optional<Uuid> twin;
    std::optional<TimePoint> opened_at;
    std::optional<Hashed<std::string>> old_token;
    std::optional<std::int64_t> pass_id;
    std::uint64_t version = 0;
    std::optional<Pass> pass;

    friend bool operator==(const Crate&, const Crate&) = default;
};
BOOST_DESCRIBE_STRUCT(Crate, (),
                      (id, sealed, shelf, count, low, high, weight, price, material, label, content, owner, packed_at, due, token, checked, height, lining, remark, picture, twin, opened_at,
                       old_token, pass_id, version, pass))

/// A coupon: a sample entity with a natural key of the user's own making that may come back, and a version that then goes on.
struct Coupon {
    std::string name;
    std::int64_t percent = 0;
    std::uint64_t version = 0;

    friend bool operator==(const Coupon&, const Coupon&) = default;
};
BOOST_DESCRIBE_STRUCT(Coupon, (), (name, percent, version))

} // namespace testing
} // namespace v0
} // namespace larder

template <>
struct larder::entity_traits<larder::testing::Crate>
    : larder::schema<"Crates of \"store\"", larder::primary<&larder::testing::Crate::id>, larder::unique<&larder::testing::Crate::token>,
                     larder::unique<&larder::testing::Crate::owner, &larder::testing::Crate::label>, larder::group<&larder::testing::Crate::material>,
                     larder::version<&larder::testing::Crate::version>, larder::column<&larder::testing::Crate::label, "Order">,
                     larder::column<&larder::testing::Crate::count, "how many">, larder::embed<&larder::testing::Crate::pass, &larder::testing::Crate::pass_id>> {};

template <>
struct larder::entity_traits<larder::testing::Coupon>
    : larder::schema<"coupons", larder::primary<&larder::testing::Coupon::name>, larder::version<&larder::testing::Coupon::version>, larder::reusable> {};
