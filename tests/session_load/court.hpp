// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../../examples/session_load/judge.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// What the tests of the load program's judge share: clients who say what they are answered, at times that the test sets.
namespace session_load_tests {

using namespace load;
using namespace std::chrono_literals;

class Court {
public:
    explicit Court(Declared declared = {}) : judge(declared, [this](const Violation& violation) { found.push_back(violation); }) { judge.set_origin(now); }

    /// \name Answers
    /// @{
    static Answer ok(unsigned status = 200) {
        Answer answer;
        answer.status = status;
        return answer;
    }
    static Answer refusal(std::string state = "revoked", std::string limit = {}) {
        Answer answer = ok(401);
        answer.code = "unauthorized";
        answer.state = std::move(state);
        answer.limit = std::move(limit);
        return answer;
    }
    static Answer reused(Span bound = {}) {
        Answer answer = refusal("reused");
        answer.bound = bound;
        return answer;
    }
    static Answer ended(std::uint64_t count = 1, Span bound = {}) {
        Answer answer = ok();
        answer.ended = count;
        answer.bound = bound;
        return answer;
    }
    static Answer lost() {
        Answer answer;
        answer.lost = true;
        answer.trouble = "the connection broke";
        return answer;
    }
    static Answer unavailable() { return ok(503); }
    static Answer late() { return ok(408); }
    Answer granted(std::int64_t user, std::string handle, Span bound = {}, unsigned status = 200) {
        Answer answer = ok(status);
        answer.user = user;
        answer.handle = std::move(handle);
        answer.access = "access " + std::to_string(++made_);
        answer.refresh = "refresh " + std::to_string(made_);
        answer.access_life = 15min;
        answer.life = 12h;
        answer.bound = bound;
        return answer;
    }
    Answer granted(const Grant& of, Span bound = {}) { return granted(of.session->user, of.session->handle, bound); }
    static Answer me(const Grant& of) {
        Answer answer = ok();
        answer.user = of.session->user;
        answer.handle = of.session->handle;
        answer.source = "memory";
        return answer;
    }
    static Answer list(std::vector<std::shared_ptr<Grant>> of, const Grant& current) {
        Answer answer = ok();
        for (const auto& each : of) answer.sessions.push_back({each->session->handle, each->session == current.session});
        return answer;
    }
    /// @}

    /// \name Requests: sent now, answered a millisecond later
    /// @{
    Request ask(Kind kind, std::shared_ptr<Grant> grant, std::int64_t user = 1) {
        Request request;
        request.kind = kind;
        request.grant = std::move(grant);
        request.user = request.grant ? request.grant->session->user : user;
        now += 1ms;
        judge.ask(request, now);
        return request;
    }
    Request ask(Kind kind, std::shared_ptr<Grant> grant, std::shared_ptr<Session> target) {
        Request request;
        request.kind = kind;
        request.grant = std::move(grant);
        request.user = request.grant->session->user;
        request.target = std::move(target);
        now += 1ms;
        judge.ask(request, now);
        return request;
    }
    std::shared_ptr<Grant> hear(const Request& request, const Answer& answer) {
        now += 1ms;
        return judge.hear(request, answer, now);
    }
    std::shared_ptr<Grant> does(Kind kind, const std::shared_ptr<Grant>& grant, const Answer& answer) { return hear(ask(kind, grant), answer); }
    std::shared_ptr<Grant> does(Kind kind, const std::shared_ptr<Grant>& grant, const std::shared_ptr<Grant>& target, const Answer& answer) { return hear(ask(kind, grant, target->session), answer); }
    std::shared_ptr<Grant> login(std::int64_t user = 1) { return does_login(user, "session " + std::to_string(++begun_)); }
    std::shared_ptr<Grant> does_login(std::int64_t user, std::string handle) { return hear(ask(Kind::login, nullptr, user), granted(user, std::move(handle), {}, 201)); }
    /// A session that some other program began.
    std::shared_ptr<Grant> login_of_nobody() const {
        auto grant = std::make_shared<Grant>();
        grant->session = std::make_shared<Session>();
        grant->session->handle = "a stranger's";
        return grant;
    }
    std::shared_ptr<Grant> refreshes(const std::shared_ptr<Grant>& grant, Span bound = {}) { return does(Kind::refresh, grant, granted(*grant, bound)); }
    std::shared_ptr<Grant> elevates(const std::shared_ptr<Grant>& grant, Span bound = {}) {
        return does(Kind::elevate, grant, granted(grant->session->user, "session " + std::to_string(++begun_), bound));
    }
    /// GET /me says that the token is good, or that it is not.
    void accepts(const std::shared_ptr<Grant>& grant) { does(Kind::me, grant, me(*grant)); }
    void refuses(const std::shared_ptr<Grant>& grant, std::string state = "revoked") { does(Kind::me, grant, refusal(std::move(state))); }
    /// @}

    /// The rules that were broken since it was last asked.
    std::vector<Rule> broken() {
        std::vector<Rule> rules;
        for (const auto& violation : std::exchange(found, {})) rules.push_back(violation.rule);
        return rules;
    }
    /// Whether exactly one rule was broken since it was last asked.
    bool broke(Rule rule) { return broken() == std::vector<Rule>{rule}; }
    bool is_content() { return broken().empty(); }

    Moment now = Moment(1h);
    std::vector<Violation> found;
    Judge judge;

private:
    int made_ = 0, begun_ = 0;
};

} // namespace session_load_tests
