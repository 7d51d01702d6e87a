// SPDX-License-Identifier: BSL-1.0
//
// The connection to Redis over Boost.Redis. Part of larder/src.hpp; nothing else includes it.

#include <larder/cache/redis_connection.hpp>
#include <larder/environment.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/redis/connection.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {
namespace redis_client {

namespace asio = boost::asio;
using boost::system::error_code;
using Strand = asio::strand<asio::any_io_executor>;
using Boosted = boost::redis::basic_connection<Strand>;
using NodeView = boost::redis::resp3::basic_node<std::string_view>;

inline RedisReplies::Kind kind_of(boost::redis::resp3::type type) noexcept {
    using Type = boost::redis::resp3::type;
    switch (type) {
    case Type::array:
    case Type::push:
    case Type::set:
    case Type::map:
    case Type::attribute: return RedisReplies::Kind::array;
    case Type::simple_error:
    case Type::blob_error: return RedisReplies::Kind::error;
    case Type::null: return RedisReplies::Kind::null;
    case Type::number: return RedisReplies::Kind::number;
    default: return RedisReplies::Kind::text;
    }
}

/// Takes replies as they are parsed.
struct ReplyAdapter {
    RedisReplies* replies;

    void operator()(std::size_t command, const NodeView& node, error_code&) const {
        while (replies->size() <= command) replies->begin();
        replies->add(kind_of(node.data_type), node.aggregate_size, node.value);
    }
    std::size_t get_supported_response_size() const noexcept { return static_cast<std::size_t>(-1); }
};
struct ReplySink {
    RedisReplies& replies;
};
inline ReplyAdapter boost_redis_adapt(ReplySink& sink) noexcept { return {&sink.replies}; }
inline boost::redis::any_adapter adapter_of(RedisReplies& replies) {
    ReplySink sink{replies};
    return boost::redis::any_adapter(sink);
}

/// Takes what the server tells unasked, as it is parsed: in order with the replies.
struct PushSink {
    RedisFeed* feed = nullptr;
    std::string ours;                ///< What the connection's keys begin with.
    std::atomic<std::uint64_t>* keys = nullptr; ///< Counts them.
    bool of_changes = false;         ///< Whether the message under way is about changed keys.
    bool flush = false;              ///< Whether anything may have changed.

    void take(const NodeView& node) {
        if (node.depth == 0) {
            of_changes = false;
        } else if (node.depth == 1 && node.value == "invalidate") {
            of_changes = true;
        } else if (of_changes && node.depth == 1 && kind_of(node.data_type) == RedisReplies::Kind::null) {
            flush = true;
        } else if (of_changes && node.depth == 2) {
            keys->fetch_add(1, std::memory_order_relaxed);
            if (node.value.starts_with(ours)) feed->changed(node.value.substr(ours.size()));
        }
    }
};
struct PushAdapter {
    PushSink* sink;
    void operator()(std::size_t, const NodeView& node, error_code&) const { sink->take(node); }
    std::size_t get_supported_response_size() const noexcept { return static_cast<std::size_t>(-1); }
};
inline PushAdapter boost_redis_adapt(PushSink& sink) noexcept { return {&sink}; }

/// One connection from its making to its loss; kept by the handlers that are under way on it.
struct Generation {
    Generation(const Strand& strand, asio::ssl::context context) : connection(strand, std::move(context)) {}

    Boosted connection;
    PushSink pushes;
    std::string refusal; ///< What the server said to the log-in.
    std::array<std::string, redis_script_count> digests;
    Error lost;          ///< Why it was lost.
    bool started = false;
    bool ended = false;  ///< Whether its run has ended.
    bool prepared = false;
    bool tracking = false;
    bool delivering = false;         ///< Whether calls that are owed are under way.
    SteadyTime ready{};              ///< When it was prepared.
    bool beating = false;            ///< Whether a heartbeat is under way.
    SteadyTime beaten{};             ///< When the last heartbeat was sent.
    SteadyTime identified{};         ///< When the cache's identity was last found.
};

/// Keeps what the server says to the log-in; logs nothing. Boost.Redis uses copies of it that were moved from.
struct Listener {
    Generation* generation;

