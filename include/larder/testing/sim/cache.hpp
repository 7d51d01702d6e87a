// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/cache/near_feed.hpp>
#include <larder/testing/reference_tier.hpp>
#include <larder/testing/sim/environment.hpp>
#include <larder/testing/sim/network.hpp>
#include <larder/testing/sim/trace.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// What a simulated shared tier tells a process over its feed: keys that changed, or that everything may have, or an answered heartbeat.
template <class Entity>
struct FeedMessage {
    KeySet<Entity> changed;
    bool closed = false;
    std::optional<SteadyTime> heartbeat; ///< When the heartbeat that this answers was sent.
    bool overtaken = false;              ///< The next message arrives before it.
};

/// The server of a simulated shared cache tier: the contract's reference implementation behind the network, with a feed of
/// invalidations to each process that has read a key.
///
/// \tparam Tier the tier that is put behind the network: `ReferenceTier`, or a plug-in's own in-process tier.
template <class Entity, template <class...> class Tier = ReferenceTier>
class SimCacheServer {
public:
    using Store = Tier<Entity, SimEnvironment>;

    SimCacheServer(SimShared& shared, Network& network, Trace& trace)
        : shared_(shared), network_(network), trace_(trace), env_(shared, Network::server), store_(std::make_unique<Store>(typename Store::Config{}, env_)) {}

    Store& store() noexcept { return *store_; }
    Network& network() noexcept { return network_; }
    Trace& trace() noexcept { return trace_; }
    SimShared& shared() noexcept { return shared_; }

    /// How many fences, publications and removals did not reach the server, or so their senders had to think.
    std::uint64_t missed_changes() const noexcept { return missed_changes_; }
    void change_missed() noexcept { ++missed_changes_; }

    /// Which incarnation of the server this is. A request is made to one incarnation, over its connection: it never reaches another.
    std::uint64_t identity() const noexcept { return env_.enabled(Guard::identity_epoch) ? identity_ : 0; }

    /// Everything is lost, and every connection closed.
    void restart() {
        ++identity_;
        store_ = std::make_unique<Store>(typename Store::Config{}, env_);
        for (auto& [process, feed] : feeds_) close(process);
    }

    /// A failover to a copy that lags behind. The namespace moves with the identity, so that nothing of the copy is read.
    void roll_back() {
        ++identity_;
        if constexpr (std::copy_constructible<Store>) {
            if (env_.enabled(Guard::identity_epoch) || !older_)
                store_ = std::make_unique<Store>(typename Store::Config{}, env_);
            else
                store_ = std::make_unique<Store>(*older_);
        } else {
            store_ = std::make_unique<Store>(typename Store::Config{}, env_);
        }
        for (auto& [process, feed] : feeds_) close(process);
    }

    /// Keeps the state as it is, to fail over to later.
    void copy_to_replica() {
        if constexpr (std::copy_constructible<Store>) older_ = std::make_unique<Store>(*store_);
    }

    /// Publishes the aliases and, a while apart, the rows, as a server may that keeps them in two places. Which comes first is a
    /// choice: an alias is verified and has a fence of its own, so that no promise rests on the order.
    void publish(const std::vector<Publication<Entity>>& publications, const KeySet<Entity>& keys, std::function<void(Outcome<void>)> reply) {
        if constexpr (requires(Store& store) { store.publish_aliases(publications.front()); }) {
            const bool aliases_first = shared_.choices.pick(2) == 0;
            for (const auto& each : publications) aliases_first ? store_->publish_aliases(each) : store_->publish_row(each);
            shared_.scheduler.after(Network::server, Duration::zero(), [this, publications, keys, aliases_first, identity = identity_, reply = std::move(reply)] {
                if (identity != identity_) {
                    reply(Error{errc::cache_unavailable, "the shared tier went away meanwhile"});
                    return;
                }
                for (const auto& each : publications) aliases_first ? store_->publish_row(each) : store_->publish_aliases(each);
                changed(keys);
                reply({});
            });
        } else {
            store_->publish(publications);
            changed(keys);
            reply({});
        }
    }

    /// \name The feed
    /// @{
    using Listener = std::function<void(const FeedMessage<Entity>&)>;

    void connect(std::uint16_t process, Listener listener) { feeds_[process] = Feed{std::move(listener), {}, {}, false}; }
    void disconnect(std::uint16_t process) { feeds_.erase(process); }
    bool connected(std::uint16_t process) const { return feeds_.contains(process); }

    /// The feed of a process dies without either end noticing.
    void kill_feed(std::uint16_t process) {
        const auto place = feeds_.find(process);
        if (place != feeds_.end()) place->second.dead = true;
    }

    template <std::size_t Space>
    void track(std::uint16_t process, const space_key_t<Entity, Space>& key) {
        const auto place = feeds_.find(process);
        if (place != feeds_.end()) place->second.tracked.template add<Space>(key);
    }

