// SPDX-License-Identifier: BSL-1.0

// What can be said on the command line, and what can not.

#include "../../examples/session_server/command_line.hpp"
#include "../../examples/sessions/temp_folder.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

namespace {

/// What such a command line says. Throws `CLI::ParseError`.
server::Settings settings_of(std::initializer_list<std::string> words) {
    std::vector<std::string> all{"session_server"};
    all.insert(all.end(), words);
    std::vector<char*> pointers;
    for (auto& word : all) pointers.push_back(word.data());
    server::CommandLine line;
    return line.parse(static_cast<int>(pointers.size()), pointers.data());
}

} // namespace

TEST_CASE("a number of sessions is one that can be meant") {
    CHECK(settings_of({}).max_sessions == 0);
    CHECK(settings_of({"--max-sessions", "0"}).max_sessions == 0);
    for (const char* wrong : {"-1", "1000001", "99999999999999999999999", "-18446744073709551615", "many"}) CHECK_THROWS_AS(settings_of({"--max-sessions", wrong}), CLI::ParseError);
    for (const char* wrong : {"-1", "257", "-18446744073709551615"}) CHECK_THROWS_AS(settings_of({"--traffic", wrong}), CLI::ParseError);
}

TEST_CASE("beyond the loopback address it serves only where anybody is meant to log in") {
    for (const char* address : {"127.0.0.1", "127.9.9.9", "::1"}) CHECK(settings_of({"--listen", address}).demo);
    for (const char* address : {"0.0.0.0", "192.0.2.1", "::"}) {
        CHECK_THROWS_WITH_AS(settings_of({"--listen", address}), doctest::Contains("--anybody-may-log-in"), CLI::ValidationError);
        CHECK(!settings_of({"--listen", address, "--anybody-may-log-in"}).demo);
    }
}

TEST_CASE("a key is a file that comes to an end") {
    const example::TempFolder folder;
    const std::string small = folder.file("small"), large = folder.file("large");
    std::ofstream(small) << std::string(32, 'a');
    std::ofstream(large) << std::string((std::size_t{1} << 20) + 1, 'a');
    CHECK(settings_of({"--key", small}).key == small);
    for (const auto& wrong : {large, folder.file("none"), std::string("/dev/zero"), std::string("/")}) CHECK_THROWS_AS(settings_of({"--key", wrong}), CLI::ParseError);
}
