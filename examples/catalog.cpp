// SPDX-License-Identifier: BSL-1.0
//
// A shop's catalog in SQLite: categories, and products that may belong to one. Shows rows without sessions' trappings: an
// integer key, two alternate keys, a relation that may be missing, and a related row that changes.

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/larder.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

/// An integer key, which the database makes, and no relation.
struct Category {
    std::int64_t id = 0;
    std::string name{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Category, (), (id, name, version))

/// Two alternate keys, one of which may be missing, and a category that may be missing.
struct Product {
    larder::Uuid id{};
    std::string sku{};
    std::optional<std::string> barcode{};
    std::string title{};
    std::int64_t cents = 0;
    std::optional<std::int64_t> category_id{};
    std::uint64_t version = 0;
    std::optional<Category> category{};
};
BOOST_DESCRIBE_STRUCT(Product, (), (id, sku, barcode, title, cents, category_id, version, category))

template <>
struct larder::entity_traits<Category> : larder::schema<"categories", larder::primary<&Category::id>, larder::version<&Category::version>> {};

template <>
struct larder::entity_traits<Product>
    : larder::schema<"products", larder::primary<&Product::id>, larder::unique<&Product::sku>, larder::unique<&Product::barcode>, larder::group<&Product::category_id>,
                     larder::version<&Product::version>, larder::column<&Product::cents, "price_cents">, larder::embed<&Product::category, &Product::category_id>> {};

using Backend = larder::Stack<larder::MemoryCache, larder::SqliteDatabase>;

int main() {
    const larder::SqliteFile file(":memory:");
    larder::create_tables<Product>(file).value(); // and those of the entities it embeds
    const larder::Options options{.ttl = std::chrono::hours(1), .sole_writer = true};
    larder::CachedRepository<Category, Backend> categories{{{}, file}, options};
    larder::CachedRepository<Product, Backend> products{{{}, file}, options};
    // From now on a category that is written takes the copies of its products with it.
    products.link<&Product::category>(categories);

    const auto tea = categories.insert({.name = "tea"}).or_throw().key();
    products.insert({.sku = "T-1", .barcode = "4006381333931", .title = "Assam", .cents = 490, .category_id = tea}).or_throw();
    products.insert({.sku = "T-2", .title = "Sencha", .cents = 690, .category_id = tea}).or_throw();
    products.insert({.sku = "M-1", .title = "Mug", .cents = 900}).or_throw();

    const auto show = [](const larder::Found<Product>& product) {
        fmt::print("{:<7} {:<7} {:>4}.{:02}  {:<10} from {}\n", product->sku, product->title, product->cents / 100, product->cents % 100,
                   product->category ? product->category->name : "-", name_of(product.source()));
    };
    show(products.find_by<&Product::sku>("M-1"));
    show(products.find_by<&Product::sku>("T-1"));
    const auto assam = products.find_by<&Product::barcode>("4006381333931");
    show(assam);

    categories.update(tea, [](Category& category) { category.name = "fine tea"; }).or_throw();
    fmt::print("\nafter the category was renamed:\n");
    for (const auto& product : products.find_all_by<&Product::category_id>(tea)) show(product);

    // A key that is taken is an error with a name; it changes nothing.
    const auto taken = products.insert({.sku = "T-1", .title = "Darjeeling"});
    fmt::print("\n{}\n", taken.error().text);

    const auto renamed = products.find(assam->id);
    return renamed && renamed->category->name == "fine tea" && taken.error() == larder::errc::duplicate_key ? 0 : 1;
}
