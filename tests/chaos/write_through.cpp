// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

const chaos::Subject chaos::write_through{larder::WriteThrough::name, larder::WriteThrough::guarantee.current_reads, &chaos::run_client<larder::WriteThrough>};
