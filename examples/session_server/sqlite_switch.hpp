// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace server {

/// The means to take SQLite's file away for a demonstration: while it is off, no connection of this process gets a lock on the file, as if its disk had failed, so that
/// SQLite itself says so to every query that begins. What had begun goes on.
namespace sqlite_switch {

/// Sees to it that all connections that are opened from now on obey. Before the first of them; throws if it can not be done.
void install();
/// From any thread.
void turn(bool on) noexcept;

} // namespace sqlite_switch

} // namespace server
