// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <sys/time.h>

namespace session_server_tests {

namespace json = boost::json;
namespace http = boost::beast::http;

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// An answer, as it came.
struct Reply {
    http::response<http::string_body> message;

    unsigned status() const { return message.result_int(); }
    std::string field(std::string_view name) const { return std::string(message[name]); }
    json::object body() const { return json::parse(message.body()).as_object(); }
    /// The code of the error in the body.
    std::string code() const { return std::string(body().at("error").at("code").as_string()); }
    /// What is said of an error.
    std::string error(std::string_view member) const { return std::string(body().at("error").at(member).as_string()); }
    /// The cookie that is set, as a whole; empty if there is none of that name.
    std::string cookie(std::string_view name) const {
        const auto fields = message.equal_range(http::field::set_cookie);
        for (auto field = fields.first; field != fields.second; ++field)
            if (std::string_view(field->value()).starts_with(std::string(name) + "=")) return field->value();
        return {};
    }
};

/// A connection on which anything can be sent. Whoever waits on it for too long gets an exception.
class Client {
public:
    explicit Client(std::uint16_t port) : socket_(context_) {
        socket_.connect({boost::asio::ip::address_v4::loopback(), port});
        const ::timeval patience{30, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }

    Client& send(std::string_view bytes) {
        boost::system::error_code gone; // The server may have heard enough.
        boost::asio::write(socket_, boost::asio::buffer(bytes), gone);
        return *this;
    }
    /// Whether something has come that was not read.
    bool heard() { return buffer_.size() != 0 || socket_.available() != 0; }
    void shut_down() { socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send); }

    /// The next answer. \param to_head whether it answers HEAD.
    Reply read(bool to_head = false) {
        http::response_parser<http::string_body> parser;
        parser.skip(to_head);
        http::read(socket_, buffer_, parser);
        return {parser.release()};
    }
    /// All that comes until the server closes.
    std::string rest() {
        std::string heard(static_cast<const char*>(buffer_.data().data()), buffer_.size());
        std::array<char, 4096> bytes;
        for (boost::system::error_code error;;) {
            const auto count = socket_.read_some(boost::asio::buffer(bytes), error);
            heard.append(bytes.data(), count);
            if (error == boost::asio::error::would_block || error == boost::asio::error::try_again) throw std::runtime_error("the server does not close");
            if (error) return heard;
        }
    }

    /// Sends a request and reads its answer.
    Reply ask(std::string_view method, std::string_view target, const std::optional<json::object>& body = {}, Fields fields = {}) {
        std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
        for (const auto& [name, value] : fields) text += std::string(name) + ": " + std::string(value) + "\r\n";
        const std::string content = body ? json::serialize(*body) : "";
        if (body) text += "Content-Length: " + std::to_string(content.size()) + "\r\n";
        send(text + "\r\n" + content);
        return read(method == "HEAD");
    }

private:
    boost::asio::io_context context_;
    boost::asio::ip::tcp::socket socket_;
    boost::beast::flat_buffer buffer_;
};

/// One request on a connection of its own.
inline Reply ask(std::uint16_t port, std::string_view method, std::string_view target, const std::optional<json::object>& body = {}, Fields fields = {}) {
    return Client(port).ask(method, target, body, fields);
}

/// The field that presents an access token.
inline std::string bearer(const json::object& granted) { return "Bearer " + std::string(granted.at("access").as_string()); }

} // namespace session_server_tests
