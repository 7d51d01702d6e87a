// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"
#include "violation.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace load {

/// How long requests took: counts in classes whose width is an eighth of their power of two, in microseconds.
class Latencies {
public:
    void add(Span took) {
        ++counts_[class_of(static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(took).count())))];
        ++total_;
        longest_ = std::max(longest_, took);
    }
    std::uint64_t count() const { return total_; }
    Span longest() const { return longest_; }
    /// The time that a share of the requests did not exceed, as exact as the classes are.
    Span quantile(double share) const {
        const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(share * static_cast<double>(total_) + 0.5));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i)
            if ((seen += counts_[i]) >= wanted) return std::min<Span>(std::chrono::microseconds(upper_end(i)), longest_);
        return longest_;
    }

private:
    static constexpr unsigned fraction_bits = 3;
    static constexpr std::size_t steps = 1U << fraction_bits;

    static std::size_t class_of(std::uint64_t micros) {
        if (micros < steps) return micros;
        const auto power = static_cast<unsigned>(std::bit_width(micros)) - 1 - fraction_bits;
        return std::min<std::size_t>((power + 1) * steps + ((micros >> power) - steps), classes - 1);
    }
    static std::uint64_t upper_end(std::size_t which) {
        if (which < steps) return which + 1;
        const std::size_t power = which / steps - 1;
        return (which % steps + steps + 1) << power;
    }

    static constexpr std::size_t classes = 40 * steps;
    std::array<std::uint64_t, classes> counts_{};
    std::uint64_t total_ = 0;
    Span longest_{};
};

/// What came of the requests of one kind.
struct KindTally {
    std::uint64_t accepted = 0, refused = 0;
    std::uint64_t unanswered = 0; ///< Lost, or the server says that it could not.
    Latencies latencies{};        ///< Of what was answered.
};

/// What all clients saw.
struct Tally {
    std::array<KindTally, kind_count> kinds{};
    std::uint64_t in_doubt = 0;     ///< Requests that change something, of which nobody knows whether they did.
    std::uint64_t not_sent = 0;     ///< Requests for which no server could be reached.
    std::uint64_t sessions = 0;     ///< Begun by a login.
    std::uint64_t ended = 0;        ///< As the servers counted.
    std::uint64_t stale = 0;        ///< Answers that say that they are.
    std::uint64_t ghosts = 0;       ///< Tokens that were presented after their end was certain.
    std::uint64_t thefts = 0;       ///< Tried,
    std::uint64_t detected = 0;     ///< seen by the server, and the family ended,
    std::uint64_t undecided = 0;    ///< or cut short: an answer was lost, or something else had ended the session.
    std::map<std::string, std::uint64_t> sources{}; ///< Where answers to GET /me came from.
    std::map<std::string, std::uint64_t> servers{}; ///< How often each answered.
    std::string trouble{};          ///< The last reason why something was not answered.

    std::array<std::uint64_t, rule_count> violations{};
    std::vector<Violation> told{};  ///< The first of them.

    static constexpr std::size_t told_at_most = 10;

    void note(const Violation& violation) {
        ++violations[static_cast<std::size_t>(violation.rule)];
        if (told.size() < told_at_most) told.push_back(violation);
    }
    void note(Kind kind, const Answer& answer, Span took) {
        KindTally& of_kind = kinds[static_cast<std::size_t>(kind)];
        if (answer.in_doubt()) {
            ++of_kind.unanswered;
            in_doubt += !only_reads(kind);
            trouble = answer.trouble.empty() ? answer.code : answer.trouble;
            return;
        }
        of_kind.latencies.add(took);
        ++(answer.accepted() ? of_kind.accepted : of_kind.refused);
        if (!answer.accepted()) return;
        ended += answer.ended;
        stale += answer.stale;
        if (kind == Kind::me) ++sources[answer.source];
        sessions += kind == Kind::login;
    }
    std::uint64_t answered() const {
        std::uint64_t sum = 0;
        for (const auto& kind : kinds) sum += kind.latencies.count();
        return sum;
    }
    std::uint64_t broken() const {
        std::uint64_t sum = 0;
        for (const auto count : violations) sum += count;
        return sum;
    }
};

} // namespace load
