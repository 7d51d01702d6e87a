// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace example {

using Random = std::mt19937_64;

/// What a request is about.
enum class Kind { validate, refresh, keep_alive, log_in, log_out, log_out_everywhere };

/// Which request comes next, and from which device.
class Traffic {
public:
    /// A few devices make most requests: a Zipf distribution.
    explicit Traffic(std::size_t devices, double skew = 0.99) : upto_(devices) {
        double sum = 0;
        for (std::size_t rank = 0; rank < devices; ++rank) upto_[rank] = sum += 1.0 / std::pow(static_cast<double>(rank + 1), skew);
        for (double& share : upto_) share /= sum;
    }

    /// The access order of a file with one key a line, over and over again; each new key is another device, as long as there are any.
    static Traffic from_trace(const std::string& path, std::size_t devices) {
        std::ifstream file(path);
        if (!file) throw std::invalid_argument("the trace " + path + " can not be read");
        Traffic traffic;
        std::unordered_map<std::string, std::size_t> known;
        for (std::string key; std::getline(file, key);)
            if (!key.empty()) traffic.trace_.push_back(static_cast<std::uint32_t>(known.try_emplace(key, known.size()).first->second % devices));
        if (traffic.trace_.empty()) throw std::invalid_argument("the trace " + path + " has no key");
        return traffic;
    }

    /// \param position in the trace, which all who take from it share.
    std::size_t device(Random& random, std::atomic<std::uint64_t>& position) const {
        if (!trace_.empty()) return trace_[position.fetch_add(1, std::memory_order_relaxed) % trace_.size()];
        const double point = std::uniform_real_distribution<>()(random);
        return static_cast<std::size_t>(std::min(std::upper_bound(upto_.begin(), upto_.end(), point), upto_.end() - 1) - upto_.begin());
    }

    /// Of a thousand requests 880 validate an access token, and so on. Logins are more: whoever is refused logs in again.
    static Kind kind(Random& random) {
        const auto point = random() % 1000;
        if (point < 880) return Kind::validate;
        if (point < 930) return Kind::refresh;
        if (point < 970) return Kind::keep_alive;
        if (point < 980) return Kind::log_in;
        if (point < 998) return Kind::log_out;
        return Kind::log_out_everywhere;
    }

    /// Whether an old tab asks, which still holds what the device held before.
    static bool from_old_tab(Random& random) { return random() % 100 < 5; }

private:
    Traffic() = default;

    std::vector<double> upto_;
    std::vector<std::uint32_t> trace_;
};

} // namespace example
