// SPDX-License-Identifier: BSL-1.0
#include "on_redis_and_sqlite.hpp"

template std::unique_ptr<server::Service> server::on_redis_and_sqlite<larder::WriteThrough>(const server::Site&);
