// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/memory.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/stack.hpp>
#include <larder/testing/reference_tier.hpp>
#include <larder/testing/sim/cache.hpp>
#include <larder/testing/sim/database.hpp>
#include <larder/testing/sim/environment.hpp>
#include <larder/testing/sim/history.hpp>
#include <larder/testing/sim/network.hpp>
#include <larder/testing/sim/world.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/describe/class.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// The embedded entity of simulated runs: an author, who is renamed.
struct Author {
    std::string id{};
    std::string name{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Author, (), (id, name, version))

/// What embeds it: a book, with its author.
struct Book {
    std::string id{};
    std::string author_id{};
    std::uint64_t version = 0;
    Author author{};
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, author_id, version, author))

} // namespace testing
} // namespace v0
} // namespace larder

template <>
struct larder::entity_traits<larder::testing::Author>
    : larder::schema<"authors", larder::primary<&larder::testing::Author::id>, larder::version<&larder::testing::Author::version>> {};
template <>
struct larder::entity_traits<larder::testing::Book>
    : larder::schema<"books", larder::primary<&larder::testing::Book::id>, larder::version<&larder::testing::Book::version>,
                     larder::embed<&larder::testing::Book::author, &larder::testing::Book::author_id>> {};

namespace larder {
inline namespace v0 {
namespace testing {

/// One simulated run with embedded rows: processes whose books are linked to their authors, clients that rename the author and
/// clients that read a book. What a history tells of is the author, as read in a book.
template <policy Policy>
class RelationWorld {
    template <class Entity, class Env>
    using Cache = BasicSimCache<Entity, Env>;
    template <class Entity>
    using Rows = BasicSimDatabase<Entity>;
    template <class Entity>
    using Repository = CachedRepository<Entity, Stack<Cache, Rows>, Policy, SimEnvironment>;

public:
    /// Of the options' faults those of the network and of the servers strike; the processes live.
    RelationWorld(Choices& choices, WorldOptions options)
        : options_(std::move(options)), choices_(choices), trace_(options_.keep_trace), scheduler_(choices_, options_.order, options_.depth), network_(scheduler_, choices_, options_.faults, trace_),
          shared_{scheduler_, choices_, options_.disabled}, author_cache_(shared_, network_, trace_), book_cache_(shared_, network_, trace_),
          authors_(
              shared_, network_, trace_, [this](const std::string& key, const Author* row, Version version) { on_commit(key, row, version); }, MemoryDatabase<Author>(tables_)),
          books_(
              shared_, network_, trace_, [](const std::string&, const Book*, Version) {}, MemoryDatabase<Book>(tables_)) {}

    ~RelationWorld() {
        for (std::uint16_t process = 1; process <= options_.processes; ++process) {
            scheduler_.drop_process(process);
            network_.drop_process(process);
        }
        processes_.clear();
        scheduler_.clear();
    }

    WorldResult run() {
        const auto author = authors_.rows().insert({.id = "a", .name = "n0"});
        authors_.committed("a", &*author, author->version);
        history_.wrote({0, "a", author->version, false, Duration::zero(), 0, scheduler_.now()});
        const auto book = books_.rows().insert({.id = "b", .author_id = "a"});
        books_.committed("b", &*book, book->version);
        for (std::uint16_t process = 1; process <= options_.processes; ++process) start(process);
        const SteadyTime end = scheduler_.now() + std::chrono::seconds(20);
        while (busy_ != 0 && scheduler_.now() < end && scheduler_.step()) {}
        WorldResult result;
        result.violation = history_.check(false);
        result.trace = trace_.lines();
        result.hash = trace_.hash();
        result.operations = operations_;
        result.faults = options_.faults;
        return result;
    }

private:
    struct Process {
        Process(RelationWorld& world, Actor actor, const Options& options, const SimEnvironment& environment)
            : authors({{&world.author_cache_, actor}, {&world.authors_, actor}}, options, Policy{}, environment), books({{&world.book_cache_, actor}, {&world.books_, actor}}, options, Policy{}, environment) {
            books.template link<&Book::author>(authors);
        }
        Repository<Author> authors;
        Repository<Book> books;
    };

    void note(const std::string& what) { trace_.note(scheduler_, what); }

    void on_commit(const std::string& key, const Author* row, Version version) {
        CommittedRow committed;
        committed.version = version;
        committed.present = row != nullptr;
        if (row) committed.code = row->name;
        committed.step = scheduler_.steps();
        history_.committed(key, std::move(committed));
    }

    void start(std::uint16_t process) {
        const Actor actor{process, 1};
        choices_.enter(process);
        Options options;
        options.ttl = std::chrono::seconds(30);
        options.jitter = 0;
        options.fence_for = std::chrono::milliseconds(500);
        options.lease_for = std::chrono::milliseconds(300);
        options.executor = scheduler_.executor(actor);
        SimEnvironment environment(shared_, actor);
        Process& made = *processes_.emplace_back(std::make_unique<Process>(*this, actor, options, environment));
        for (std::uint16_t i = 0; i < options_.clients; ++i) {
            const std::uint32_t client = ++last_client_;
            ++busy_;
            choices_.enter(strand_of(client, options_.operations));
            scheduler_.after({process, static_cast<std::uint16_t>(10 + i)}, network_.hop(), [this, &made, process, client, i] { act(made, {process, static_cast<std::uint16_t>(10 + i)}, client, options_.operations); });
        }
    }

    static Strand strand_of(std::uint32_t client, std::uint32_t left) noexcept { return 1000 + client * 100 + left; }

    void act(Process& process, Actor actor, std::uint32_t client, std::uint32_t left) {
        std::uint32_t kind = 0;
        for (; left != 0 && kind == 0; left -= kind == 0) {
            choices_.enter(strand_of(client, left));
            kind = choices_.pick(4);
        }
        if (kind == 0) {
            --busy_;
            return;
        }
        ++operations_;
        const auto next = [this, &process, actor, client, left] {
            scheduler_.after(actor, network_.hop(), [this, &process, actor, client, left] { act(process, actor, client, left - 1); });
        };
        if (kind == 3)
            rename(process, actor, client, next);
        else
            read(process, actor, client, next);
    }

    std::string who(Actor actor, std::uint32_t client) const { return "client " + std::to_string(client) + " (process " + std::to_string(actor.process) + ")"; }

    template <class Next>
    void rename(Process& process, Actor actor, std::uint32_t client, Next next) {
        const std::string name = "n" + std::to_string(++last_name_);
        note(who(actor, client) + " renames author a to " + name);
        process.authors.async_update("a", [name](Author& author) { author.name = name; }, boost::asio::bind_executor(scheduler_.executor(actor), [this, actor, client, next](const Error& failure, const Written<Author>& written) {
                                         if (failure) {
                                             note(who(actor, client) + ": the renaming failed: " + failure.text);
                                         } else {
                                             note(who(actor, client) + ": the renaming is acknowledged as v" + std::to_string(written.version()) + (written.effective() ? ", effective" : ", pending"));
                                             history_.wrote({client, written.key(), written.version(), false, written.pending(), scheduler_.steps(), scheduler_.now()});
                                         }
                                         next();
                                     }));
    }

    template <class Next>
    void read(Process& process, Actor actor, std::uint32_t client, Next next) {
        note(who(actor, client) + " finds book b");
        ReadSeen seen;
        seen.client = client;
        seen.key = "a";
        seen.invoked = scheduler_.steps();
        seen.invoked_at = scheduler_.now();
        seen.first_line = trace_.lines().size();
        process.books.async_find("b", Read{}, boost::asio::bind_executor(scheduler_.executor(actor), [this, actor, client, seen, next](const Error& failure, const Found<Book>& found) mutable {
                                     if (failure || !found.row()) {
                                         note(who(actor, client) + (failure ? " got an error: " + failure.text : " sees no book"));
                                     } else {
                                         seen.returned = scheduler_.steps();
                                         seen.last_line = trace_.keeps() ? trace_.lines().size() + 1 : 0;
                                         seen.found = true;
                                         seen.version = found.row()->author.version;
                                         seen.row_code = found.row()->author.name;
                                         seen.stale = found.stale() == StaleCause::database_failed;
                                         note(who(actor, client) + " sees book b by " + seen.row_code + ", author v" + std::to_string(seen.version) + ", from " + std::string(name_of(found.source())));
                                         history_.read(std::move(seen));
                                     }
                                     next();
                                 }));
    }

    WorldOptions options_;
    Choices& choices_;
    Trace trace_;
    Scheduler scheduler_;
    Network network_;
    SimShared shared_;
    SimCacheServer<Author> author_cache_;
    SimCacheServer<Book> book_cache_;
    MemoryTables tables_;
    SimDatabaseServer<Author> authors_;
    SimDatabaseServer<Book> books_;
    History history_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::uint32_t last_client_ = 0, last_name_ = 0;
    std::size_t busy_ = 0;
    std::uint64_t operations_ = 0;
};

} // namespace testing
} // namespace v0
} // namespace larder
