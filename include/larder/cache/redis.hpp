// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/cache/detail/redis_count.hpp>
#include <larder/cache/detail/redis_hidden_keys.hpp>
#include <larder/cache/detail/redis_layout.hpp>
#include <larder/cache/detail/redis_operation.hpp>
#include <larder/cache/redis_connection.hpp>
#include <larder/clock.hpp>
#include <larder/codec/codec.hpp>
#include <larder/codec/packed.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/entity/key.hpp>
#include <larder/environment.hpp>
#include <larder/error.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// What a Redis tier is made from: the connection, and what one entity needs beyond it.
template <class Codec>
struct RedisCacheConfig {
    /// \param coder turns values into bytes and back.
    RedisCacheConfig(RedisConnection server, Codec coder = Codec()) : connection(std::move(server)), codec(std::move(coder)) {} // NOLINT: a connection alone is the usual configuration

    RedisConnection connection;
    Codec codec;
    /// The largest value that is kept, encoded, in bytes; a larger one is `refused`. At least 1.
    std::size_t max_value_bytes = std::size_t{1} << 20;
    /// How often `usage` has the records counted anew, which takes a look at every key of the server; 0: never.
    Duration count_every = std::chrono::minutes(5);
    /// How many keys with a part that the schema calls `secret` a tier in front holds at the most, of each kind of key. At least 1.
    std::size_t near_secret_keys = std::size_t{1} << 17;
    /// The key under which keys with a part that the schema calls `secret` are hashed. Needed if there are such; the same in every process.
    std::optional<HashKey> key_hash{};
};

/// The cache tier in Redis (or Valkey): a leased, versioned cache of one entity's rows, of the directory of their alternate keys, and of
/// group epochs, shared by all processes. Meets the contract of `cache_tier`, each operation in its `async_` form (`asynchronous_tier`).
///
/// **Layout.** Each record is one hash, "PREFIX:EPOCH:TABLE/COLUMNS{KEY}", with its value, deadlines, floors, lease and fences (cache/detail/redis_scripts.hpp),
/// all in the server's own time, of which a heartbeat keeps every process informed; only spans of time are sent. No record needs another, so that
/// the keys can be spread over the nodes of a cluster. Every key ends by itself. Parts of keys that the schema calls secret are keyed hashes.
///
/// **Cost.** A hit is one plain read; what shows no good value goes through a script, once more. A batch is one round trip for its hits, and one more
/// if there are others. Every change is one script for each of its keys, all sent together. Operations of all threads are pipelined.
///
/// **Values** that cannot be decoded are told to the observer and loaded anew.
///
/// **In front** of it an in-process tier may stand. The server then tells of changed keys on the same connection, and the tier in front serves
/// only while the last answered heartbeat was sent less than `RedisOptions::near_delta` ago. What writes through another repository of this process
/// changed is told at once. Of keys with a secret part, which the server tells
/// by their keyed hashes, the process remembers the `RedisCacheConfig::near_secret_keys` newest; what is older is not kept in front.
///
/// **Failures.** Any error but `errc::stopped` may mean that the operation was carried out all the same. Each takes `RedisOptions::timeout` at the most. While
/// there is no connection, lookups and fills fail at once, writes do not: within that time they are sent anew if the connection is lost. A publish or an expel that
/// failed is delivered late, before any lookup is sent, when there is a connection again (`RedisOptions::owed_bytes`), and so is one that the server refused for a reason that is
/// none of its own (it is a replica, has too few, loads, has no right to it); such a server is not read either until it takes it. A server that was flushed, restarted or failed over has another
/// identity: what was kept before is not read any more, and nothing is written for an identity that has passed.
///
/// **Eviction.** With a `maxmemory-policy` other than `noeviction` Redis may forget a record in spite of its fence. Then a reader may keep, until the
/// writer publishes, what the writer is about to change; if that writer dies between its commit and the publish, for as long as the value lives.
/// A server that is full refuses what it has no room for: a fence or a publish then drops the value, and fails.
///
/// Safe from any thread. Handlers are called on the connection's executor and should not block it.
template <class Entity, class Env, class Codec>
class BasicRedisCache {
    static_assert(codec<Codec, Entity>, "larder: this codec does not meet the concept larder::codec for the entity");
    using Schema = schema_of<Entity>;
    using Spaces = std::make_index_sequence<Schema::space_count>;
    using Link = detail::RedisLink;
    using Call = detail::RedisCall;
    using Answered = detail::RedisAnswer;
    using Reply = detail::RedisReplies::Reply;
    using Script = detail::RedisScript;
    template <std::size_t Space>
    using Key = space_key_t<Entity, Space>;
    template <std::size_t Space>
    using Value = space_value_t<Entity, Space>;
    template <std::size_t Space>
    using KeyText = detail::RedisKeyText<Entity, Space>;
    template <std::size_t Space>
    static constexpr bool is_row = Space == 0;
    template <std::size_t Space>
    static constexpr bool is_epoch = Space >= Schema::alias_end;
    template <std::size_t Space>
    static constexpr bool is_alias = !is_row<Space> && !is_epoch<Space>;

public:
    static constexpr Level level = Level::shared;
    static constexpr bool outlives_process = true;
    static constexpr bool retries_itself = true;

