// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/error.hpp>
#include <larder/testing/sim/choices.hpp>
#include <larder/testing/sim/faults.hpp>
#include <larder/testing/sim/scheduler.hpp>
#include <larder/testing/sim/trace.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace larder {
inline namespace v0 {
namespace testing {

/// Carries requests from processes to servers and answers back, with delays that are choices and faults that are allowed.
class Network {
public:
    /// How long a caller waits for an answer.
    static constexpr Duration patience = std::chrono::milliseconds(100);

    Network(Scheduler& scheduler, Choices& choices, Faults& faults, Trace& trace) : scheduler_(scheduler), choices_(choices), faults_(faults), trace_(trace) {}

    /// Sends a request. \param serve `serve(reply)`: run at the server; `reply(result)` may be called later, or never.
    /// \param done gets the result, or `lost` if none comes in time. Destroyed uncalled if the process dies.
    /// \param may_double whether the carrier may do a request twice: a server that is spoken to over one connection never sees that.
    template <class Result, class Serve, class Done>
    void call(Actor caller, std::string what, Serve serve, Done done, Error lost, bool may_double) {
        const std::uint64_t id = ++last_call_;
        struct Waiting final : Pending {
            explicit Waiting(Done callback) : function(std::move(callback)) {}
            Done function;
        };
        auto waiting = std::make_unique<Waiting>(std::move(done));
        waiting->process = caller.process;
        pending_.emplace(id, std::move(waiting));
        const auto answer = [this, id](Result result) {
            const auto place = pending_.find(id);
            if (place == pending_.end()) return;
            const auto answered = std::move(place->second);
            pending_.erase(place);
            static_cast<Waiting&>(*answered).function(std::move(result));
        };
        scheduler_.after(caller, patience, [this, answer, id, what, lost = std::move(lost)] {
            if (pending_.contains(id)) trace_.note(scheduler_, what + ": no answer in time");
            answer(Result(lost));
        });
        if (suffers(Fault::request_lost)) {
            trace_.note(scheduler_, what + ": the request is lost");
            return;
        }
        const bool late = suffers(Fault::request_late);
        // So late that its caller has given up, or that whatever was fenced for it is open again.
        Duration delay = hop();
        if (late) delay += patience * (choices_.pick(2) == 0 ? 2 : 7);
        const auto run = [this, serve = std::make_shared<Serve>(std::move(serve)), answer, caller, what, late](bool answered) {
            if (late) trace_.note(scheduler_, what + ": done late");
            (*serve)([this, answer, caller, what, answered](Result result) {
                if (!answered) return;
                if (suffers(Fault::reply_lost)) {
                    trace_.note(scheduler_, what + ": the answer is lost");
                    return;
                }
                scheduler_.after(caller, hop(), [answer, result = std::move(result)]() mutable { answer(std::move(result)); });
            });
        };
        if (may_double && suffers(Fault::request_doubled)) {
            trace_.note(scheduler_, what + ": the request is sent twice");
            scheduler_.after(server, delay + patience / 4 * (1 + choices_.pick(8)), [run] { run(false); });
        }
        scheduler_.after(server, delay, [run] { run(true); });
    }

    /// A process died: nobody waits for its answers any more.
    void drop_process(std::uint16_t process) {
        std::map<std::uint64_t, std::unique_ptr<Pending>> dropped;
        for (auto place = pending_.begin(); place != pending_.end();) {
            if (place->second->process == process)
                dropped.insert(pending_.extract(place++));
            else
                ++place;
        }
    }

    /// The time that a message takes: a choice.
    Duration hop() { return std::chrono::milliseconds(choices_.pick(3)); }

    /// Whether a fault strikes now.
    bool suffers(Fault fault) {
        if (!faults_.allows(fault) || !choices_.once_in(faults_.rarity(fault))) return false;
        faults_.count(fault);
        return true;
    }

    static constexpr Actor server{0, 1};

private:
    struct Pending {
        virtual ~Pending() = default;
        std::uint16_t process = 0;
    };

    Scheduler& scheduler_;
    Choices& choices_;
    Faults& faults_;
    Trace& trace_;
    std::map<std::uint64_t, std::unique_ptr<Pending>> pending_;
    std::uint64_t last_call_ = 0;
};

} // namespace testing
} // namespace v0
} // namespace larder
