// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "larder_service.hpp"
#include "original.hpp"
#include "service.hpp"

#include <larder/larder.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace example {

/// How many sessions a process keeps.
inline const larder::MemoryCacheConfig<larder::Session> memory_of_a_process{.max_entries = 200'000};

/// Makes the service of one of Larder's policies.
/// \tparam Backend where the sessions and their copies are. \param stores what that is made of, nearest first.
template <class Backend, class... Stores>
std::unique_ptr<Service> make_larder(std::string_view code, const Surroundings& at, const larder::Options& options, const Stores&... stores) {
    const auto make = [&]<class Policy>() -> std::unique_ptr<Service> { return std::make_unique<LarderService<Backend, Policy>>(typename LarderService<Backend, Policy>::Config{stores...}, options, at.hash); };
    if (code == "hybrid") return make.template operator()<larder::Hybrid>();
    if (code == "write-through") return make.template operator()<larder::WriteThrough>();
    if (code == "versioned") return make.template operator()<larder::Versioned<larder::row_probe>>();
    if (code == "versioned-epoch") return make.template operator()<larder::Versioned<larder::group_epoch>>();
    throw std::logic_error("no code is called " + std::string(code));
}

} // namespace example