    using Config = RedisCacheConfig<Codec>;

    /// \param env outlives it; its clock is the machine's monotonic one. \throws Failure with `errc::invalid_options` if `max_value_bytes` or `near_secret_keys` is 0, or a key is
    /// secret and `key_hash` is missing.
    BasicRedisCache(Config config, Env& env) : config_(checked(std::move(config))), env_(env), link_(config_.connection.owner_->link) {}

    BasicRedisCache(const BasicRedisCache&) = delete;
    BasicRedisCache& operator=(const BasicRedisCache&) = delete;
    ~BasicRedisCache() {
        if (listener_ != 0) link_->feed().detach(listener_);
    }

    template <std::size_t Space, class Handler>
    void async_lookup(const Key<Space>& key, const Demand& demand, Handler handler) {
        auto one = [handler = std::move(handler)](Outcome<std::vector<Lookup<Value<Space>>>> found) mutable {
            if (found.has_error())
                handler(Outcome<Lookup<Value<Space>>>(found.error()));
            else
                handler(Outcome<Lookup<Value<Space>>>(std::move(found->front())));
        };
        look<Space>(std::span(&key, 1), demand, std::move(one));
    }

    template <std::size_t Space, class Handler>
    void async_lookup_many(std::span<const Key<Space>> keys, const Demand& demand, Handler handler) {
        look<Space>(keys, demand, std::move(handler));
    }

    /// A lookup of an alternate key together with one of the row that it leads to, in one round trip where both are there. What the alternate
    /// key's lookup answers is as `async_lookup` would answer it; the row's is a hit or nothing. Not for servers that keep one of them only (a cluster).
    /// \pre not `demand.refresh`. \param row_demand what is asked of the row; no lease is given for it.
    template <std::size_t Space, class Handler>
    void async_follow(const Key<Space>& key, const Demand& demand, const Demand& row_demand, Handler handler) {
        static_assert(is_alias<Space>, "larder: only alternate keys lead to rows");
        auto ahead = std::make_shared<Lookup<CachedRow<Entity>>>();
        auto both = [ahead, handler = std::move(handler)](Outcome<std::vector<Lookup<Value<Space>>>> found) mutable {
            if (found.has_error())
                handler(Outcome<Followed<Entity>>(found.error()));
            else
                handler(Outcome<Followed<Entity>>(Followed<Entity>{std::move(found->front()), std::move(*ahead)}));
        };
        auto looking = std::make_unique<Looking<Space, decltype(both)>>(*this, std::span(&key, 1), demand, std::move(both));
        auto& state = *looking;
        auto call = detail::redis_operation("lookup", [this, ahead, row_demand, looking = std::move(looking)](Outcome<Answered> answer) mutable {
            if (answer.has_error()) {
                looking->handler(Outcome<std::vector<Lookup<Value<Space>>>>(answer.error()));
                return;
            }
            read<Space>(*looking, *answer);
            if (!looking->left.empty()) {
                ask<Space>(std::move(looking));
                return;
            }
            const Reply reply = (*answer)[0];
            const detail::RedisMicros now = link_->latest_now();
            const auto& target = looking->found.front().value;
            const auto facts = detail::RedisFacts::parse(reply[2].text());
            if (target && facts && serves(*facts, row_demand, now) && take<0>(*target, *facts, reply[3], *ahead)) serve(*facts, now, *ahead);
            looking->handler(Outcome<std::vector<Lookup<Value<Space>>>>(std::move(looking->found)));
        });
        call->script(Script::follow, state.texts.front()).key(KeyText<0>::prefix()).text("}");
        link_->submit(std::move(call));
    }

