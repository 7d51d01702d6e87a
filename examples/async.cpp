// SPDX-License-Identifier: BSL-1.0

// The asynchronous verbs in coroutines: SQLite works on a pool that the program owns, the coroutine on its own executor.
//
// g++ 12 destroys temporaries with captures or strings in a `co_await` expression twice, whatever library they are given
// to: name the row and the function that changes it, as here.

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/larder.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace asio = boost::asio;

struct Device {
    std::int64_t id = 0;
    std::string serial{}, owner{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Device, (), (id, serial, owner, version))

template <>
struct larder::entity_traits<Device> : larder::schema<"devices", larder::primary<&Device::id>, larder::unique<&Device::serial>, larder::version<&Device::version>> {};

using Devices = larder::CachedRepository<Device, larder::Stack<larder::MemoryCache, larder::SqliteDatabase>>;

asio::awaitable<bool> hand_over(Devices& devices, std::string owner) {
    Device device{.serial = "S-1", .owner = "store"};
    const auto inserted = co_await devices.async_insert(device, asio::use_awaitable);
    const auto change = [owner](Device& row) { row.owner = owner; };
    co_await devices.async_update(inserted.key(), change, asio::use_awaitable);
    const auto found = co_await devices.async_find_by<&Device::serial>("S-1");
    fmt::print("{} belongs to {}, version {}, from {}\n", found->serial, found->owner, found.version(), name_of(found.source()));
    co_return found->owner == owner;
}

int main() {
    asio::thread_pool pool(1);
    const larder::SqliteFile file(":memory:", {.executor = pool.get_executor()});
    larder::create_tables<Device>(file).value();
    Devices devices{{{.max_bytes = 16 << 20}, file}, {.sole_writer = true}};

    asio::io_context context;
    auto done = asio::co_spawn(context, hand_over(devices, "ann"), asio::use_future);
    context.run();
    pool.join();
    return done.get() ? 0 : 1;
}
