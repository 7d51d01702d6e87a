// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace example {

/// A connection string of libpq's, taken apart.
class Conninfo {
public:
    /// Throws if it is none.
    explicit Conninfo(const std::string& text) {
        char* said = nullptr;
        const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parts(PQconninfoParse(text.c_str(), &said), &PQconninfoFree);
        const std::unique_ptr<char, void (*)(void*)> words(said, &PQfreemem);
        if (!parts) throw std::runtime_error(std::string("PostgreSQL: ") + (said ? said : "not a connection string"));
        for (const auto* part = parts.get(); part->keyword; ++part)
            if (part->val) parts_[part->keyword] = part->val;
    }

    /// Empty if it does not say.
    std::string get(const std::string& keyword) const {
        const auto part = parts_.find(keyword);
        return part == parts_.end() ? std::string() : part->second;
    }
    void set(const std::string& keyword, std::string value) { parts_[keyword] = std::move(value); }

    std::string text() const {
        std::string all;
        for (const auto& [keyword, value] : parts_) {
            all += keyword + "='";
            for (const char letter : value) {
                if (letter == '\'' || letter == '\\') all += '\\';
                all += letter;
            }
            all += "' ";
        }
        return all;
    }

private:
    std::map<std::string, std::string> parts_;
};

} // namespace example
