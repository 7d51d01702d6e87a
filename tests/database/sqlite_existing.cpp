// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>

#include <boost/describe/class.hpp>
#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>

using namespace larder_tests;

namespace {

/// An author and a book as a program knows them, kept in a database that was there before it and has other names and more columns.
struct Author {
    std::int64_t id = 0;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(Author, (), (id, name))

struct Book {
    std::string isbn;
    std::string title;
    std::optional<std::int64_t> author_id;
    std::uint64_t version = 0;
    std::optional<Author> author;
};
BOOST_DESCRIBE_STRUCT(Book, (), (isbn, title, author_id, version, author))

} // namespace

template <>
struct larder::entity_traits<Author> : larder::schema<"tbl_Author", larder::primary<&Author::id>, larder::column<&Author::id, "AuthorNo">, larder::column<&Author::name, "full name">> {};

template <>
struct larder::entity_traits<Book>
    : larder::schema<"tbl_Book", larder::primary<&Book::isbn>, larder::unique<&Book::title>, larder::group<&Book::author_id>, larder::version<&Book::version>,
                     larder::column<&Book::isbn, "ISBN">, larder::column<&Book::title, "select">, larder::column<&Book::author_id, "Author">, larder::column<&Book::version, "rev">,
                     larder::embed<&Book::author, &Book::author_id>> {};

TEST_CASE("an existing database is used as it is") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    {
        const SqliteTransaction transaction(file, SqliteTransaction::Purpose::read);
        REQUIRE(!transaction.connection().execute("COMMIT;"
                                                  "CREATE TABLE tbl_Author (AuthorNo INTEGER PRIMARY KEY AUTOINCREMENT, \"full name\" VARCHAR(80) NOT NULL COLLATE NOCASE, born DATE);"
                                                  "CREATE TABLE tbl_Book (ISBN CHAR(13) NOT NULL PRIMARY KEY, rev BIGINT NOT NULL DEFAULT 1, shelf INT DEFAULT 7,"
                                                  " \"select\" TEXT UNIQUE COLLATE NOCASE, Author INT REFERENCES tbl_Author);"
                                                  "INSERT INTO tbl_Author VALUES (5, 'Ada', '1815-12-10');"
                                                  "INSERT INTO tbl_Book VALUES ('1', 3, 8, 'Notes', 5), ('2', 1, 9, 'Anonymous', NULL);"
                                                  "BEGIN"));
    }
    REQUIRE(succeeds(check_schema<Book>(file)));
    SqliteDatabase<Book> books(file);
    auto book = books.load_by<space_of_v<Book, &Book::title>>("Notes", ReadMode::plain);
    REQUIRE(succeeds(book));
    REQUIRE(book->has_value());
    CHECK((*book)->isbn == "1");
    CHECK((*book)->version == 3);
    REQUIRE((*book)->author.has_value());
    CHECK((*book)->author->name == "Ada");

    (*book)->title = "More notes";
    const auto version = books.update(**book, 3, {});
    REQUIRE(succeeds(version));
    CHECK(*version == 4);
    const auto listed = books.list<space_of_v<Book, &Book::author_id>>(5);
    REQUIRE(succeeds(listed));
    REQUIRE(listed->size() == 1);
    CHECK(listed->front().version == 4);

    (*book)->title = "MORE NOTES";
    REQUIRE(succeeds(books.update(**book, 4, {})));
    const auto renamed = books.load("1", ReadMode::plain);
    REQUIRE(succeeds(renamed));
    CHECK((*renamed)->title == "MORE NOTES");

    check_fails(books.insert({"3", "Anonymous", {}, 0, {}}), errc::duplicate_key, "tbl_Book.select");
    check_fails(books.insert({"3", "Third", 99, 0, {}}), errc::missing_relation, "tbl_Book.author");
    const auto third = books.insert({"3", "Third", 5, 0, {}});
    REQUIRE(succeeds(third));
    CHECK(third->author->name == "Ada");

    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(file.path().c_str(), &raw) == SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    REQUIRE(sqlite3_prepare_v2(raw, "SELECT sum(shelf) FROM tbl_Book", -1, &statement, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    CHECK(sqlite3_column_int(statement, 0) == 8 + 9 + 7);
    sqlite3_finalize(statement);
    sqlite3_close(raw);
}
