// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/database/database.hpp>
#include <larder/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// An operation of a backend with its arguments, to be run at once (`method(args...)`) or started (`async_method(args..., done)`).
/// Arguments held by reference must outlive the operation.
template <class Method, class Result, class... Args>
struct Request {
    using result = Result;
    static constexpr std::string_view name = Method::name;
    /// Whether it changes rows of a database, or begins to.
    static constexpr bool writes = requires { requires Method::writes; };

    std::tuple<Args...> args;

    template <class Backend>
    Result run(Backend& backend)
        requires requires(Args&... arg) { Method::run(backend, arg...); }
    {
        return std::apply(
            [&](auto&... arg) -> Result {
                if constexpr (std::is_void_v<decltype(Method::run(backend, arg...))>) {
                    Method::run(backend, arg...);
                    return done<Result>();
                } else {
                    return Method::run(backend, arg...);
                }
            },
            args);
    }

    template <class Backend, class Completion>
    void start(Backend& backend, Completion completion) {
        std::apply([&](auto&... arg) { Method::start(backend, std::move(completion), arg...); }, args);
    }

private:
    /// The result of an operation that answers nothing; a template, so that other results need no such value.
    template <class Nothing>
    static Nothing done() {
        return Nothing();
    }
};

#define LARDER_METHOD(method, is_write)                                                                                          \
    struct method##_method {                                                                                                     \
        static constexpr std::string_view name = #method;                                                                        \
        static constexpr bool writes = is_write;                                                                                 \
        template <class Backend, class... Args>                                                                                  \
        static auto run(Backend& backend, Args&... args) -> decltype(backend.method(args...)) {                                  \
            return backend.method(args...);                                                                                      \
        }                                                                                                                        \
        template <class Backend, class Completion, class... Args>                                                                \
        static void start(Backend& backend, Completion done, Args&... args) {                                                    \
            backend.async_##method(args..., std::move(done));                                                                    \
        }                                                                                                                        \
    };
#define LARDER_SPACE_METHOD(method, is_write)                                                                                    \
    template <std::size_t Space>                                                                                                 \
    struct method##_method {                                                                                                     \
        static constexpr std::string_view name = #method;                                                                        \
        static constexpr bool writes = is_write;                                                                                 \
        template <class Backend, class... Args>                                                                                  \
        static auto run(Backend& backend, Args&... args) -> decltype(backend.template method<Space>(args...)) {                  \
            return backend.template method<Space>(args...);                                                                      \
        }                                                                                                                        \
        template <class Backend, class Completion, class... Args>                                                                \
        static void start(Backend& backend, Completion done, Args&... args) {                                                    \
            backend.template async_##method<Space>(args..., std::move(done));                                                    \
        }                                                                                                                        \
    };
LARDER_SPACE_METHOD(lookup, false)
LARDER_SPACE_METHOD(lookup_many, false)
LARDER_SPACE_METHOD(follow, false)
LARDER_SPACE_METHOD(fill, false)
LARDER_SPACE_METHOD(fill_many, false)
LARDER_SPACE_METHOD(load_by, false)
LARDER_SPACE_METHOD(list, false)
LARDER_SPACE_METHOD(load_epoch, false)
LARDER_SPACE_METHOD(revoke_all, true)
LARDER_METHOD(fence, false)
LARDER_METHOD(publish, false)
LARDER_METHOD(expel, false)
LARDER_METHOD(expire, false)
LARDER_METHOD(load, false)
LARDER_METHOD(load_many, false)
LARDER_METHOD(load_version, false)
LARDER_METHOD(insert, true)
LARDER_METHOD(update, true)
LARDER_METHOD(erase, true)
LARDER_METHOD(touch, true)
LARDER_METHOD(clock, false)
LARDER_METHOD(begin, true)
LARDER_METHOD(commit, false)
LARDER_METHOD(roll_back, false)
#undef LARDER_METHOD
#undef LARDER_SPACE_METHOD

template <auto Member>
struct list_due_method {
    static constexpr std::string_view name = "list_due";
    template <class Backend, class... Args>
    static auto run(Backend& backend, Args&... args) -> decltype(backend.template list_due<Member>(args...)) {
        return backend.template list_due<Member>(args...);
    }
    template <class Backend, class Completion, class... Args>
    static void start(Backend& backend, Completion done, Args&... args) {
        backend.template async_list_due<Member>(args..., std::move(done));
    }
};

/// The requests about transactions.
template <class Transaction>
struct transaction_requests {
    static auto begin(Isolation isolation) { return Request<begin_method, Outcome<Transaction>, Isolation>{{isolation}}; }
    static auto commit(const WriteCondition& condition) { return Request<commit_method, Outcome<void>, WriteCondition>{{condition}}; }
    static auto roll_back() { return Request<roll_back_method, Outcome<void>>{}; }
};

/// The requests of one entity, named as the operations are.
template <entity Entity>
struct requests {
    using Key = primary_key_t<Entity>;
    template <std::size_t Space>
    using KeyOf = space_key_t<Entity, Space>;
    template <std::size_t Space>
    using ValueOf = space_value_t<Entity, Space>;

