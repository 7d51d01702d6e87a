// SPDX-License-Identifier: BSL-1.0
#include <larder/entity/schema_of.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/sample.hpp>

#include <boost/describe/class.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace larder;
using larder::detail::MemberList;
using larder::testing::Coupon;
using larder::testing::Crate;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::Reading;
using larder::testing::Setting;

namespace {

struct Ticket {
    std::int64_t number = 0;
    std::string password, pin;
    std::chrono::sys_seconds ends{};
};
BOOST_DESCRIBE_STRUCT(Ticket, (), (number, password, pin, ends))

struct Visit {
    std::int64_t number = 0;
    std::optional<TimePoint> ends;
};
BOOST_DESCRIBE_STRUCT(Visit, (), (number, ends))

template <class Entity>
std::vector<std::string_view> column_names() {
    std::vector<std::string_view> names;
    boost::mp11::mp_for_each<typename schema_of<Entity>::columns>([&]<class Column>(Column) { names.push_back(Column::name()); });
    return names;
}

} // namespace

template <>
struct larder::entity_traits<Ticket> : larder::schema<"tickets", larder::primary<&Ticket::number>, larder::reusable, larder::never_stale, larder::revision<7>, larder::secret<&Ticket::password>,
                                                      larder::secret<&Ticket::pin>, larder::expires<&Ticket::ends>> {};
template <>
struct larder::entity_traits<Visit> : larder::schema<"visits", larder::primary<&Visit::number>, larder::expires<&Visit::ends>> {};

static_assert(entity<Holder> && entity<Pass> && entity<Reading> && entity<Setting> && entity<Crate> && entity<Coupon>);
static_assert(!entity<int> && !entity<std::string>);

using Passes = schema_of<Pass>;
static_assert(Passes::unique_count == 2 && Passes::group_count == 1 && Passes::space_count == 4 && Passes::alias_end == 3);
static_assert(Passes::has_version && Passes::has_expires && Passes::has_revoked && Passes::has_touch && Passes::has_embeds && Passes::has_warm && !Passes::has_scope);
static_assert(Passes::is_generated && !Passes::is_reusable && !Passes::is_never_stale && Passes::revision_number == 0);

using Tickets = schema_of<Ticket>;
static_assert(!Tickets::is_generated && Tickets::is_reusable && Tickets::is_never_stale && Tickets::revision_number == 7 && !Tickets::has_version);
static_assert(std::is_same_v<Tickets::secret_members, MemberList<&Ticket::password, &Ticket::pin>>);

static_assert(!schema_of<Reading>::is_generated && schema_of<Reading>::has_scope);
static_assert(!schema_of<Crate>::is_generated && !schema_of<Coupon>::is_generated && schema_of<Holder>::is_generated);
static_assert(std::is_same_v<schema_of<Reading>::primary_members, MemberList<&Reading::tenant, &Reading::station, &Reading::number>>);

TEST_CASE("columns are the described fields but the embedded ones, under their own names or the schema's") {
    CHECK(column_names<Pass>() == std::vector<std::string_view>{"id", "holder_id", "code", "badge", "note", "expires_at", "revoked_at", "last_seen", "version"});
    const auto crate = column_names<Crate>();
    CHECK(crate.size() == 25);
    CHECK(crate[3] == "how many");
    CHECK(crate[9] == "Order");
    CHECK(schema_of<Crate>::table == "Crates of \"store\"");
}

TEST_CASE("versions are read and set where there is one") {
    Coupon coupon;
    schema_of<Coupon>::set_version(coupon, 9);
    CHECK(coupon.version == 9);
    CHECK(schema_of<Coupon>::version_of(coupon) == 9);
    Setting setting;
    schema_of<Setting>::set_version(setting, 9);
    CHECK(schema_of<Setting>::version_of(setting) == 0);
}

TEST_CASE("a row is revoked once its column is set") {
    Pass pass;
    CHECK(!Passes::is_revoked(pass));
    pass.revoked_at = TimePoint{};
    CHECK(Passes::is_revoked(pass));
    CHECK(!schema_of<Setting>::is_revoked(Setting{}));
}

TEST_CASE("a row's end is a moment of the wall clock, or never where it is null or out of reach") {
    Pass pass;
    pass.expires_at = TimePoint(std::chrono::milliseconds(1'500));
    CHECK(Passes::expiry_of(pass) == WallTime(std::chrono::microseconds(1'500'000)));
    pass.expires_at = TimePoint::max();
    CHECK(!Passes::expiry_of(pass));
    pass.expires_at = TimePoint::min();
    CHECK(Passes::expiry_of(pass) == WallTime{});
    Ticket ticket;
    ticket.ends = std::chrono::sys_seconds::max();
    CHECK(!Tickets::expiry_of(ticket));
    ticket.ends = std::chrono::sys_days(std::chrono::year(2199) / 12 / 31);
    CHECK(Tickets::expiry_of(ticket).has_value());
    Visit visit;
    CHECK(!schema_of<Visit>::expiry_of(visit));
    visit.ends = TimePoint(std::chrono::milliseconds(2));
    CHECK(schema_of<Visit>::expiry_of(visit) == WallTime(std::chrono::microseconds(2'000)));
    CHECK(!schema_of<Coupon>::expiry_of(Coupon{}));
}
