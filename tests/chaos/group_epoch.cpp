// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

const chaos::Subject chaos::group_epoch{larder::Versioned<larder::group_epoch>::name, larder::Versioned<larder::group_epoch>::guarantee.current_reads, &chaos::run_client<larder::Versioned<larder::group_epoch>>};
