// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/engine/core.hpp>
#include <larder/repository/result.hpp>

#include <memory>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// Turns what a load ended with into an answer: judges the row's expiry and revocation by the wall clock of this moment.
template <class Core>
Found<typename Core::Entity> judge_whole(Core& core, Loaded<typename Core::Entity> loaded) {
    using Entity = typename Core::Entity;
    if (loaded.error.failed()) return Found<Entity>(loaded.error.get());
    const Duration age = loaded.source == Level::database ? Duration::zero() : core.env.now() - loaded.loaded_at;
    if (!loaded.row.full) return Found<Entity>(nullptr, Absence::never_was, loaded.source, loaded.version, age, loaded.stale);
    const Entity& row = *loaded.row.full;
    const Absence absence = core.absence_of(Core::Schema::expiry_of(row), Core::Schema::is_revoked(row));
    return Found<Entity>(std::move(loaded.row.full), absence, loaded.source, loaded.version, age, loaded.stale);
}

/// As `judge_whole`, for the whole row that a lookup in the nearest tier has hit just now.
template <class Core>
Found<typename Core::Entity> judge_hit(Core& core, WholeRow<typename Core::Entity>&& hit) {
    const typename Core::Entity& row = *hit.row;
    const Absence absence = core.absence_of(Core::Schema::expiry_of(row), Core::Schema::is_revoked(row));
    return Found<typename Core::Entity>(std::move(hit.row), absence, Core::Nearest::level, hit.version, hit.age);
}

/// As `judge_whole`, for the warm fields.
template <class Core>
FoundWarm<typename Core::Entity> judge_warm(Core& core, Loaded<typename Core::Entity> loaded) {
    using Entity = typename Core::Entity;
    using Schema = typename Core::Schema;
    if (loaded.error.failed()) return FoundWarm<Entity>(loaded.error.get());
    const Duration age = loaded.source == Level::database ? Duration::zero() : core.env.now() - loaded.loaded_at;
    if (loaded.row.full) loaded.row.warm = std::make_shared<const WarmRow<Entity>>(*loaded.row.full);
    if (!loaded.row.warm) return FoundWarm<Entity>(nullptr, Absence::never_was, loaded.source, loaded.version, age, loaded.stale);
    const Entity partial = loaded.row.warm->partial_row();
    const Absence absence = core.absence_of(Schema::expiry_of(partial), Schema::is_revoked(partial));
    return FoundWarm<Entity>(std::move(loaded.row.warm), absence, loaded.source, loaded.version, age, loaded.stale);
}

} // namespace detail
} // namespace v0
} // namespace larder
