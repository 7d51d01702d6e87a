// SPDX-License-Identifier: BSL-1.0
//
// What it takes to turn a session with its user into the bytes that a shared tier keeps, and back.

#include "codec/unsealed_session.hpp"
#include "harness.hpp"

#include <larder/codec/aes_gcm.hpp>
#include <larder/codec/codec.hpp>
#include <larder/codec/json.hpp>
#include <larder/codec/packed.hpp>
#include <larder/entity/projection.hpp>
#include <larder/session/entities.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace larder;

constexpr auto table_of_encoding = "encode", table_of_decoding = "decode", table_of_reuse = "decode into a reused object";

Session session() {
    Session row;
    std::generate(row.id.begin(), row.id.end(), [n = std::uint8_t{17}]() mutable { return n = static_cast<std::uint8_t>(n * 37 + 11); });
    row.user_id = 73'421;
    row.refresh_token = HashKey("a key for the benchmark only")("refresh-token-of-the-session");
    row.jti = "0f8fad5b-d9cb-469f-a165-70867728950e";
    row.created_at = TimePoint(std::chrono::milliseconds(1'750'000'000'000));
    row.last_seen_at = row.created_at + std::chrono::hours(5);
    row.access_expires_at = row.created_at + std::chrono::hours(6);
    row.refresh_expires_at = row.created_at + std::chrono::hours(24 * 30);
    row.ip_address = "2001:db8:85a3::8a2e:370:7334";
    row.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    row.version = 7;
    row.user = {.id = row.user_id, .email = "ann.example@mail.example.org", .username = "ann.example", .version = 3};
    return row;
}

AesGcm<> sealing() {
    SealKey key{.id = 1};
    key.secret.fill(std::byte{0x5c});
    return AesGcm<>(key);
}

/// Registers the three benchmarks of one codec and one of the session's forms.
template <class Codec, class Value>
void add(const std::string& form, const std::string& subject, Codec codec, Value value) {
    std::string bytes;
    if (!codec.encode(value, bytes)) throw Failure(Error{errc::exception_thrown, "the session cannot be encoded"});
    const auto size = static_cast<double>(bytes.size());
    bench::add(table_of_encoding, form, subject, [codec, value, size](benchmark::State& state) {
        std::string out;
        for (auto _ : state) {
            out.clear();
            benchmark::DoNotOptimize(codec.encode(value, out));
            benchmark::ClobberMemory();
        }
        state.counters["size"] = size;
    });
    bench::add(table_of_decoding, form, subject, [codec, bytes](benchmark::State& state) {
        for (auto _ : state) {
            Value into;
            benchmark::DoNotOptimize(codec.decode(bytes, into));
            benchmark::DoNotOptimize(into);
        }
    });
    bench::add(table_of_reuse, form, subject, [codec, bytes](benchmark::State& state) {
        Value into;
        for (auto _ : state) {
            benchmark::DoNotOptimize(codec.decode(bytes, into));
            benchmark::DoNotOptimize(into);
        }
    });
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    bench::describe("Codecs", "A session with its user, encoded into a string that has the capacity, and decoded. Sealed: its secret fields (the refresh token's hash and the jti) are under AES-256-GCM.");
    for (const auto table : {table_of_encoding, table_of_decoding, table_of_reuse}) bench::refer(table, "PackedCodec");
    bench::unit("size", "bytes");
    const Session row = session();
    add("a session and its user", "PackedCodec", PackedCodec(), bench::UnsealedSession(row));
    add("a session and its user", "JsonCodec", JsonCodec(), bench::UnsealedSession(row));
    add("the same, sealed", "PackedCodec", PackedCodec(sealing()), row);
    add("the same, sealed", "JsonCodec", JsonCodec(sealing()), row);
    add("its warm fields", "PackedCodec", PackedCodec(sealing()), WarmRow<Session>(row));
    add("its warm fields", "JsonCodec", JsonCodec(sealing()), WarmRow<Session>(row));
    return bench::run_all();
}