    template <std::size_t Space, class Handler>
    void async_fill(const Key<Space>& key, FillRequest<Value<Space>> request, Handler handler) {
        auto one = [handler = std::move(handler)](Outcome<std::vector<FillOutcome>> outcomes) mutable {
            if (outcomes.has_error())
                handler(Outcome<FillOutcome>(outcomes.error()));
            else
                handler(Outcome<FillOutcome>(outcomes->front()));
        };
        fill<Space>(std::span(&key, 1), std::span(&request, 1), std::move(one));
    }

    template <std::size_t Space, class Handler>
    void async_fill_many(std::span<const Key<Space>> keys, std::vector<FillRequest<Value<Space>>> requests, Handler handler) {
        fill<Space>(keys, std::span<const FillRequest<Value<Space>>>(requests), std::move(handler));
    }

    template <class Handler>
    void async_fence(const KeySet<Entity>& keys, FenceOwner owner, Duration length, Handler handler) {
        change("fence", Call::Urgency::wait, keys, std::move(handler), [&](Call& call, const std::string& text) {
            call.script(Script::fence, text).number(owner).number(detail::redis_span(length) + 1);
        });
    }

    template <class Handler>
    void async_publish(std::span<const Publication<Entity>> publications, Handler handler) {
        auto call = std::make_shared<Changing<Handler>>(*this, "publish", Call::Urgency::deliver, std::move(handler));
        for (const auto& publication : publications) add_publication(*call, publication, call->texts);
        link_->submit(std::move(call));
    }

    template <class Handler>
    void async_expel(const KeySet<Entity>& keys, Handler handler) {
        change("expel", Call::Urgency::deliver, keys, std::move(handler), [](Call& call, const std::string& text) { call.script(Script::drop, text).flag(false); });
    }

    template <class Handler>
    void async_expire(const KeySet<Entity>& keys, Handler handler) {
        change("expire", Call::Urgency::deliver, keys, std::move(handler), [](Call& call, const std::string& text) { call.script(Script::drop, text).flag(true); });
    }

    /// Removes all that the entity has in Redis under the present identity, and empties the tiers in front. O(keys of the server), in steps that do not
    /// hold the server up.
    template <class Handler>
    void async_clear(Handler handler) {
        scan(
            link_, Script::clear, "0", [](const Reply&) {}, [link = link_, handler = std::move(handler)](Outcome<void> ended) mutable {
                link->feed().flush();
                handler(std::move(ended));
            });
    }

    /// Counts what the entity has in Redis: rows with a value, alternate keys and epochs with one, and the bytes of all records by the server's own
    /// account (MEMORY USAGE). O(keys of the server), in steps that do not hold the server up.
    template <class Handler>
    void async_usage(Handler handler) const {
        auto sum = std::make_shared<TierUsage>();
        scan(
            link_, Script::count, "0",
            [sum](const Reply& page) {
                sum->entries += static_cast<std::size_t>(page[1].number());
                sum->aliases += static_cast<std::size_t>(page[2].number());
                sum->bytes += static_cast<std::size_t>(page[3].number());
            },
            [count = count_, sum, handler = std::move(handler)](Outcome<void> ended) mutable {
                if (ended.has_error()) {
                    handler(Outcome<TierUsage>(ended.error()));
                    return;
                }
                count->set(*sum);
                handler(Outcome<TierUsage>(*sum));
            });
    }

    /// What was last counted; nothing at first. Has it counted anew, if the last time is `RedisCacheConfig::count_every` ago. Does not wait.
    TierUsage usage() const {
        if (config_.count_every > Duration::zero() && count_->due(env_.now(), config_.count_every)) async_usage([](const Outcome<TierUsage>&) {});
        return count_->get();
    }

    const RedisConnection& connection() const noexcept { return config_.connection; }

    /// \name The tier in front
    /// @{
    template <class Near>
    void attach_near(Near& near) {
        std::string beginning;
        detail::append_escaped(beginning, std::string_view(Schema::table));
        beginning += '/';
        near.clear();
        drop_from_near_ = [&near](const KeySet<Entity>& keys) { near.expel(keys); };
        listener_ = link_->feed().attach(
            std::move(beginning), [this, &near](std::string_view text) {
                if (!expel_from_near(text, Spaces{})) near.clear();
            }, [&near] { near.clear(); });
        link_->track();
    }
    bool near_may_serve(SteadyTime now) const noexcept { return link_->feed().lease().may_serve(now); }
    Duration near_bound() const noexcept { return link_->options().near_delta; }
    /// @}

private:
    static constexpr std::size_t wanted_facts = 0;
    static constexpr std::size_t wanted_value = 1;

