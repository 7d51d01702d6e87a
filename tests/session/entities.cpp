// SPDX-License-Identifier: BSL-1.0
#include "../database/worlds.hpp"
#include "world.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

using namespace session_tests;
using larder::EndReason;
using larder::Session;

namespace {

using Schema = larder::schema_of<Session>;
static_assert(Schema::has_version && Schema::has_expires && Schema::has_revoked && Schema::has_touch && Schema::has_warm && Schema::has_embeds);
static_assert(Schema::unique_count == 2 && Schema::group_count == 2);
template <auto Member>
constexpr bool is_sealed = larder::detail::contains_v<Member, Schema::secret_members>;
static_assert(is_sealed<&Session::ip_address> && is_sealed<&Session::user_agent> && is_sealed<&Session::data> && !is_sealed<&Session::revoked_at>);
static_assert(larder::finds_one<Session, &Session::jti> && larder::finds_one<Session, &Session::refresh_token>);
static_assert(larder::finds_group<Session, &Session::user_id>);
static_assert(larder::schema_of<larder::User>::is_generated && larder::schema_of<larder::User>::unique_count == 2);

/// All bytes of the files in a folder.
std::string bytes_of(const std::filesystem::path& folder) {
    std::string bytes;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream file(entry.path(), std::ios::binary);
        bytes.append(std::istreambuf_iterator<char>(file), {});
    }
    return bytes;
}

} // namespace

TEST_CASE("every reason has a name of its own") {
    CHECK(name_of(EndReason::logged_out) == "logged_out");
    CHECK(name_of(EndReason::administrator) == "administrator");
    CHECK(name_of(EndReason::password_changed) == "password_changed");
}

TEST_CASE("the database's files hold the hash of a refresh token, never the token") {
    const larder_tests::TempFolder folder;
    World<larder::WriteThrough, InSqlite> world{InSqlite(folder.file("sessions.sqlite"))};
    const auto login = world.sessions.insert(world.session(world.add_user("ann"), "a-long-token"));
    REQUIRE(world.rotate(login.key(), "a-long-token", "another-long-token").changed());
    const auto bytes = bytes_of(std::filesystem::path(folder.file("sessions.sqlite")).parent_path());
    CHECK(bytes.find("ann@example.org") != std::string::npos);
    CHECK(bytes.find("refresh a-long-token") == std::string::npos);
    CHECK(bytes.find("refresh another-long-token") == std::string::npos);
    const auto digest = world.hash("refresh another-long-token").digest();
    CHECK(bytes.find(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size())) != std::string::npos);
}

TEST_CASE("the tables that are made are the ones that the schema needs") {
    const larder::SqliteFile file(":memory:");
    CHECK(larder::check_schema<Session>(file).error() == larder::errc::schema_mismatch);
    REQUIRE(larder::create_tables<Session>(file).has_value());
    CHECK(larder::check_schema<Session>(file).has_value());
}
