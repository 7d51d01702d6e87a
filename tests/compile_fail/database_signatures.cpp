// SPDX-License-Identifier: BSL-1.0
// expect LOAD: larder: this database needs load(const Key&, larder::ReadMode), and it must answer larder::Outcome<std::optional<Entity>>
// expect LOAD_MANY: larder: this database needs load_many(std::span<const Key>, larder::ReadMode), and it must answer larder::Outcome<std::vector<std::optional<Entity>>>
// expect INSERT: larder: this database needs insert(const Entity&), and it must answer larder::Outcome<Entity>, the row as it is stored
// expect UPDATE: larder: this database needs update(const Entity&, larder::Version, const larder::WriteCondition&), and it must answer larder::Outcome<larder::Version>
// expect ERASE: larder: this database needs erase(const Key&, larder::Version, const larder::WriteCondition&), and it must answer larder::Outcome<larder::Version>
// expect CONDITIONAL: larder: this database must say whether a write honours the version that it expects: static constexpr bool conditional_writes = true (or false)
// errors: 1
#include <larder/larder.hpp>

#include "own_database.hpp"

/// Mistakes of each kind: a missing operation, one with other parameters, one with another answer.
template <class Entity>
struct Database : OwnDatabase<Entity> {
    using OwnDatabase<Entity>::OwnDatabase;
    using Key = larder::primary_key_t<Entity>;
    static constexpr bool never_blocks = true;

#if defined(LOAD)
    larder::Outcome<std::optional<Entity>> load(const Key&);
#elif defined(LOAD_MANY)
    void load_many() = delete;
#elif defined(INSERT)
    larder::Outcome<void> insert(const Entity&);
#elif defined(UPDATE)
    larder::Outcome<bool> update(const Entity&, larder::Version, const larder::WriteCondition&);
#elif defined(ERASE)
    larder::Outcome<larder::Version> erase(const Key&, larder::Version);
#elif defined(CONDITIONAL)
    void conditional_writes() = delete;
#endif
};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, Database>>;

static_assert(sizeof(Books) > 0);
