// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/redis_call.hpp>
#include <larder/error.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// The failure that an error reply of the server means.
inline Error redis_refusal(std::string_view operation, std::string_view reply) {
    return {errc::cache_unavailable, "Redis refuses a " + std::string(operation) + ": " + std::string(reply.substr(0, reply.find_first_of("\r\n")))};
}

/// A call that is skipped while there is no connection, and ends with one function, which takes the answers of all its commands, or why there are none: an error reply to one of them
/// is the failure of the call.
template <class Done>
class RedisOperation final : public RedisCall {
public:
    RedisOperation(std::string_view operation, Done done) : RedisCall(Urgency::skip), operation_(operation), done_(std::move(done)) {}

    void finish(const RedisAnswer& answer) override {
        for (std::size_t i = 0; i < answer.size(); ++i)
            if (answer[i].is_error()) {
                done_(Outcome<RedisAnswer>(redis_refusal(operation_, answer[i].text())));
                return;
            }
        done_(Outcome<RedisAnswer>(answer));
    }
    void fail(Error failure) override { done_(Outcome<RedisAnswer>(std::move(failure))); }

private:
    std::string_view operation_;
    Done done_;
};

template <class Done>
std::shared_ptr<RedisOperation<Done>> redis_operation(std::string_view operation, Done done) {
    return std::make_shared<RedisOperation<Done>>(operation, std::move(done));
}

} // namespace detail
} // namespace v0
} // namespace larder
