// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../../tests/servers/ways.hpp"
#include "stores.hpp"
#include "tiers.hpp"

#include <optional>

namespace server {

/// The ways from a process to the servers of its stores, which can be cut for a demonstration: there is no server at their end any more, as if it had been killed.
class Links {
public:
    /// \param place where the servers are. Throws `std::exception` if one of them can not be found.
    explicit Links(const Place& place);

    /// Where the servers are by way of this.
    const Place& place() const { return place_; }
    /// How to cut the ways; empty where there is none.
    /// @{
    Tiers::Switch redis();
    Tiers::Switch postgres();
    /// @}

private:
    using Ways = larder_tests::Ways;
    static Tiers::Switch switch_of(std::optional<Ways>& ways);

    Place place_;
    std::optional<Ways> redis_, postgres_;
};

} // namespace server
