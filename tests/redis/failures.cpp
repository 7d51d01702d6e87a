// SPDX-License-Identifier: BSL-1.0
#include "client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <boost/asio/post.hpp>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <span>
#include <string>
#include <thread>

#include <signal.h>

using namespace redis_tests;

namespace {

RedisServer& server() {
    static RedisServer started("--requirepass 'open sesame' --databases 4");
    return started;
}

RedisOptions options(std::string prefix) {
    RedisOptions options = server().options();
    options.password = "open sesame";
    options.prefix = std::move(prefix);
    options.timeout = 5s;
    return options;
}

std::string command(const std::string& words) { return server().command("-a 'open sesame' --no-auth-warning " + words); }

/// What a lookup through such a connection fails with, and how long that took.
struct Refused {
    explicit Refused(RedisOptions options) {
        Client client(std::move(options));
        const auto start = std::chrono::steady_clock::now();
        const auto found = client.look();
        took = std::chrono::steady_clock::now() - start;
        REQUIRE(found.has_error());
        error = found.error();
        CHECK(client.publish(1, 0).has_error());
        last = client.connection.status().last_failure.text;
    }
    void says(const std::string& words) const { CHECK_MESSAGE((error.text + " / " + last).find(words) != std::string::npos, error.text << " / " << last); }

    Error error;
    std::string last;
    std::chrono::steady_clock::duration took{};
};

RedisOptions hasty(RedisOptions options) {
    options.timeout = 300ms;
    options.connect_timeout = 300ms;
    return options;
}

/// A server that accepts connections and says one thing, or nothing.
struct Stranger {
    explicit Stranger(std::string words) : text(std::move(words)) { accept(); }
    void accept() {
        acceptor.async_accept([this](boost::system::error_code failed, boost::asio::ip::tcp::socket socket) {
            if (failed) return;
            boost::system::error_code ignored;
            boost::asio::write(socket, boost::asio::buffer(text), ignored);
            sockets.push_back(std::move(socket));
            accept();
        });
    }
    ~Stranger() {
        boost::asio::post(context, [this] { acceptor.close(); });
        context.stop();
        thread.join();
    }
    RedisOptions options() const {
        RedisOptions options;
        options.port = acceptor.local_endpoint().port();
        return hasty(options);
    }

    std::string text;
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor acceptor{context, {boost::asio::ip::address_v4::loopback(), 0}};
    std::vector<boost::asio::ip::tcp::socket> sockets;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    std::thread thread{[this] { context.run(); }};
};

} // namespace

TEST_CASE("who cannot be reached, or refuses the log-in, is told of within the time limits, and no password is") {
    RedisOptions wrong = hasty(options("who"));
    {
        boost::asio::io_context context;
        const boost::asio::ip::tcp::acceptor taken(context, {boost::asio::ip::address_v4::loopback(), 0});
        wrong.port = taken.local_endpoint().port();
    }
    const Refused nobody(wrong);
    nobody.says("Redis cannot be reached");
    nobody.says("127.0.0.1:" + std::to_string(wrong.port));
    CHECK(nobody.took < 3s);

    wrong = hasty(options("who"));
    wrong.host = "no-such-host.invalid";
    Refused(wrong).says("no-such-host.invalid");

    wrong = hasty(options("who"));
    wrong.password = "let me in";
    const Refused password(wrong);
    password.says("WRONGPASS");
    CHECK(password.error.text.find("let me in") == std::string::npos);
    CHECK(password.last.find("let me in") == std::string::npos);
    wrong.password.clear();
    Refused(wrong).says("NOAUTH");
    wrong = hasty(options("who"));
    wrong.user = "somebody";
    Refused(wrong).says("WRONGPASS");

    wrong = hasty(options("who"));
    wrong.database = 9;
    Refused(wrong).says("out of range");
}

TEST_CASE("a server that accepts and never answers, or answers something else") {
    const Stranger silent("");
    const Refused never(silent.options());
    never.says("did not answer");
    CHECK(never.took < 3s);
    const Stranger web("HTTP/1.1 400 Bad Request\r\n\r\n");
    const Refused other(web.options());
    other.says("Redis cannot be reached");
    const Stranger old("-ERR unknown command 'HELLO'\r\n");
    Refused(old.options()).says("unknown command");
}

