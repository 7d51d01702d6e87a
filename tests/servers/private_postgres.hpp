// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace larder_tests {

/// A private PostgreSQL server (tests/servers/postgres); it ends with this object.
class PrivatePostgres {
public:
    PrivatePostgres() {
        const auto script = script_path();
        int in[2], out[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for the server");
        script_ = ::fork();
        if (script_ == 0) {
            ::setpgid(0, 0); // what is typed at the terminal is for this program
            ::dup2(in[0], 0);
            ::dup2(out[1], 1);
            ::execl(script.c_str(), script.c_str(), "told", static_cast<char*>(nullptr));
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        orders_ = in[1];
        answers_ = out[0];
        conninfo_ = line();
        if (conninfo_.empty()) {
            finish();
            throw std::runtime_error("the private PostgreSQL server did not start: " + (std::filesystem::exists(script) ? std::string("install the package 'postgresql', if that is missing (the script says)")
                                                                                                                       : "run the program in the build folder, from which it finds " + script));
        }
    }
    PrivatePostgres(const PrivatePostgres&) = delete;
    PrivatePostgres& operator=(const PrivatePostgres&) = delete;
    ~PrivatePostgres() { finish(); }

    /// How to connect to it.
    const std::string& conninfo() const noexcept { return conninfo_; }
    /// What the connection string says of a word.
    std::string part(const std::string& word) const {
        const auto from = conninfo_.find(word + "=") + word.size() + 1;
        return conninfo_.substr(from, conninfo_.find(' ', from) - from);
    }
    /// The path of its unix socket.
    std::string socket() const { return part("host") + "/.s.PGSQL." + part("port"); }
    /// The folder with the server's data.
    std::string data() const { return part("host") + "/data"; }

    /// \name Ends the server as a crash would, or at once but by its own means, and starts it again
    /// @{
    void kill() { tell("kill"); }
    void quit() { tell("quit"); }
    void start() { tell("start"); }
    /// @}

private:
    static std::string script_path() {
        if (const char* folder = std::getenv("LARDER_TEST_SERVERS")) return std::string(folder) + "/postgres";
        return (std::filesystem::absolute(__FILE__).parent_path() / "postgres").string();
    }

    void tell(std::string_view order) {
        const std::string text = std::string(order) + "\n";
        if (::write(orders_, text.data(), text.size()) != static_cast<::ssize_t>(text.size()) || line().empty()) throw std::runtime_error("the private PostgreSQL server did not " + std::string(order));
    }
    std::string line() const {
        std::string text;
        char letter = 0;
        while (::read(answers_, &letter, 1) == 1 && letter != '\n') text += letter;
        return text;
    }
    void finish() const {
        ::close(orders_);
        int status = 0;
        ::waitpid(script_, &status, 0);
        ::close(answers_);
    }

    std::string conninfo_;
    ::pid_t script_ = -1;
    int orders_ = -1, answers_ = -1;
};

/// Somebody else's connection to the server, which blocks.
class Stranger {
public:
    explicit Stranger(const std::string& conninfo) : handle_(PQconnectdb(conninfo.c_str())) {
        if (PQstatus(handle_) != CONNECTION_OK) {
            const std::string why = PQerrorMessage(handle_);
            PQfinish(handle_);
            throw std::runtime_error(why);
        }
        PQsetNoticeProcessor(handle_, [](void*, const char*) {}, nullptr);
    }
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;
    ~Stranger() { PQfinish(handle_); }

    /// Runs statements; calls `row(cells)` for each row of the last one, where `cells(i)` is the text of its i-th value.
    template <class Row>
    void each(const std::string& sql, const Row& row) {
        PGresult* result = PQexec(handle_, sql.c_str());
        const auto status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
            const std::string why = PQresultErrorMessage(result);
            PQclear(result);
            throw std::runtime_error(sql + ": " + why);
        }
        for (int i = 0; i < PQntuples(result); ++i) row([result, i](int column) { return std::string(PQgetvalue(result, i, column)); });
        PQclear(result);
    }

    /// Runs statements; answers the first value of the last one.
    std::string run(const std::string& sql) {
        std::string answer;
        bool first = true;
        each(sql, [&](const auto& cells) {
            if (first) answer = cells(0);
            first = false;
        });
        return answer;
    }

private:
    PGconn* handle_;
};

} // namespace larder_tests
