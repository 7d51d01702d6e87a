// SPDX-License-Identifier: BSL-1.0
#include <larder/database/detail/postgres_sql.hpp>
#include <larder/database/postgres_outbox.hpp>
#include <larder/testing/database_sample.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace larder;
using larder::detail::key_columns_in;
using larder::detail::PostgresMoment;
using larder::testing::Coupon;
using larder::testing::Crate;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::Reading;

template <class Entity>
using Made = larder::detail::PostgresSql<Entity>;

static_assert(sql_dialect<larder::detail::PostgresDialect>);

TEST_CASE("columns have the types that a database's users like") {
    using Dialect = larder::detail::PostgresDialect;
    CHECK(Dialect::column_type<bool>() == "boolean");
    CHECK(Dialect::column_type<std::int8_t>() == "bigint");
    CHECK(Dialect::column_type<float>() == "double precision");
    CHECK(Dialect::column_type<std::string>() == "text");
    CHECK(Dialect::column_type<Uuid>() == "uuid");
    CHECK(Dialect::column_type<Bytes>() == "bytea");
    CHECK(Dialect::column_type<TimePoint>() == "timestamptz");
    CHECK(Dialect::column_type<std::chrono::sys_time<std::chrono::nanoseconds>>() == "bigint"); // finer than the server's
    CHECK(Made<Holder>::create().front() ==
          "CREATE TABLE IF NOT EXISTS \"holders\" (\"id\" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \"name\" text NOT NULL, \"motto\" text, \"version\" bigint NOT NULL)");
}

TEST_CASE("many keys are one array a part, whatever their number") {
    CHECK(Made<Holder>::select_keys() ==
          "WITH larder_keys(p0, i) AS (SELECT p0, o - 1 FROM unnest($1::bigint[]) WITH ORDINALITY AS k(p0, o)) SELECT larder_keys.i, t0.\"id\", t0.\"name\", t0.\"motto\", t0.\"version\" "
          "FROM larder_keys CROSS JOIN \"holders\" AS t0 WHERE t0.\"id\" = larder_keys.p0");
    CHECK(Made<Reading>::select_keys().find("unnest($1::text[], $2::bigint[], $3::bigint[])") != std::string::npos);
    CHECK(Made<Reading>::share_lock_keys().ends_with("ORDER BY t0.\"tenant\", t0.\"station\", t0.\"number\" FOR SHARE"));
}

TEST_CASE("an insert answers its joined row, if the row it must embed is there") {
    CHECK(Made<Pass>::insert_joined<false>().starts_with("WITH larder_inserted AS (INSERT INTO \"passes\" (\"holder_id\", "));
    CHECK(Made<Pass>::insert_joined<false>().find("WHERE true AND EXISTS (SELECT 1 FROM \"holders\" AS c WHERE c.\"id\" = $1) RETURNING \"id\", ") != std::string::npos);
    CHECK(Made<Pass>::insert_joined<true>().find("OVERRIDING SYSTEM VALUE SELECT $1, $2") != std::string::npos);
    CHECK(Made<Pass>::insert_joined<true>().ends_with("FROM larder_inserted AS t0 LEFT JOIN \"holders\" AS t1 ON t1.\"id\" = t0.\"holder_id\""));
    CHECK(Made<Crate>::insert_joined<true>().find("EXISTS") == std::string::npos);
}

TEST_CASE("locks come before what depends on them") {
    CHECK(Made<Coupon>::lock_to_update() == "SELECT \"version\", 0 FROM \"coupons\" WHERE \"name\" = $1 FOR NO KEY UPDATE");
    CHECK(Made<Coupon>::share_lock<0>() == "SELECT 1 FROM \"coupons\" WHERE \"name\" = $1 FOR SHARE");
    CHECK(Made<Coupon>::erase_and_bury<false>() ==
          "WITH larder_erased AS (DELETE FROM \"coupons\" WHERE \"name\" = $1 AND \"version\" = $2 RETURNING \"name\", \"version\" + 1 AS larder_version) "
          "INSERT INTO \"larder_graves_coupons\" (\"name\", larder_version) SELECT \"name\", larder_version FROM larder_erased ON CONFLICT (\"name\") DO UPDATE SET larder_version = "
          "excluded.larder_version");
    CHECK(Made<Holder>::lock_table() == "DO 'BEGIN LOCK TABLE \"holders\" IN SHARE ROW EXCLUSIVE MODE; END'");
    CHECK(Made<Crate>::quoted("it's") == "'it''s'");
}

TEST_CASE("the columns of a violated key are found in what the server says, in whatever language, and no value is") {
    using Names = std::vector<std::string>;
    CHECK(key_columns_in("Key (code)=(s3cr3t) already exists.") == Names{"code"});
    CHECK(key_columns_in("Schlüssel »(tenant, \"how, many\")=(a, )=(b)« existiert bereits.") == Names{"how, many", "tenant"});
    CHECK(key_columns_in("") == Names{});
    CHECK(key_columns_in("something else (really)") == Names{});
}

TEST_CASE("moments are microseconds since 2000, with an infinity at each end") {
    using Seconds = PostgresMoment<std::chrono::seconds>;
    using Days = PostgresMoment<std::chrono::days>;
    using Micro = PostgresMoment<std::chrono::microseconds>;
    constexpr std::chrono::sys_days millennium = std::chrono::year(2000) / 1 / 1;
    CHECK(Seconds::to(millennium) == 0);
    CHECK(Days::to(millennium - std::chrono::days(1)) == -86'400'000'000);
    CHECK(Seconds::to(std::chrono::sys_seconds::max()) == std::numeric_limits<std::int64_t>::max());
    CHECK(Seconds::to(std::chrono::sys_seconds::min()) == std::numeric_limits<std::int64_t>::min());
    CHECK(!Seconds::to(std::chrono::sys_seconds::max() - std::chrono::seconds(1)));
    CHECK(!Micro::to(std::chrono::sys_time<std::chrono::microseconds>::min() + std::chrono::microseconds(1)));
    std::chrono::sys_days day{};
    CHECK(Days::from(-1, day));
    CHECK(day == millennium - std::chrono::days(1));
    CHECK(Days::from(std::numeric_limits<std::int64_t>::max(), day));
    CHECK(day == std::chrono::sys_days::max());
    std::chrono::sys_time<std::chrono::microseconds> moment{};
    CHECK(!Micro::from(std::numeric_limits<std::int64_t>::max() - 1, moment));
}
