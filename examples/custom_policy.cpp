// SPDX-License-Identifier: BSL-1.0
//
// A consistency policy of one's own: a small struct of constants, and one decision. Time is moved by hand here, so that the
// example need not wait for it.

#include <larder/larder.hpp>
#include <larder/testing/manual_environment.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>

using namespace std::chrono_literals;

struct Article {
    std::int64_t id = 0;
    std::string title{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Article, (), (id, title, version))

template <>
struct larder::entity_traits<Article> : larder::schema<"articles", larder::primary<&Article::id>, larder::version<&Article::version>> {};

/// Serves a copy as it is for a second after it was loaded; later it asks the database whether the version is still the current
/// one. So no answer is more than a second behind, whoever wrote, and a busy row costs no query.
struct ServeBriefly {
    static constexpr larder::Duration briefly = 1s;

    static constexpr std::string_view name = "ServeBriefly";
    static constexpr larder::Guarantee guarantee{.promise = "no answer is older than a second", .anomaly = "a write of another process shows up to a second late",
                                                 .use_when = "a second does not matter, an hour does"};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = false;
    static constexpr larder::AfterWrite after_write = larder::AfterWrite::publish;
    static constexpr larder::Stamp stamp = larder::Stamp::none;
    constexpr larder::OnHit on_hit(const larder::HitView& hit) const noexcept { return hit.age < briefly ? larder::OnHit::serve : larder::OnHit::verify_version; }
};
static_assert(larder::policy<ServeBriefly>);

using Backend = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
using Environment = larder::testing::BasicManualEnvironment<larder::Metrics>;
using Articles = larder::CachedRepository<Article, Backend, ServeBriefly, Environment>;

int main() {
    Environment environment;
    const larder::MemoryTables tables;
    Articles here{{{}, tables}, {}, {}, environment};
    Articles elsewhere{{{}, tables}}; // another process, which this one does not hear of
    const auto id = here.insert({.title = "first"}).or_throw().key();

    const auto read = [&](const char* when) {
        const auto before = environment.observer().snapshot();
        const auto article = here.find(id);
        const auto spent = environment.observer().snapshot() - before;
        fmt::print("{:<36} \"{}\", from {}: {} loads, {} probes of the version\n", when, article->title, name_of(article.source()),
                   spent.queries[larder::QueryKind::load].count, spent.queries[larder::QueryKind::version_probe].count);
        return article->title;
    };
    read("the first read");
    read("another one at once");
    elsewhere.update(id, [](Article& article) { article.title = "second"; }).or_throw();
    const bool still_first = read("somebody else wrote just now") == "first";
    environment.advance(1s);
    const bool now_second = read("a second later") == "second";
    read("another one at once");
    environment.advance(1s);
    read("a second later, nobody wrote");
    return still_first && now_second ? 0 : 1;
}
