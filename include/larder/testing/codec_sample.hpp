// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/schema.hpp>
#include <larder/entity/schema_of.hpp>
#include <larder/entity/value.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace larder {
inline namespace v0 {
namespace testing {

/// A keeper of vaults: a sample entity with a secret, embedded in another.
struct Keeper {
    std::int64_t id = 0;
    std::string name;
    std::string password; ///< Secret.

    friend bool operator==(const Keeper&, const Keeper&) = default;
};
BOOST_DESCRIBE_STRUCT(Keeper, (), (id, name, password))

/// A vault: a sample entity with secrets of several kinds: in clear in the program, as keyed hashes, null, and in an embedded row that may be missing.
struct Vault {
    std::int64_t id = 0;
    Hashed<std::string> token; ///< Secret, but a keyed hash.
    std::string place;
    std::string code;            ///< Secret.
    std::optional<Bytes> seed;   ///< Secret.
    std::int32_t turns = 0;      ///< Secret.
    std::optional<std::int64_t> keeper_id;
    std::uint64_t version = 0;
    std::optional<Keeper> keeper;

    friend bool operator==(const Vault&, const Vault&) = default;
};
BOOST_DESCRIBE_STRUCT(Vault, (), (id, token, place, code, seed, turns, keeper_id, version, keeper))

/// The layout of a locker in the first version of a program, which had no schema for it that anybody still knows.
struct FirstLocker {
    std::int64_t id = 0;
    std::string owner;
};
BOOST_DESCRIBE_STRUCT(FirstLocker, (), (id, owner))

/// The layout of a locker in the second version of the program.
struct SecondLocker {
    std::int64_t id = 0;
    std::string first_name;
    std::string last_name;
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(SecondLocker, (), (id, first_name, last_name, version))

/// A locker as it is today: a sample entity with two older layouts.
struct Locker {
    std::int64_t id = 0;
    std::string owner;
    std::string note;
    std::uint64_t version = 0;

    friend bool operator==(const Locker&, const Locker&) = default;
};
BOOST_DESCRIBE_STRUCT(Locker, (), (id, owner, note, version))

/// Upgrades the first layout of a locker; one without an owner is refused.
inline std::optional<SecondLocker> second_from_first(FirstLocker first) {
    if (first.owner.empty()) return std::nullopt;
    const auto space = first.owner.find(' ');
    return SecondLocker{first.id, first.owner.substr(0, space), space == std::string::npos ? "" : first.owner.substr(space + 1), 1};
}

/// Upgrades the second layout of a locker; throws if its owner is called "nobody".
inline Locker locker_from_second(SecondLocker second) {
    if (second.first_name == "nobody") throw std::invalid_argument("nobody owns a locker");
    return {second.id, second.first_name + ' ' + second.last_name, "upgraded", second.version};
}

} // namespace testing
} // namespace v0
} // namespace larder

template <>
struct larder::entity_traits<larder::testing::Keeper>
    : larder::schema<"keepers", larder::primary<&larder::testing::Keeper::id>, larder::secret<&larder::testing::Keeper::password>> {};

template <>
struct larder::entity_traits<larder::testing::Vault>
    : larder::schema<"vaults", larder::primary<&larder::testing::Vault::id>, larder::unique<&larder::testing::Vault::token>, larder::version<&larder::testing::Vault::version>,
                     larder::secret<&larder::testing::Vault::token, &larder::testing::Vault::code, &larder::testing::Vault::seed, &larder::testing::Vault::turns>,
                     larder::embed<&larder::testing::Vault::keeper, &larder::testing::Vault::keeper_id>, larder::warm<&larder::testing::Vault::place, &larder::testing::Vault::code>> {};

template <>
struct larder::entity_traits<larder::testing::SecondLocker>
    : larder::schema<"lockers", larder::primary<&larder::testing::SecondLocker::id>, larder::version<&larder::testing::SecondLocker::version>,
                     larder::migrates_from<larder::testing::FirstLocker, &larder::testing::second_from_first>> {};

template <>
struct larder::entity_traits<larder::testing::Locker>
    : larder::schema<"lockers", larder::primary<&larder::testing::Locker::id>, larder::version<&larder::testing::Locker::version>,
                     larder::migrates_from<larder::testing::SecondLocker, &larder::testing::locker_from_second>> {};