    static Config checked(Config config) {
        const auto refuse = [](const std::string& why) { throw Failure(Error(errc::invalid_options, "RedisCache of " + std::string(Schema::table) + ": " + why)); };
        if (config.max_value_bytes == 0) refuse("max_value_bytes is 0; it must be at least 1");
        if (config.near_secret_keys == 0) refuse("near_secret_keys is 0; it must be at least 1");
        const bool hidden = []<std::size_t... Space>(std::index_sequence<Space...>) { return (KeyText<Space>::hidden || ...); }(Spaces{});
        if (hidden && !config.key_hash) refuse("the schema calls a part of a key secret; key_hash is needed to hash it");
        return config;
    }

    const HashKey* secret() const noexcept { return config_.key_hash ? &*config_.key_hash : nullptr; }
    template <std::size_t Space>
    std::string text_of_key(const Key<Space>& key) const {
        return KeyText<Space>::full(key, secret());
    }

    /// The text of a key that is looked up: the tier in front may hold the key from now on.
    template <std::size_t Space>
    std::string text_of_sought(const Key<Space>& key) {
        std::string text = text_of_key<Space>(key);
        if constexpr (KeyText<Space>::hidden)
            if (listener_ != 0) std::get<Space>(hidden_keys_).note(text, key, config_.near_secret_keys, [this](const Key<Space>& forgotten) { drop_in_front<Space>(forgotten); });
        return text;
    }

    // ---- lookups

    /// One lookup of many keys: the plain reads first, then a script for those that they did not answer.
    template <std::size_t Space, class Handler>
    struct Looking {
        Looking(BasicRedisCache& tier, std::span<const Key<Space>> sought, const Demand& wanted, Handler then)
            : cache(tier), demand(wanted), keys(sought.begin(), sought.end()), found(sought.size()), handler(std::move(then)) {
            texts.reserve(sought.size());
            for (const auto& key : sought) texts.push_back(tier.text_of_sought<Space>(key));
        }

        BasicRedisCache& cache;
        Demand demand;
        std::vector<Key<Space>> keys;
        std::vector<std::string> texts;
        std::vector<Lookup<Value<Space>>> found;
        std::vector<std::size_t> left;      ///< Those that the plain reads did not answer,
        std::vector<std::string> unfit;     ///< with the facts of a value that cannot be decoded, if one is there.
        std::vector<LeaseToken> tokens;
        Handler handler;
        unsigned rounds = 0;
    };

    template <std::size_t Space, class Handler>
    void look(std::span<const Key<Space>> keys, const Demand& demand, Handler handler) {
        auto looking = std::make_unique<Looking<Space, Handler>>(*this, keys, demand, std::move(handler));
        if (keys.empty()) {
            looking->handler(Outcome<std::vector<Lookup<Value<Space>>>>(std::move(looking->found)));
            return;
        }
        if (demand.refresh) {
            looking->left.resize(keys.size());
            looking->unfit.resize(keys.size());
            for (std::size_t i = 0; i < keys.size(); ++i) looking->left[i] = i;
            ask<Space>(std::move(looking));
            return;
        }
        auto& state = *looking;
        auto call = detail::redis_operation("lookup", [this, looking = std::move(looking)](Outcome<Answered> answer) mutable {
            if (answer.has_error()) {
                looking->handler(Outcome<std::vector<Lookup<Value<Space>>>>(answer.error()));
                return;
            }
            read<Space>(*looking, *answer);
            if (looking->left.empty())
                looking->handler(Outcome<std::vector<Lookup<Value<Space>>>>(std::move(looking->found)));
            else
                ask<Space>(std::move(looking));
        });
        for (const std::string& text : state.texts) {
            call->command("HMGET").key(text).text("t");
            if constexpr (!is_epoch<Space>) call->text("v");
        }
        link_->submit(std::move(call));
    }

    /// Takes the answers of plain reads.
    template <std::size_t Space, class Handler>
    void read(Looking<Space, Handler>& looking, const Answered& answer) {
        const detail::RedisMicros now = link_->latest_now();
        for (std::size_t i = 0; i < looking.texts.size(); ++i) {
            const std::string_view text = answer[i][wanted_facts].text();
            std::string unfit;
            if (const auto facts = detail::RedisFacts::parse(text); facts && serves(*facts, looking.demand, now)) {
                auto& found = looking.found[i];
                if (take<Space>(looking.keys[i], *facts, answer[i][wanted_value], found)) {
                    serve(*facts, now, found);
                    continue;
                }
                unfit = text;
            }
            looking.left.push_back(i);
            looking.unfit.push_back(std::move(unfit));
        }
    }

