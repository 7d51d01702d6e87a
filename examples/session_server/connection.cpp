// SPDX-License-Identifier: BSL-1.0
#include "connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/read_size.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace server {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

/// What is read at once while it is not known how much there is.
constexpr std::size_t first_read = 4096;
/// What is read at once at most.
constexpr std::size_t most_read = 65536;

/// How long a request is waited for when all ends.
constexpr auto parting = std::chrono::milliseconds(100);

/// How long a connection that is being closed is listened to, and how much of what it says is thrown away, so that the client can read what it was told.
constexpr auto lingering = std::chrono::seconds(1);
constexpr std::size_t most_lingering = std::size_t{1} << 20;

std::string_view cause_of(boost::system::error_code error) {
    switch (static_cast<http::error>(error.value())) {
    case http::error::bad_method: return "the method is malformed";
    case http::error::bad_target: return "the target is malformed";
    case http::error::bad_version: return "the version is none of HTTP/1";
    case http::error::bad_field: return "the name of a header field is malformed";
    case http::error::bad_value: return "the value of a header field is malformed";
    case http::error::bad_content_length: return "Content-Length is malformed, or contradicts something";
    case http::error::multiple_content_length: return "there are several of Content-Length";
    case http::error::bad_transfer_encoding: return "Transfer-Encoding is not 'chunked', or contradicts something";
    case http::error::bad_chunk: return "a chunk is malformed";
    case http::error::bad_chunk_extension: return "a chunk's extension is malformed";
    case http::error::bad_obs_fold: return "a header field is folded";
    default: return "this is no HTTP request";
    }
}

/// Whether all agree on where the request ends: somebody in between may know an encoding that this server does not, or know none.
bool says_its_length(const HttpRequest& request) {
    const auto encodings = request.count(http::field::transfer_encoding);
    if (encodings == 0) return true;
    return encodings == 1 && beast::iequals(request[http::field::transfer_encoding], "chunked") && request.version() >= 11 && request.count(http::field::content_length) == 0;
}

} // namespace

Connection::Connection(Tcp::socket socket, const Limits& limits, const Handler& handler)
    : stream_(std::move(socket)), buffer_(std::size_t{limits.header} + first_read), arrival_(stream_.get_executor()), limits_(limits), handler_(handler) {
    boost::system::error_code ignored;
    stream_.socket().set_option(Tcp::no_delay(true), ignored);
    const auto peer = stream_.socket().remote_endpoint(ignored);
    if (!ignored) address_ = peer.address().to_string();
}

void Connection::stop() {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
        self->stopping_ = true;
        if (self->waiting_) self->wait_no_longer();
    });
}

/// The client can not know yet that it ends: what it sends just now is answered, and it is told so.
void Connection::wait_no_longer() {
    arrival_.expires_after(parting);
    arrival_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
        if (cancelled || !self->waiting_) return;
        boost::system::error_code unknown;
        if (self->stream_.socket().available(unknown) == 0) self->stream_.cancel();
    });
}

void Connection::abort() {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
        self->stopping_ = true;
        self->stream_.close();
    });
}

asio::awaitable<void> Connection::run() {
    const auto self = shared_from_this();
    bool more = true;
    while (more) more = co_await serve_one();
    stream_.close();
}

asio::awaitable<void> Connection::refuse() {
    const auto self = shared_from_this();
    const Answer answer = error_answer(http::status::service_unavailable, "unavailable", "there are too many connections");
    co_await write(nullptr, answer, false);
    co_await close_gently();
    stream_.close();
}

asio::awaitable<bool> Connection::serve_one() {
    const bool begun = co_await wait_for_request();
    if (!begun) co_return false;
    stream_.expires_never();
    arrival_.expires_after(limits_.request);
    arrival_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
        // One that was already on its way when it was set anew is none.
        if (cancelled || !self->reading_ || self->arrival_.expiry() > asio::steady_timer::clock_type::now()) return;
        self->late_ = true;
        self->stream_.cancel();
    });
    reading_ = true;
    Parser parser;
    parser.header_limit(limits_.header);
    parser.body_limit(limits_.body);
    const auto error = co_await read(parser);
    reading_ = false;
    arrival_.cancel();
    if (error) {
        co_await fail(error);
        co_return false;
    }
    const HttpRequest request = parser.release();
    const Answer answer = co_await handler_(request, address_);
    kept_ = true;
    co_return co_await write(&request, answer, request.keep_alive() && !stopping_);
}

