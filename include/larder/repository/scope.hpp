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
/// since; `forget` it after writing it. Absent rows are not remembered.
/// Safe to use from several threads. O(rows in the scope). Lives no longer than its repository.
template <class Repository>
class RequestScope {
    using Entity = typename Repository::entity_type;
    using Core = typename Repository::core_type;
    using Deferred = boost::asio::deferred_t;

public:
    explicit RequestScope(Repository& repository) : repository_(repository), rows_(std::make_shared<Rows>()) {}

    /// As the repository's `find`, once.
    Found<Entity> find(const typename Repository::KeyView& key, const Read& how = {}) {
        return find_in<0>(key, [&] { return repository_.find(key, how); });
    }
    template <class Token = Deferred>
    auto async_find(const typename Repository::KeyView& key, const Read& how = {}, Token&& token = {}) {
        return start<0>(Verb::find, key, how, std::forward<Token>(token));
    }

    /// As the repository's `find_by`, once.
    template <auto... Members>
    Found<Entity> find_by(const typename Repository::template ViewBy<Members...>& key, const Read& how = {}) {
        return find_in<Repository::template one<Members...>>(key, [&] { return repository_.template find_by<Members...>(key, how); });
    }
    template <auto... Members, class Token = Deferred>
    auto async_find_by(const typename Repository::template ViewBy<Members...>& key, const Read& how = {}, Token&& token = {}) {
        return start<Repository::template one<Members...>>(Verb::find_by, key, how, std::forward<Token>(token));
    }

    /// Adds a row that was found otherwise.
    void remember(const Found<Entity>& found) { rows_->remember(found); }

    /// Forgets a row, so that it is asked for again.
    void forget(const primary_key_t<Entity>& key) { rows_->forget(key); }

    /// How many rows the scope holds.
    std::size_t size() const { return rows_->size(); }

private:
    class Rows {
    public:
        template <std::size_t Space, class View>
        Found<Entity> find(const View& key) const {
            const std::lock_guard lock(mutex_);
            for (const auto& known : found_)
                if (has_key<Space>(*known, key)) return known;
            return {};
        }
        void remember(const Found<Entity>& found) {
            if (!found) return;
            const auto key = primary_key_of(*found);
            const std::lock_guard lock(mutex_);
            for (const auto& known : found_)
                if (has_key<0>(*known, key)) return;
            found_.push_back(found);
        }
        void forget(const primary_key_t<Entity>& key) {
            const std::lock_guard lock(mutex_);
            std::erase_if(found_, [&](const Found<Entity>& known) { return has_key<0>(*known, key); });
        }
        std::size_t size() const {
            const std::lock_guard lock(mutex_);
            return found_.size();
        }

    private:
        mutable std::mutex mutex_;
        std::vector<Found<Entity>> found_;
    };

    template <std::size_t Space, class Ask>
    Found<Entity> find_in(const space_view_t<Entity, Space>& key, Ask&& ask) {
        if (auto known = rows_->template find<Space>(key)) return known;
        Found<Entity> found = ask();
        rows_->remember(found);
        return found;
    }

    template <std::size_t Space, class Token>
    auto start(Verb verb, const space_view_t<Entity, Space>& view, const Read& how, Token&& token) {
        auto body = [rows = rows_, key = own_key<Entity, Space>(view), ask = repository_.template finding<Space>(view, how)](Core& core, detail::Driver& driver) mutable -> detail::Task<Found<Entity>> {
            if (auto known = rows->template find<Space>(view_of<Entity, Space>(key))) co_return known;
            auto asking = ask(core, driver);
            Found<Entity> found = co_await asking;
            rows->remember(found);
            co_return found;
        };
        return repository_.template start<Found<Entity>>(verb, std::move(body), std::forward<Token>(token));
    }

    Repository& repository_;
    std::shared_ptr<Rows> rows_;
};

} // namespace v0
} // namespace larder
