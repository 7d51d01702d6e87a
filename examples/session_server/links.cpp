// SPDX-License-Identifier: BSL-1.0
#include "links.hpp"

#include "../sessions/conninfo.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <libpq-fe.h>

#include <memory>
#include <string>

namespace server {
namespace {

using Tcp = boost::asio::ip::tcp;

constexpr const char* here = "127.0.0.1";

Tcp::endpoint find(const std::string& host, const std::string& port) {
    boost::asio::io_context context;
    return Tcp::resolver(context).resolve(host, port).begin()->endpoint();
}

/// The password that libpq would use there: from a file, or the environment. Empty if it knows none.
std::string password_for(const std::string& conninfo) {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectStart(conninfo.c_str()), &PQfinish);
    const char* password = connection ? PQpass(connection.get()) : nullptr;
    return password ? password : "";
}

} // namespace

Links::Links(const Place& place) : place_(place) {
    if (place_.redis) {
        redis_.emplace(1U, find(place_.redis->host, std::to_string(place_.redis->port)));
        place_.redis->host = here;
        place_.redis->port = (*redis_)[0].port();
    }
    if (place_.sqlite.empty()) {
        example::Conninfo conninfo(place_.postgres);
        const std::string host = conninfo.get("hostaddr").empty() ? conninfo.get("host") : conninfo.get("hostaddr");
        const std::string port = conninfo.get("port");
        // What is reached through a unix socket, or at one of several places, or checks the server's name, is left alone.
        if (host.empty() || host.front() == '/' || host.find(',') != std::string::npos || conninfo.get("sslmode") == "verify-full") return;
        postgres_.emplace(1U, find(host, port.empty() ? "5432" : port));
        // The name stays: a certificate or a ticket may be for it. A password file tells by the port too.
        if (conninfo.get("password").empty()) {
            const auto password = password_for(place_.postgres);
            if (!password.empty()) conninfo.set("password", password);
        }
        conninfo.set("hostaddr", here);
        conninfo.set("port", std::to_string((*postgres_)[0].port()));
        place_.postgres = conninfo.text();
    }
}

Tiers::Switch Links::switch_of(std::optional<Ways>& ways) {
    if (!ways) return {};
    return [&ways](bool up) { (*ways)[0].set(up ? larder_tests::Hole::none : larder_tests::Hole::closed); };
}

Tiers::Switch Links::redis() { return switch_of(redis_); }
Tiers::Switch Links::postgres() { return switch_of(postgres_); }

} // namespace server