    /// Keys changed: those who have read them are told.
    void changed(const KeySet<Entity>& keys) {
        for (auto& [process, feed] : feeds_) {
            FeedMessage<Entity> message;
            [&]<std::size_t... Space>(std::index_sequence<Space...>) { (take_tracked<Space>(feed, keys, message), ...); }(std::make_index_sequence<schema_of<Entity>::space_count>{});
            if (message.changed.size() != 0) push(process, std::move(message));
        }
    }

    void answer_heartbeat(std::uint16_t process, SteadyTime sent) {
        FeedMessage<Entity> message;
        message.heartbeat = sent;
        if (feeds_.contains(process)) push(process, std::move(message));
    }
    /// @}

private:
    struct Feed {
        Listener listener;
        KeySet<Entity> tracked;
        std::deque<FeedMessage<Entity>> under_way; ///< In order: the feed is one connection.
        bool dead = false;
    };

    template <std::size_t Space>
    void take_tracked(Feed& feed, const KeySet<Entity>& keys, FeedMessage<Entity>& message) {
        auto& tracked = feed.tracked.template in<Space>();
        for (const auto& key : keys.template in<Space>())
            if (std::erase(tracked, key) != 0) message.changed.template add<Space>(key);
    }

    void close(std::uint16_t process) {
        FeedMessage<Entity> message;
        message.closed = true;
        push(process, std::move(message));
    }

    void push(std::uint16_t process, FeedMessage<Entity> message) {
        Feed& feed = feeds_[process];
        if (feed.dead) return;
        const bool news = !message.closed && !message.heartbeat;
        if (news && network_.suffers(Fault::feed_lost)) {
            trace_.note(shared_.scheduler, "  feed: the message to process " + std::to_string(process) + " is lost");
            return;
        }
        // Overtaken by whatever comes next, a heartbeat included.
        const bool last_is_late = !feed.under_way.empty() && feed.under_way.back().overtaken;
        message.overtaken = news && network_.suffers(Fault::feed_reordered);
        if (last_is_late)
            feed.under_way.insert(std::prev(feed.under_way.end()), std::move(message));
        else
            feed.under_way.push_back(std::move(message));
        const Duration delay = network_.suffers(Fault::feed_late) ? std::chrono::milliseconds(60) : network_.hop();
        shared_.scheduler.after({process, 9}, delay, [this, process] {
            const auto place = feeds_.find(process);
            if (place == feeds_.end() || place->second.under_way.empty() || place->second.dead) return;
            const FeedMessage<Entity> next = std::move(place->second.under_way.front());
            place->second.under_way.pop_front();
            const Listener listener = place->second.listener;
            if (next.closed) feeds_.erase(place);
            if (next.changed.size() != 0) trace_.note(shared_.scheduler, "  feed: process " + std::to_string(process) + " hears of changed keys");
            listener(next);
        });
    }

    SimShared& shared_;
    Network& network_;
    Trace& trace_;
    SimEnvironment env_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Store> older_;
    std::uint64_t identity_ = 1;
    std::uint64_t missed_changes_ = 0;
    std::map<std::uint16_t, Feed> feeds_;
};

/// A process's client of the simulated shared tier: an asynchronous cache tier whose every operation is a request over the network.
///
/// With a tier in front attached, it keeps that tier's connection lease and applies the feed to it.
template <class Entity, class Env, template <class...> class Tier = ReferenceTier>
class BasicSimCache {
    using Server = SimCacheServer<Entity, Tier>;
    template <std::size_t Space>
    using Key = space_key_t<Entity, Space>;
    template <std::size_t Space>
    using Value = space_value_t<Entity, Space>;

public:
    struct Config {
        Server* server = nullptr;
        Actor actor;
    };

    static constexpr Level level = Level::shared;
    static constexpr bool outlives_process = true;
    /// The bound of a tier in front.
    static constexpr Duration delta = std::chrono::milliseconds(150);
    static constexpr Duration heartbeat_every = std::chrono::milliseconds(40);

    BasicSimCache(Config config, Env& env) : server_(*config.server), actor_(config.actor), env_(env) {}
    BasicSimCache(const BasicSimCache&) = delete;
    BasicSimCache& operator=(const BasicSimCache&) = delete;
    ~BasicSimCache() { server_.disconnect(actor_.process); }

