// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/sim/choices.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// Simplifies a record of decisions while it still shows what is looked for: whole strands are left out, then ends of
/// strands, then decisions are made plain (0) or plainer, in pieces from large to small, until nothing helps any more (Zeller and
/// Hildebrandt, "Simplifying and isolating failure-inducing input", 2002, on the decisions of a run instead of its input).
template <class Shows>
class Shrinker {
public:
    /// \param shows `shows(record)`: whether a replay of it does. \param attempts how many replays may be spent.
    Shrinker(Shows shows, std::uint32_t attempts) : shows_(std::move(shows)), left_(attempts) {}

    /// \pre shows(record).
    Record run(Record record) {
        record_ = std::move(record);
        do {
            helped_ = false;
            leave_out_strands();
            for (const Strand strand : strands()) cut_end(strand);
            for (std::size_t piece = 16; piece > 0; piece /= 2)
                for (const Strand strand : strands()) make_plain(strand, piece);
            for (const Strand strand : strands()) lower(strand);
        } while (helped_ && left_ != 0);
        for (auto place = record_.begin(); place != record_.end();) {
            auto& decisions = place->second;
            while (!decisions.empty() && decisions.back() == 0) decisions.pop_back();
            place = decisions.empty() ? record_.erase(place) : std::next(place);
        }
        return std::move(record_);
    }

private:
    bool take(Record candidate) {
        if (left_ == 0) return false;
        --left_;
        if (!shows_(candidate)) return false;
        record_ = std::move(candidate);
        helped_ = true;
        return true;
    }

    std::vector<Strand> strands() const {
        std::vector<Strand> all;
        for (const auto& [strand, decisions] : record_) all.push_back(strand);
        return all;
    }

    /// Several at a time first, the last ones first: what comes late is seldom the cause.
    void leave_out_strands() {
        for (std::size_t piece = std::max<std::size_t>(record_.size() / 2, 1); piece > 0; piece /= 2) {
            auto all = strands();
            std::reverse(all.begin(), all.end());
            for (std::size_t from = 0; from < all.size(); from += piece) {
                Record fewer = record_;
                for (std::size_t i = from; i < std::min(from + piece, all.size()); ++i) fewer.erase(all[i]);
                if (fewer.size() != record_.size()) take(std::move(fewer));
            }
        }
    }

    void cut_end(Strand strand) {
        for (std::size_t piece = record_.at(strand).size() / 2; piece > 0; piece /= 2)
            for (;;) {
                Record shorter = record_;
                auto& decisions = shorter.at(strand);
                if (decisions.size() <= piece) break;
                decisions.resize(decisions.size() - piece);
                if (!take(std::move(shorter))) break;
            }
    }

    void make_plain(Strand strand, std::size_t piece) {
        for (std::size_t from = 0; from < record_.at(strand).size(); from += piece) {
            Record plainer = record_;
            auto& decisions = plainer.at(strand);
            bool changed = false;
            for (std::size_t i = from; i < std::min(decisions.size(), from + piece); ++i) changed = std::exchange(decisions[i], 0) != 0 || changed;
            if (changed) take(std::move(plainer));
        }
    }

    void lower(Strand strand) {
        for (std::size_t i = 0; i < record_.at(strand).size(); ++i)
            while (record_.at(strand)[i] > 1) {
                Record lower = record_;
                lower.at(strand)[i] /= 2;
                if (!take(std::move(lower))) break;
            }
    }

    Shows shows_;
    std::uint32_t left_;
    Record record_;
    bool helped_ = false;
};

} // namespace testing
} // namespace v0
} // namespace larder
