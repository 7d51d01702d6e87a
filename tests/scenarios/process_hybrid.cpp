// SPDX-License-Identifier: BSL-1.0
#include "process_of.hpp"

#include <larder/policy/hybrid.hpp>

namespace scenarios {

template <>
std::unique_ptr<Process> make_process<Under::hybrid>(const ProcessParts& parts) {
    return std::make_unique<ProcessOf<larder::Hybrid, false>>(parts);
}

} // namespace scenarios
