// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The compiled parts of some adapters and of the libraries that they need. Include it in exactly one unit of the program, after those
/// headers of Larder that the program uses; what they do not need, it leaves out:
///
/// ```cpp
/// #include <larder/codec/json.hpp>
/// #include <larder/src.hpp>
/// ```
///
/// A program that is linked with Boost's own libraries needs it for `RedisConnection` alone.

#ifdef LARDER_NEEDS_BOOST_JSON
#include <boost/json/src.hpp>
#endif

#ifdef LARDER_NEEDS_BOOST_REDIS
#include <boost/redis/src.hpp>

#include <larder/cache/detail/redis_client.ipp>
#endif
