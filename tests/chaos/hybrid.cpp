// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

const chaos::Subject chaos::hybrid{larder::Hybrid::name, larder::Hybrid::guarantee.current_reads, &chaos::run_client<larder::Hybrid>};
