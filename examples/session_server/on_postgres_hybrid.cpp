// SPDX-License-Identifier: BSL-1.0
#include "on_postgres.hpp"

template std::unique_ptr<server::Service> server::on_postgres<larder::Hybrid>(const server::Site&);
