// SPDX-License-Identifier: BSL-1.0
//
// The decoders under libFuzzer: decode CORPUS-FOLDER... [OPTION]...

#include "decode_anything.hpp"

#include <larder/src.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    codec_tests::decode_anything({reinterpret_cast<const char*>(data), size});
    return 0;
}
