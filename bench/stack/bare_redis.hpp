// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/redis_connection.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/redis/connection.hpp>
#include <boost/redis/request.hpp>
#include <boost/redis/response.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace bench {

/// Boost.Redis as its documentation shows it: one connection, which pipelines by itself what many callers ask.
class BareRedis {
public:
    using Fields = std::vector<std::optional<std::string>>;

    BareRedis(const boost::asio::any_io_executor& executor, const larder::RedisOptions& server) : connection_(std::make_shared<boost::redis::connection>(executor)) {
        boost::redis::config config;
        config.addr = {server.host, std::to_string(server.port)};
        config.health_check_interval = std::chrono::seconds(0);
        config.reconnect_wait_interval = std::chrono::seconds(0); // it is not made anew, so that it can be ended
        connection_->async_run(config, boost::redis::logger(boost::redis::logger::level::disabled), [kept = connection_](const boost::system::error_code&) {});
    }
    BareRedis(const BareRedis&) = delete;
    BareRedis& operator=(const BareRedis&) = delete;
    ~BareRedis() {
        boost::asio::post(connection_->get_executor(), [connection = connection_] { connection->cancel(); });
    }

    /// \param then `then(value)`.
    template <class Then>
    void get(std::string_view key, Then then) {
        struct Call {
            boost::redis::request request;
            boost::redis::response<std::optional<std::string>> answer;
        };
        auto call = std::make_shared<Call>();
        call->request.push("GET", key);
        connection_->async_exec(call->request, call->answer, [call, then = std::move(then)](const boost::system::error_code&, std::size_t) mutable { then(std::get<0>(call->answer).value()); });
    }

    /// \param then `then(fields)`, of one hash or of several in one request.
    template <class Then>
    void fields(const std::vector<std::string>& keys, Then then) {
        struct Call {
            boost::redis::request request;
            boost::redis::generic_response answer;
        };
        auto call = std::make_shared<Call>();
        for (const auto& key : keys) call->request.push("HMGET", key, "t", "v");
        connection_->async_exec(call->request, call->answer, [call, then = std::move(then)](const boost::system::error_code&, std::size_t) mutable { then(call->answer.value()); });
    }
    template <class Then>
    void fields(std::string_view key, Then then) {
        struct Call {
            boost::redis::request request;
            boost::redis::response<Fields> answer;
        };
        auto call = std::make_shared<Call>();
        call->request.push("HMGET", key, "t", "v");
        connection_->async_exec(call->request, call->answer, [call, then = std::move(then)](const boost::system::error_code&, std::size_t) mutable { then(std::get<0>(call->answer).value()); });
    }

private:
    std::shared_ptr<boost::redis::connection> connection_;
};

} // namespace bench
