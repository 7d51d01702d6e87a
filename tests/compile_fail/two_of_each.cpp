// SPDX-License-Identifier: BSL-1.0
// expect TWO_VERSIONS: larder: the schema names two version columns
// expect TWO_EXPIRIES: larder: the schema names two expires columns
// expect TWO_REVOCATIONS: larder: the schema names two revoked columns
// expect TWO_TOUCHES: larder: the schema names two touch columns
// expect TWO_SCOPES: larder: the schema names two scopes; a scope of several members is one scope<&E::a, &E::b>
// expect TWO_PROJECTIONS: larder: the schema names two warm projections
// errors: 1
#include <larder/entity/schema_of.hpp>
#include <larder/entity/value.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>

struct Card {
    std::int64_t tenant = 0;
    std::int64_t country = 0;
    std::int64_t id = 0;
    std::uint64_t version = 0;
    std::uint64_t edition = 0;
    larder::TimePoint expires{};
    larder::TimePoint ends{};
    std::optional<larder::TimePoint> revoked;
    std::optional<larder::TimePoint> blocked;
    larder::TimePoint seen{};
    larder::TimePoint used{};
};
BOOST_DESCRIBE_STRUCT(Card, (), (tenant, country, id, version, edition, expires, ends, revoked, blocked, seen, used))

#if defined(TWO_VERSIONS)
using Second = larder::version<&Card::edition>;
#elif defined(TWO_EXPIRIES)
using Second = larder::expires<&Card::ends>;
#elif defined(TWO_REVOCATIONS)
using Second = larder::revoked<&Card::blocked>;
#elif defined(TWO_TOUCHES)
using Second = larder::touch<&Card::used>;
#elif defined(TWO_SCOPES)
using Second = larder::scope<&Card::country>;
#elif defined(TWO_PROJECTIONS)
using Second = larder::warm<&Card::ends>;
#else
using Second = larder::group<&Card::country>;
#endif

template <>
struct larder::entity_traits<Card>
    : larder::schema<"cards", larder::scope<&Card::tenant>, larder::primary<&Card::id>, larder::version<&Card::version>, larder::expires<&Card::expires>,
                     larder::revoked<&Card::revoked>, larder::touch<&Card::seen>, larder::warm<&Card::expires>, Second> {};

template struct larder::schema_of<Card>;