TEST_CASE("options out of their range are refused") {
    Io io;
    const auto refused = [&](auto change) {
        RedisOptions options;
        change(options);
        CHECK_THROWS_AS(RedisConnection(io.executor(), options), Failure);
    };
    refused([](RedisOptions& options) { options.host.clear(); });
    refused([](RedisOptions& options) { options.port = 0; });
    refused([](RedisOptions& options) { options.prefix = "with space"; });
    refused([](RedisOptions& options) { options.prefix = "*"; });
    refused([](RedisOptions& options) { options.timeout = 0ms; });
    refused([](RedisOptions& options) { options.heartbeat = options.near_delta; });
    refused([](RedisOptions& options) { options.keep_floors = 0ms; });
    CHECK_THROWS_AS(RedisConnection(boost::asio::any_io_executor{}), Failure);
    RedisCacheConfig<PackedCodec<>> config(RedisConnection(io.executor(), hasty({})));
    config.max_value_bytes = 0;
    Env env;
    CHECK_THROWS_AS(PassTier(config, env), Failure);
}

TEST_CASE("databases and prefixes are apart") {
    RedisOptions other = options("apart");
    Client one(other);
    other.database = 3;
    Client two(other);
    other.prefix = "elsewhere";
    Client three(other);
    one.store(1);
    CHECK(two.hit() == 0);
    two.store(2);
    CHECK(three.hit() == 0);
    CHECK(one.hit() == 1);
    REQUIRE(one.tier.clear().has_value());
    CHECK(one.hit() == 0);
    CHECK(two.hit() == 2);
    CHECK(two.tier.usage()->entries == 1);
    CHECK(two.tier.tier().usage().entries == 1);
}

TEST_CASE("a key of another type fails what needs it, and nothing else") {
    Client client(options("types"));
    client.store(1, 1);
    command("SET '" + client.record(2) + "' hello");
    const auto found = client.look(2);
    REQUIRE(found.has_error());
    CHECK(found.error() == errc::cache_unavailable);
    CHECK_MESSAGE(found.error().text.find("WRONGTYPE") != std::string::npos, found.error().text);
    CHECK(client.publish(2, 0, 2).has_error());
    CHECK(client.tier.fence(Client::keys(2), 7, 1min).has_error());
    CHECK(client.hit(1) == 1);
    CHECK(client.connection.status().connections == 1);
    CHECK(client.tier.usage().has_value());
}

TEST_CASE("a value that cannot be decoded is told of, and replaced") {
    for (const bool many : {false, true}) {
        Client client(options(many ? "broken1" : "broken2"));
        client.store(1);
        for (const std::string bytes : {"''", "nonsense"}) {
            command("HSET '" + client.record() + "' v " + bytes);
            const std::int64_t key = 1;
            const auto found = many ? client.tier.lookup_many<0>(std::span(&key, 1), {.lease_for = 1min}).value().front() : client.look().value();
            CHECK(found.answer == Answer::miss);
            CHECK(!found.has_fallback);
            REQUIRE(found.lease != 0);
            {
                auto& hidden = *client.env.observer().state;
                const std::lock_guard lock(hidden.mutex);
                REQUIRE(!hidden.texts.empty());
                CHECK(hidden.texts.back().find("passes.id") != std::string::npos);
                CHECK(hidden.undecodable == hidden.texts.size());
                CHECK(hidden.texts.back().find(bytes) == std::string::npos);
            }
            REQUIRE(client.fill(found.lease, 1).value() == FillOutcome::stored);
            CHECK(client.hit() == 1);
        }
        client.store(1, 2);
        command("EVAL \"redis.call('HSET', KEYS[1], 'v', redis.call('HGET', KEYS[2], 'v'))\" 2 '" + client.record(1) + "' '" + client.record(2) + "'");
        CHECK(client.hit(1) == 0);
        CHECK(client.hit(2) == 1);
        command("HSET '" + client.record() + "' v nonsense");
        CHECK(client.tier.lookup<0>(1, {.want_lease = false})->answer == Answer::miss);
        const auto refresh = client.tier.lookup<0>(1, {.refresh = true, .lease_for = 1min});
        CHECK(refresh->answer == Answer::miss);
        CHECK(refresh->lease != 0);
        for (const std::string facts : {"''", "1", "'1 2 3 4 5'", "'x y z a b . f0'", "'99999999999999999999999 1 1 1 1 . f0'"}) {
            CAPTURE(facts);
            command("DEL '" + client.record() + "'");
            command("HSET '" + client.record() + "' t " + facts + " v nonsense");
            const auto found = client.look();
            CHECK((found.has_error() || found->answer != Answer::hit));
        }
    }
}

