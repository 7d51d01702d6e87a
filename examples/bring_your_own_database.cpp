// SPDX-License-Identifier: BSL-1.0
//
// Larder in front of data access that exists already: a database of a few lambdas. What they can do decides what may be
// promised, and a policy that promises more does not compile.

#include <larder/database/functions.hpp>
#include <larder/larder.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

/// A book as the existing code knows it.
struct Book {
    std::int64_t id = 0;
    std::string isbn{};
    std::string title{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, isbn, title, version))

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>, larder::unique<&Book::isbn>, larder::version<&Book::version>> {};

/// The existing data access: here a map, elsewhere a client library, a REST service or another ORM.
class Library {
public:
    std::optional<Book> by_id(std::int64_t id) {
        const std::lock_guard lock(mutex_);
        ++calls_;
        const auto found = books_.find(id);
        return found == books_.end() ? std::nullopt : std::optional(found->second);
    }
    std::optional<Book> by_isbn(const std::string& isbn) {
        const std::lock_guard lock(mutex_);
        ++calls_;
        for (const auto& [id, book] : books_)
            if (book.isbn == isbn) return book;
        return std::nullopt;
    }
    Book add(Book book) {
        const std::lock_guard lock(mutex_);
        ++calls_;
        book.id = ++last_id_;
        book.version = 1;
        return books_[book.id] = book;
    }
    /// Replaces a book if it is still at a version; the new one is one more. Without this, see `unconditional` below.
    bool replace(Book book, std::uint64_t expected) {
        const std::lock_guard lock(mutex_);
        ++calls_;
        const auto found = books_.find(book.id);
        if (found == books_.end() || found->second.version != expected) return false;
        book.version = expected + 1;
        found->second = std::move(book);
        return true;
    }
    void put(const Book& book) {
        const std::lock_guard lock(mutex_);
        ++calls_;
        books_[book.id] = book;
    }
    bool remove(std::int64_t id, std::uint64_t expected) {
        const std::lock_guard lock(mutex_);
        ++calls_;
        return std::erase_if(books_, [&](const auto& each) { return each.first == id && each.second.version == expected; }) != 0;
    }
    void remove(std::int64_t id) {
        const std::lock_guard lock(mutex_);
        ++calls_;
        books_.erase(id);
    }
    int calls() const { return calls_; }

private:
    std::mutex mutex_;
    std::map<std::int64_t, Book> books_;
    std::int64_t last_id_ = 0;
    int calls_ = 0;
};

int main() {
    Library library;

    // With a conditional write, every policy over single rows is to be had, and no update is lost.
    larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::VersionedFunctionDatabase>, larder::WriteThrough> books{
        {{},
         {.load = [&](std::int64_t id) { return library.by_id(id); },
          .insert = [&](const Book& book) { return library.add(book); },
          .update = [&](const Book& book, larder::Version expected) { return library.replace(book, expected); },
          .erase = [&](std::int64_t id, larder::Version expected) { return library.remove(id, expected); },
          .load_by = larder::by<&Book::isbn>([&](const std::string& isbn) { return library.by_isbn(isbn); })}},
        {.sole_writer = true}};

    const auto id = books.insert({.isbn = "9780201896831", .title = "Fundamental Algorithms"}).or_throw().key();
    books.find_by<&Book::isbn>("9780201896831");
    const int before = library.calls();
    for (int i = 0; i < 1000; ++i) books.find_by<&Book::isbn>("9780201896831");
    const int for_a_thousand = library.calls() - before;
    books.update(id, [](Book& book) { book.title += ", third edition"; }).or_throw();
    const auto renamed = books.find(id);
    fmt::print("a thousand reads called the library {} times; \"{}\" is at version {}\n", for_a_thousand, renamed->title, renamed.version());

    // Without one the last writer wins, as it does without Larder. Hybrid promises that every read is the library's own answer;
    // WriteThrough still keeps copies, and drops them around each write.
    larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::FunctionDatabase>, larder::Hybrid> unconditional{
        {{},
         {.load = [&](std::int64_t key) { return library.by_id(key); },
          .insert = [&](const Book& book) { return library.add(book); },
          .update = [&](const Book& book) { library.put(book); },
          .erase = [&](std::int64_t key) { library.remove(key); },
          .load_by = larder::by<&Book::isbn>([&](const std::string& isbn) { return library.by_isbn(isbn); })}}};
    const auto again = unconditional.find_by<&Book::isbn>("9780201896831");
    fmt::print("\"{}\", from {}\n", again->title, name_of(again.source()));

    return for_a_thousand == 0 && renamed->title == again->title ? 0 : 1;
}