    static bool serves(const detail::RedisFacts& facts, const Demand& demand, detail::RedisMicros now) noexcept {
        return now < facts.serve && facts.version >= demand.min_version && now - facts.loaded <= detail::redis_span(demand.max_age);
    }

    template <class Found>
    static void serve(const detail::RedisFacts& facts, detail::RedisMicros now, Found& found) {
        found.answer = Answer::hit;
        found.version = facts.version;
        found.age = age(facts, now);
        found.remaining = std::chrono::microseconds(std::max<detail::RedisMicros>(facts.serve - now, 0));
        found.refresh_due = now >= facts.refresh;
    }
    static Duration age(const detail::RedisFacts& facts, detail::RedisMicros now) noexcept { return std::chrono::microseconds(std::max<detail::RedisMicros>(now - facts.loaded, 0)); }

    /// Asks the script about what is left.
    template <std::size_t Space, class Handler>
    void ask(std::unique_ptr<Looking<Space, Handler>> looking) {
        auto& state = *looking;
        state.tokens.clear();
        auto call = detail::redis_operation("lookup", [this, looking = std::move(looking)](Outcome<Answered> answer) mutable {
            if (answer.has_error()) {
                looking->handler(Outcome<std::vector<Lookup<Value<Space>>>>(answer.error()));
                return;
            }
            take_asked<Space>(*looking, *answer);
            if (!looking->left.empty() && looking->rounds++ < 3)
                ask<Space>(std::move(looking));
            else
                looking->handler(Outcome<std::vector<Lookup<Value<Space>>>>(std::move(looking->found)));
        });
        const Demand& demand = state.demand;
        for (std::size_t n = 0; n < state.left.size(); ++n) {
            LeaseToken token = 0;
            if (demand.want_lease || demand.refresh)
                while (token == 0) token = env_.random();
            state.tokens.push_back(token);
            call->script(Script::lookup, state.texts[state.left[n]])
                .number(demand.min_version)
                .number(detail::redis_span(demand.max_age))
                .flag(demand.want_lease)
                .flag(demand.refresh)
                .number(detail::redis_span(demand.lease_for))
                .number(token)
                .text(state.unfit[n]);
        }
        link_->submit(std::move(call));
    }

    template <std::size_t Space, class Handler>
    void take_asked(Looking<Space, Handler>& looking, const Answered& answer) {
        const detail::RedisMicros now = link_->latest_now();
        std::vector<std::size_t> left;
        std::vector<std::string> unfit;
        for (std::size_t n = 0; n < looking.left.size(); ++n) {
            const Reply reply = answer[n];
            auto& found = looking.found[looking.left[n]];
            found = {};
            found.answer = reply[0].number() == 0 ? Answer::hit : reply[0].number() == 2 ? Answer::wait : reply[0].number() == 3 ? Answer::bypass : Answer::miss;
            if (reply[1].number() != 0) found.lease = looking.tokens[n];
            found.unsettled = reply[2].number() != 0;
            found.floored = reply[6].number() != 0;
            if (reply[4].is_null()) continue;
            const std::string_view text = reply[4].text();
            const auto facts = detail::RedisFacts::parse(text);
            if (facts && take<Space>(looking.keys[looking.left[n]], *facts, reply[5], found)) {
                if (found.answer == Answer::hit) {
                    serve(*facts, now, found);
                } else {
                    found.has_fallback = true;
                    found.version = facts->version;
                    found.age = age(*facts, now);
                }
            } else if (found.answer == Answer::hit) {
                // With the lease that the hit came with, if any, the value is replaced; else it is asked for as what is not there.
                if (found.lease != 0) {
                    found.answer = Answer::miss;
                } else {
                    left.push_back(looking.left[n]);
                    unfit.emplace_back(text);
                    found.answer = Answer::miss;
                }
            }
        }
        looking.left = std::move(left);
        looking.unfit = std::move(unfit);
    }

