// SPDX-License-Identifier: BSL-1.0
#include <larder/codec/aes_gcm.hpp>
#include <larder/codec/json.hpp>
#include <larder/codec/packed.hpp>
#include <larder/entity/schema.hpp>

#include <boost/describe/class.hpp>
#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

using namespace larder;

namespace {

/// An author, before there was an address, and now.
struct OldAuthor {
    std::int64_t id = 0;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(OldAuthor, (), (id, name))
struct Author {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::string> address;

    friend bool operator==(const Author&, const Author&) = default;
};
BOOST_DESCRIBE_STRUCT(Author, (), (id, name, address))

/// A book, whose note was once no secret, then one, and whose author was laid out otherwise.
struct OpenBook {
    std::int64_t id = 0;
    std::string note;
    OldAuthor author;
};
BOOST_DESCRIBE_STRUCT(OpenBook, (), (id, note, author))
struct OldBook {
    std::int64_t id = 0;
    std::string note;
    std::optional<OldAuthor> author;
};
BOOST_DESCRIBE_STRUCT(OldBook, (), (id, note, author))
struct Book {
    std::int64_t id = 0;
    std::int64_t author_id = 0;
    std::string note;
    std::uint64_t version = 0;
    Author author;

    friend bool operator==(const Book&, const Book&) = default;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, author_id, note, version, author))

Author upgraded(OldAuthor author) { return {author.id, std::move(author.name), std::nullopt}; }
std::optional<Book> from_old(OldBook book) {
    if (!book.author) return std::nullopt;
    return Book{book.id, book.author->id, std::move(book.note), 1, upgraded(std::move(*book.author))};
}
Book from_open(OpenBook book) { return {book.id, book.author.id, std::move(book.note), 1, upgraded(std::move(book.author))}; }

} // namespace

template <>
struct larder::entity_traits<Author> : larder::schema<"authors", larder::primary<&Author::id>> {};
template <>
struct larder::entity_traits<OldAuthor> : larder::schema<"authors", larder::primary<&OldAuthor::id>> {};
template <>
struct larder::entity_traits<OldBook> : larder::schema<"books", larder::primary<&OldBook::id>, larder::secret<&OldBook::note>, larder::embed<&OldBook::author, &OldBook::id>> {};
template <>
struct larder::entity_traits<Book>
    : larder::schema<"books", larder::primary<&Book::id>, larder::version<&Book::version>, larder::secret<&Book::note>, larder::embed<&Book::author, &Book::author_id>,
                     larder::migrates_from<OldBook, &from_old>, larder::migrates_from<OpenBook, &from_open>> {};

namespace {

template <class Codec>
void check_upgrades(const Codec& codec) {
    const auto decoded = [&](const auto& older, Book& into) {
        std::string bytes;
        REQUIRE(codec.encode(older, bytes));
        return codec.decode(bytes, into);
    };
    Book book;
    CHECK(decoded(OldBook{1, "note", OldAuthor{2, "Ann"}}, book) == DecodeOutcome::migrated);
    CHECK(book == Book{1, 2, "note", 1, {2, "Ann", std::nullopt}});
    CHECK(decoded(OldBook{1, "note", std::nullopt}, book) == DecodeOutcome::refused);
    CHECK(decoded(OpenBook{3, "open note", {4, "Bob"}}, book) == DecodeOutcome::migrated);
    CHECK(book == Book{3, 4, "open note", 1, {4, "Bob", std::nullopt}});
    const Book current{5, 6, "current", 9, {6, "Carl", "here"}};
    CHECK(decoded(current, book) == DecodeOutcome::decoded);
    CHECK(book == current);
}

} // namespace

TEST_CASE("each of several older layouts is upgraded, embedded rows and secrets among them") {
    check_upgrades(PackedCodec(AesGcm(SealKey{.id = 1})));
    check_upgrades(JsonCodec(AesGcm(SealKey{.id = 1})));
}
