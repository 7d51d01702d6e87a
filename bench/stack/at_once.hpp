// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../harness.hpp"

#include <benchmark/benchmark.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <cstddef>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace bench {

/// How many callers a benchmark has at once.
inline constexpr std::size_t crowds[] = {1, 16, 64, 256};

inline std::string callers(std::size_t count) { return std::to_string(count) + (count == 1 ? " caller" : " callers"); }

/// Makes `count` operations, of which so many are under way at a time, and waits for them. \param start `start(number, done)` starts the
/// operation of a number below `count`; `done()` is to be called on the executor, which one thread runs.
template <class Start>
void at_once(const boost::asio::any_io_executor& executor, std::size_t callers, std::size_t count, const Start& start) {
    struct Run {
        const Start& begin;
        std::size_t callers, count;
        std::size_t next = 0, ended = 0; ///< Touched on the executor only.
        std::promise<void> all{};

        void step() {
            if (next == count) {
                if (++ended == callers) all.set_value();
                return;
            }
            begin(next++, [this] { step(); });
        }
    };
    const auto run = std::make_shared<Run>(Run{start, callers, count});
    auto all = run->all.get_future();
    boost::asio::post(executor, [run] {
        for (std::size_t i = 0; i < run->callers; ++i) run->step();
    });
    all.wait();
    // Whoever ended the last one may still be on its way out of it.
    std::promise<void> left;
    boost::asio::post(executor, [&left] { left.set_value(); });
    left.get_future().wait();
}

/// Registers the time per operation of so many callers. \param subject how it is called. \param start as in `at_once`, of an endless stream of numbers.
/// \param before called with how many operations come next, outside the time that is measured.
template <class Start, class Before>
void add_crowd(const std::string& table, const std::string& row, const std::string& subject, std::size_t crowd, boost::asio::any_io_executor executor, Start start, Before before) {
    add(table, row, subject, [=, from = std::make_shared<std::size_t>(0)](benchmark::State& state) {
        const std::size_t batch = crowd * 32 < 512 ? 512 : crowd * 32;
        while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(batch))) {
            state.PauseTiming();
            before(batch);
            state.ResumeTiming();
            at_once(executor, crowd, batch, [&](std::size_t number, auto done) { start(*from + number, std::move(done)); });
            *from += batch;
        }
    })->UseRealTime();
}
template <class Start>
void add_crowd(const std::string& table, const std::string& row, const std::string& subject, std::size_t crowd, boost::asio::any_io_executor executor, Start start) {
    add_crowd(table, row, subject, crowd, std::move(executor), std::move(start), [](std::size_t) {});
}

} // namespace bench
