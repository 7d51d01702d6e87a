// SPDX-License-Identifier: BSL-1.0
#include <larder/database/detail/utf8.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using larder::detail::is_utf8_text;
using namespace std::string_view_literals;

TEST_CASE("text is well-formed UTF-8 without a zero byte") {
    for (const auto text : {""sv, "plain"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv, "a\xc3\xa4z"sv}) {
        CAPTURE(text);
        CHECK(is_utf8_text(text));
    }
    for (const auto text : {"\0"sv, "a\0b"sv, "\x80"sv, "\xbf"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2\x7f"sv, "\xc2\xc0"sv, "\xe0\x9f\xbf"sv, "\xe0\xa0"sv, "\xed\xa0\x80"sv, "\xe1\x80\x7f"sv, "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv,
                            "\xf5\x80\x80\x80"sv, "\xff"sv, "\xf1\x80\x80"sv, "\xf1\x80\x80\x7f"sv, "fine\xc3"sv}) {
        CAPTURE(std::string(text));
        CHECK(!is_utf8_text(text));
    }
}
