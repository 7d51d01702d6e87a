// SPDX-License-Identifier: BSL-1.0
#include "stage.hpp"

namespace scenarios {

namespace {

std::unique_ptr<Process> make(Under under, const ProcessParts& parts) {
    switch (under) {
    case Under::write_through: return make_process<Under::write_through>(parts);
    case Under::near_tier: return make_process<Under::near_tier>(parts);
    case Under::hybrid: return make_process<Under::hybrid>(parts);
    case Under::row_probe: return make_process<Under::row_probe>(parts);
    case Under::group_epoch: return make_process<Under::group_epoch>(parts);
    }
    return nullptr;
}

larder::testing::GuardSet set_of(std::initializer_list<Guard> guards) {
    larder::testing::GuardSet set;
    for (const Guard guard : guards) set.add(guard);
    return set;
}

} // namespace

std::vector<Stage::Client> Stage::made(Stage& stage, std::uint16_t processes) {
    std::vector<Client> clients;
    for (std::uint16_t number = 1; number <= processes; ++number) clients.push_back(Client(stage, number));
    return clients;
}

Stage::Stage(Under under, std::initializer_list<Guard> off, const std::function<void(larder::Options&)>& adjust, std::uint16_t processes)
    : shared_{scheduler_, choices_, set_of(off), {}}, cache_(shared_, network_, trace_), database_(shared_, network_, trace_, [](const std::string&, const Ticket*, Version) {}),
      clients_(made(*this, processes)), a(clients_.at(0)), b(clients_.at(1)), c(clients_.at(2)) {
    for (Client& client : clients_) {
        const larder::testing::Actor actor{client.number_, 1};
        larder::Options options;
        options.ttl = ttl;
        options.jitter = 0;
        options.fence_for = fence_for;
        options.lease_for = lease_for;
        options.negative_ttl = negative_ttl;
        options.executor = scheduler_.executor(actor);
        if (adjust) adjust(options);
        client.process_ = make(under, {{{&cache_, actor}, &gate}, {{&database_, actor}, &gate, &replica_}, options, larder::testing::SimEnvironment(shared_, actor)});
    }
    settle();
}

Stage::~Stage() {
    for (Client& client : clients_) kill(client);
    scheduler_.clear();
}

void Stage::plant(const Ticket& row) {
    const auto stored = database_.rows().insert(row);
    database_.committed(stored->id, &*stored, stored->version);
}

Ticket Stage::row(const std::string& key, const std::string& code) const {
    Ticket made;
    made.id = key;
    made.owner = "o";
    made.code = code;
    made.expires_at = std::chrono::time_point_cast<larder::TimePoint::duration>(wall_now() + std::chrono::hours(24 * 365));
    return made;
}

void Stage::write_behind(const std::string& key, const std::string& code) {
    Ticket row = truth(key);
    row.code = code;
    row.version = database_.rows().update(row, row.version, {}).value();
    database_.committed(key, &row, row.version);
}

void Stage::freeze_replica(const std::vector<std::string>& keys) {
    replica_.emplace();
    for (const auto& key : keys) replica_->emplace(key, truth(key));
}

void Stage::kill(Client& client) {
    const auto drop = [&] {
        scheduler_.drop_process(client.number_);
        network_.drop_process(client.number_);
        gate.forget(client.number_);
        cache_.disconnect(client.number_);
    };
    drop();
    client.process_.reset();
    drop();
}

} // namespace scenarios