TEST_CASE("a server that is full drops what it cannot change, and says so") {
    RedisServer own;
    RedisOptions small = own.options();
    small.timeout = 5s;
    Client client(small);
    client.store(1);
    const auto lease = client.look(2)->lease;
    own.command("CONFIG SET maxmemory 1");
    const auto published = client.publish(2, 0);
    REQUIRE(published.has_error());
    CHECK_MESSAGE(published.error().text.find("OOM") != std::string::npos, published.error().text);
    CHECK(client.hit() == 0);
    CHECK(client.fill(lease, 1, 2).has_error());
    own.command("CONFIG SET maxmemory 0");
    CHECK(client.hit() == 0);
    client.store(2);
    CHECK(client.publish(3, 0).has_value());
    CHECK(client.hit() == 3);
}

TEST_CASE("a publication that ends every connection is given up, and does not have the server connected to without a pause") {
    RedisServer own("--client-query-buffer-limit 1mb");
    Client client(own.options());
    REQUIRE(client.connected());
    client.store(1, 2);
    RedisCacheConfig<PackedCodec<>> roomy(client.connection);
    roomy.max_value_bytes = std::size_t{4} << 20;
    PassTier tier(roomy, client.env);
    Publication<Pass> publication;
    publication.primary = 1;
    publication.version = 1;
    auto large = sample_row<Pass>(1, 1);
    large.note.assign(std::size_t{2} << 20, 'x');
    publication.row = {std::make_shared<const Pass>(std::move(large)), nullptr, 0};
    publication.lifetime = Client::life();
    CHECK(tier.publish(std::span(&publication, 1)).has_error());
    CHECK(eventually(client.io, [&] { return client.connection.status().forgotten == 1; }));
    CHECK(eventually(client.io, [&] { return client.hit(2) == 1; }));
    CHECK(client.connection.status().connections < 10);
    CHECK(client.connection.status().owed == 0);
}

TEST_CASE("more than a server can do within the time limit is delivered all the same, once") {
    RedisServer own;
    RedisOptions hurried = own.options();
    hurried.timeout = 300ms;
    Client client(hurried);
    REQUIRE(client.connected());
    own.send(SIGSTOP);
    constexpr std::int64_t many = 20'000;
    std::atomic<std::int64_t> ended{0};
    for (std::int64_t number = 1; number <= many; ++number) {
        Publication<Pass> publication;
        publication.primary = number;
        publication.version = 2;
        publication.row = Client::row(number, 2);
        publication.lifetime = Client::life();
        client.tier.tier().async_publish(std::span(&publication, 1), [&ended](const Outcome<void>&) { ++ended; });
    }
    CHECK(eventually(client.io, [&] { return ended == many; }, 1min));
    CHECK(client.connection.status().owed == many);
    const auto connections = client.connection.status().connections;
    own.send(SIGCONT);
    CHECK(eventually(client.io, [&] { return client.connection.status().connected && client.connection.status().owed == 0; }, 1min));
    // A lookup comes after all of it.
    CHECK(eventually(client.io, [&] { return client.look().has_value(); }));
    CHECK(client.connection.status().forgotten == 0);
    CHECK(client.connection.status().connections <= connections + 3);
    CHECK(own.command("DBSIZE") == std::to_string(many + 1));
}

