// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "rows.hpp"

#include <larder/database/author.hpp>
#include <larder/database/database.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace bench {

/// The versions of numbered rows: all that a database of rows that are made from their numbers has to remember.
class Versions {
public:
    explicit Versions(std::size_t rows) : cells_(rows) {}
    std::size_t size() const noexcept { return cells_.size(); }
    std::uint64_t of(std::uint64_t number) const noexcept { return 1U + cells_[number].load(std::memory_order_acquire); }
    bool move(std::uint64_t number, std::uint64_t expected) noexcept {
        auto seen = static_cast<std::uint32_t>(expected - 1);
        return cells_[number].compare_exchange_strong(seen, seen + 1, std::memory_order_acq_rel);
    }

private:
    std::vector<std::atomic<std::uint32_t>> cells_;
};

/// A database that costs next to nothing: it makes each row from its key, and keeps the version alone. Rows are neither added nor removed,
/// and what an update changes beside the version is forgotten.
template <class Row>
class NumberedDatabase {
    using Refusal = larder::Refusal<Row>;

public:
    using Key = larder::primary_key_t<Row>;
    struct Config {
        std::shared_ptr<Versions> versions;
    };
    explicit NumberedDatabase(Config config) : versions_(std::move(config.versions)) {}

    static constexpr bool conditional_writes = true;
    static constexpr bool never_blocks = true;

    larder::Outcome<std::optional<Row>> load(const Key& key, larder::ReadMode) { return found(number_of(key)); }

    template <std::size_t Space>
    larder::Outcome<std::optional<Row>> load_by(const larder::space_key_t<Row, Space>& key, larder::ReadMode) {
        return found(number_of(key));
    }

    larder::Outcome<std::vector<std::optional<Row>>> load_many(std::span<const Key> keys, larder::ReadMode) {
        std::vector<std::optional<Row>> rows;
        rows.reserve(keys.size());
        for (const Key& key : keys) rows.push_back(found(number_of(key)));
        return rows;
    }

    larder::Outcome<Row> insert(const Row&) { return Refusal::template duplicate_key<0>(); }

    larder::Outcome<larder::Version> update(const Row& row, larder::Version expected, const larder::WriteCondition&) {
        if (!versions_->move(number_of(row.id), expected)) return Refusal::version_conflict();
        return expected + 1;
    }

    larder::Outcome<larder::Version> erase(const Key&, larder::Version, const larder::WriteCondition&) { return Refusal::no_such_row(); }

private:
    std::optional<Row> found(std::uint64_t number) const {
        if (number >= versions_->size()) return std::nullopt;
        return row_of<Row>(number, versions_->of(number));
    }

    std::shared_ptr<Versions> versions_;
};

} // namespace bench