    template <std::size_t Space>
    static auto lookup(const KeyOf<Space>& key, const Demand& demand) {
        return Request<lookup_method<Space>, Outcome<Lookup<ValueOf<Space>>>, const KeyOf<Space>&, Demand>{{key, demand}};
    }
    template <std::size_t Space>
    static auto lookup_many(std::span<const KeyOf<Space>> keys, const Demand& demand) {
        return Request<lookup_many_method<Space>, Outcome<std::vector<Lookup<ValueOf<Space>>>>, std::span<const KeyOf<Space>>, Demand>{{keys, demand}};
    }
    template <std::size_t Space>
    static auto follow(const KeyOf<Space>& key, const Demand& demand, const Demand& row_demand) {
        return Request<follow_method<Space>, Outcome<Followed<Entity>>, const KeyOf<Space>&, Demand, Demand>{{key, demand, row_demand}};
    }
    template <std::size_t Space>
    static auto fill(const KeyOf<Space>& key, FillRequest<ValueOf<Space>> request) {
        return Request<fill_method<Space>, Outcome<FillOutcome>, const KeyOf<Space>&, FillRequest<ValueOf<Space>>>{{key, std::move(request)}};
    }
    template <std::size_t Space>
    static auto fill_many(std::span<const KeyOf<Space>> keys, std::vector<FillRequest<ValueOf<Space>>> values) {
        return Request<fill_many_method<Space>, Outcome<std::vector<FillOutcome>>, std::span<const KeyOf<Space>>, std::vector<FillRequest<ValueOf<Space>>>>{
            {keys, std::move(values)}};
    }
    static auto fence(const KeySet<Entity>& keys, FenceOwner owner, Duration span) {
        return Request<fence_method, Outcome<void>, const KeySet<Entity>&, FenceOwner, Duration>{{keys, owner, span}};
    }
    static auto publish(std::span<const Publication<Entity>> publications) {
        return Request<publish_method, Outcome<void>, std::span<const Publication<Entity>>>{{publications}};
    }
    static auto expel(const KeySet<Entity>& keys) { return Request<expel_method, Outcome<void>, const KeySet<Entity>&>{{keys}}; }
    static auto expire(const KeySet<Entity>& keys) { return Request<expire_method, Outcome<void>, const KeySet<Entity>&>{{keys}}; }

    static auto load(const Key& key, ReadMode mode) { return Request<load_method, Outcome<std::optional<Entity>>, const Key&, ReadMode>{{key, mode}}; }
    template <std::size_t Space>
    static auto load_by(const KeyOf<Space>& key, ReadMode mode) {
        return Request<load_by_method<Space>, Outcome<std::optional<Entity>>, const KeyOf<Space>&, ReadMode>{{key, mode}};
    }
    static auto load_many(std::span<const Key> keys, ReadMode mode) {
        return Request<load_many_method, Outcome<std::vector<std::optional<Entity>>>, std::span<const Key>, ReadMode>{{keys, mode}};
    }
    template <std::size_t Space>
    static auto list(const KeyOf<Space>& key) {
        return Request<list_method<Space>, Outcome<std::vector<RowVersion<Entity>>>, const KeyOf<Space>&>{{key}};
    }
    template <auto Member>
    static auto list_due(bare_value_t<member_t<Member>> moment, std::int64_t most) {
        return Request<list_due_method<Member>, Outcome<std::vector<RowVersion<Entity>>>, bare_value_t<member_t<Member>>, std::int64_t>{{moment, most}};
    }
    static auto load_version(const Key& key) { return Request<load_version_method, Outcome<std::optional<Version>>, const Key&>{{key}}; }
    template <std::size_t Space>
    static auto load_epoch(const KeyOf<Space>& key) {
        return Request<load_epoch_method<Space>, Outcome<std::uint64_t>, const KeyOf<Space>&>{{key}};
    }
    template <std::size_t Space, class Members>
    static auto revoke_all(const KeyOf<Space>& key, const Entity& pattern, Members members) {
        return Request<revoke_all_method<Space>, Outcome<GroupRevocation<Entity>>, const KeyOf<Space>&, const Entity&, Members>{{key, pattern, members}};
    }
    static auto insert(const Entity& row) { return Request<insert_method, Outcome<Entity>, const Entity&>{{row}}; }
    static auto update(const Entity& row, Version expected, const WriteCondition& condition) {
        return Request<update_method, Outcome<Version>, const Entity&, Version, WriteCondition>{{row, expected, condition}};
    }
    static auto erase(const Key& key, Version expected, const WriteCondition& condition) {
        return Request<erase_method, Outcome<Version>, const Key&, Version, WriteCondition>{{key, expected, condition}};
    }
    static auto touch(const Key& key, WallTime moment) { return Request<touch_method, Outcome<bool>, const Key&, WallTime>{{key, moment}}; }
    static auto clock() { return Request<clock_method, Outcome<DatabaseTime>>{}; }
};

} // namespace detail
} // namespace v0
} // namespace larder
