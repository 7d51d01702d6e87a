// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/environment.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/scope.hpp>
#include <larder/session/entities.hpp>

namespace larder {
inline namespace v0 {

/// The rows of user sessions in a backend under a policy: what a `SessionStore` keeps its rules over, and what reads sessions by any of their keys:
/// `find(id)`, `find_by<&Session::jti>(jti)`, `find_by<&Session::refresh_token>(hash)`, `find_all_by<&Session::user_id>(user)`.
/// \tparam Backend where: a `Stack`. \tparam Policy how consistent. \tparam Env the clock, the random source and the observer.
template <class Backend, class Policy = WriteThrough, class Env = SystemEnvironment<Metrics>>
using SessionRepository = CachedRepository<Session, Backend, Policy, Env>;

} // namespace v0
} // namespace larder