    void set_prefix(std::string_view) const noexcept {}
    template <class... Any>
    void on_resolve(const Any&...) const noexcept {}
    template <class... Any>
    void on_connect(const Any&...) const noexcept {}
    void on_ssl_handshake(const error_code&) const noexcept {}
    void on_write(const error_code&, const std::string&) const noexcept {}
    void on_read(const error_code&, std::size_t) const noexcept {}
    void on_hello(const error_code&, const boost::redis::generic_response& response) const {
        if (response.has_error()) generation->refusal = response.error().diagnostic;
    }
    template <class... Any>
    void trace(const Any&...) const noexcept {}
};

/// A call with its time limit.
struct Pending {
    std::shared_ptr<RedisCall> call;
    SteadyTime deadline;
    bool late = false;      ///< Whether its caller was told that it failed.
    bool done = false;
    bool with_text = false; ///< Whether scripts go out in full, for the server has forgotten them.
    unsigned sent = 0;      ///< How often it was sent.

    /// Whether it is to be sent once more after its connection was lost: what changes something may be done twice.
    bool may_be_sent_again(SteadyTime moment) const noexcept { return !done && !late && sent < most_sent && call->urgency() != RedisCall::Urgency::skip && moment < deadline; }

    /// How often a call is sent; one that is lost so often may be what ends the connections.
    static constexpr unsigned most_sent = 5;

    void finish(const RedisAnswer& answer) {
        if (std::exchange(done, true)) return;
        const auto ended = std::exchange(call, nullptr);
        if (!late) ended->finish(answer);
    }
    void fail(const Error& failure) {
        if (std::exchange(done, true)) return;
        const auto ended = std::exchange(call, nullptr);
        if (!late) ended->fail(failure);
    }
};

/// Calls that went out together.
struct Batch {
    boost::redis::request request;
    RedisReplies replies;
    std::vector<std::pair<std::shared_ptr<Pending>, std::size_t>> calls; ///< With the number of the first command of each.
    bool owed = false; ///< Whether these are calls that were owed.
};

/// Calls and their time limits, connections one after the other, and the heartbeat. All but the inbox is used on one strand alone.
class Client final : public RedisLink, public std::enable_shared_from_this<Client> {
public:
    Client(asio::any_io_executor executor, RedisOptions options) : RedisLink(std::move(options)), strand_(asio::make_strand(std::move(executor))), timer_(strand_) {}

    void start() {
        asio::post(strand_, [self = shared_from_this()] {
            self->attempt();
            self->tick();
        });
    }

    void submit(std::shared_ptr<RedisCall> call) override {
        if ((call->urgency() == RedisCall::Urgency::skip && broken_.load(std::memory_order_acquire)) || stopped_.load(std::memory_order_acquire)) {
            skipped_.fetch_add(1, std::memory_order_relaxed);
            call->fail(down());
            return;
        }
        auto pending = std::make_shared<Pending>();
        pending->call = std::move(call);
        pending->deadline = now() + options().timeout;
        {
            const std::lock_guard lock(mutex_);
            inbox_.push_back(std::move(pending));
            if (inbox_.size() != 1) return;
        }
        asio::post(strand_, [self = shared_from_this()] { self->drain(); });
    }

    RedisMicros latest_now() const noexcept override { return micros(now()) + latest_.load(std::memory_order_acquire); }
    RedisMicros earliest_now() const noexcept override { return micros(now()) + earliest_.load(std::memory_order_acquire); }

    void track() override {
        if (tracked_.exchange(true)) return;
        // A connection that was prepared without is made anew.
        asio::post(strand_, [self = shared_from_this()] {
            if (self->generation_ && !self->generation_->tracking) self->lose({errc::cache_unavailable, "the connection to Redis was made anew to be told of changes"}, false);
        });
    }

    RedisStatus status() const override {
        RedisStatus state;
        state.connected = connected_.load(std::memory_order_acquire);
        state.connections = connections_.load(std::memory_order_relaxed);
        state.commands = commands_.load(std::memory_order_relaxed);
        state.requests = requests_.load(std::memory_order_relaxed);
        state.skipped = skipped_.load(std::memory_order_relaxed);
        state.timeouts = timeouts_.load(std::memory_order_relaxed);
        state.owed = owed_count_.load(std::memory_order_relaxed);
        state.forgotten = forgotten_.load(std::memory_order_relaxed);
        state.flushes = flushes_.load(std::memory_order_relaxed);
        state.invalidations = invalidations_.load(std::memory_order_relaxed);
        const std::lock_guard lock(mutex_);
        state.server = server_;
        state.identity = epoch_;
        state.last_failure = last_failure_;
        return state;
    }

