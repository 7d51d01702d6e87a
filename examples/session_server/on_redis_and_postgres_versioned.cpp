// SPDX-License-Identifier: BSL-1.0
#include "on_redis_and_postgres.hpp"

template std::unique_ptr<server::Service> server::on_redis_and_postgres<larder::Versioned<larder::row_probe>>(const server::Site&);
