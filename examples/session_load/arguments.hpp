// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "run.hpp"
#include "wire.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace load {

/// The command line, as far as `CLI::App` reads it.
class CommandLine {
public:
    CommandLine() {
        app_.get_formatter()->column_width(34);
        app_.add_option("--url,servers", urls_, "a server: http://HOST:PORT, or HOST:PORT; may be repeated")->required();
        app_.add_option("--clients", options_.clients, "clients, each with one session at a time")->check(CLI::Range(1, 100'000))->capture_default_str();
        app_.add_option("--seconds", options_.seconds, "how long")->check(CLI::Range(0.1, 86'400.0))->capture_default_str();
        app_.add_option("--rate", options_.rate, "requests a second and client; 0: as fast as it goes")->check(CLI::Range(0.0, 1e6))->capture_default_str();
        app_.add_option("--users", options_.users, "users 1 to this log in; nobody else must end their sessions")->check(CLI::Range(1, 1'000'000'000))->capture_default_str();
        app_.add_option("--thefts", options_.thefts, "share of the exchanges of a refresh token in which it has been stolen")->check(CLI::Range(0.0, 1.0))->capture_default_str();
        app_.add_option("--seed", options_.seed, "of what clients do")->capture_default_str();
        app_.add_option("--idle-timeout", options_.idle_timeout, "the servers' own, in seconds; 0: they have none")->check(CLI::Range(0.0, 1e9))->capture_default_str();
        app_.add_flag("--cookies", options_.cookies, "carry tokens in cookies; with --bearer too, half of the clients do");
        auto* bearer = app_.add_flag("--bearer", options_.bearer, "carry tokens in the field Authorization (the default)");
        app_.add_flag("--json", options_.json, "write the summary as JSON");
        app_.footer("Exit code: 0; 1 if an answer was wrong; 2 for wrong options; 3 if no session could be begun.");
        app_.final_callback([=, this] {
            options_.bearer = !options_.cookies || !bearer->empty();
            for (const auto& url : urls_) {
                try {
                    options_.servers.push_back(read_server(url));
                    look_up(options_.servers.back());
                } catch (const std::exception& wrong) {
                    throw CLI::ValidationError("--url", wrong.what());
                }
            }
        });
    }
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    /// Throws `CLI::ParseError`, which `explain` makes a text of, for what is wrong, and for --help.
    const Options& parse(int count, char** words) {
        app_.parse(count, words);
        return options_;
    }
    /// Says what is wrong, or the help. \returns the exit code.
    int explain(const CLI::ParseError& error) const { return app_.exit(error) == 0 ? 0 : 2; }

private:
    CLI::App app_{"Drives clients through the lives that sessions lead, on one or several servers, and checks every answer.", "session_load"};
    Options options_;
    std::vector<std::string> urls_;
};

} // namespace load