    void close() override {
        stopped_.store(true, std::memory_order_release);
        asio::post(strand_, [self = shared_from_this()] {
            self->closed_ = true;
            self->timer_.cancel();
            self->lose({errc::stopped, "the connection to Redis was closed"}, true);
            self->drain();
            self->forget(0);
        });
    }

private:
    // ---- time

    SteadyTime now() const noexcept { return environment_.precise_now(); }
    static RedisMicros micros(SteadyTime moment) noexcept { return std::chrono::floor<std::chrono::microseconds>(moment.time_since_epoch()).count(); }

    /// Takes note of a reading of the server's clock.
    void set_time(SteadyTime sent, SteadyTime answered, RedisMicros server) noexcept {
        latest_.store(server - micros(sent) + 1, std::memory_order_release);
        earliest_.store(server - micros(answered) - 1, std::memory_order_release);
    }

    Duration jittered(Duration pause) { return pause - Duration(static_cast<Duration::rep>(static_cast<std::uint64_t>(pause.count() / 2) * (environment_.random() >> 48) >> 16)); }

    void tick() {
        if (closed_) return;
        sweep();
        if (generation_) {
            if (!generation_->prepared) {
                if (now() >= attempt_until_) lose({errc::timed_out, "the server did not answer within the time to connect (" + where() + ")"}, true);
            } else if (!generation_->beating && now() - generation_->beaten >= options().heartbeat) {
                beat();
            }
        } else if (now() >= next_attempt_) {
            attempt();
        }
        Duration pause = std::min<Duration>({options().heartbeat, options().timeout / 4, options().connect_timeout / 4});
        if (!generation_) pause = std::min(pause, std::max<Duration>(next_attempt_ - now(), Duration::zero()));
        timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::max<Duration>(pause, std::chrono::milliseconds(1))));
        timer_.async_wait([self = shared_from_this()](const error_code& failed) {
            if (!failed) self->tick();
        });
    }

    /// Fails what has taken too long. Whatever was sent and not answered in time says that the connection is dead.
    void sweep() {
        const SteadyTime moment = now();
        bool stuck = false;
        while (!watched_.empty() && (watched_.front()->done || watched_.front()->deadline <= moment)) {
            const std::shared_ptr<Pending> pending = std::move(watched_.front());
            watched_.pop_front();
            if (pending->done) continue;
            // Of one that was sent anew the time began on another connection.
            stuck = stuck || (generation_ && generation_->prepared && pending->sent == 1);
            timeouts_.fetch_add(1, std::memory_order_relaxed);
            give_up(*pending, {errc::timed_out, generation_ && generation_->prepared ? "Redis did not answer in time (" + where() + ")" : "there was no connection to Redis in time (" + where() + ")" + cause()});
        }
        std::erase_if(waiting_, [](const auto& pending) { return pending->done; });
        if (stuck) lose({errc::timed_out, "Redis did not answer in time (" + where() + ")"}, true);
    }

    // ---- calls

    void drain() {
        std::vector<std::shared_ptr<Pending>> arrived;
        {
            const std::lock_guard lock(mutex_);
            arrived.swap(inbox_);
        }
        for (auto& pending : arrived) {
            if (closed_) {
                pending->fail({errc::stopped, "the connection to Redis was closed"});
            } else if (!ready() && broken_.load(std::memory_order_relaxed) && pending->call->urgency() == RedisCall::Urgency::skip) {
                skipped_.fetch_add(1, std::memory_order_relaxed);
                pending->fail(down());
            } else {
                watched_.push_back(pending);
                waiting_.push_back(std::move(pending));
            }
        }
        while (!watched_.empty() && watched_.front()->done) watched_.pop_front();
        send();
    }

    bool ready() const noexcept { return generation_ && generation_->prepared && !generation_->delivering && !identifying_; }

    void send() {
        if (!ready()) return;
        auto batch = std::make_shared<Batch>();
        std::size_t first = 0;
        const auto add = [&](std::shared_ptr<Pending>&& pending) {
            const std::size_t count = pending->call->commands();
            for (std::size_t command = 0; command < count; ++command) write(batch->request, *pending, command);
            ++pending->sent;
            batch->calls.emplace_back(std::move(pending), first);
            first += count;
        };
        if (!owed_.empty()) {
            // In portions that are answered soon, heartbeats between them; all else waits.
            constexpr std::size_t most_commands = 256, most_bytes = std::size_t{1} << 20;
            std::size_t bytes = 0;
            while (!owed_.empty() && first < most_commands && bytes < most_bytes) {
                bytes += owed_.front()->call->bytes();
                add(std::move(owed_.front()));
                owed_.pop_front();
            }
            owed_bytes_ -= bytes;
            owed_count_.store(owed_.size(), std::memory_order_relaxed);
            batch->owed = generation_->delivering = true;
        } else {
            for (auto& pending : waiting_)
                if (!pending->done) add(std::move(pending));
            waiting_.clear();
            if (batch->calls.empty()) return;
        }
        if (first == 0) {
            for (auto& [pending, number] : batch->calls) pending->finish(RedisAnswer(batch->replies, number, 0));
            return;
        }
        commands_.fetch_add(first, std::memory_order_relaxed);
        requests_.fetch_add(batch->calls.size(), std::memory_order_relaxed);
        auto& connection = generation_->connection;
        const auto& request = batch->request;
        connection.async_exec(request, adapter_of(batch->replies), [self = shared_from_this(), batch, generation = generation_](const error_code& failed, std::size_t) { self->answered(*batch, generation, failed); });
    }

    /// Writes one command of a call as it goes to the present connection.
    void write(boost::redis::request& request, const Pending& pending, std::size_t command) {
        words_.clear();
        const RedisCall& call = *pending.call;
        texts_.clear();
        for (const auto& argument : call.arguments(command)) {
            const std::string_view value = call.value(argument);
            switch (argument.piece) {
            case RedisCall::Piece::text: words_.push_back(value); break;
            case RedisCall::Piece::script: {
                const auto number = static_cast<std::size_t>(value.front());
                words_.push_back(pending.with_text ? "EVAL" : "EVALSHA");
                if (pending.with_text)
                    words_.push_back(texts_.emplace_back(text_of(static_cast<RedisScript>(number))));
                else
                    words_.push_back(generation_->digests[number]);
                words_.push_back("2");
                break;
            }
            case RedisCall::Piece::key:
                words_.push_back(texts_.emplace_back(ours_ + std::string(value)));
                if (words_.size() == 4 && words_[2] == "2" && (words_[0] == "EVALSHA" || words_[0] == "EVAL")) {
                    words_.push_back(sentinel_);
                    words_.push_back(epoch_);
                    words_.push_back(keep_);
                }
                break;
            }
        }
        request.push_range(words_.front(), words_.begin() + 1, words_.end());
    }

    void answered(Batch& batch, const std::shared_ptr<Generation>& generation, const error_code& failed) {
        if (failed) {
            const Error why = generation->lost ? generation->lost : Error{errc::cache_unavailable, "the connection to Redis was lost: " + failed.message() + " (" + where() + ")"};
            for (auto& [pending, first] : batch.calls) {
                if (pending->may_be_sent_again(now()) && !closed_)
                    waiting_.push_back(pending);
                else
                    give_up(*pending, why);
            }
            send();
            return;
        }
        bool moved = false;
        std::string unfit;
        for (auto& [pending, first] : batch.calls) {
            if (pending->done) continue;
            bool forgotten = false, undone = false;
            for (std::size_t command = first; command < first + pending->call->commands(); ++command) {
                const auto reply = batch.replies[command];
                if (!reply.is_error()) continue;
                if (reply.text().starts_with("NOSCRIPT")) forgotten = true;
                if (reply.text().starts_with(redis_moved)) moved = true;
                if (!is_verdict(reply.text())) {
                    unfit = reply.text();
                    undone = true;
                }
            }
            if (undone) {
                // It is not what it was sent for that stood in the way.
                --pending->sent;
                give_up(*pending, unusable(unfit));
            } else if (forgotten && !pending->with_text) {
                pending->with_text = true;
                if (pending->late)
                    owe(pending);
                else
                    waiting_.push_back(pending);
            } else {
                pending->finish(RedisAnswer(batch.replies, first, pending->call->commands()));
            }
        }
        if (generation != generation_) return;
        if (batch.owed) generation->delivering = false;
        if (!unfit.empty())
            lose(unusable(unfit), true);
        else if (moved && !identifying_)
            identify();
        else
            send();
    }

    /// Whether an error tells something of the command itself or of its record. Any other is about the state of the server (a replica, too few
    /// replicas, a disk that fails, loading, a script that takes long, a right that is missing), which then does nothing of what it is asked for.
    static bool is_verdict(std::string_view error) {
        std::string_view code = error.substr(0, error.find(' '));
        // Servers before version 7 put what a command of a script failed with into the text.
        constexpr std::string_view in_script = ": -";
        if (const auto inner = error.find(in_script); code == "ERR" && inner != error.npos) {
            code = error.substr(inner + in_script.size());
            code = code.substr(0, code.find(' '));
        }
        for (const std::string_view known : {"ERR", "OOM", "WRONGTYPE", "NOSCRIPT", "LARDER"})
            if (code == known) return true;
        return false;
    }

    /// \param words what a server says that does nothing of what it is asked for.
    Error unusable(const std::string& words) const { return {errc::cache_unavailable, "the server cannot be used: " + words + " (" + where() + ")"}; }

    /// Fails a call, and keeps what has to be delivered all the same; but not what was sent time and again, which may be what ends the connections.
    void give_up(Pending& pending, const Error& why) {
        if (pending.done) return;
        // Owed before the caller is told, who may look at once.
        if (!closed_ && pending.call->urgency() == RedisCall::Urgency::deliver && pending.call->commands() != 0) {
            if (pending.sent >= Pending::most_sent) {
                forgotten_.fetch_add(1, std::memory_order_relaxed);
            } else {
                auto late = std::make_shared<Pending>();
                late->call = pending.call;
                late->late = true;
                late->sent = pending.sent;
                owe(std::move(late));
            }
        }
        pending.fail(why);
    }

    void owe(std::shared_ptr<Pending> late) {
        owed_bytes_ += late->call->bytes();
        owed_.push_back(std::move(late));
        forget(options().owed_bytes);
    }

    /// Forgets the oldest of what has to be delivered. \param room for how many bytes of it there is room.
    void forget(std::size_t room) {
        while (owed_bytes_ > room) {
            owed_bytes_ -= owed_.front()->call->bytes();
            owed_.pop_front();
            forgotten_.fetch_add(1, std::memory_order_relaxed);
        }
        owed_count_.store(owed_.size(), std::memory_order_relaxed);
    }

    // ---- the connection

    std::string where() const { return options().host + ":" + std::to_string(options().port); }
    std::string cause() const {
        const std::lock_guard lock(mutex_);
        return last_failure_ ? ": " + last_failure_.text : std::string();
    }
    Error down() const {
        if (stopped_.load(std::memory_order_acquire)) return {errc::stopped, "the connection to Redis was closed"};
        return {errc::cache_unavailable, "there is no connection to Redis (" + where() + ")" + cause()};
    }

    void attempt() {
        if (closed_ || generation_) return;
        attempt_until_ = now() + options().connect_timeout;
        asio::ssl::context context(asio::ssl::context::tls_client);
        error_code failed;
        if (options().tls) prepare_tls(context, failed);
        auto generation = std::make_shared<Generation>(strand_, std::move(context));
        if (options().tls && !failed) verify_name(*generation, failed);
        generation_ = generation;
        if (failed) {
            lose({errc::cache_unavailable, "TLS cannot be set up: " + failed.message()}, true);
            return;
        }
        generation->pushes.feed = &feed();
        generation->pushes.keys = &invalidations_;
        generation->connection.set_receive_response(generation->pushes);

        boost::redis::config config;
        config.use_ssl = options().tls;
        config.addr = {options().host, std::to_string(options().port)};
        config.username = options().user.empty() ? "default" : options().user;
        config.password = options().password;
        config.clientname = options().password.empty() ? std::string() : "larder";
        config.database_index = static_cast<int>(options().database);
        config.resolve_timeout = config.connect_timeout = config.ssl_handshake_timeout = options().connect_timeout;
        config.health_check_interval = std::chrono::seconds(0);
        config.reconnect_wait_interval = std::chrono::seconds(0);
        generation->started = true;
        generation->connection.async_run(config, Listener{generation.get()}, [self = shared_from_this(), generation](const error_code& ended) { self->run_ended(generation, ended); });
        receive(generation);
        prepare(generation);
    }

    void prepare_tls(asio::ssl::context& context, error_code& failed) const {
        context.set_verify_mode(asio::ssl::verify_peer, failed);
        if (failed) return;
        if (options().tls_authorities.empty())
            context.set_default_verify_paths(failed);
        else
            context.load_verify_file(options().tls_authorities, failed);
        if (!failed && !options().tls_certificate.empty()) context.use_certificate_chain_file(options().tls_certificate, failed);
        if (!failed && !options().tls_key.empty()) context.use_private_key_file(options().tls_key, asio::ssl::context::pem, failed);
    }
    void verify_name(Generation& generation, error_code& failed) const {
        const std::string& name = options().tls_server_name.empty() ? options().host : options().tls_server_name;
        auto& stream = generation.connection.next_layer();
        stream.set_verify_callback(asio::ssl::host_name_verification(name), failed);
        if (!failed && SSL_set_tlsext_host_name(stream.native_handle(), name.c_str()) != 1) failed = error_code(static_cast<int>(::ERR_get_error()), asio::error::get_ssl_category());
    }

    /// Takes the notices of pushes away, which the reader waits for otherwise.
    void receive(const std::shared_ptr<Generation>& generation) {
        generation->connection.async_receive([self = shared_from_this(), generation](error_code failed, std::size_t) {
            if (failed) return;
            while (!failed) generation->connection.receive(failed);
            if (std::exchange(generation->pushes.flush, false) && generation == self->generation_ && generation->prepared && !self->identifying_) self->identify();
            self->receive(generation);
        });
    }

    /// Sends what makes a new connection ready: scripts, tracking, and the question for the cache's identity.
    void prepare(const std::shared_ptr<Generation>& generation) {
        auto batch = std::make_shared<Batch>();
        for (std::size_t number = 0; number < redis_script_count; ++number) batch->request.push("SCRIPT", "LOAD", text_of(static_cast<RedisScript>(number)));
        generation->tracking = tracked_.load();
        if (generation->tracking)
            batch->request.push("CLIENT", "TRACKING", "ON", "NOLOOP");
        else
            batch->request.push("PING");
        ask_identity(batch->request);
        const auto& request = batch->request;
        const SteadyTime sent = now();
        generation->connection.async_exec(request, adapter_of(batch->replies), [self = shared_from_this(), batch, generation, sent](const error_code& failed, std::size_t) {
            // A failure is told by the end of the run.
            if (!failed && generation == self->generation_) self->prepared(*batch, generation, sent);
        });
    }

    void ask_identity(boost::redis::request& request) {
        char random[17];
        std::snprintf(random, sizeof random, "%016llx", static_cast<unsigned long long>(environment_.random()));
        request.push("EVAL", text_of(RedisScript::identify), "1", sentinel_name(), epoch_, random, std::to_string(sentinel_life.count()));
    }
    std::string sentinel_name() const { return options().prefix + ":identity"; }

    void prepared(const Batch& batch, const std::shared_ptr<Generation>& generation, SteadyTime sent) {
        for (std::size_t number = 0; number < redis_script_count + 1; ++number) {
            const auto reply = batch.replies[number];
            if (reply.is_error()) {
                if (!reply.text().starts_with("NOAUTH")) lose({errc::cache_unavailable, "the server refuses what the cache needs: " + std::string(reply.text()) + " (" + where() + ")"}, true);
                return;
            }
            if (number < redis_script_count) generation->digests[number] = reply.text();
        }
        if (!take_identity(batch.replies[redis_script_count + 1], sent)) return;
        generation->prepared = true;
        generation->ready = now();
        connections_.fetch_add(1, std::memory_order_relaxed);
        broken_.store(false, std::memory_order_release);
        connected_.store(true, std::memory_order_release);
        beat();
        send();
    }

    /// Takes over the identity that a server answered. \returns whether it could.
    bool take_identity(const RedisReplies::Reply& reply, SteadyTime sent) {
        if (reply.is_error() || reply.size() != 6) {
            lose({errc::cache_unavailable, "the server tells no identity: " + (reply.is_error() ? std::string(reply.text()) : "it answers something else") + " (" + where() + ")"}, true);
            return false;
        }
        const SteadyTime answered = now();
        set_time(sent, answered, reply[4].number() * 1'000'000 + reply[5].number());
        {
            const std::lock_guard lock(mutex_);
            // What was kept under another identity is not read any more.
            if (!epoch_.empty() && epoch_ != reply[0].text()) forget(0);
            epoch_ = reply[0].text();
            server_ = reply[3].text();
        }
        sentinel_ = sentinel_name();
        ours_ = options().prefix + ":" + epoch_ + ":";
        keep_ = std::to_string(redis_span(options().keep_floors));
        generation_->pushes.ours = ours_;
        generation_->identified = answered;
        return true;
    }

    /// Asks for the cache's identity anew on the same connection; what is asked for meanwhile waits. In-process tiers are emptied.
    void identify() {
        identifying_ = true;
        lose_feed(*generation_);
        auto batch = std::make_shared<Batch>();
        ask_identity(batch->request);
        const auto& request = batch->request;
        const SteadyTime sent = now();
        attempt_until_ = sent + options().connect_timeout;
        generation_->connection.async_exec(request, adapter_of(batch->replies), [self = shared_from_this(), batch, generation = generation_, sent](const error_code& failed, std::size_t) {
            if (failed || generation != self->generation_) return;
            self->identifying_ = false;
            if (!self->take_identity(batch->replies[0], sent)) return;
            self->beat();
            self->send();
        });
    }

    void beat() {
        static constexpr auto identify_again = std::chrono::hours(6);
        const SteadyTime sent = now();
        if (sent - generation_->identified > identify_again && !identifying_) {
            identify();
            return;
        }
        generation_->beating = true;
        generation_->beaten = sent;
        auto batch = std::make_shared<Batch>();
        batch->request.push("TIME");
        batch->request.push("HGET", sentinel_, "epoch");
        const auto& request = batch->request;
        generation_->connection.async_exec(request, adapter_of(batch->replies), [self = shared_from_this(), batch, generation = generation_, sent](const error_code& failed, std::size_t) {
            generation->beating = false;
            if (failed || generation != self->generation_) return;
            self->beaten(*batch, *generation, sent);
        });
        auto guard = std::make_shared<Pending>();
        guard->call = std::make_shared<Beat>();
        guard->deadline = sent + options().timeout;
        guard->sent = 1;
        beat_ = guard;
        watched_.push_back(std::move(guard));
    }

    void beaten(const Batch& batch, Generation& generation, SteadyTime sent) {
        if (const auto guard = beat_.lock()) guard->done = true;
        const auto time = batch.replies[0];
        if (time.size() != 2) {
            lose({errc::cache_unavailable, "the server does not tell the time: " + std::string(time.text()) + " (" + where() + ")"}, true);
            return;
        }
        set_time(sent, now(), time[0].number() * 1'000'000 + time[1].number());
        if (identifying_) return;
        if (generation.pushes.flush || batch.replies[1].text() != epoch_) {
            generation.pushes.flush = false;
            identify();
        } else if (generation.tracking) {
            feed().lease().heartbeat_answered(sent);
        }
    }

    void run_ended(const std::shared_ptr<Generation>& generation, const error_code& ended) {
        generation->ended = true;
        generation->connection.cancel();
        if (generation != generation_) return;
        std::string why = !generation->refusal.empty() ? "the server refuses the log-in: " + generation->refusal
                          : generation->prepared       ? "the connection to Redis was lost"
                                                       : "Redis cannot be reached";
        if (generation->refusal.empty() && ended) why += ": " + ended.message();
        lose({errc::cache_unavailable, why + " (" + where() + ")"}, true);
    }

    void lose_feed(const Generation& generation) {
        feed().lose();
        if (generation.tracking && generation.prepared) flushes_.fetch_add(1, std::memory_order_relaxed);
    }

    /// Ends the present connection, and whatever is under way on it. \param outage whether lookups are skipped until there is another.
    void lose(const Error& why, bool outage) {
        const auto generation = std::exchange(generation_, nullptr);
        connected_.store(false, std::memory_order_release);
        if (outage) broken_.store(true, std::memory_order_release);
        identifying_ = false;
        if (generation) {
            if (outage) {
                const std::lock_guard lock(mutex_);
                last_failure_ = why;
            }
            lose_feed(*generation);
            generation->lost = why;
            // One that did not last is as good as none.
            if (generation->prepared && now() - generation->ready >= pause_after(failures_)) failures_ = 0;
            put_down(generation);
        }
        next_attempt_ = outage ? now() + (failures_ == 0 ? Duration::zero() : jittered(pause_after(failures_))) : now();
        ++failures_;
        std::deque<std::shared_ptr<Pending>> kept;
        for (auto& pending : waiting_) {
            if (pending->done) continue;
            if (closed_ || (outage && pending->call->urgency() == RedisCall::Urgency::skip))
                give_up(*pending, why);
            else
                kept.push_back(std::move(pending));
        }
        waiting_ = std::move(kept);
        // The next tick, which is near, makes the next attempt.
        if (!closed_) timer_.cancel(), timer_soon();
    }

    /// The pause after so many attempts.
    Duration pause_after(unsigned failures) const {
        const Duration longest = options().longest_pause;
        Duration pause = options().first_pause;
        for (unsigned i = 1; i < failures && pause < longest; ++i) pause *= 2;
        return std::min(pause, longest);
    }

    /// Cancels all that a connection does, whose handlers then fail what was sent. While it is being made, a cancellation may come
    /// between two steps and be forgotten: so until its run has ended.
    void put_down(const std::shared_ptr<Generation>& generation) {
        generation->connection.cancel();
        if (generation->ended || !generation->started) return;
        auto timer = std::make_shared<asio::steady_timer>(strand_, std::chrono::milliseconds(5));
        auto& waiting = *timer;
        waiting.async_wait([self = shared_from_this(), generation, timer = std::move(timer)](const error_code&) { self->put_down(generation); });
    }

    void timer_soon() {
        asio::post(strand_, [self = shared_from_this()] { self->tick(); });
    }

    /// Stands for a heartbeat among what has a time limit.
    struct Beat final : RedisCall {
        Beat() : RedisCall(Urgency::skip) {}
        void finish(const RedisAnswer&) override {}
        void fail(Error) override {}
    };

    static constexpr std::chrono::milliseconds sentinel_life = std::chrono::hours(24 * 30);

    SystemEnvironment<NullObserver> environment_;
    Strand strand_;
    asio::steady_timer timer_;

    mutable std::mutex mutex_; ///< Guards the inbox, and what `status` tells.
    std::vector<std::shared_ptr<Pending>> inbox_;
    std::string server_;
    Error last_failure_;
    std::string epoch_;

    std::deque<std::shared_ptr<Pending>> waiting_; ///< Not sent yet.
    std::deque<std::shared_ptr<Pending>> watched_; ///< In the order of their time limits.
    std::deque<std::shared_ptr<Pending>> owed_;    ///< To be delivered though they failed, oldest first.
    std::size_t owed_bytes_ = 0;
    std::weak_ptr<Pending> beat_;
    std::shared_ptr<Generation> generation_;
    SteadyTime attempt_until_{};
    SteadyTime next_attempt_{};
    unsigned failures_ = 0;
    bool identifying_ = false;
    bool closed_ = false;
    std::string ours_;
    std::string sentinel_;
    std::string keep_;
    std::vector<std::string_view> words_;
    std::deque<std::string> texts_;

    std::atomic<bool> tracked_{false};
    std::atomic<bool> broken_{false};
    std::atomic<bool> connected_{false};
    std::atomic<bool> stopped_{false};
    std::atomic<RedisMicros> latest_{0};
    std::atomic<RedisMicros> earliest_{0};
    std::atomic<std::uint64_t> connections_{0};
    std::atomic<std::uint64_t> commands_{0};
    std::atomic<std::uint64_t> requests_{0};
    std::atomic<std::uint64_t> skipped_{0};
    std::atomic<std::uint64_t> timeouts_{0};
    std::atomic<std::uint64_t> owed_count_{0};
    std::atomic<std::uint64_t> forgotten_{0};
    std::atomic<std::uint64_t> invalidations_{0};
    std::atomic<std::uint64_t> flushes_{0};
};

