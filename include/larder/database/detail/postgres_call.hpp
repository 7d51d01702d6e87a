// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/postgres_result.hpp>
#include <larder/database/detail/postgres_values.hpp>
#include <larder/database/detail/refusal.hpp>
#include <larder/entity/key.hpp>
#include <larder/error.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// A statement's text and the number by which each connection keeps its prepared form.
struct PostgresStatement {
    std::size_t slot;
    std::string name;
    std::string sql;

    explicit PostgresStatement(std::string text) : slot(next_slot()), name("larder_" + std::to_string(slot)), sql(std::move(text)) {}

private:
    static std::size_t next_slot() noexcept {
        static std::atomic<std::size_t> next{0};
        return next.fetch_add(1, std::memory_order_relaxed);
    }
};

/// The statement whose SQL `Text` makes.
template <auto Text>
const PostgresStatement& postgres_statement() {
    static const PostgresStatement statement(Text());
    return statement;
}

/// Statements with their parameters that run one after the other in one transaction, in one round trip. Owns what it sends, so
/// that it can be sent again.
class PostgresRequest {
public:
    /// One statement's run.
    struct Step {
        const PostgresStatement* statement;
        std::size_t first; ///< Its first parameter.
        std::size_t count;
    };
    struct Parameter {
        Oid type;
        bool binary;
        bool null;
        int length;
        std::size_t offset; ///< In `bytes`.
    };

    explicit PostgresRequest(std::size_t most_value_bytes) noexcept : most_value_bytes_(most_value_bytes) {}

    /// Adds a statement; the parameters added from now on are its.
    template <auto Text>
    PostgresRequest& step() {
        steps_.push_back({&postgres_statement<Text>(), parameters_.size(), 0});
        return *this;
    }

    /// A parameter that is no field of an entity.
    template <column_value T>
    PostgresRequest& bind(const T& value) {
        add(value);
        return *this;
    }

    /// Members of a row as the next parameters.
    template <entity Entity, auto... Members>
    PostgresRequest& members(const Entity& row, MemberList<Members...>) {
        (member<Entity, Members>(row.*Members), ...);
        return *this;
    }

    /// The parts of a key, which are named by the members it consists of, as the next parameters.
    template <entity Entity, auto... Members, class Key>
    PostgresRequest& key(const Key& key, MemberList<Members...>) {
        if constexpr (is_tuple_v<Key>)
            std::apply([&](const auto&... parts) { (member<Entity, Members>(parts), ...); }, key);
        else
            (member<Entity, Members>(key), ...);
        return *this;
    }

    /// Each part of many keys as one parameter, an array.
    template <entity Entity, auto... Members, class Key>
    PostgresRequest& keys(std::span<const Key> keys, MemberList<Members...>) {
        if constexpr (is_tuple_v<Key>)
            [&]<std::size_t... Part>(std::index_sequence<Part...>) {
                (array<Entity, Members>(keys, [](const Key& key) -> const auto& { return std::get<Part>(key); }), ...);
            }(std::make_index_sequence<sizeof...(Members)>{});
        else
            (array<Entity, Members>(keys, [](const Key& key) -> const Key& { return key; }), ...);
        return *this;
    }

    /// Numbers as one parameter, an array.
    PostgresRequest& numbers(std::span<const std::int64_t> numbers) {
        array(postgres_types(PostgresForm::integer), numbers, [](std::int64_t number) { return number; });
        return *this;
    }

    /// Says that the request changes something, so that it must not be repeated where it is not known to have failed.
    PostgresRequest& writes() noexcept {
        writes_ = locks_ = true;
        return *this;
    }
    /// Says that the request may wait for a lock.
    PostgresRequest& locks() noexcept {
        locks_ = true;
        return *this;
    }

    bool is_write() const noexcept { return writes_; }
    bool may_wait() const noexcept { return locks_; }
    /// Why it can not be sent; unset if it can.
    const Error& error() const noexcept { return error_; }
    const std::vector<Step>& steps() const noexcept { return steps_; }
    const std::vector<Parameter>& parameters() const noexcept { return parameters_; }
    const char* bytes_of(const Parameter& parameter) const noexcept { return parameter.null ? nullptr : bytes_.data() + parameter.offset; }

private:
    Parameter& open(Oid type, bool binary) {
        ++steps_.back().count;
        return parameters_.emplace_back(Parameter{type, binary, false, 0, bytes_.size()});
    }

    template <class T>
    Unsendable add(const T& value) {
        using Value = bare_value_t<T>;
        // The server finds out what a text is, so that a column may be of any type that can be written as one.
        constexpr bool is_text = postgres_form_v<Value> == PostgresForm::text;
        auto& parameter = open(is_text ? postgres_type::infer : postgres_types(postgres_form_v<Value>).one, !is_text);
        parameter.null = is_null(value);
        if (parameter.null) return Unsendable::none;
        const Unsendable wrong = put_value(bytes_, bare(value), most_value_bytes_);
        parameter.length = static_cast<int>(bytes_.size() - parameter.offset);
        if constexpr (is_text) bytes_ += '\0';
        return wrong;
    }

    template <entity Entity, auto Member, class T>
    void member(const T& value) {
        unsendable<Entity, Member>(add(value));
    }