    /// Makes a value of what a record holds. \returns whether it could; if not, the observer is told.
    template <std::size_t Space>
    bool take(const Key<Space>& key, const detail::RedisFacts& facts, const Reply& bytes, Lookup<Value<Space>>& found) const {
        static_cast<void>(key);
        if constexpr (is_epoch<Space>) {
            found.value = facts.version;
            return true;
        } else if constexpr (is_alias<Space>) {
            if (facts.about == "-") {
                found.value.reset();
                return true;
            }
            AliasTarget<Entity> target;
            if (!decode<Space>(bytes, target)) return false;
            found.value = std::move(target.primary);
            return true;
        } else {
            const std::string_view stamp = facts.note.substr(1);
            if (std::from_chars(stamp.data(), stamp.data() + stamp.size(), found.value.stamp).ptr != stamp.data() + stamp.size()) return false;
            switch (facts.note.front()) {
            case 'n': return true;
            case 'w': {
                auto warm = std::make_shared<WarmRow<Entity>>();
                if (!decode<Space>(bytes, *warm) || !is_of<Space>(has_key<0>(warm->partial_row(), key))) return false;
                found.value.warm = std::move(warm);
                return true;
            }
            default: {
                auto full = std::make_shared<Entity>();
                if (!decode<Space>(bytes, *full) || !is_of<Space>(has_key<0>(*full, key))) return false;
                found.value.full = std::move(full);
                return true;
            }
            }
        }
    }

    template <std::size_t Space, class T>
    bool decode(const Reply& bytes, T& into) const {
        const DecodeOutcome outcome = config_.codec.decode(bytes.text(), into);
        return succeeded(outcome) || useless<Space>("cannot be decoded (" + std::string(name_of(outcome)) + ")");
    }
    /// Whether a value is the one that was asked for. \param is_so what its key says.
    template <std::size_t Space>
    bool is_of(bool is_so) const {
        return is_so || useless<Space>("is of another row");
    }
    /// Tells the observer of a value that is no good. \returns false.
    template <std::size_t Space>
    bool useless(const std::string& why) const {
        env_.observe(event::Lookup{level, LookupOutcome::undecodable, !is_row<Space>});
        env_.observe(event::HiddenFailure{level, "decode", Error(errc::cache_unavailable, detail::describe_key<Entity, Space>() + ": a value in Redis " + why + "; it is loaded anew")});
        return false;
    }

    // ---- fills and publications

    /// Encodes a value, with the words by which the record's facts tell of it. \returns whether it is within the bound.
    template <std::size_t Space>
    bool encode(const Value<Space>& value, std::string& about, std::string& note, std::string& bytes) const {
        note = "-";
        if constexpr (is_epoch<Space>) {
            about = ".";
            return true;
        } else if constexpr (is_alias<Space>) {
            about = value ? about_row(*value) : "-";
            return !value || encode_within(AliasTarget<Entity>{*value}, bytes);
        } else {
            about = ".";
            note = (value.full ? "f" : value.warm ? "w" : "n") + std::to_string(value.stamp);
            if (value.full) return encode_within(*value.full, bytes);
            return !value.warm || encode_within(*value.warm, bytes);
        }
    }
    template <class T>
    bool encode_within(const T& value, std::string& bytes) const {
        if (config_.codec.encode(value, bytes) && bytes.size() <= config_.max_value_bytes) return true;
        bytes.clear();
        return false;
    }

    /// The word for a row in an alternate key's record.
    std::string about_row(const primary_key_t<Entity>& primary) const {
        std::string about = "=";
        KeyText<0>::append_parts(about, primary, secret());
        return about;
    }

    void add_lifetime(Call& call, const Lifetime& lifetime, Duration age) const {
        call.number(link_->earliest_now() - detail::redis_span(age))
            .number(detail::redis_span(lifetime.serve))
            .number(detail::redis_span(lifetime.refresh_after))
            .number(detail::redis_span(std::max(lifetime.fallback, Duration::zero())));
    }

    template <std::size_t Space>
    void add_fill(Call& call, const std::string& text, const FillRequest<Value<Space>>& request) const {
        std::string about, note, bytes;
        bool fits = true;
        Version version = request.version;
        if constexpr (is_epoch<Space>) version = request.value;
        if (request.lifetime.serve > request.age)
            fits = encode<Space>(request.value, about, note, bytes);
        else if constexpr (is_alias<Space>)
            about = request.value ? about_row(*request.value) : "-";
        else
            about = ".";
        call.script(Script::fill, text).number(request.lease).text(about).number(version).flag(fits);
        add_lifetime(call, request.lifetime, request.age);
        call.text(note).text(bytes);
    }

