// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/repository/cached_repository.hpp>

#include <boost/asio/deferred.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// An identity map for one request: what was found once, by whatever key, is found again by every key of the row without
/// asking anybody. Refresh token first, then jti, then id is one cache lookup and at most one query.
///
/// *Outside the promises about freshness*: within the scope a row stays as it was first found, even if it has been written
/// since; `forget` it after writing it. What a read asks for by itself (`at_least`, `max_age`, `truth`) is respected: a row that
/// does not meet it is found anew. Absent rows are not remembered.
/// Safe to use from several threads. O(rows in the scope). Lives no longer than its repository.
template <class Repository>
class RequestScope {
    using Entity = typename Repository::entity_type;
    using Core = typename Repository::core_type;
    using Deferred = boost::asio::deferred_t;

public:
    explicit RequestScope(Repository& repository) : repository_(repository), rows_(std::make_shared<Rows>()) {}

    /// As the repository's `find`, once. What the scope knows comes from `Level::scope`.
    Found<Entity> find(const typename Repository::KeyView& key, const Read& how = {}) {
        return find_in<0>(Verb::find, key, how, [&] { return repository_.find(key, how); });
    }
    template <class Token = Deferred>
    auto async_find(const typename Repository::KeyView& key, const Read& how = {}, Token&& token = {}) {
        return start<0>(Verb::find, key, how, std::forward<Token>(token));
    }

    /// As the repository's `find_by`, once.
    template <auto... Members>
    Found<Entity> find_by(const space_view_t<Entity, detail::FindBySpace<Entity, Members...>::value>& key, const Read& how = {}) {
        return find_in<Repository::template one<Members...>>(Verb::find_by, key, how, [&] { return repository_.template find_by<Members...>(key, how); });
    }
    template <auto... Members, class Token = Deferred>
    auto async_find_by(const space_view_t<Entity, detail::FindBySpace<Entity, Members...>::value>& key, const Read& how = {}, Token&& token = {}) {
        return start<Repository::template one<Members...>>(Verb::find_by, key, how, std::forward<Token>(token));
    }

    /// Adds a row that was found otherwise, in the place of what the scope knows of it.
    void remember(const Found<Entity>& found) { rows_->remember(found, repository_.environment().now()); }

    /// Forgets a row, so that it is asked for again.
    void forget(const primary_key_t<Entity>& key) { rows_->forget(key); }

    /// How many rows the scope holds.
    std::size_t size() const { return rows_->size(); }

private:
    class Rows {
    public:
        template <std::size_t Space, class View>
        Found<Entity> find(const View& key, const Read& how, SteadyTime now) const {
            const std::lock_guard lock(mutex_);
            for (const auto& [found, loaded_at] : known_)
                if (has_key<Space>(*found, key)) {
                    const Duration age = now - loaded_at;
                    if (how.truth || how.at_least > found.version() || age > how.max_age) return {};
                    return Found<Entity>(found.row(), Absence::none, Level::scope, found.version(), age, found.stale());
                }
            return {};
        }
        void remember(const Found<Entity>& found, SteadyTime now) {
            if (!found) return;
            const auto key = primary_key_of(*found);
            const std::lock_guard lock(mutex_);
            std::erase_if(known_, [&](const Known& known) { return has_key<0>(*known.found, key); });
            known_.push_back({found, now - found.age()});
        }
        void forget(const primary_key_t<Entity>& key) {
            const std::lock_guard lock(mutex_);
            std::erase_if(known_, [&](const Known& known) { return has_key<0>(*known.found, key); });
        }
        std::size_t size() const {
            const std::lock_guard lock(mutex_);
            return known_.size();
        }

    private:
        struct Known {
            Found<Entity> found;
            SteadyTime loaded_at;
        };

        mutable std::mutex mutex_;
        std::vector<Known> known_;
    };

    template <std::size_t Space, class Ask>
    Found<Entity> find_in(Verb verb, const space_view_t<Entity, Space>& key, const Read& how, Ask&& ask) {
        Core& core = *repository_.core();
        const detail::QuickCall call(core.env);
        if (auto known = rows_->template find<Space>(key, how, core.env.now())) {
            call.hit(verb, Level::scope, false);
            return known;
        }
        core.env.observe(event::Lookup{Level::scope, LookupOutcome::miss, false});
        Found<Entity> found = ask();
        remember(found);
        return found;
    }

    /// The caller of a verb, whom an early answer reaches once the scope has it.
    struct RememberedFirst {
        Rows& rows;
        Core& core;
        detail::Caller<Found<Entity>, Core>& caller;
        bool answered = false;

        bool listens() const noexcept { return caller.listens(); }
        void answer(Found<Entity> found) {
            answered = true;
            rows.remember(found, core.env.now());
            caller.answer(std::move(found));
        }
    };

    template <std::size_t Space, class Token>
    auto start(Verb verb, const space_view_t<Entity, Space>& view, const Read& how, Token&& token) {
        auto body = [rows = rows_, key = own_key<Entity, Space>(view), how, ask = repository_.template finding<Space>(view, how)](Core& core, detail::Driver& driver, detail::Caller<Found<Entity>, Core>& caller) mutable -> detail::Task<Found<Entity>> {
            auto known = rows->template find<Space>(view_of<Entity, Space>(key), how, core.env.now());
            core.env.observe(event::Lookup{Level::scope, known ? LookupOutcome::hit : LookupOutcome::miss, false});
            if (known) co_return known;
            RememberedFirst first{*rows, core, caller};
            auto asking = ask(core, driver, first);
            Found<Entity> found = co_await asking;
            // Not again: the caller may have had it forgotten since.
            if (!first.answered) rows->remember(found, core.env.now());
            co_return found;
        };
        return repository_.template start<Found<Entity>>(verb, std::move(body), std::forward<Token>(token));
    }

    Repository& repository_;
    std::shared_ptr<Rows> rows_;
};

} // namespace v0
} // namespace larder