/// What is wrong with the options; empty if nothing.
inline std::string fault_of(const RedisOptions& options) {
    using std::chrono::milliseconds;
    if (options.host.empty()) return "host is empty";
    if (options.port == 0) return "port is 0";
    if (options.prefix.empty() || options.prefix.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:") != std::string::npos)
        return "prefix must be letters, digits, '_', '-', '.' and ':', at least one";
    if (options.database > 1'000'000) return "database is out of its range";
    for (const milliseconds span : {options.timeout, options.connect_timeout, options.first_pause, options.longest_pause, options.heartbeat})
        if (span < milliseconds(1) || span > std::chrono::hours(1)) return "a time limit, pause or heartbeat is not between 1 ms and 1 h";
    if (options.near_delta < 2 * options.heartbeat) return "near_delta must be at least twice the heartbeat";
    if (options.near_delta < milliseconds(10)) return "near_delta must be at least 10 ms";
    if (options.keep_floors < std::chrono::seconds(1) || options.keep_floors > std::chrono::hours(24 * 365)) return "keep_floors is not between 1 s and a year";
    return {};
}

} // namespace redis_client

std::shared_ptr<RedisLink> open_redis(boost::asio::any_io_executor executor, RedisOptions options) {
    if (!executor) throw Failure(Error{errc::no_executor, "a connection to Redis needs an executor"});
    if (std::string fault = redis_client::fault_of(options); !fault.empty()) throw Failure(Error{errc::invalid_options, "RedisOptions: " + fault});
    auto client = std::make_shared<redis_client::Client>(std::move(executor), std::move(options));
    client->start();
    return client;
}

} // namespace detail
} // namespace v0
} // namespace larder
