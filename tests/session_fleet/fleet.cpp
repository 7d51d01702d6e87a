// SPDX-License-Identifier: BSL-1.0

// The session server under the load program: in one process on its own, and in two on one Redis and one PostgreSQL, of which one is killed meanwhile.

#include "../../examples/sessions/temp_folder.hpp"
#include "../redis/server.hpp"
#include "../servers/private_postgres.hpp"
#include "program.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <signal.h>

namespace {

using namespace session_fleet;
using namespace std::chrono_literals;
namespace json = boost::json;

void pause(std::chrono::milliseconds span) {
    boost::asio::io_context io;
    boost::asio::steady_timer(io, span).wait();
}

/// A session server, that can be killed and started again where it was.
class Server {
public:
    explicit Server(std::vector<std::string> options) : options_(std::move(options)) { start("0"); }

    void kill() {
        program_->send(SIGKILL);
        CHECK(program_->wait() == 256 + SIGKILL);
    }
    void start_again() { start(url_.substr(url_.rfind(':') + 1)); }
    /// Tells it to end. \returns its exit code.
    int end() {
        program_->send(SIGTERM);
        return program_->wait();
    }
    const std::string& url() const { return url_; }

private:
    void start(const std::string& port) {
        std::vector<std::string> words{told_path("LARDER_SESSION_SERVER"), "--port", port, "--users", "50", "--threads", "2"};
        words.insert(words.end(), options_.begin(), options_.end());
        program_ = std::make_unique<Program>(std::move(words));
        const std::string line = program_->line();
        constexpr std::string_view before = "listening on ";
        if (!line.starts_with(before)) throw std::runtime_error("the session server does not start: " + line);
        url_ = line.substr(before.size());
    }

    std::vector<std::string> options_;
    std::string url_;
    std::unique_ptr<Program> program_;
};

std::vector<std::string> load_words(const std::vector<std::string>& urls, const char* seconds) {
    std::vector<std::string> words{told_path("LARDER_SESSION_LOAD"), "--clients", "16", "--users", "20", "--thefts", "0.2", "--cookies", "--bearer", "--json", "--seconds", seconds};
    for (const auto& url : urls) {
        words.push_back("--url");
        words.push_back(url);
    }
    return words;
}

/// What the load program says in the end. Checks that it found no answer wrong, and that it did what it should.
json::object no_violation(Program& load) {
    const std::string text = load.rest();
    const int code = load.wait();
    CAPTURE(text);
    CHECK(code == 0);
    REQUIRE(!text.empty());
    auto summary = json::parse(text).as_object();
    CHECK(summary.at("violations").as_object().empty());
    CHECK(summary.at("thefts").as_object().at("detected").to_number<int>() > 0);
    CHECK(summary.at("dead_tokens_presented").to_number<int>() > 0);
    for (const auto& server : summary.at("servers").as_object()) CHECK(server.value().to_number<int>() > 0);
    for (const auto& kind : summary.at("kinds").as_object()) {
        const auto& counts = kind.value().as_object();
        CAPTURE(std::string(kind.key()));
        CHECK(counts.at("accepted").to_number<int>() + counts.at("refused").to_number<int>() > 0);
    }
    return summary;
}

} // namespace

TEST_CASE("two processes on one Redis and one PostgreSQL keep what they promise while one of them is killed and starts again, and the other is told to end") {
    const redis_tests::RedisServer redis;
    const larder_tests::PrivatePostgres postgres;
    const example::TempFolder folder;
    const auto key = folder.file("key");
    std::ofstream(key) << "sixty-four letters that nobody else has got, which is long enough";
    const std::vector<std::string> options{"--redis-host", "127.0.0.1", "--redis-port", std::to_string(redis.port()), "--postgres-conninfo", postgres.conninfo(), "--key", key};
    Server one(options), two(options);
    Program load(load_words({one.url(), two.url()}, "15"));
    for (int i = 0; i < 3; ++i) {
        pause(2s);
        one.kill();
        pause(1s);
        one.start_again();
    }
    pause(2s);
    CHECK(two.end() == 0);
    const auto summary = no_violation(load);
    CHECK(summary.at("not_sent").to_number<int>() > 0);
    CHECK(summary.at("sources").as_object().size() > 1);
    CHECK(one.end() == 0);
}

TEST_CASE("a process on its own keeps what it promises, and ends in order under load") {
    Server server({});
    Program load(load_words({server.url()}, "6"));
    pause(4s);
    CHECK(server.end() == 0);
    no_violation(load);
}
