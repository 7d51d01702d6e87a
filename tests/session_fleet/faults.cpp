// SPDX-License-Identifier: BSL-1.0

// That the load program finds what is wrong with a server, and nothing where nothing is.

#include "program.hpp"
#include "stand_in.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <utility>

namespace {

using namespace session_fleet;

/// What the load program says of a server with a fault, and its exit code.
std::pair<json::object, int> judged(Fault fault) {
    const StandIn server(fault);
    Program load({told_path("LARDER_SESSION_LOAD"), "--url", server.url(), "--clients", "8", "--users", "4", "--seconds", "1.5", "--thefts", "0.3", "--rate", "300", "--json"});
    const std::string text = load.rest();
    const int code = load.wait();
    INFO(text);
    REQUIRE(!text.empty());
    return {json::parse(text).as_object(), code};
}

/// Expects a violation of one of some rules.
void expect(Fault fault, std::initializer_list<const char*> rules) {
    const auto [summary, code] = judged(fault);
    const std::string text = json::serialize(summary);
    INFO(text);
    CHECK(code == 1);
    for (const char* rule : rules) {
        CAPTURE(rule);
        CHECK(summary.at("violations").as_object().contains(rule));
    }
}

} // namespace

TEST_CASE("the load program finds nothing wrong with a server that does nothing wrong, and tries everything") {
    for (const Fault fault : {Fault::none, Fault::is_late, Fault::loses_answers}) {
        const auto [summary, code] = judged(fault);
        const std::string text = json::serialize(summary);
        CAPTURE(text);
        CHECK(code == 0);
        CHECK(summary.at("violations").as_object().empty());
        for (const auto& kind : summary.at("kinds").as_object()) {
            const auto& counts = kind.value().as_object();
            CAPTURE(std::string(kind.key()));
            CHECK(counts.at("accepted").to_number<int>() + counts.at("refused").to_number<int>() > 0);
        }
        CHECK(summary.at("thefts").as_object().at("detected").to_number<int>() > 0);
        CHECK(summary.at("dead_tokens_presented").to_number<int>() > 0);
        CHECK((summary.at("in_doubt").to_number<int>() > 0) == (fault == Fault::loses_answers));
    }
}

TEST_CASE("the load program says what a server accepts that it must not") {
    expect(Fault::accepts_ended, {"accepts_ended"});
    expect(Fault::is_later_than_said, {"accepts_ended"});
    expect(Fault::ends_nothing, {"accepts_ended"});
    expect(Fault::ends_strangers, {"foreign_ended"});
}

TEST_CASE("the load program says what a server refuses that it must not") { expect(Fault::refuses_valid, {"refuses_valid"}); }

TEST_CASE("the load program says what a server overlooks in the exchange of refresh tokens") {
    expect(Fault::exchanges_twice, {"exchanged_twice", "theft_unnoticed"});
    expect(Fault::overlooks_theft, {"theft_unnoticed"});
    expect(Fault::says_reused_only, {"accepts_ended"});
    expect(Fault::calls_all_reused, {"false_alarm"});
}

TEST_CASE("the load program says what a server says that is not so") {
    expect(Fault::lists_ended, {"list_shows_ended"});
    expect(Fault::lists_nothing, {"list_lacks_valid"});
    expect(Fault::answers_for_another, {"wrong_session"});
    expect(Fault::repeats_secrets, {"secret_repeated"});
    expect(Fault::talks_nonsense, {"not_of_contract"});
}

TEST_CASE("the load program has codes for wrong options, and for a server that is not there") {
    const std::string path = told_path("LARDER_SESSION_LOAD");
    for (const auto& [words, code] : std::initializer_list<std::pair<std::vector<std::string>, int>>{
             {{path}, 2}, {{path, "--url", "nonsense"}, 2}, {{path, "--url", "127.0.0.1:1", "--thefts", "2"}, 2}, {{path, "--url", "127.0.0.1:1"}, 3}, {{path, "--help"}, 0}}) {
        Program load(words);
        load.rest();
        CHECK(load.wait() == code);
    }
}
