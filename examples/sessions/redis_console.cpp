// SPDX-License-Identifier: BSL-1.0
#include "redis_console.hpp"

#include "boosted_redis.hpp"

#include <boost/asio/io_context.hpp>

#include <charconv>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace example {

struct RedisConsole::State {
    explicit State(const larder::RedisOptions& server) : where(server.host + ":" + std::to_string(server.port)), connection(io) {
        connection.async_run(boosted_config(server), silent, [this](const boost::system::error_code& failed) { lost = failed; });
    }

    /// A part of the last answer, which is a flat list.
    const boost::redis::resp3::node& at(std::size_t number) const { return answer->at(number); }
    /// Has the server answer.
    void ask(const boost::redis::request& request) {
        answer = {};
        std::optional<boost::system::error_code> ended;
        connection.async_exec(request, answer, [&ended](const boost::system::error_code& failed, std::size_t) { ended = failed; });
        while (!ended && !lost)
            if (io.run_one() == 0) break;
        const auto failed = ended.value_or(lost.value_or(boost::system::error_code()));
        if (lost || failed) {
            connection.cancel();
            io.run();
            throw std::runtime_error("Redis at " + where + ": " + (lost && *lost ? *lost : failed).message());
        }
        if (answer.has_error()) throw std::runtime_error("Redis at " + where + ": " + answer.error().diagnostic);
    }

    /// Visits all keys with a beginning, a page at a time.
    template <class Visit>
    void each_page(const std::string& beginning, Visit visit) {
        std::string pattern;
        for (const char letter : beginning) {
            if (std::string_view("*?[]\\").find(letter) != std::string_view::npos) pattern += '\\';
            pattern += letter;
        }
        std::string cursor = "0";
        do {
            boost::redis::request scan;
            scan.push("SCAN", cursor, "MATCH", pattern + "*", "COUNT", 1000);
            ask(scan);
            cursor = at(1).value;
            std::vector<std::string> keys;
            for (std::size_t i = 3; i < answer->size(); ++i) keys.push_back(at(i).value);
            if (!keys.empty()) visit(keys);
        } while (cursor != "0");
    }

    std::string where;
    boost::asio::io_context io{1};
    boost::redis::connection connection;
    std::optional<boost::system::error_code> lost;
    boost::redis::generic_response answer;
};

RedisConsole::RedisConsole(const larder::RedisOptions& server) : state_(std::make_unique<State>(server)) {
    boost::redis::request ping;
    ping.push("PING");
    state_->ask(ping);
}

RedisConsole::~RedisConsole() {
    state_->connection.cancel();
    state_->io.run();
}

std::size_t RedisConsole::bytes_of(const std::string& beginning) {
    std::size_t sum = 0;
    state_->each_page(beginning, [&](const std::vector<std::string>& keys) {
        boost::redis::request request;
        for (const auto& key : keys) request.push("MEMORY", "USAGE", key);
        state_->ask(request);
        for (const auto& node : *state_->answer) {
            std::size_t bytes = 0;
            std::from_chars(node.value.data(), node.value.data() + node.value.size(), bytes);
            sum += bytes;
        }
    });
    return sum;
}

void RedisConsole::remove(const std::string& beginning) {
    state_->each_page(beginning, [&](const std::vector<std::string>& keys) {
        boost::redis::request request;
        request.push_range("UNLINK", keys);
        state_->ask(request);
    });
}

} // namespace example
