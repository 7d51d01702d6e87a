// SPDX-License-Identifier: BSL-1.0
#include "process_of.hpp"

#include <larder/policy/versioned.hpp>

namespace scenarios {

template <>
std::unique_ptr<Process> make_process<Under::group_epoch>(const ProcessParts& parts) {
    return std::make_unique<ProcessOf<larder::Versioned<larder::group_epoch>, false>>(parts);
}

} // namespace scenarios
