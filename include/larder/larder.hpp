// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The core in one header: entities, the in-process cache tier, databases that need no third-party library, policies, and
/// the repository that composes them. Adapters for SQLite and servers have headers of their own; so has what prints metrics and
/// plans with fmt (observe/report.hpp, observe/prometheus.hpp, repository/explain_report.hpp).

#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/entity/schema_of.hpp>
#include <larder/environment.hpp>
#include <larder/error.hpp>
#include <larder/observe/metrics.hpp>
#include <larder/policy/hybrid.hpp>
#include <larder/policy/versioned.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/scope.hpp>
#include <larder/repository/stack.hpp>
#include <larder/version.hpp>
