// SPDX-License-Identifier: BSL-1.0

// The ways to the servers of the stores, which the demonstration can cut.

#include "../../examples/session_server/links.hpp"
#include "../../examples/sessions/conninfo.hpp"
#include "../../examples/sessions/temp_folder.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

using Tcp = boost::asio::ip::tcp;

namespace {

/// As long as this lives this process can open no file.
class NoFiles {
public:
    NoFiles() {
        const int next = ::dup(STDERR_FILENO);
        if (next < 0 || ::getrlimit(RLIMIT_NOFILE, &before_) != 0) throw std::runtime_error("the limit is not known");
        ::close(next);
        const ::rlimit none{static_cast<::rlim_t>(next), before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    NoFiles(const NoFiles&) = delete;
    NoFiles& operator=(const NoFiles&) = delete;
    ~NoFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    ::rlimit before_{};
};

} // namespace

TEST_CASE("a way that could not accept a connection for want of file descriptors accepts it later") {
    boost::asio::io_context context, blocking;
    Tcp::acceptor server(context, {boost::asio::ip::address_v4::loopback(), 0});
    larder_tests::Way way(context, server.local_endpoint());
    Tcp::socket client(blocking), served(context);
    client.open(Tcp::v4());
    {
        // Once with files: a sanitizer needs some where it sees a type for the first time.
        boost::asio::steady_timer timer(context, std::chrono::seconds(0));
        timer.async_wait([](boost::system::error_code) {});
        Tcp::socket first(blocking), other(context);
        server.async_accept(other, [](boost::system::error_code) {});
        first.connect({boost::asio::ip::address_v4::loopback(), way.port()});
        for (int i = 0; i < 3; ++i) context.run_one();
        context.poll();
        for (const boost::system::error_category* category : {&boost::system::system_category(), &boost::system::generic_category(), &boost::asio::error::get_misc_category()}) {
            CHECK(*category == *category);
            CHECK(boost::system::error_code(1, *category).failed());
            CHECK(category->failed(1));
        }
    }
    {
        const NoFiles none;
        client.connect({boost::asio::ip::address_v4::loopback(), way.port()});
        context.poll();
    }
    boost::asio::write(client, boost::asio::buffer("a", 1));
    std::array<char, 1> heard{};
    bool done = false;
    server.async_accept(served, [&](boost::system::error_code failed) {
        REQUIRE(!failed);
        served.async_read_some(boost::asio::buffer(heard), [&](boost::system::error_code, std::size_t) { done = true; });
    });
    const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done && context.run_one_until(late) != 0) {}
    CHECK(heard[0] == 'a');
}

TEST_CASE("a way to PostgreSQL keeps the server's name, and the password that a file has for it") {
    const example::TempFolder folder;
    const std::string file = folder.file("passwords");
    std::ofstream(file) << "localhost:9:*:ann:it's secret\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    server::Place place;
    place.postgres = "host=localhost port=9 user=ann dbname=a passfile=" + file;
    const server::Links links(place);
    const example::Conninfo way(links.place().postgres);
    CHECK(way.get("host") == "localhost");
    CHECK(way.get("hostaddr") == "127.0.0.1");
    CHECK(way.get("port") != "9");
    CHECK(way.get("password") == "it's secret");
}
