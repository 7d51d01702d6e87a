// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "store_world.hpp"

#include <optional>
#include <type_traits>

namespace session_tests {

template <class Policy, class Place>
class StoreOf final : public Store {
    using Sessions = larder::SessionRepository<typename Place::Stack, Policy, Environment>;
    using Effect = larder::Effect;
    using EndReason = larder::EndReason;
    using Uuid = larder::Uuid;

public:
    StoreOf(Place& place, const larder::Options& options, const Environment& environment, const Bytes& random, const StoreSettings& settings)
        : sessions_({{}, place.tables}, options, {}, environment), store_(sessions_, settings.keys, random, settings.rules) {}

    larder::Granted login(larder::Login order) override { return store_.login(std::move(order)); }
    larder::Authenticated authenticate(std::string_view access) override { return store_.authenticate(access); }
    larder::Authenticated authenticate(const Uuid& handle) override { return store_.authenticate(handle); }
    larder::Granted rotate(std::string_view refresh) override { return store_.rotate(refresh); }
    larder::Granted elevate(const Uuid& handle, std::optional<std::string> data) override { return store_.elevate(handle, std::move(data)); }
    larder::SessionList list(std::int64_t user) override { return store_.list(user); }
    larder::SessionsEnded revoke(const Uuid& handle, EndReason why, Effect effect) override { return store_.revoke(handle, why, effect); }
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
    larder::SessionStore<typename Place::Stack, Policy, Environment> store_;
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

    std::int64_t add_user(const std::string& name) override { return users_.insert({.email = name + "@example.org", .username = name}).or_throw().key(); }

private:
    static Place make_place(const StoreSettings& settings) {
        if constexpr (std::is_same_v<Place, InMemory>) {
            larder::MemoryOptions options;
            options.hook = settings.hook;
            return InMemory{larder::MemoryTables(options)};
        } else {
            return Place(settings.file);
        }
    }

    Place place_;
    larder::Options options_ = World<Policy, Place>::standard_options();
    larder::CachedRepository<larder::User, typename Place::Stack, larder::WriteThrough, Environment> users_{{{}, place_.tables}, options_};
};

template <class Policy, class Place>
constexpr StoreKind store_kind(const char* name) {
    return {name, [](const StoreSettings& settings) -> std::unique_ptr<StoreWorld> { return std::make_unique<StoreWorldOf<Policy, Place>>(settings); },
            std::is_same_v<Place, InMemory>, Policy::guarantee.current_reads};
}

} // namespace session_tests
