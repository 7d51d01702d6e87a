// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

namespace chaos {
namespace {

/// The mistake that the judge must find: writes go through a second repository that knows nothing of the fleet's caches, and was
/// declared the sole writer, so that it calls them effective. Nobody publishes, nobody expels.
void run_control(const ClientOptions& told) {
    const SharedBoard board(told.board);
    boost::asio::thread_pool io{2};
    const larder::RedisConnection redis(io.get_executor(), redis_options(told));
    const larder::PostgresPool postgres(io.get_executor(), postgres_options(told));
    Fleet<larder::WriteThroughUnfenced> reads({{.max_entries = 1000}, redis, postgres}, repository_options(told));
    larder::Options alone = repository_options(told);
    alone.sole_writer = true;
    larder::CachedRepository<Login, larder::Stack<larder::MemoryCache, larder::PostgresDatabase>, larder::WriteThroughUnfenced> writes({{.max_entries = 1000}, postgres}, alone);
    work(told, *board, reads, writes);
}

} // namespace
} // namespace chaos

const chaos::Subject chaos::control{"control", false, &chaos::run_control};
