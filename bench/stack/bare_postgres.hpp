// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "note.hpp"

#include <boost/endian/buffers.hpp>
#include <boost/endian/conversion.hpp>

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace bench {

/// libpq as its documentation shows it: a prepared statement on one connection, in pipeline mode, with binary values.
class BarePostgres {
public:
    explicit BarePostgres(const std::string& conninfo) : connection_(PQconnectdb(conninfo.c_str())) {
        if (PQstatus(connection_) != CONNECTION_OK) fail();
        PGresult* const prepared = PQprepare(connection_, "note", "SELECT id, code, text, written_at, version FROM notes WHERE id = $1::bigint", 0, nullptr);
        const bool good = PQresultStatus(prepared) == PGRES_COMMAND_OK;
        PQclear(prepared);
        if (!good || PQenterPipelineMode(connection_) != 1) fail();
    }
    BarePostgres(const BarePostgres&) = delete;
    BarePostgres& operator=(const BarePostgres&) = delete;
    ~BarePostgres() { PQfinish(connection_); }

    /// Loads notes, of which so many are asked for at a time. \param number `number(i)` of the i-th. \param take is given each.
    template <class Number, class Take>
    void load(std::size_t count, std::size_t at_a_time, const Number& number, const Take& take) {
        std::size_t sent = 0;
        for (; sent < std::min(count, at_a_time); ++sent) send(number(sent));
        flush();
        for (std::size_t taken = 0; taken < count; ++taken) {
            take(*next());
            if (sent < count) {
                send(number(sent++));
                // As long as answers are there, there is no need to wait for one, so that several questions leave in one write.
                if (PQisBusy(connection_) != 0 || at_a_time == 1) flush();
            }
        }
    }

private:
    void send(std::int64_t id) {
        const boost::endian::big_int64_buf_t bytes(id);
        const char* const values[] = {reinterpret_cast<const char*>(bytes.data())};
        const int lengths[] = {sizeof bytes}, formats[] = {1};
        if (PQsendQueryPrepared(connection_, "note", 1, values, lengths, formats, 1) != 1 || PQpipelineSync(connection_) != 1) fail();
    }
    void flush() {
        if (PQflush(connection_) < 0) fail();
    }

    std::shared_ptr<const Note> next() {
        PGresult* const result = PQgetResult(connection_);
        if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
            PQclear(result);
            fail();
        }
        auto row = std::make_shared<Note>();
        row->id = number(result, 0);
        row->code.assign(PQgetvalue(result, 0, 1), static_cast<std::size_t>(PQgetlength(result, 0, 1)));
        row->text.assign(PQgetvalue(result, 0, 2), static_cast<std::size_t>(PQgetlength(result, 0, 2)));
        constexpr std::int64_t from_1970_to_2000 = 946'684'800;
        row->written_at = larder::TimePoint(std::chrono::duration_cast<larder::TimePoint::duration>(std::chrono::seconds(from_1970_to_2000) + std::chrono::microseconds(number(result, 3))));
        row->version = static_cast<std::uint64_t>(number(result, 4));
        PQclear(result);
        PQclear(PQgetResult(connection_)); // the end of its results
        PQclear(PQgetResult(connection_)); // the synchronisation point
        return row;
    }
    static std::int64_t number(PGresult* result, int column) { return boost::endian::load_big_s64(reinterpret_cast<const unsigned char*>(PQgetvalue(result, 0, column))); }
    [[noreturn]] void fail() const { throw std::runtime_error(PQerrorMessage(connection_)); }

    PGconn* connection_;
};

} // namespace bench
