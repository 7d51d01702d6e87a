// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/key.hpp>
#include <larder/entity/schema.hpp>
#include <larder/entity/schema_of.hpp>
#include <larder/entity/value.hpp>

#include <boost/describe/class.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace testing {

/// A member who holds passes: the row that `Pass` embeds.
struct Holder {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::string> motto;
    std::uint64_t version = 0;

    friend bool operator==(const Holder&, const Holder&) = default;
};
BOOST_DESCRIBE_STRUCT(Holder, (), (id, name, motto, version))

/// A pass: a sample entity with everything that a schema can say of one row: a generated key, two alternate keys of which one may be
/// null, a group, a version, an expiry, a revocation, a touch column, an embedded row and a warm projection.
struct Pass {
    std::int64_t id = 0;
    std::int64_t holder_id = 0;
    std::string code;
    std::optional<std::string> badge;
    std::string note;
    TimePoint expires_at{};
    std::optional<TimePoint> revoked_at;
    std::optional<TimePoint> last_seen;
    std::uint64_t version = 0;
    Holder holder;

    friend bool operator==(const Pass&, const Pass&) = default;
};
BOOST_DESCRIBE_STRUCT(Pass, (), (id, holder_id, code, badge, note, expires_at, revoked_at, last_seen, version, holder))

/// A reading of a station: a sample entity whose every key is scoped by a tenant and whose primary key has two more members,
/// with a group over a field that may be null.
struct Reading {
    std::string tenant;
    std::int64_t station = 0;
    std::int64_t number = 0;
    std::string label;
    std::optional<std::string> batch;
    double value = 0;
    std::uint64_t version = 0;

    friend bool operator==(const Reading&, const Reading&) = default;
};
BOOST_DESCRIBE_STRUCT(Reading, (), (tenant, station, number, label, batch, value, version))

/// A setting: a sample entity with no version, found by a name that may come back after it was erased.
struct Setting {
    std::string name;
    std::string section;
    std::string alias;
    std::string value;

    friend bool operator==(const Setting&, const Setting&) = default;
};
BOOST_DESCRIBE_STRUCT(Setting, (), (name, section, alias, value))

/// The sample row of a number, the same each time; rows of different numbers share no key, but ten in a row share their groups.
/// \param version is told by the row's fields too, where it has no version.
template <class Entity>
Entity sample_row(std::int64_t number, std::uint64_t version = 1) {
    const std::string name = std::to_string(number);
    const std::string edition = "edition " + std::to_string(version);
    const std::int64_t group = number / 10 + 1;
    if constexpr (std::is_same_v<Entity, Holder>)
        return {.id = number, .name = "holder " + name, .motto = edition, .version = version};
    else if constexpr (std::is_same_v<Entity, Pass>)
        return {.id = number,
                .holder_id = group,
                .code = "code " + name,
                .badge = "badge " + name,
                .note = edition,
                .expires_at = TimePoint(std::chrono::hours(24 * 365 * 100)),
                .revoked_at = {},
                .last_seen = {},
                .version = version,
                .holder = sample_row<Holder>(group)};
    else if constexpr (std::is_same_v<Entity, Reading>)
        return {.tenant = "tenant",
                .station = group,
                .number = number,
                .label = "label " + name,
                .batch = "batch " + std::to_string(group),
                .value = static_cast<double>(version),
                .version = version};
    else {
        static_assert(std::is_same_v<Entity, Setting>, "larder: there are no sample rows of this entity");
        return {.name = "setting " + name, .section = "section " + std::to_string(group), .alias = "alias " + name, .value = edition};
    }
}

} // namespace testing
} // namespace v0
} // namespace larder

template <>
struct larder::entity_traits<larder::testing::Holder>
    : larder::schema<"holders", larder::primary<&larder::testing::Holder::id>, larder::version<&larder::testing::Holder::version>> {};

template <>
struct larder::entity_traits<larder::testing::Pass>
    : larder::schema<"passes", larder::primary<&larder::testing::Pass::id>, larder::unique<&larder::testing::Pass::code>,
                     larder::unique<&larder::testing::Pass::badge>, larder::group<&larder::testing::Pass::holder_id>,
                     larder::version<&larder::testing::Pass::version>, larder::expires<&larder::testing::Pass::expires_at>,
                     larder::revoked<&larder::testing::Pass::revoked_at>, larder::touch<&larder::testing::Pass::last_seen>,
                     larder::embed<&larder::testing::Pass::holder, &larder::testing::Pass::holder_id>,
                     larder::warm<&larder::testing::Pass::id, &larder::testing::Pass::holder_id>> {};

template <>
struct larder::entity_traits<larder::testing::Reading>
    : larder::schema<"readings", larder::scope<&larder::testing::Reading::tenant>,
                     larder::primary<&larder::testing::Reading::station, &larder::testing::Reading::number>,
                     larder::unique<&larder::testing::Reading::label>, larder::group<&larder::testing::Reading::station>,
                     larder::group<&larder::testing::Reading::batch>, larder::version<&larder::testing::Reading::version>,
                     larder::warm<&larder::testing::Reading::label>> {};

template <>
struct larder::entity_traits<larder::testing::Setting>
    : larder::schema<"settings", larder::primary<&larder::testing::Setting::name>, larder::unique<&larder::testing::Setting::alias>,
                     larder::group<&larder::testing::Setting::section>, larder::reusable> {};
