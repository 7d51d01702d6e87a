// SPDX-License-Identifier: BSL-1.0
#include "plain_redis.hpp"

#include "boosted_redis.hpp"
#include "sealed.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace example {

struct PlainRedis::Connection : std::enable_shared_from_this<Connection> {
    Connection(boost::asio::any_io_executor io, std::string begins) : strand(boost::asio::make_strand(std::move(io))), boosted(strand), prefix(std::move(begins)) {}

    /// Waits for the answer to a request.
    boost::redis::generic_response ask(boost::redis::request request) {
        struct Call {
            boost::redis::request request;
            boost::redis::generic_response response;
            std::promise<boost::system::error_code> ended;
        };
        const auto call = std::make_shared<Call>();
        call->request = std::move(request);
        auto ended = call->ended.get_future();
        boost::asio::post(strand, [self = shared_from_this(), call] {
            if (self->lost) {
                call->ended.set_value(self->lost);
                return;
            }
            self->boosted.async_exec(call->request, call->response, [self, call](const boost::system::error_code& failed, std::size_t) { call->ended.set_value(failed); });
        });
        if (const auto failed = ended.get()) throw std::runtime_error("the original's Redis: " + failed.message());
        return std::move(call->response);
    }

    boost::asio::strand<boost::asio::any_io_executor> strand;
    boost::redis::connection boosted;
    std::string prefix;
    boost::system::error_code lost; ///< Why there is no connection any more.
    larder::PackedCodec<larder::AesGcm<>> codec = session_codec();
};

PlainRedis::PlainRedis(boost::asio::any_io_executor io, const larder::RedisOptions& server) : connection_(std::make_shared<Connection>(std::move(io), server.prefix + ":")) {
    boost::asio::post(connection_->strand, [self = connection_, config = boosted_config(server)] {
        self->boosted.async_run(config, silent, [self](const boost::system::error_code& ended) {
            self->lost = ended ? ended : boost::asio::error::operation_aborted;
            self->boosted.cancel();
        });
    });
}

PlainRedis::~PlainRedis() {
    boost::asio::post(connection_->strand, [self = connection_] { self->boosted.cancel(); });
}

std::optional<larder::Session> PlainRedis::get(const std::string& key) {
    boost::redis::request request;
    request.push("GET", connection_->prefix + key);
    const auto answer = connection_->ask(std::move(request));
    larder::Session session;
    if (answer.has_error() || answer->front().data_type == boost::redis::resp3::type::null) return std::nullopt;
    if (!larder::succeeded(connection_->codec.decode(answer->front().value, session))) return std::nullopt;
    return session;
}

void PlainRedis::set(const ThreeKeys& keys, const larder::Session& session, std::chrono::seconds ttl) {
    std::string bytes;
    if (!connection_->codec.encode(session, bytes)) throw std::runtime_error("a session cannot be sealed");
    boost::redis::request request;
    for (const auto& key : keys) request.push("SET", connection_->prefix + key, bytes, "EX", ttl.count());
    connection_->ask(std::move(request));
}

void PlainRedis::del(const ThreeKeys& keys) {
    boost::redis::request request;
    for (const auto& key : keys) request.push("DEL", connection_->prefix + key);
    connection_->ask(std::move(request));
}

} // namespace example
