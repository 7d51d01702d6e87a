// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace bench {

/// Numbers below `count`, each as often as a Zipf distribution with this exponent has it, by the approximation of Gray et al., "Quickly generating
/// billion-record synthetic databases" (1994). Which of them are the frequent ones is random, so that these are no neighbours. The same
/// in each run.
inline std::vector<std::uint32_t> zipf_stream(std::size_t count, std::size_t length, double exponent) {
    std::mt19937_64 random(20'250'714);
    std::vector<std::uint32_t> number_at(count);
    std::iota(number_at.begin(), number_at.end(), 0U);
    std::shuffle(number_at.begin(), number_at.end(), random);

    const auto n = static_cast<double>(count);
    double zeta = 0;
    for (std::size_t rank = count; rank != 0; --rank) zeta += std::pow(static_cast<double>(rank), -exponent);
    const double first_two = 1 + std::pow(0.5, exponent);
    const double alpha = 1 / (1 - exponent);
    const double eta = (1 - std::pow(2 / n, 1 - exponent)) / (1 - first_two / zeta);
    std::uniform_real_distribution<double> uniform;
    std::vector<std::uint32_t> stream(length);
    for (auto& number : stream) {
        const double u = uniform(random);
        double rank = 0;
        if (u * zeta >= first_two)
            rank = n * std::pow(eta * u - eta + 1, alpha);
        else if (u * zeta >= 1)
            rank = 1;
        number = number_at[std::min(static_cast<std::size_t>(rank), count - 1)];
    }
    return stream;
}

} // namespace bench
