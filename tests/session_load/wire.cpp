// SPDX-License-Identifier: BSL-1.0
#include "../../examples/session_load/wire.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace load;

TEST_CASE("the load program reads the addresses of servers") {
    for (const char* text : {"http://127.0.0.1:8080", "127.0.0.1:8080", "http://127.0.0.1:8080/"}) CHECK(read_server(text).text() == "127.0.0.1:8080");
    CHECK(read_server("http://[::1]:80").host == "::1");
    CHECK(read_server("localhost:1").port == 1);
    for (const char* text : {"", ":80", "host", "host:", "host:0", "host:65536", "host:x", "https://host:1", "http://host:1/path"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(read_server(text), std::invalid_argument);
    }
}