TEST_CASE("a publication that a busy server refused is delivered when it is free again") {
    RedisServer own("--lua-time-limit 10");
    RedisOptions patient = own.options();
    patient.timeout = 5s;
    // No heartbeat finds out before the publication does.
    patient.heartbeat = 10min;
    patient.near_delta = 20min;
    Client client(patient);
    client.store(1);
    std::thread script([&] { own.command("EVAL 'while true do end' 0"); });
    Outcome<void> published;
    Version version = 1;
    while (!published.has_error()) published = client.publish(++version, 0);
    CHECK_MESSAGE(published.error().text.find("BUSY") != std::string::npos, published.error().text);
    own.command("SCRIPT KILL");
    script.join();
    CHECK(eventually(client.io, [&] { return client.hit() == version; }));
    CHECK(client.connection.status().owed == 0);
    CHECK(client.connection.status().forgotten == 0);
}

TEST_CASE("a server that refuses writes for a while serves nothing until it has taken the publication that it refused") {
    struct Refusal {
        const char* begin;
        const char* end;
        const char* word;
    };
    for (const auto& [begin, end, word] : {Refusal{"CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0", "NOREPLICAS"}, Refusal{"REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "READONLY"}}) {
        CAPTURE(word);
        RedisServer own;
        RedisOptions hurried = own.options();
        hurried.longest_pause = hurried.first_pause = 2ms;
        Client client(hurried);
        client.store(1);
        const std::string identity = client.connection.status().identity;
        own.command(begin);
        CHECK(client.publish(2, 0).has_error());
        CHECK(eventually(client.io, [&] { return client.connection.status().owed == 1; }));
        // It is found at the preparation, however often that is tried.
        CHECK(eventually(client.io, [&] { return client.connection.status().last_failure.text.starts_with("the server tells no identity"); }));
        CHECK(client.look().has_error());
        CHECK(!client.connection.status().connected);
        CHECK_MESSAGE(client.connection.status().last_failure.text.find(word) != std::string::npos, client.connection.status().last_failure.text);
        CHECK(eventually(client.io, [&] { return client.connection.status().owed == 1; }));
        own.command(end);
        // A server that was a replica for a while may be another cache, where nothing is left to be told.
        CHECK(eventually(client.io, [&] { return client.look().has_value(); }));
        CHECK(client.hit() == (client.connection.status().identity == identity ? 2 : 0));
        CHECK(client.connection.status().owed == 0);
        CHECK(client.connection.status().forgotten == (client.connection.status().identity == identity ? 0 : 1));
    }
}

TEST_CASE("a publication that a server refuses whose preparation it takes is delivered late, before anything is read, and no connection flaps meanwhile") {
    RedisServer own;
    own.command("ACL SETUSER narrow on '>open' '~*' '&*' '+@all'");
    RedisOptions narrow = own.options();
    narrow.user = "narrow";
    narrow.password = "open";
    narrow.longest_pause = 100ms;
    Client client(narrow);
    client.store(1);
    own.command("ACL SETUSER narrow -evalsha");
    CHECK(client.publish(2, 0).has_error());
    const auto connections = client.connection.status().connections;
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < 600ms) CHECK(client.hit() == 0);
    CHECK(client.connection.status().connections - connections > 5);
    CHECK(client.connection.status().connections - connections < 30);
    CHECK(eventually(client.io, [&] { return client.connection.status().owed == 1; }));
    CHECK_MESSAGE(client.connection.status().last_failure.text.find("NOPERM") != std::string::npos, client.connection.status().last_failure.text);
    own.command("ACL SETUSER narrow +evalsha");
    CHECK(eventually(client.io, [&] { return client.look().has_value(); }));
    CHECK(client.hit() == 2);
    CHECK(client.connection.status().owed == 0);
    CHECK(client.connection.status().forgotten == 0);
}

TEST_CASE("what changes something is sent anew within its time limit when its connection is lost") {
    RedisServer own;
    RedisOptions patient = own.options();
    patient.timeout = 10s;
    // No heartbeat finds out first.
    patient.heartbeat = 10min;
    patient.near_delta = 20min;
    Client client(patient);
    client.store(1);
    own.send(SIGSTOP);
    const auto requests = client.connection.status().requests;
    std::promise<Outcome<void>> fenced;
    client.tier.tier().async_fence(Client::keys(1), 7, 1min, [&](Outcome<void> outcome) { fenced.set_value(std::move(outcome)); });
    CHECK(eventually(client.io, [&] { return client.connection.status().requests > requests; }));
    own.send(SIGKILL);
    CHECK(eventually(client.io, [&] { return !client.connection.status().connected; }));
    own.start();
    CHECK(fenced.get_future().get().has_value());
    CHECK(client.look()->answer == Answer::bypass);
    CHECK(client.connection.status().timeouts == 0);
}

TEST_CASE("a connection that is made well says of no failure, with a tier in front or without") {
    RedisServer own;
    Client client(own.options());
    REQUIRE(client.connected());
    // The connection is made anew.
    Near near(client);
    CHECK(eventually(client.io, [&] { return client.connection.status().connections == 2; }));
    client.store(1);
    CHECK(near.fetch());
    CHECK(client.connection.status().connected);
    CHECK_MESSAGE(!client.connection.status().last_failure, client.connection.status().last_failure.text);
    CHECK(client.connection.status().flushes == 0);
    own.command("FLUSHALL");
    CHECK(eventually(client.io, [&] { return client.connection.status().flushes != 0; }));
    CHECK(client.look().has_value());
}

TEST_CASE("a replica, which takes no writes, is no cache") {
    RedisServer master, replica;
    replica.command("REPLICAOF 127.0.0.1 " + std::to_string(master.port()));
    Refused(hasty(replica.options())).says("READONLY");
}

TEST_CASE("a tier and its connection may go while operations are under way") {
    for (int round = 0; round < 20; ++round) {
        auto client = std::make_unique<Client>(options("going"));
        std::atomic<int> ended{0};
        for (std::int64_t number = 1; number <= 50; ++number)
            client->tier.tier().async_lookup<0>(number, Demand{}, [&ended](const Outcome<Lookup<CachedRow<Pass>>>&) { ++ended; });
        client->connection.close();
        CHECK(eventually(client->io, [&] { return ended == 50; }));
        const auto late = client->look();
        REQUIRE(late.has_error());
        CHECK(late.error() == errc::stopped);
    }
}

TEST_CASE("an encrypted connection verifies the server, and the server the client") {
    const auto folder = std::filesystem::temp_directory_path() / ("larder-tls-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    const std::string at = folder.string() + "/";
    output_of("cd " + at +
              " && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=authority -days 2 2>/dev/null"
              " && openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=cache.test -addext subjectAltName=DNS:cache.test 2>/dev/null"
              " && openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -copy_extensions copy -out server.crt -days 2 2>/dev/null");
    {
        // The plain port serves the script that starts the server; the encrypted one is beside it.
        RedisServer own("--tls-cert-file " + at + "server.crt --tls-key-file " + at + "server.key --tls-ca-cert-file " + at + "ca.crt");
        int encrypted = 0;
        for (int port = own.port() + 1; encrypted == 0 && port < own.port() + 50; ++port)
            if (own.command("CONFIG SET tls-port " + std::to_string(port)) == "OK") encrypted = port;
        REQUIRE(encrypted != 0);
        RedisOptions safe = own.options();
        safe.port = static_cast<std::uint16_t>(encrypted);
        safe.tls = true;
        safe.tls_authorities = at + "ca.crt";
        safe.tls_certificate = at + "server.crt";
        safe.tls_key = at + "server.key";
        safe.tls_server_name = "cache.test";
        safe.timeout = 5s;
        Client client(safe);
        client.store(4);
        CHECK(client.hit() == 4);

        RedisOptions wrong = hasty(safe);
        wrong.tls_server_name = "other.test";
        Refused(wrong).says("certificate verify failed");
        wrong = hasty(safe);
        wrong.tls_authorities.clear();
        Refused(wrong).says("certificate verify failed");
        wrong = hasty(safe);
        wrong.tls_authorities = at + "missing.crt";
        Refused(wrong).says("TLS cannot be set up");
        wrong = hasty(safe);
        wrong.tls_certificate.clear();
        wrong.tls_key.clear();
        Refused(wrong).says("Redis cannot be reached");
        wrong = hasty(safe);
        wrong.tls = false;
        Refused(wrong).says("Redis cannot be reached");
    }
    std::filesystem::remove_all(folder);
}
