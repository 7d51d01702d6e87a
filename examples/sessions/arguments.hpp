// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace example {

/// What the program can be told.
struct Arguments {
    double seconds = 6;          ///< How long each code runs,
    std::uint64_t requests = 0;  ///< or how many requests it answers; 0: the time counts.
    std::size_t users = 20'000;
    std::size_t sessions = 100'000;
    std::size_t threads = 4;
    std::uint64_t seed = 1;
    std::string trace{};              ///< A file with one key a line, in access order; empty: a Zipf distribution.
    std::set<std::string> policies{}; ///< Of `policy_names`; empty: all.
    bool help = false;

    static constexpr std::string_view policy_names[] = {"original", "hybrid", "write-through", "versioned", "versioned-epoch"};

    static constexpr std::string_view usage = R"(sessions: the same traffic on user sessions, answered by a cache-aside original and by Larder

  --seconds S      how long each code runs (6)
  --requests N     stop each code after N requests instead
  --users N        users in the database (20000)
  --sessions N     sessions in the database (100000)
  --threads N      threads that make requests (4)
  --policy NAME    run only this one (may be repeated): original, hybrid, write-through, versioned, versioned-epoch
  --trace FILE     take the access order from a file with one key a line
  --seed N         of the random numbers (1)
  --help           this text
)";

    bool wants(std::string_view policy) const { return policies.empty() || policies.contains(std::string(policy)); }

    /// Reads the command line. Throws `std::invalid_argument` with a text for the user.
    static Arguments parse(int count, char** words) {
        Arguments all;
        for (int i = 1; i < count; ++i) {
            const std::string_view word = words[i];
            if (word == "--help") {
                all.help = true;
                continue;
            }
            if (i + 1 == count) throw std::invalid_argument(std::string(word) + " is no option, or needs a value; see --help");
            const std::string_view value = words[++i];
            if (word == "--seconds")
                all.seconds = number<double>(word, value, 0.01, 3600);
            else if (word == "--requests")
                all.requests = number<std::uint64_t>(word, value, 1, 1'000'000'000'000);
            else if (word == "--users")
                all.users = number<std::size_t>(word, value, 1, 10'000'000);
            else if (word == "--sessions")
                all.sessions = number<std::size_t>(word, value, 1, 10'000'000);
            else if (word == "--threads")
                all.threads = number<std::size_t>(word, value, 1, 256);
            else if (word == "--seed")
                all.seed = number<std::uint64_t>(word, value, 0, UINT64_MAX);
            else if (word == "--trace")
                all.trace = value;
            else if (word == "--policy")
                all.add_policy(value);
            else
                throw std::invalid_argument("there is no option " + std::string(word) + "; see --help");
        }
        return all;
    }

private:
    template <class Number>
    static Number number(std::string_view option, std::string_view text, Number least, Number most) {
        Number value{};
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size() || !(value >= least && value <= most))
            throw std::invalid_argument(std::string(option) + " takes a number from " + std::to_string(least) + " to " + std::to_string(most));
        return value;
    }

    void add_policy(std::string_view name) {
        bool known = name == "all";
        for (const auto each : policy_names)
            if (each == name || name == "all") {
                policies.emplace(each);
                known = true;
            }
        if (!known) throw std::invalid_argument("there is no policy " + std::string(name) + "; see --help");
    }
};

} // namespace example