    template <std::size_t Space, class Handler>
    void fill(std::span<const Key<Space>> keys, std::span<const FillRequest<Value<Space>>> requests, Handler handler) {
        std::vector<std::string> texts;
        texts.reserve(keys.size());
        for (const auto& key : keys) texts.push_back(text_of_key<Space>(key));
        std::vector<std::string> told;
        if (link_->feed().listeners() > (listener_ != 0 ? 1U : 0U)) told = texts;
        auto call = detail::redis_operation("fill", [link = link_, listener = listener_, told = std::move(told), handler = std::move(handler)](Outcome<Answered> answer) mutable {
            using Result = Outcome<std::vector<FillOutcome>>;
            for (const std::string& text : told) link->feed().changed(text, listener);
            if (answer.has_error()) {
                handler(Result(answer.error()));
                return;
            }
            std::vector<FillOutcome> outcomes;
            outcomes.reserve(answer->size());
            for (std::size_t i = 0; i < answer->size(); ++i) outcomes.push_back(outcome_of((*answer)[i]));
            handler(Result(std::move(outcomes)));
        });
        for (std::size_t i = 0; i < keys.size(); ++i) add_fill<Space>(*call, texts[i], requests[i]);
        link_->submit(std::move(call));
    }

    static FillOutcome outcome_of(const Reply& reply) noexcept {
        switch (reply.number()) {
        case 0: return FillOutcome::stored;
        case 2: return FillOutcome::outdated;
        case 3: return FillOutcome::refused;
        default: return FillOutcome::lost;
        }
    }

    template <std::size_t Space>
    void add_published(Call& call, const Key<Space>& key, const std::string& about, Version version, const Value<Space>* value, const Publication<Entity>& publication,
                       std::vector<std::string>& texts) const {
        std::string words = about, note, bytes;
        const bool fits = value && encode<Space>(*value, words, note, bytes);
        texts.push_back(text_of_key<Space>(key));
        call.script(Script::publish, texts.back()).text(about).number(version).flag(fits).number(publication.owner);
        add_lifetime(call, publication.lifetime, Duration::zero());
        call.text(note).text(bytes);
    }

    void add_publication(Call& call, const Publication<Entity>& publication, std::vector<std::string>& texts) const {
        const bool stores = !Schema::has_version || publication.version > 0;
        each_key(publication.epoch_keys, [&]<std::size_t Space>(const auto& key) {
            if constexpr (is_epoch<Space>) {
                const std::uint64_t epoch = publication.epoch;
                add_published<Space>(call, key, ".", epoch, epoch > 0 ? &epoch : nullptr, publication, texts);
            }
        });
        if (!publication.primary) return;
        const std::string about = about_row(*publication.primary);
        each_key(publication.gone, [&]<std::size_t Space>(const auto& key) {
            if constexpr (is_alias<Space>) add_published<Space>(call, key, about, publication.version, nullptr, publication, texts);
        });
        const std::optional<primary_key_t<Entity>> target = publication.primary;
        each_key(publication.aliases, [&]<std::size_t Space>(const auto& key) {
            if constexpr (is_alias<Space>) add_published<Space>(call, key, about, publication.version, stores ? &target : nullptr, publication, texts);
        });
        add_published<0>(call, *publication.primary, ".", publication.version, publication.row && stores ? &*publication.row : nullptr, publication, texts);
    }

    // ---- changes

    /// A change of several keys; the tiers in front of other repositories of this process are told of them before it is answered.
    template <class Handler>
    struct Changing final : Call {
        Changing(BasicRedisCache& tier, const char* name, Call::Urgency urgency, Handler then)
            : Call(urgency), operation(name), link(tier.link_), listener(tier.listener_), handler(std::move(then)) {}

        void finish(const Answered& answer) override {
            for (std::size_t i = 0; i < answer.size(); ++i)
                if (answer[i].is_error()) {
                    end(detail::redis_refusal(operation, answer[i].text()));
                    return;
                }
            end({});
        }
        void fail(Error failure) override { end(std::move(failure)); }
        /// Lets go of all but the commands, which may be kept to be delivered late.
        void end(Outcome<void> outcome) {
            for (const std::string& text : texts) link->feed().changed(text, listener);
            texts = {};
            link.reset();
            Handler then = std::move(*handler);
            handler.reset();
            then(std::move(outcome));
        }

