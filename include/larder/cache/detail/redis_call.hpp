// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/redis_scripts.hpp>
#include <larder/error.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The replies to the commands of a call, which may have come with those of other calls.
class RedisReplies {
public:
    enum class Kind : std::uint8_t { text, number, null, array, error };

    /// One reply, or one element of a reply that is a list.
    struct Node {
        Kind kind = Kind::null;
        std::size_t elements = 0; ///< Of a list.
        std::size_t offset = 0;
        std::size_t size = 0;
    };

    /// A view of one reply; valid as long as the replies are.
    class Reply {
    public:
        Reply() = default;
        Reply(const RedisReplies& replies, std::size_t node) noexcept : replies_(&replies), node_(node) {}

        bool is_error() const noexcept { return kind() == Kind::error; }
        bool is_null() const noexcept { return kind() == Kind::null; }
        Kind kind() const noexcept { return replies_ ? replies_->nodes_[node_].kind : Kind::null; }
        /// The number of elements of a list whose elements are no lists.
        std::size_t size() const noexcept { return kind() == Kind::array ? replies_->nodes_[node_].elements : 0; }
        /// An element; null where there is none.
        Reply operator[](std::size_t element) const noexcept {
            return element < size() && node_ + 1 + element < replies_->nodes_.size() ? Reply(*replies_, node_ + 1 + element) : Reply();
        }
        std::string_view text() const noexcept {
            if (!replies_) return {};
            const Node& node = replies_->nodes_[node_];
            return std::string_view(replies_->bytes_).substr(node.offset, node.size);
        }
        /// A number, whether it came as one or as text; 0 where it is none.
        std::int64_t number() const noexcept {
            std::int64_t value = 0;
            const std::string_view digits = text();
            std::from_chars(digits.data(), digits.data() + digits.size(), value);
            return value;
        }

    private:
        const RedisReplies* replies_ = nullptr;
        std::size_t node_ = 0;
    };

    /// Begins the reply to the next command.
    void begin() { firsts_.push_back(nodes_.size()); }
    void add(Kind kind, std::size_t elements, std::string_view text) {
        nodes_.push_back({kind, elements, bytes_.size(), text.size()});
        bytes_.append(text);
    }
    /// The number of replies that have begun.
    std::size_t size() const noexcept { return firsts_.size(); }
    /// The reply to the command of that number; null where there is none.
    Reply operator[](std::size_t command) const noexcept {
        return command < firsts_.size() && firsts_[command] < nodes_.size() ? Reply(*this, firsts_[command]) : Reply();
    }

private:
    std::vector<std::size_t> firsts_;
    std::vector<Node> nodes_;
    std::string bytes_;
};

/// The replies to the commands of one call.
class RedisAnswer {
public:
    RedisAnswer(const RedisReplies& replies, std::size_t first, std::size_t count) noexcept : replies_(&replies), first_(first), count_(count) {}
    std::size_t size() const noexcept { return count_; }
    RedisReplies::Reply operator[](std::size_t command) const noexcept { return command < count_ ? (*replies_)[first_ + command] : RedisReplies::Reply(); }

private:
    const RedisReplies* replies_;
    std::size_t first_;
    std::size_t count_;
};

/// Commands that are sent together, and what becomes of their replies. Exactly one of `finish` and `fail` is called, once; a call that is
/// destroyed before was abandoned with its executor.
class RedisCall {
public:
    /// What becomes of a call while there is no connection.
    enum class Urgency : std::uint8_t {
        skip,   ///< It fails at once.
        wait,   ///< It waits for a connection.
        deliver ///< It waits; and if it fails, its commands are sent all the same as soon as there is a connection, before all others.
    };

    /// What stands in for a piece of a command that only the connection knows when it sends it.
    enum class Piece : std::uint8_t {
        text,  ///< Itself.
        key,   ///< A key, to which the connection gives its prefix and the identity's epoch.
        script ///< A script by its number: its digest, its keys and the identity it is meant for.
    };
    struct Argument {
        Piece piece;
        std::uint32_t offset;
        std::uint32_t size;
    };

    explicit RedisCall(Urgency urgency) noexcept : urgency_(urgency) {}
    RedisCall(const RedisCall&) = delete;
    RedisCall& operator=(const RedisCall&) = delete;
    virtual ~RedisCall() = default;

    virtual void finish(const RedisAnswer& answer) = 0;
    virtual void fail(Error failure) = 0;

    Urgency urgency() const noexcept { return urgency_; }
    /// The memory that its commands take.
    std::size_t bytes() const noexcept { return bytes_.capacity() + arguments_.capacity() * sizeof(Argument) + begins_.capacity() * sizeof(std::size_t); }

    /// Begins a plain command.
    RedisCall& command(std::string_view name) {
        begins_.push_back(arguments_.size());
        return add(Piece::text, name);
    }
    /// Begins the call of a script over one record.
    RedisCall& script(RedisScript script, std::string_view key) {
        begins_.push_back(arguments_.size());
        const char number = static_cast<char>(script);
        return add(Piece::script, std::string_view(&number, 1)).add(Piece::key, key);
    }
    RedisCall& key(std::string_view text) { return add(Piece::key, text); }
    RedisCall& text(std::string_view text) { return add(Piece::text, text); }
    RedisCall& number(std::integral auto value) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        return add(Piece::text, std::string_view(digits, static_cast<std::size_t>(end - digits)));
    }
    RedisCall& flag(bool value) { return add(Piece::text, value ? "1" : "0"); }

    std::size_t commands() const noexcept { return begins_.size(); }
    std::span<const Argument> arguments(std::size_t command) const noexcept {
        const std::size_t end = command + 1 < begins_.size() ? begins_[command + 1] : arguments_.size();
        return std::span(arguments_).subspan(begins_[command], end - begins_[command]);
    }
    std::string_view value(const Argument& argument) const noexcept { return std::string_view(bytes_).substr(argument.offset, argument.size); }

private:
    RedisCall& add(Piece piece, std::string_view text) {
        arguments_.push_back({piece, static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(text.size())});
        bytes_.append(text);
        return *this;
    }

    std::vector<std::size_t> begins_;
    std::vector<Argument> arguments_;
    std::string bytes_;
    Urgency urgency_;
};

} // namespace detail
} // namespace v0
} // namespace larder
