// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/error.hpp>
#include <larder/testing/sim/scheduler.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scenarios {

using larder::Error;

/// Which server a request is for.
enum class Server : bool { cache, database };

/// One request of a process on its way to a server, and the answer on its way back.
class Passage {
public:
    Passage(Server to, std::uint16_t from, std::string request) : server(to), process(from), what(std::move(request)) {}
    virtual ~Passage() = default;

    /// Lets the server do it.
    virtual void send() = 0;
    /// Hands the answer to who asked.
    virtual void tell() = 0;
    /// Lets who asked believe that it was lost.
    virtual void fail(const Error& failure) = 0;
    /// The process died: nobody waits for the answer.
    virtual void forget() = 0;

    const Server server;
    const std::uint16_t process;
    const std::string what;
    bool sent = false;
    bool holds_answer = false; ///< The answer waits for `tell`.
    std::string answer;        ///< What the server said, once it has, in a word or two.
};

/// Where the requests of all processes pass on their way to the servers: each goes on at once, unless a test said otherwise.
class Gate {
public:
    explicit Gate(larder::testing::Scheduler& scheduler) : scheduler_(scheduler) {}

    /// A request, or its answer, that a test holds back.
    class Held {
    public:
        /// Whether it has come by now.
        bool there() const { return *passage_ != nullptr; }
        /// What the server answered, in a word or two; empty as long as it has not.
        const std::string& answer() const { return passage().answer; }
        const std::string& what() const { return passage().what; }

        /// Lets it go on, and everything that follows from it at this moment. May be called after `lose`: it is done late.
        void go() const {
            Passage& held = passage();
            held.sent ? held.tell() : held.send();
            settle();
        }
        /// Whoever sent it is told that it had no answer.
        void lose() const {
            passage().fail(lost(passage()));
            settle();
        }
        /// The server does it, but whoever sent it is told that it had no answer.
        void lose_answer() const {
            passage().holds_answer = true;
            passage().send();
            settle();
            lose();
        }

    private:
        friend class Gate;
        Held(Gate& gate, std::shared_ptr<std::shared_ptr<Passage>> passage) : gate_(&gate), passage_(std::move(passage)) {}

        Passage& passage() const {
            if (!there()) throw std::logic_error("what is to be held has not come");
            return **passage_;
        }
        void settle() const { gate_->scheduler_.run_until(gate_->scheduler_.now()); }

        Gate* gate_;
        std::shared_ptr<std::shared_ptr<Passage>> passage_;
    };

    /// Holds the next request of a process that begins with these words, before its server sees it.
    Held hold(std::uint16_t process, std::string what) { return add({process, std::move(what), false, {}}); }
    /// Holds the answer to the next such request, which its server has done.
    Held hold_answer(std::uint16_t process, std::string what) { return add({process, std::move(what), true, {}}); }

    /// A server answers nobody until it is up again.
    void set_down(Server server, bool down) { (server == Server::cache ? cache_down_ : database_down_) = down; }

    /// A process died.
    void forget(std::uint16_t process) {
        std::erase_if(holds_, [process](const Hold& hold) { return hold.process == process; });
        const auto passages = passages_;
        for (const auto& each : passages)
            if (const auto passage = each.lock(); passage && passage->process == process) passage->forget();
    }

    /// Every request so far with its answer, such as "1: fill row k -> stored".
    const std::vector<std::string>& log() const noexcept { return log_; }
    /// How many lines of the log have these words in them.
    std::size_t count(std::string_view words) const {
        return static_cast<std::size_t>(std::count_if(log_.begin(), log_.end(), [words](const std::string& line) { return line.find(words) != std::string::npos; }));
    }

    /// Takes a request to its server, or holds it. \param forward `forward(done)`: lets the server do it and calls `done(result)`.
    /// \param handler called with the result, once. \param words what to write of a result.
    template <class Result, class Forward, class Handler, class Words>
    void pass(Server server, std::uint16_t process, std::string what, Forward forward, Handler handler, Words words) {
        auto passage = std::make_shared<PassageOf<Result, Forward, Handler, Words>>(*this, server, process, std::move(what), std::move(forward), std::move(handler), words);
        std::erase_if(passages_, [](const auto& each) { return each.expired(); });
        passages_.push_back(passage);
        const auto hold = std::find_if(holds_.begin(), holds_.end(), [&](const Hold& each) { return each.process == process && passage->what.starts_with(each.what); });
        if (hold != holds_.end()) {
            *hold->passage = passage;
            passage->holds_answer = hold->answer;
            holds_.erase(hold);
            if (passage->holds_answer) passage->send();
        } else if (server == Server::cache ? cache_down_ : database_down_) {
            passage->fail(down(*passage));
        } else {
            passage->send();
        }
    }

private:
    struct Hold {
        std::uint16_t process;
        std::string what;
        bool answer;
        std::shared_ptr<std::shared_ptr<Passage>> passage;
    };

    template <class Result, class Forward, class Handler, class Words>
    class PassageOf final : public Passage, public std::enable_shared_from_this<PassageOf<Result, Forward, Handler, Words>> {
    public:
        PassageOf(Gate& gate, Server to, std::uint16_t from, std::string request, Forward forward, Handler handler, Words words)
            : Passage(to, from, std::move(request)), gate_(gate), forward_(std::move(forward)), handler_(std::move(handler)), words_(words) {}

        void send() override {
            sent = true;
            forward_([self = this->shared_from_this()](Result result) {
                self->answer = self->words_(result);
                self->gate_.log_.push_back(std::to_string(self->process) + ": " + self->what + " -> " + self->answer);
                self->result_.emplace(std::move(result));
                if (!self->holds_answer) self->tell();
            });
        }
        void tell() override {
            if (result_) end(std::move(*result_));
            result_.reset();
        }
        void fail(const Error& failure) override {
            if (!sent) gate_.log_.push_back(std::to_string(process) + ": " + what + " -> no answer");
            end(Result(failure));
        }
        void forget() override {
            const auto dropped = std::move(handler_);
            handler_.reset();
        }

    private:
        void end(Result result) {
            if (!handler_) return;
            auto handler = std::move(*handler_);
            handler_.reset();
            handler(std::move(result));
        }

        Gate& gate_;
        Forward forward_;
        std::optional<Handler> handler_;
        Words words_;
        std::optional<Result> result_;
    };

    Held add(Hold hold) {
        hold.passage = std::make_shared<std::shared_ptr<Passage>>();
        holds_.push_back(hold);
        return {*this, hold.passage};
    }

    /// What a caller is told whose server cannot be reached.
    static Error down(const Passage& passage) {
        using larder::errc;
        if (passage.server == Server::cache) return {errc::cache_unavailable, "the shared tier cannot be reached"};
        return {errc::database_unavailable, "the database cannot be reached"};
    }
    /// What a caller is told whose request had no answer.
    static Error lost(const Passage& passage) {
        using larder::errc;
        if (passage.server == Server::cache) return {errc::timed_out, "the shared tier did not answer"};
        constexpr std::string_view writes[] = {"insert", "update", "erase", "revoke", "commit"};
        const bool write = std::any_of(std::begin(writes), std::end(writes), [&](std::string_view word) { return passage.what.starts_with(word); });
        return {write ? errc::outcome_unknown : errc::database_unavailable, "the database did not answer"};
    }

    larder::testing::Scheduler& scheduler_;
    std::list<Hold> holds_;
    std::vector<std::weak_ptr<Passage>> passages_;
    std::vector<std::string> log_;
    bool cache_down_ = false;
    bool database_down_ = false;
};

} // namespace scenarios