        const char* operation;
        std::shared_ptr<Link> link;
        std::uint64_t listener;
        std::vector<std::string> texts;
        std::optional<Handler> handler;
    };

    template <class Handler, class Add>
    void change(const char* name, Call::Urgency urgency, const KeySet<Entity>& keys, Handler handler, const Add& add) {
        auto call = std::make_shared<Changing<Handler>>(*this, name, urgency, std::move(handler));
        // Alternate keys first: who finds one gone asks for the row next.
        call->texts.reserve(keys.size());
        each_key(keys, [&]<std::size_t Space>(const auto& key) {
            if constexpr (!is_row<Space>) add(*call, call->texts.emplace_back(text_of_key<Space>(key)));
        });
        for (const auto& key : keys.template in<0>()) add(*call, call->texts.emplace_back(text_of_key<0>(key)));
        link_->submit(std::move(call));
    }

    template <class Act>
    static void each_key(const KeySet<Entity>& keys, const Act& act) {
        [&]<std::size_t... Space>(std::index_sequence<Space...>) {
            (
                [&] {
                    for (const auto& key : keys.template in<Space>()) act.template operator()<Space>(key);
                }(),
                ...);
        }(Spaces{});
    }

    /// Runs a script over all pages of the entity's keys.
    template <class Take, class Ended>
    static void scan(const std::shared_ptr<Link>& link, Script script, std::string cursor, Take take, Ended ended) {
        auto call = detail::redis_operation("scan", [link, script, take, ended = std::move(ended)](Outcome<Answered> answer) mutable {
            if (answer.has_error()) {
                ended(Outcome<void>(answer.error()));
                return;
            }
            const Reply page = (*answer)[0];
            take(page);
            std::string next(page.size() != 0 ? page[0].text() : page.text());
            if (next == "0")
                ended(Outcome<void>());
            else
                scan(link, script, std::move(next), std::move(take), std::move(ended));
        });
        std::string pattern;
        detail::append_escaped(pattern, std::string_view(Schema::table));
        call->script(script, pattern + "/*").text(cursor).key(KeyText<0>::prefix());
        link->submit(std::move(call));
    }

    // ---- the tier in front

    /// Drops the key of which this is the text. \returns false if that cannot be told.
    template <std::size_t... Space>
    bool expel_from_near(std::string_view text, std::index_sequence<Space...>) {
        return (expel_text<Space>(text) || ...);
    }
    template <std::size_t Space>
    bool expel_text(std::string_view text) {
        const std::string& beginning = KeyText<Space>::prefix();
        if (!text.starts_with(beginning) || !text.ends_with('}')) return false;
        if constexpr (KeyText<Space>::hidden) {
            std::get<Space>(hidden_keys_).changed(text, [this](const Key<Space>& key) { drop_in_front<Space>(key); });
            return true;
        } else {
            const auto key = KeyText<Space>::parse_parts(text.substr(beginning.size(), text.size() - beginning.size() - 1));
            if (key) drop_in_front<Space>(*key);
            return key.has_value();
        }
    }
    template <std::size_t Space>
    void drop_in_front(const Key<Space>& key) const {
        KeySet<Entity> keys;
        keys.template add<Space>(key);
        drop_from_near_(keys);
    }

    /// The keys of a space that the tier in front may hold, if they are hidden.
    struct NothingHidden {};
    template <std::size_t Space>
    using HiddenKeys = std::conditional_t<KeyText<Space>::hidden, detail::RedisHiddenKeys<Key<Space>>, NothingHidden>;
    template <std::size_t... Space>
    static std::tuple<HiddenKeys<Space>...> hidden_keys_of(std::index_sequence<Space...>);

    Config config_;
    Env& env_;
    std::shared_ptr<Link> link_;
    std::uint64_t listener_ = 0;
    std::function<void(const KeySet<Entity>&)> drop_from_near_;
    decltype(hidden_keys_of(Spaces{})) hidden_keys_;
    std::shared_ptr<detail::RedisCount> count_ = std::make_shared<detail::RedisCount>();
};

/// The Redis tier with the codec for production. For entities with secret fields there is `SealedRedisCache` (cache/sealed_redis.hpp); for another codec, derive a tier of your
/// own from `BasicRedisCache`, as that does.
template <class Entity, class Env>
class RedisCache : public BasicRedisCache<Entity, Env, PackedCodec<>> {
public:
    using BasicRedisCache<Entity, Env, PackedCodec<>>::BasicRedisCache;
};

} // namespace v0
} // namespace larder
