// SPDX-License-Identifier: BSL-1.0
//
// What it takes to compile what includes the library: instantiated templates, which a compiler counts the same each time, and seconds, which it does not.
// Run in the project's folder.

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/core.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>

namespace {

namespace fs = std::filesystem;

struct Unit {
    const char* file;
    const char* words;
};
constexpr Unit units[] = {{"umbrella", "larder.hpp alone"}, {"service", "a service on SQLite"}, {"fleet", "a service on Redis and PostgreSQL"}};

/// Seconds of processor time that a command takes.
double seconds_of(const std::string& command) {
    const auto used = [] {
        rusage usage{};
        ::getrusage(RUSAGE_CHILDREN, &usage);
        return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    };
    const double before = used();
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    return used() - before;
}

/// How often a text is in a file.
std::size_t count(const fs::path& file, std::string_view text) {
    std::ifstream in(file);
    const std::string all{std::istreambuf_iterator<char>(in), {}};
    std::size_t found = 0;
    for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + text.size())) ++found;
    return found;
}

/// How many templates clang instantiates for a unit; it tells of each, and of what it took.
std::size_t instantiations(const std::string& compile, const fs::path& folder) {
    const fs::path trace = folder / "trace.json";
    seconds_of("clang++-19 " + compile + " -o " + (folder / "unit.o").string() + " -ftime-trace=" + trace.string() + " -ftime-trace-granularity=0");
    const std::size_t found = count(trace, "\"name\":\"InstantiateClass\"") + count(trace, "\"name\":\"InstantiateFunction\"");
    if (found == 0) throw std::runtime_error("the compiler's trace tells of no templates");
    return found;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("What it takes to compile what includes the library");
    std::string out;
    std::size_t repetitions = 3;
    app.add_option("--benchmark_out", out, "write the results to this file, in Google Benchmark's JSON form");
    app.add_option("--repetitions", repetitions, "how often g++ is timed")->check(CLI::Range(1, 100))->capture_default_str();
    app.allow_extras();
    CLI11_PARSE(app, argc, argv);
    try {
        std::string pattern = (fs::temp_directory_path() / "larder-compile-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::runtime_error("there is no folder for the compilers' output");
        const struct Folder {
            fs::path path;
            ~Folder() {
                std::error_code ignored;
                fs::remove_all(path, ignored);
            }
        } folder{pattern};
        boost::json::array benchmarks;
        for (const auto& [file, words] : units) {
            const std::string compile = fmt::format("-std=c++20 -O0 -Iinclude -isystem build/boost/include -isystem \"$(pg_config --includedir)\" -c bench/compile_cost/{}.cpp", file);
            const std::size_t made = instantiations(compile, folder.path);
            benchmarks.push_back(boost::json::object{{"name", fmt::format("templates/{}/clang", words)}, {"instantiations", made}});
            fmt::print("{:<36} {:>8} templates", words, made);
            for (std::size_t i = 0; i < repetitions; ++i) {
                const double seconds = seconds_of("g++ " + compile + " -fsyntax-only");
                benchmarks.push_back(boost::json::object{{"name", fmt::format("processor time/{}/g++, syntax only", words)}, {"seconds", seconds}});
                fmt::print("  {:.2f} s", seconds);
            }
            fmt::print("\n");
        }
        const boost::json::object context{{"title", "What it takes to compile"},
                                          {"about", "Templates that clang instantiates, which it does the same each time, and the processor time of g++ without optimization."},
                                          {"times", "no"},
                                          {"unit/instantiations", "templates"},
                                          {"unit/seconds", "s"}};
        if (!out.empty()) std::ofstream(out) << boost::json::serialize(boost::json::object{{"context", context}, {"benchmarks", benchmarks}});
    } catch (const std::exception& failure) {
        fmt::print(stderr, "compile_cost: {}\n", failure.what());
        return 1;
    }
}
