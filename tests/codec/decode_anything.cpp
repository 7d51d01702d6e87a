// SPDX-License-Identifier: BSL-1.0
#include "fuzz/decode_anything.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

/// The inputs that the fuzzer starts from, in the order of their names.
std::vector<std::string> corpus() {
    std::vector<std::filesystem::path> files;
    for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(__FILE__).parent_path() / "fuzz" / "corpus")) files.push_back(file.path());
    std::sort(files.begin(), files.end());
    std::vector<std::string> inputs;
    for (const auto& file : files) {
        std::ifstream stream(file, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    }
    return inputs;
}

/// A small change to an input, as a fuzzer makes them.
void mutate(std::string& input, const std::vector<std::string>& others, std::mt19937_64& random) {
    const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random() % end); };
    const std::size_t at = input.empty() ? 0 : below(input.size());
    switch (below(6)) {
    case 0:
        if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
    case 1:
        if (!input.empty()) input[at] = static_cast<char>(random());
        break;
    case 2: input.erase(at, 1 + below(8)); break;
    case 3: input.insert(at, 1 + below(8), static_cast<char>(random())); break;
    case 4:
        if (!input.empty()) input[at] = static_cast<char>(below(2) != 0 ? 0xff : 0x80);
        break;
    default: {
        const auto& other = others[below(others.size())];
        if (!other.empty()) input.insert(at, other, below(other.size()), 1 + below(32));
    }
    }
}

} // namespace

TEST_CASE("whatever bytes are decoded, the answer is an outcome or a value that can be encoded") {
    const auto inputs = corpus();
    REQUIRE(inputs.size() >= 12);
    for (const auto& input : inputs) CHECK_NOTHROW(codec_tests::decode_anything(input));
    std::mt19937_64 random(1);
    for (int run = 0; run < 40000; ++run) {
        auto input = inputs[random() % inputs.size()];
        for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes) mutate(input, inputs, random);
        try {
            codec_tests::decode_anything(input);
        } catch (const std::exception& thrown) {
            FAIL_CHECK("run " << run << ": " << std::string(thrown.what()));
        }
    }
}
