// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

const chaos::Subject chaos::row_probe{larder::Versioned<larder::row_probe>::name, larder::Versioned<larder::row_probe>::guarantee.current_reads, &chaos::run_client<larder::Versioned<larder::row_probe>>};
