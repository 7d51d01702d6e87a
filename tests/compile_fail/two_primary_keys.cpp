// SPDX-License-Identifier: BSL-1.0
// expect: larder: the schema names two primary keys
#include <larder/entity/schema_of.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>

struct Book {
    std::int64_t id;
    std::int64_t isbn;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, isbn))

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>
#ifndef LARDER_EXPECT_OK
                                                    ,
                                                    larder::primary<&Book::isbn>
#endif
                                                    > {
};

template struct larder::schema_of<Book>;
