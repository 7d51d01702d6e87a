// SPDX-License-Identifier: BSL-1.0
#include "trace.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <istream>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <ext/stdio_filebuf.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace hit_ratio {
namespace {

/// The sizes that others have published results for, by trace.
const std::map<std::string, std::vector<std::size_t>, std::less<>> usual_sizes{
    {"oltp", {500, 1000, 2000, 5000, 10'000}}, {"orm-busy", {250, 1000, 5000, 20'000}}, {"web12", {100, 1000, 4000}}, {"vault", {512, 4096, 32'768}}, {"loop", {250, 500, 1000}},
};

/// Numbers keys by first appearance.
class Numbering {
public:
    explicit Numbering(std::string name) { trace_.name = std::move(name); }

    void add(std::string_view key) {
        const auto [found, added] = numbers_.try_emplace(std::string(key), static_cast<std::uint32_t>(numbers_.size()));
        trace_.keys.push_back(found->second);
    }

    Trace finished() {
        trace_.distinct = numbers_.size();
        if (const auto usual = usual_sizes.find(trace_.name); usual != usual_sizes.end()) {
            trace_.sizes = usual->second;
        } else {
            for (const double part : {0.005, 0.02, 0.08, 0.25}) trace_.sizes.push_back(std::max<std::size_t>(1, static_cast<std::size_t>(part * static_cast<double>(trace_.distinct))));
            trace_.sizes.erase(std::unique(trace_.sizes.begin(), trace_.sizes.end()), trace_.sizes.end());
        }
        return std::move(trace_);
    }

private:
    Trace trace_;
    std::unordered_map<std::string, std::uint32_t> numbers_;
};

Trace read(std::istream& in, const std::string& name) {
    Numbering numbering(name);
    for (std::string line; std::getline(in, line);)
        if (!line.empty()) numbering.add(line);
    return numbering.finished();
}

/// What a program writes to its standard output, as a stream.
class Piped {
public:
    Piped(const std::string& program, const std::string& file) : program_(program) {
        int ends[2];
        if (pipe(ends) != 0) throw std::runtime_error("no pipe for " + program);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        std::string words[] = {program, "-dc", file};
        char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
        const int failed = posix_spawnp(&process_, program.c_str(), &actions, nullptr, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
        close(ends[1]);
        buffer_ = std::make_unique<__gnu_cxx::stdio_filebuf<char>>(ends[0], std::ios::in);
        if (failed != 0) throw std::runtime_error("there is no " + program + " to read " + file);
    }

    std::streambuf* buffer() noexcept { return buffer_.get(); }

    /// Waits for the program's end. \throws std::runtime_error if it failed.
    void finish() {
        int status = 0;
        if (waitpid(process_, &status, 0) != process_ || status != 0) throw std::runtime_error(program_ + " failed");
    }

private:
    std::string program_;
    pid_t process_ = 0;
    std::unique_ptr<__gnu_cxx::stdio_filebuf<char>> buffer_;
};

/// Numbers from 0 to count - 1; number n comes up as often as 1 / (n + 1) ^ skew.
class Zipf {
public:
    Zipf(std::size_t count, double skew) {
        double sum = 0;
        for (std::size_t i = 0; i < count; ++i) sums_.push_back(sum += std::pow(static_cast<double>(i + 1), -skew));
    }
    std::size_t operator()(std::mt19937_64& random) const {
        const double at = std::uniform_real_distribution<>(0, sums_.back())(random);
        return static_cast<std::size_t>(std::upper_bound(sums_.begin(), sums_.end() - 1, at) - sums_.begin());
    }

private:
    std::vector<double> sums_;
};

} // namespace

bool names_trace(const std::filesystem::path& file) {
    const auto last = file.extension();
    return last == ".txt" || ((last == ".xz" || last == ".gz") && file.stem().extension() == ".txt");
}

Trace read_trace(const std::filesystem::path& file) {
    const auto last = file.extension();
    if (last == ".xz" || last == ".gz") {
        Piped piped(last == ".xz" ? "xz" : "gzip", file.string());
        std::istream in(piped.buffer());
        Trace trace = read(in, file.stem().stem().string());
        piped.finish();
        return trace;
    }
    std::ifstream in(file);
    if (!in) throw std::runtime_error("cannot read " + file.string());
    return read(in, file.stem().string());
}

std::vector<Trace> made_traces(std::size_t length, std::uint64_t seed) {
    constexpr std::size_t rows = 20'000;
    constexpr std::size_t loop = 3000;
    const Zipf zipf(rows, 0.99);
    std::mt19937_64 random(seed);
    std::vector<Trace> traces;
    const auto make = [&](const char* name, const auto& key_at) {
        Numbering numbering(name);
        for (std::size_t i = 0; i < length; ++i) numbering.add(std::to_string(key_at(i)));
        traces.push_back(numbering.finished());
    };
    make("zipf", [&](std::size_t) { return zipf(random); });
    make("loop of 3000", [&](std::size_t i) { return i % loop; });
    make("zipf and scans", [&](std::size_t i) { return i / loop % 2 == 0 ? zipf(random) : rows + i; });
    make("zipf and a loop", [&](std::size_t i) { return random() % 2 == 0 ? zipf(random) : rows + i % loop; });
    make("zipf that moves on", [&](std::size_t i) { return (zipf(random) + i / 100'000 * 7919) % rows; });
    make("zipf, then a loop", [&](std::size_t i) { return i / 100'000 % 2 == 0 ? zipf(random) : rows + i % loop; });
    return traces;
}

} // namespace hit_ratio
