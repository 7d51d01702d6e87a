// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "store_world.hpp"

#include <larder/testing/waiting_database.hpp>

#include <optional>
#include <type_traits>

namespace session_tests {

/// The environment of a place's stores: the place's own, if it has one.
template <class Place>
struct Surroundings {
    using type = Environment;
};
template <class Place>
    requires requires { typename Place::Surroundings; }
struct Surroundings<Place> {
    using type = typename Place::Surroundings;
};

/// What the repository of another process in a place is made from.
template <class Config, class Place>
Config config_in(Place& place, const StoreSettings& settings) {
    if constexpr (requires { place.template config<Config>(settings); })
        return place.template config<Config>(settings);
    else
        return {{}, place.tables};
}

template <class Policy, class Place>
class StoreOf final : public Store {
    using Env = typename Surroundings<Place>::type;
    using Sessions = larder::SessionRepository<typename Place::Stack, Policy, Env>;
    using Config = typename Place::Stack::template Config<larder::Session, Env>;
    using Effect = larder::Effect;
    using EndReason = larder::EndReason;
    using Uuid = larder::Uuid;

public:
    StoreOf(Place& place, const larder::Options& options, const Environment& environment, const Bytes& random, const StoreSettings& settings)
        : sessions_(config_in<Config>(place, settings), options, {}, Env(environment)), store_(sessions_, settings.keys, random, settings.rules) {}

    larder::Granted login(larder::Login order) override { return store_.login(std::move(order)); }
    larder::Authenticated authenticate(std::string_view access) override { return store_.authenticate(access); }
    larder::Authenticated authenticate(const Uuid& handle) override { return store_.authenticate(handle); }
    larder::Granted rotate(std::string_view refresh) override { return store_.rotate(refresh); }
    larder::Granted elevate(const Uuid& handle, std::optional<std::string> data) override { return store_.elevate(handle, std::move(data)); }
    larder::SessionList list(std::int64_t user) override { return store_.list(user); }
    larder::SessionsEnded revoke(const Uuid& handle, EndReason why, Effect effect) override { return store_.revoke(handle, why, effect); }
    larder::SessionsEnded revoke(std::int64_t user, const Uuid& handle, EndReason why, Effect effect) override { return store_.revoke(user, handle, why, effect); }
    larder::SessionsEnded revoke_all(std::int64_t user, EndReason why, Effect effect) override { return store_.revoke_all(user, why, effect); }
    larder::SessionsEnded revoke_others(std::int64_t user, const Uuid& kept, EndReason why, Effect effect) override { return store_.revoke_others(user, kept, why, effect); }
    larder::SessionsEnded revoke_before(std::int64_t user, larder::TimePoint moment, EndReason why, Effect effect) override { return store_.revoke_before(user, moment, why, effect); }
    larder::SessionsEnded revoke_before(larder::TimePoint moment, EndReason why, Effect effect) override { return store_.revoke_before(moment, why, effect); }
    larder::Reaped expire(std::size_t most) override { return store_.expire(most); }
    larder::SessionsEnded revoke_family(const Uuid& handle, EndReason why, Effect effect) override { return store_.revoke_family(handle, why, effect); }

    larder::Found<larder::Session> row(const Uuid& handle) override { return sessions_.find(handle, larder::truth); }
    void expel(const Uuid& handle) override { sessions_.expel(handle).or_throw(); }
    void shut_down() override { sessions_.shutdown(); }

private:
    Sessions sessions_;
    larder::SessionStore<typename Place::Stack, Policy, Env> store_;
};

template <class Policy, class Place>
class StoreWorldOf final : public StoreWorld {
public:
    explicit StoreWorldOf(const StoreSettings& settings) : place_(make_place(settings)) { store = open(settings); }

    /// The rows' place outlives the stores.
    ~StoreWorldOf() override { store.reset(); }

    std::unique_ptr<Store> open(const StoreSettings& settings) override {
        larder::Options options = options_;
        options.heat = settings.heat;
        options.sole_writer = settings.sole_writer;
        return std::make_unique<StoreOf<Policy, Place>>(place_, options, environment, random, settings);
    }

    std::int64_t add_user(const std::string& name) override {
        using Database = typename Place::template Database<larder::User>;
        const larder::User user{.email = name + "@example.org", .username = name};
        if constexpr (requires(Database database) { database.insert(user); })
            return Database(place_.tables).insert(user).value().id;
        else
            return larder::testing::WaitingDatabase<larder::User, Database>(Database(place_.tables)).insert(user).value().id;
    }

    void settle() override {
        if constexpr (requires { place_.settle(); }) place_.settle();
    }
    redis_tests::RedisServer* redis() override {
        if constexpr (requires { place_.redis(); })
            return &place_.redis();
        else
            return nullptr;
    }

private:
    static Place make_place(const StoreSettings& settings) {
        if constexpr (std::is_base_of_v<InMemory, Place>) {
            larder::MemoryOptions options;
            options.hook = settings.hook;
            return Place{larder::MemoryTables(options)};
        } else {
            return Place(settings.file);
        }
    }

    Place place_;
    larder::Options options_ = World<Policy, Place>::standard_options();
};

template <class Policy, class Place>
constexpr StoreKind store_kind(const char* name) {
    StoreKind kind{name, [](const StoreSettings& settings) -> std::unique_ptr<StoreWorld> { return std::make_unique<StoreWorldOf<Policy, Place>>(settings); }};
    kind.in_memory = std::is_base_of_v<InMemory, Place>;
    kind.current_reads = Policy::guarantee.current_reads;
    kind.shared = requires(Place& place) { place.redis(); };
    if constexpr (requires { Place::near_delta; })
        if (!kind.current_reads) kind.bound = Place::near_delta;
    return kind;
}

} // namespace session_tests
