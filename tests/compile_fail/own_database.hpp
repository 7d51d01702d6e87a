// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// \file An entity and most of a database of one's own, for cases of what such a database may lack.

struct Book {
    std::int64_t id = 0;
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, version))

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>, larder::version<&Book::version>> {};

/// Every operation that a database must have. What else it must have is left to the cases.
template <class Entity>
struct OwnDatabase {
    using Key = larder::primary_key_t<Entity>;

    struct Config {};
    static constexpr bool conditional_writes = true;

    explicit OwnDatabase(Config) {}

    larder::Outcome<std::optional<Entity>> load(const Key&, larder::ReadMode);
    larder::Outcome<std::vector<std::optional<Entity>>> load_many(std::span<const Key>, larder::ReadMode);
    larder::Outcome<Entity> insert(const Entity&);
    larder::Outcome<larder::Version> update(const Entity&, larder::Version, const larder::WriteCondition&);
    larder::Outcome<larder::Version> erase(const Key&, larder::Version, const larder::WriteCondition&);
};
