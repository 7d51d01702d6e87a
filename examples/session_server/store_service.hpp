// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "service.hpp"
#include "site.hpp"

#include <larder/larder.hpp>
#include <larder/openssl_random.hpp>
#include <larder/session/store.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace server {

/// The service over a stack under a policy.
template <class Backend, class Policy>
class StoreService final : public Service {
    using Sessions = larder::SessionRepository<Backend, Policy>;

public:
    using Config = typename Sessions::Config;

    /// What a stack has beside its tiers.
    struct Means {
        larder::Duration bound{}; ///< For how long it may serve what another process has changed.
        std::optional<larder::RedisConnection> redis{};
        std::function<void()> take_database_back{}; ///< If something is to be done for that.
    };

    StoreService(Config stack, larder::Options options, const Site& site, Means means = {})
        : sessions_(std::move(stack), fitting(std::move(options), site)), store_(sessions_, {site.secrets.session_key()}, larder::OpensslRandom{}, site.rules), means_(std::move(means)),
          within_(std::chrono::duration_cast<std::chrono::steady_clock::duration>(site.answer_within)) {}

    Awaitable<larder::Granted> login(larder::Login order) override {
        auto started = store_.async_login(std::move(order), in_time());
        auto ended = co_await std::move(started);
        co_return noted(std::get<1>(std::move(ended)));
    }
    Awaitable<larder::Authenticated> authenticate(std::string access) override {
        auto started = store_.async_authenticate(std::string_view(access), in_time());
        auto ended = co_await std::move(started);
        auto& answer = std::get<1>(ended);
        if (answer) usage.busiest.note(answer.user_id());
        co_return std::move(answer);
    }
    Awaitable<larder::Granted> rotate(std::string refresh) override {
        auto started = store_.async_rotate(refresh, in_time());
        auto ended = co_await std::move(started);
        co_return noted(std::get<1>(std::move(ended)));
    }
    Awaitable<larder::Granted> elevate(larder::Uuid handle) override {
        auto started = store_.async_elevate(handle, std::nullopt, in_time());
        auto ended = co_await std::move(started);
        co_return noted(std::get<1>(std::move(ended)));
    }
    Awaitable<larder::SessionList> list(std::int64_t user) override {
        auto started = store_.async_list(user, in_time());
        auto ended = co_await std::move(started);
        co_return std::get<1>(std::move(ended));
    }
    Awaitable<larder::SessionsEnded> revoke(larder::Uuid handle) override {
        auto started = store_.async_revoke(handle, larder::EndReason::logged_out, larder::Effect::may_be_pending, in_time());
        auto ended = co_await std::move(started);
        co_return noted(std::get<1>(std::move(ended)));
    }
    Awaitable<larder::SessionsEnded> revoke_others(std::int64_t user, larder::Uuid kept) override {
        auto started = store_.async_revoke_others(user, kept, larder::EndReason::logged_out_everywhere, larder::Effect::may_be_pending, in_time());
        auto ended = co_await std::move(started);
        co_return noted(std::get<1>(std::move(ended)));
    }
    Awaitable<larder::SessionsEnded> revoke_all(std::int64_t user) override {
        auto started = store_.async_revoke_all(user, larder::EndReason::logged_out_everywhere, larder::Effect::may_be_pending, in_time());
        auto ended = co_await std::move(started);
        co_return noted(std::get<1>(std::move(ended)));
    }
    Awaitable<larder::Reaped> expire() override {
        auto started = store_.async_expire(reaped_at_once, in_time());
        auto ended = co_await std::move(started);
        co_return std::get<1>(std::move(ended));
    }

    larder::MetricsSnapshot metrics() const override { return sessions_.metrics(); }
    std::string_view policy() const override { return Policy::name; }
    bool keeps_rows() const override { return Policy::caches_rows; }
    larder::Duration staleness_bound() const override { return Policy::guarantee.current_reads ? larder::Duration::zero() : means_.bound; }
    std::optional<larder::RedisStatus> redis() const override {
        if (!means_.redis) return std::nullopt;
        return means_.redis->status();
    }
    void read_memory(bool on) override { sessions_.switch_reading(larder::Level::memory, on); }
    void take_database_back() override {
        if (means_.take_database_back) means_.take_database_back();
    }

private:
    static constexpr std::size_t reaped_at_once = 100;

    /// A session in use is noted as used often enough not to end for want of use.
    static larder::Options fitting(larder::Options options, const Site& site) {
        if (site.rules.idle_timeout > larder::Duration::zero()) options.touch_interval = std::min(options.touch_interval, site.rules.idle_timeout / 2);
        return options;
    }

    auto in_time() const { return boost::asio::cancel_after(within_, boost::asio::as_tuple(boost::asio::use_awaitable)); }

    template <class Answer>
    Answer noted(Answer answer) {
        usage.pending.note(answer.pending());
        return answer;
    }

    Sessions sessions_;
    larder::SessionStore<Backend, Policy> store_;
    Means means_;
    std::chrono::steady_clock::duration within_;
};

/// How many sessions a process keeps.
inline const larder::MemoryCacheConfig<larder::Session> memory_tier{.max_entries = 200'000};

} // namespace server
