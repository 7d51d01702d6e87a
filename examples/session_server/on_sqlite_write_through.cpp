// SPDX-License-Identifier: BSL-1.0
#include "on_sqlite.hpp"

template std::unique_ptr<server::Service> server::on_sqlite<larder::WriteThrough>(const server::Site&);