/// \returns whether one has begun.
asio::awaitable<bool> Connection::wait_for_request() {
    if (buffer_.size() != 0) co_return true;
    if (stopping_) wait_no_longer();
    stream_.expires_after(kept_ ? limits_.idle : limits_.request);
    waiting_ = true;
    auto reading = stream_.async_read_some(buffer_.prepare(first_read), quietly);
    const auto [error, count] = co_await std::move(reading);
    waiting_ = false;
    arrival_.cancel();
    buffer_.commit(count);
    co_return !error && count != 0;
}

asio::awaitable<boost::system::error_code> Connection::read(Parser& parser) {
    const auto bad_header = co_await read_until(parser, &Parser::is_header_done);
    if (bad_header) co_return bad_header;
    if (!says_its_length(parser.get())) co_return http::error::bad_transfer_encoding;
    if (beast::iequals(parser.get()[http::field::expect], "100-continue") && parser.get().version() >= 11 && !parser.is_done()) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        auto writing = asio::async_write(stream_, asio::buffer(go_on), quietly);
        const auto [unwritten, written] = co_await std::move(writing);
        if (unwritten) co_return unwritten;
    }
    // What is said of the request behind its body is not asked for: nobody in between may have looked at it there.
    std::optional<HttpRequest::header_type> header;
    if (parser.chunked()) header = parser.get().base();
    parser.eager(true);
    const auto bad_body = co_await read_until(parser, &Parser::is_done);
    if (header) parser.get().base() = *std::move(header);
    co_return bad_body;
}

/// Whether the time is over is asked before each read: the timer finds no read to end when it comes between two.
asio::awaitable<boost::system::error_code> Connection::read_until(Parser& parser, bool (Parser::*reached)() const) {
    while (!(parser.*reached)()) {
        boost::system::error_code error = http::error::need_more;
        if (buffer_.size() != 0) buffer_.consume(parser.put(buffer_.data(), error));
        if (!error && (buffer_.size() != 0 || (parser.*reached)())) continue;
        if (error && error != http::error::need_more) co_return error;
        if (late_) co_return asio::error::operation_aborted;
        const auto room = beast::read_size(buffer_, most_read);
        if (room == 0) co_return http::error::buffer_overflow;
        auto reading = stream_.async_read_some(buffer_.prepare(room), quietly);
        const auto [unread, count] = co_await std::move(reading);
        if (unread) co_return unread;
        buffer_.commit(count);
    }
    co_return boost::system::error_code();
}

/// Tells the client what was wrong, if it can still be told. What follows can not be told from the bad request, so it is the end.
asio::awaitable<void> Connection::fail(boost::system::error_code error) {
    static const auto category = make_error_code(http::error::bad_method).category().name();
    Answer answer;
    if (late_)
        answer = error_answer(http::status::request_timeout, "timeout", "the request did not arrive in time");
    else if (error == http::error::header_limit || error == http::error::buffer_overflow)
        answer = error_answer(http::status::request_header_fields_too_large, "header_too_large", "the header is too large");
    else if (error == http::error::body_limit)
        answer = error_answer(http::status::payload_too_large, "too_large", "the body is too large");
    else if (std::string_view(error.category().name()) == category && error != http::error::partial_message && error != http::error::end_of_stream)
        answer = error_answer(http::status::bad_request, "bad_request", cause_of(error));
    else
        co_return;
    co_await write(nullptr, answer, false);
    co_await close_gently();
}

/// \param request null: it could not be read. \returns whether there may be another.
asio::awaitable<bool> Connection::write(const HttpRequest* request, const Answer& answer, bool keep) {
    HttpResponse response(answer.status, request ? request->version() : 11U);
    for (const auto& [name, value] : answer.fields) response.insert(name, value);
    response.set(http::field::content_type, answer.type);
    response.set("X-Content-Type-Options", "nosniff");
    response.keep_alive(keep);
    response.content_length(answer.body.size());
    if (!request || request->method() != http::verb::head) response.body() = answer.body;
    stream_.expires_after(limits_.request);
    auto writing = http::async_write(stream_, response, quietly);
    const auto [error, count] = co_await std::move(writing);
    co_return !error && keep;
}

asio::awaitable<void> Connection::close_gently() {
    boost::system::error_code gone;
    stream_.socket().shutdown(Tcp::socket::shutdown_send, gone);
    if (gone) co_return;
    stream_.expires_after(lingering);
    std::array<char, 4096> thrown_away;
    for (std::size_t heard = 0; heard < most_lingering;) {
        auto reading = stream_.async_read_some(asio::buffer(thrown_away), quietly);
        const auto [error, count] = co_await std::move(reading);
        if (error) break;
        heard += count;
    }
}

} // namespace server
