// SPDX-License-Identifier: BSL-1.0
#include "process_of.hpp"

#include <larder/policy/write_through.hpp>

namespace scenarios {

template <>
std::unique_ptr<Process> make_process<Under::write_through>(const ProcessParts& parts) {
    return std::make_unique<ProcessOf<larder::WriteThrough, false>>(parts);
}

} // namespace scenarios