    template <entity Entity, auto Member, class Key, class Part>
    void array(std::span<const Key> keys, Part part) {
        unsendable<Entity, Member>(array(postgres_types(postgres_form_v<bare_value_t<member_t<Member>>>), keys, part));
    }

    template <class Key, class Part>
    Unsendable array(const PostgresTypes& types, std::span<const Key> keys, Part part) {
        auto& parameter = open(types.many, true);
        put_i32(bytes_, keys.empty() ? 0 : 1);
        put_i32(bytes_, 0);
        put_i32(bytes_, static_cast<std::int32_t>(types.one));
        if (!keys.empty()) {
            put_i32(bytes_, static_cast<std::int32_t>(keys.size()));
            put_i32(bytes_, 1);
        }
        for (const auto& key : keys) {
            const std::size_t at = bytes_.size();
            put_i32(bytes_, 0);
            const Unsendable wrong = put_value(bytes_, part(key), most_value_bytes_);
            if (wrong != Unsendable::none) return wrong;
            boost::endian::store_big_s32(reinterpret_cast<unsigned char*>(bytes_.data() + at), static_cast<std::int32_t>(bytes_.size() - at - 4));
        }
        constexpr std::size_t most_message_bytes = std::size_t{1} << 30; // PostgreSQL's own bound
        if (bytes_.size() >= most_message_bytes) return Unsendable::too_large;
        parameter.length = static_cast<int>(bytes_.size() - parameter.offset);
        return Unsendable::none;
    }

    template <entity Entity, auto Member>
    void unsendable(Unsendable wrong) {
        if (wrong == Unsendable::none || error_) return;
        const std::string column = Refusal<Entity>::table() + "." + std::string(Column<Entity, Member>::name());
        switch (wrong) {
        case Unsendable::too_large: error_ = {errc::value_too_large, column + ": a value is larger than the bound of " + std::to_string(most_value_bytes_) + " bytes"}; break;
        case Unsendable::no_text: error_ = {errc::database_failure, column + ": PostgreSQL keeps no text that is not UTF-8, and none with a zero byte in it"}; break;
        case Unsendable::no_such_moment:
        case Unsendable::none: error_ = {errc::database_failure, column + ": PostgreSQL has no moment this far away"}; break;
        }
    }

    std::vector<Step> steps_;
    std::vector<Parameter> parameters_;
    std::string bytes_;
    std::size_t most_value_bytes_;
    Error error_;
    bool writes_ = false;
    bool locks_ = false;
};

/// Why a request failed.
struct PostgresFailure {
    enum class Kind : std::uint8_t {
        none,
        refused, ///< The server said why; nothing was changed.
        unsent,  ///< It never reached a server that ran it; `error` says why.
        lost,    ///< The connection was lost before the answer came.
        late,    ///< The answer did not come within the time limit.
    };

    Kind kind = Kind::none;
    Error error{};
    /// What the server said. `said` holds no value where `state` is of class 42.
    std::string state{}, said{}, column{}, constraint{};
    /// The columns that a violated key consists of, in any order; empty if the server did not tell.
    std::vector<std::string> key_columns{};

    explicit operator bool() const noexcept { return kind != Kind::none; }
    bool is(std::string_view code) const noexcept { return kind == Kind::refused && state == code; }
    /// Whether other transactions were the cause.
    bool stood_in_the_way() const noexcept { return is("40001") || is("40P01"); }
    /// Whether the server has forgotten a prepared statement, or its tables have changed since; or it has become a standby.
    bool is_outdated() const noexcept { return is("26000") || is("0A000") || is("25006"); }
};

class PostgresConnection;

/// What became of a request: one result a step, or a failure.
struct PostgresAnswer {
    std::vector<PostgresResult> results;
    PostgresFailure failure;
    /// The connection on which a transaction was begun; it is the caller's, until it is given back.
    std::shared_ptr<PostgresConnection> connection;
};

/// A request under way and who waits for its answer.
class PostgresCall {
public:
    explicit PostgresCall(PostgresRequest what) : request(std::move(what)) {}
    PostgresCall(const PostgresCall&) = delete;
    PostgresCall& operator=(const PostgresCall&) = delete;
    virtual ~PostgresCall() = default;

    /// Takes the answer; called once.
    virtual void finish(PostgresAnswer answer) = 0;

    PostgresRequest request;
    std::uint64_t deadline = 0; ///< The tick of its group at which it is given up; 0: not yet submitted.
    int attempts = 0;           ///< How often it was sent.
    bool begins = false;        ///< Whether it begins a transaction, for which it needs a connection alone.
    /// The connection whose transaction it is a part of, so that it is sent there once or not at all; null: none.
    std::shared_ptr<PostgresConnection> connection;
};
using PostgresCallPtr = std::unique_ptr<PostgresCall>;

/// Makes a call of a request and a function that takes its answer.
template <class Finish>
PostgresCallPtr make_postgres_call(PostgresRequest request, Finish finish) {
    struct Call final : PostgresCall {
        Call(PostgresRequest what, Finish then) : PostgresCall(std::move(what)), end(std::move(then)) {}
        void finish(PostgresAnswer answer) override { end(std::move(answer)); }
        Finish end;
    };
    return std::make_unique<Call>(std::move(request), std::move(finish));
}

} // namespace detail
} // namespace v0
} // namespace larder
