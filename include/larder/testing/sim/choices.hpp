// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/random/splitmix64.hpp>
#include <boost/unordered/unordered_node_map.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// Whose decisions some are: those of one operation of one client, of one planned fault, of the run itself. What is decided in
/// one strand moves no decision of another, so that an operation can be left out of a run and the rest stays as it was.
using Strand = std::uint32_t;

/// The decisions of a run, strand by strand. A decision that is not there is 0.
using Record = std::map<Strand, std::vector<std::uint32_t>>;

/// A record as text, such as `0:1,0,2;1001:5,1`.
inline std::string text_of(const Record& record) {
    std::string text;
    for (const auto& [strand, decisions] : record) {
        if (!text.empty()) text += ';';
        text += std::to_string(strand) + ':';
        for (std::size_t i = 0; i < decisions.size(); ++i) text += (i != 0 ? "," : "") + std::to_string(decisions[i]);
    }
    return text;
}

/// The record that a text tells; nothing if it is not one.
inline std::optional<Record> record_of(std::string_view text) {
    Record record;
    const auto number = [&text]() -> std::optional<std::uint32_t> {
        std::uint32_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc()) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        return value;
    };
    const auto skip = [&text](char sign) {
        if (text.empty() || text.front() != sign) return false;
        text.remove_prefix(1);
        return true;
    };
    while (!text.empty()) {
        const auto strand = number();
        if (!strand || !skip(':')) return std::nullopt;
        auto& decisions = record[*strand];
        do {
            const auto decision = number();
            if (!decision) return std::nullopt;
            decisions.push_back(*decision);
        } while (skip(','));
        if (!text.empty() && !skip(';')) return std::nullopt;
    }
    return record;
}

/// The one source of chance of a simulated run: strands of small decisions, made from a seed or replayed from a record.
///
/// In every decision 0 is the plainest outcome (nothing done, no fault, no delay, first come first served), so that a run is
/// simplified by leaving decisions out: a replay decides 0 where its record has none.
class Choices {
public:
    /// New decisions from a seed.
    explicit Choices(std::uint64_t seed) : seed_(seed) { enter(0); }
    /// The decisions of a record, then 0.
    explicit Choices(Record record) : record_(std::move(record)), replaying_(true) { enter(0); }
    Choices(const Choices&) = delete;
    Choices& operator=(const Choices&) = delete;

    /// From now on decisions are of this strand.
    void enter(Strand strand) {
        if (current_ && strand == entered_) return;
        entered_ = strand;
        current_ = &strands_.try_emplace(strand, seed_ ^ (strand + 1) * 0x9e3779b97f4a7c15ULL).first->second;
        if (replaying_ && !current_->decisions) {
            const auto place = record_.find(strand);
            static const std::vector<std::uint32_t> none;
            current_->decisions = place != record_.end() ? &place->second : &none;
        }
    }
    /// The strand whose decisions are being made.
    Strand strand() const noexcept { return entered_; }

    /// One of 0 .. bound - 1. \pre bound > 0.
    std::uint32_t pick(std::uint32_t bound) {
        State& state = *current_;
        if (replaying_) {
            const std::uint32_t chosen = state.next < state.decisions->size() ? (*state.decisions)[state.next] % bound : 0;
            ++state.next;
            return chosen;
        }
        const auto chosen = static_cast<std::uint32_t>((state.engine() >> 32) * bound >> 32);
        state.made.push_back(chosen);
        return chosen;
    }

    /// True once in `times`, at random. 0: never.
    bool once_in(std::uint32_t times) { return times != 0 && pick(times) == times - 1; }

    /// A number that is no decision: it names something and is not simplified.
    std::uint64_t token() noexcept { return ++tokens_ * 0x9e3779b97f4a7c15ULL; }

    /// The decisions made so far, or those being replayed.
    Record record() const {
        if (replaying_) return record_;
        Record record;
        for (const auto& [strand, state] : strands_)
            if (!state.made.empty()) record.emplace(strand, state.made);
        return record;
    }

private:
    struct State {
        explicit State(std::uint64_t seed) : engine(seed) {}
        boost::random::splitmix64 engine;
        std::vector<std::uint32_t> made;
        const std::vector<std::uint32_t>* decisions = nullptr;
        std::size_t next = 0;
    };

    std::uint64_t seed_ = 0;
    Record record_;
    bool replaying_ = false;
    boost::unordered_node_map<Strand, State> strands_;
    State* current_ = nullptr;
    Strand entered_ = 0;
    std::uint64_t tokens_ = 0;
};

} // namespace testing
} // namespace v0
} // namespace larder
