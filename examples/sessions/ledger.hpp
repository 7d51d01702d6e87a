// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/session/session.hpp>

#include <fmt/format.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// What the program itself knows to be true, so that it can tell whether an answer was stale. A fact counts from the moment at
/// which the call that made it true had returned; so a request that begins after that moment has no excuse.
namespace example {

/// How often a user's sessions were all ended.
struct GroupEnds {
    std::atomic<std::uint64_t> begun{0};
    std::atomic<std::uint64_t> finished{0};
};

/// What is known of one session.
struct Life {
    /// To be made before the login begins, for a log-out everywhere that overlaps it may or may not meet it.
    explicit Life(const GroupEnds& of_user) : group_ends_(of_user), born_(of_user.finished) {}

    larder::Uuid id{};                       ///< Set when the login was acknowledged.
    std::atomic<larder::Version> version{1}; ///< The newest version that was acknowledged.
    std::atomic<bool> ending{false};         ///< Somebody has begun to end it,
    std::atomic<bool> ended{false};          ///< and that was acknowledged.

    bool may_be_ended() const { return ending || group_ends_.begun != born_; }

private:
    const GroupEnds& group_ends_;
    std::uint64_t born_;
};

/// What a client holds: a refresh token and an access token's id. A rotation ends both and gives others.
struct Credential {
    std::string refresh_token;
    std::string jti;
    std::shared_ptr<Life> session;
    std::atomic<bool> replacing{false}; ///< Somebody has begun to rotate it,
    std::atomic<bool> replaced{false};  ///< and that was acknowledged.

    bool may_be_refused() const { return replacing || session->may_be_ended(); }
    bool must_be_refused() const { return replaced || session->ended; }

    /// Makes unguessable texts of a number, the same each time: a load generator wants repeatable runs. A real service takes them
    /// from a cryptographic random source.
    static std::shared_ptr<Credential> make(std::uint64_t number, std::shared_ptr<Life> of) {
        auto made = std::make_shared<Credential>();
        made->refresh_token = fmt::format("{:016x}{:016x}{:016x}", spread(4 * number), spread(4 * number + 1), number);
        made->jti = fmt::format("{:016x}-{:016x}", spread(4 * number + 2), number);
        made->session = std::move(of);
        return made;
    }

private:
    /// The finaliser of SplitMix64 (Sebastiano Vigna, public domain).
    static std::uint64_t spread(std::uint64_t bits) {
        bits += 0x9e3779b97f4a7c15;
        bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
        bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
        return bits ^ (bits >> 31);
    }
};

/// A user's browser or telephone: it holds a credential, and here and there an open tab still holds the one before.
struct Device {
    std::shared_ptr<Credential> current() const {
        const std::lock_guard lock(mutex);
        return now;
    }
    std::shared_ptr<Credential> previous() const {
        const std::lock_guard lock(mutex);
        return before ? before : now;
    }
    void take(std::shared_ptr<Credential> fresh) {
        const std::lock_guard lock(mutex);
        before = std::exchange(now, std::move(fresh));
    }

private:
    mutable std::mutex mutex;
    std::shared_ptr<Credential> now;
    std::shared_ptr<Credential> before;
};

/// All devices, and the rules by which facts are entered. Thread-safe.
class Ledger {
public:
    Ledger(std::size_t users, std::size_t devices) : devices_(devices), group_ends_(users) {}

    std::size_t size() const { return devices_.size(); }
    Device& device(std::size_t number) { return devices_[number]; }
    /// Whose device it is; users count from 1, as their keys do.
    std::int64_t user_of(std::size_t device) const { return static_cast<std::int64_t>(device % group_ends_.size()) + 1; }

    /// A credential for a new session, to be made before the login begins.
    std::shared_ptr<Credential> credential_for(std::size_t device) { return Credential::make(next_number_++, std::make_shared<Life>(group_ends_[device % group_ends_.size()])); }
    /// A credential to rotate to.
    std::shared_ptr<Credential> credential_after(const Credential& old) { return Credential::make(next_number_++, old.session); }

    /// To be told after a rotation was acknowledged.
    void rotated(std::size_t device, Credential& old, std::shared_ptr<Credential> fresh, larder::Version version) {
        auto& known = fresh->session->version;
        for (auto seen = known.load(); seen < version && !known.compare_exchange_weak(seen, version);) {}
        devices_[device].take(std::move(fresh));
        old.replaced = true;
    }

    /// To be told before a log-out everywhere begins. \returns sessions that it must meet.
    std::vector<std::shared_ptr<Life>> group_end_begins(std::size_t device) {
        const std::size_t user = device % group_ends_.size();
        ++group_ends_[user].begun;
        std::vector<std::shared_ptr<Life>> met;
        for (std::size_t each = user; each < devices_.size(); each += group_ends_.size())
            for (const auto& credential : {devices_[each].current(), devices_[each].previous()}) met.push_back(credential->session);
        return met;
    }
    /// To be told when it has returned.
    void group_end_returned(std::size_t device, const std::vector<std::shared_ptr<Life>>& met, bool acknowledged) {
        if (acknowledged)
            for (const auto& session : met) session->ended = true;
        ++group_ends_[device % group_ends_.size()].finished;
    }

private:
    std::vector<Device> devices_;
    std::vector<GroupEnds> group_ends_;
    std::atomic<std::uint64_t> next_number_{1};
};

} // namespace example