    template <std::size_t Space, class Handler>
    void async_lookup(const Key<Space>& key, const Demand& demand, Handler handler) {
        call<Outcome<Lookup<Value<Space>>>>(
            "lookup " + name<Space>(key),
            [key, demand, process = actor_.process, for_whom = for_whom()](Server& server) {
                server.template track<Space>(process, key);
                auto found = server.store().template lookup<Space>(key, demand);
                server.trace().note(server.shared().scheduler, for_whom + "lookup " + name<Space>(key) + " -> " + text_of(found));
                return found;
            },
            std::move(handler));
    }
    /// An alternate key and its row in one request. Asked only where no tier stands in front, so both ways are simulated.
    template <std::size_t Space, class Handler>
        requires(Space > 0 && Space < schema_of<Entity>::alias_end)
    void async_follow(const Key<Space>& key, const Demand& demand, const Demand& row_demand, Handler handler) {
        call<Outcome<Followed<Entity>>>(
            "lookup " + name<Space>(key),
            [key, demand, row_demand, for_whom = for_whom()](Server& server) {
                Followed<Entity> found;
                found.alias = server.store().template lookup<Space>(key, demand);
                std::string told = for_whom + "lookup " + name<Space>(key) + " -> " + text_of(found.alias);
                if (found.alias.answer == Answer::hit && found.alias.value) {
                    Demand only_look = row_demand;
                    only_look.want_lease = false;
                    auto row = server.store().template lookup<0>(*found.alias.value, only_look);
                    if (row.answer == Answer::hit) {
                        told += ", its row " + text_of(row);
                        found.row = std::move(row);
                    }
                }
                server.trace().note(server.shared().scheduler, told);
                return found;
            },
            std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_lookup_many(std::span<const Key<Space>> keys, const Demand& demand, Handler handler) {
        call<Outcome<std::vector<Lookup<Value<Space>>>>>(
            "lookup many", [keys = std::vector<Key<Space>>(keys.begin(), keys.end()), demand, process = actor_.process](Server& server) {
                for (const auto& key : keys) server.template track<Space>(process, key);
                return server.store().template lookup_many<Space>(keys, demand); }, std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_fill(const Key<Space>& key, FillRequest<Value<Space>> request, Handler handler) {
        const std::string what = "fill " + name<Space>(key) + " v" + std::to_string(request.version);
        call<Outcome<FillOutcome>>(
            what,
            [key, request = std::move(request), what, for_whom = for_whom()](Server& server) {
                const FillOutcome outcome = server.store().template fill<Space>(key, request);
                server.trace().note(server.shared().scheduler, for_whom + what + " -> " + std::string(name_of(outcome)));
                return outcome;
            },
            std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_fill_many(std::span<const Key<Space>> keys, std::vector<FillRequest<Value<Space>>> requests, Handler handler) {
        call<Outcome<std::vector<FillOutcome>>>(
            "fill many", [keys = std::vector<Key<Space>>(keys.begin(), keys.end()), requests = std::move(requests)](Server& server) { return server.store().template fill_many<Space>(keys, requests); },
            std::move(handler));
    }
    template <class Handler>
    void async_fence(const KeySet<Entity>& keys, FenceOwner owner, Duration span, Handler handler) {
        change("fence" + names(keys), keys, [keys, owner, span](Server& server) { server.store().fence(keys, owner, span); }, std::move(handler));
    }
    template <class Handler>
    void async_publish(std::span<const Publication<Entity>> publications, Handler handler) {
        std::vector<Publication<Entity>> copies(publications.begin(), publications.end());
        KeySet<Entity> keys;
        std::string what = "publish";
        for (const auto& each : copies) {
            if (each.primary) {
                keys.template add<0>(*each.primary);
                what += " " + name<0>(*each.primary) + " v" + std::to_string(each.version) + (each.row ? "" : " (no value)");
            }
            add_all(keys, each.aliases);
            add_all(keys, each.gone);
            add_all(keys, each.epoch_keys);
        }
        call<Outcome<void>>(
            what,
            [keys = std::move(keys), copies = std::move(copies), what, for_whom = for_whom()](Server& server, std::function<void(Outcome<void>)> reply) {
                server.trace().note(server.shared().scheduler, for_whom + what);
                server.publish(copies, keys, std::move(reply));
            },
            noting_failure(std::move(handler)));
    }
    template <class Handler>
    void async_expel(const KeySet<Entity>& keys, Handler handler) {
        change("expel" + names(keys), keys, [keys](Server& server) { server.store().expel(keys); }, std::move(handler));
    }
    template <class Handler>
    void async_expire(const KeySet<Entity>& keys, Handler handler) {
        change("expire" + names(keys), keys, [keys](Server& server) { server.store().expire(keys); }, std::move(handler));
    }
    TierUsage usage() const { return server_.store().usage(); }

    /// \name The tier in front
    /// @{
    template <class Near>
    void attach_near(Near& near) {
        expel_near_ = [&near](const KeySet<Entity>& keys) { near.expel(keys); };
        flush_near_ = [&near] { near.clear(); };
        beat();
    }
    bool near_may_serve(SteadyTime now) const noexcept { return feed_.may_serve(now) || !env_.enabled(Guard::connection_lease); }
    Duration near_bound() const noexcept { return delta; }
    /// @}

private:
    template <std::size_t Space>
    static std::string name(const Key<Space>& key) {
        const std::string words = larder::detail::describe_key<Entity, Space>();
        const std::string text = shown(key);
        return text.empty() ? words : words + " " + text;
    }
    static std::string names(const KeySet<Entity>& keys) {
        std::string words;
        [&]<std::size_t... Space>(std::index_sequence<Space...>) {
            (
                [&] {
                    for (const auto& key : keys.template in<Space>()) words += " " + name<Space>(key);
                }(),
                ...);
        }(std::make_index_sequence<schema_of<Entity>::space_count>{});
        return words;
    }
    std::string for_whom() const { return "  cache, for process " + std::to_string(actor_.process) + ": "; }
    template <class Found>
    static std::string text_of(const Found& found) {
        switch (found.answer) {
        case Answer::hit: return "hit v" + std::to_string(found.version);
        case Answer::miss: return std::string(found.lease != 0 ? "miss, with a lease" : "miss") + (found.unsettled ? ", unsettled" : found.floored ? ", with a floor" : "");
        case Answer::wait: return "wait";
        case Answer::bypass: return "bypass";
        }
        return {};
    }
    static void add_all(KeySet<Entity>& to, const KeySet<Entity>& from) {
        [&]<std::size_t... Space>(std::index_sequence<Space...>) {
            (
                [&] {
                    for (const auto& key : from.template in<Space>()) to.template add<Space>(key);
                }(),
                ...);
        }(std::make_index_sequence<schema_of<Entity>::space_count>{});
    }

    template <class Result, class Serve, class Handler>
    void call(std::string what, Serve serve, Handler handler) {
        server_.network().template call<Result>(
            actor_, std::move(what),
            [&server = server_, serve = std::move(serve), identity = server_.identity()](auto reply) mutable {
                if (server.identity() != identity) {
                    reply(Result(Error{errc::cache_unavailable, "the connection to the shared tier was closed"}));
                    return;
                }
                if (server.network().suffers(Fault::cache_full)) {
                    reply(Result(Error{errc::cache_unavailable, "the shared tier is out of memory"}));
                    return;
                }
                if constexpr (std::is_invocable_v<Serve&, Server&>)
                    reply(Result(serve(server)));
                else
                    serve(server, std::move(reply));
            },
            std::move(handler), Error{errc::timed_out, "the shared tier did not answer in time"}, true);
    }

    template <class Handler>
    auto noting_failure(Handler handler) {
        return [&server = server_, handler = std::move(handler)](Outcome<void> outcome) mutable {
            if (outcome.has_error()) server.change_missed();
            handler(std::move(outcome));
        };
    }

    template <class Act, class Handler>
    void change(std::string what, KeySet<Entity> keys, Act act, Handler handler) {
        call<Outcome<void>>(
            what,
            [keys = std::move(keys), act = std::move(act), what, for_whom = for_whom()](Server& server) -> Outcome<void> {
                server.trace().note(server.shared().scheduler, for_whom + what);
                act(server);
                server.changed(keys);
                return {};
            },
            noting_failure(std::move(handler)));
    }

    /// Sends a heartbeat and, if the feed is gone or its lease has run out, begins a new one with the tier in front emptied.
    void beat() {
        auto& scheduler = server_.shared().scheduler;
        const bool expired = connected_ && !feed_.may_serve(env_.now());
        if (!server_.connected(actor_.process) || expired) {
            feed_.disconnected();
            flush_near_();
            server_.connect(actor_.process, [this](const FeedMessage<Entity>& message) { apply(message); });
            connected_ = false;
        }
        const SteadyTime sent = env_.now();
        scheduler.after(Network::server, server_.network().hop(), [&server = server_, process = actor_.process, sent] { server.answer_heartbeat(process, sent); });
        scheduler.after({actor_.process, 8}, heartbeat_every, [this] { beat(); });
    }

    void apply(const FeedMessage<Entity>& message) {
        if (message.closed) {
            feed_.disconnected();
            flush_near_();
            connected_ = false;
        } else if (message.heartbeat) {
            feed_.heartbeat_answered(*message.heartbeat);
            connected_ = true;
        } else {
            expel_near_(message.changed);
        }
    }

    Server& server_;
    Actor actor_;
    Env& env_;
    NearFeed feed_{delta};
    bool connected_ = false;
    std::function<void(const KeySet<Entity>&)> expel_near_;
    std::function<void()> flush_near_;
};

/// The simulated shared tier over the reference implementation.
template <class Entity, class Env>
class SimCache : public BasicSimCache<Entity, Env> {
public:
    using BasicSimCache<Entity, Env>::BasicSimCache;
};

} // namespace testing
} // namespace v0
} // namespace larder
