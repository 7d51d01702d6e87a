// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// A page in Prometheus' text exposition format, version 0.0.4, read strictly: what the format only tolerates (blank
/// lines, metrics without a type, spaces where none are needed) is refused, as is a counter or a histogram that breaks
/// the conventions. Throws `std::runtime_error` naming the line.
class PrometheusPage {
public:
    using Labels = std::map<std::string, std::string>;

    struct Family {
        std::string type;
        std::string help;
        std::map<std::pair<std::string, Labels>, double> samples; ///< By the sample's whole name and labels.
    };

    explicit PrometheusPage(std::string_view text) {
        if (!text.empty() && text.back() != '\n') throw std::runtime_error("the last line does not end");
        while (!text.empty()) {
            const auto end = text.find('\n');
            line_ = text.substr(0, end);
            text.remove_prefix(end + 1);
            if (line_.starts_with('#'))
                read_comment();
            else
                read_sample();
        }
        for (const auto& [name, family] : families_) {
            line_ = name;
            if (family.type.empty() || family.help.empty()) fail("a metric without type or help");
            if (family.type == "histogram") check_histogram(name, family);
        }
    }

    const std::map<std::string, Family>& families() const& { return families_; }

    /// The value of one sample; throws if there is none.
    double value(const std::string& sample, const Labels& labels) const {
        for (const auto& [name, family] : families_) {
            const auto found = family.samples.find({sample, labels});
            if (found != family.samples.end()) return found->second;
        }
        throw std::runtime_error("no sample " + sample);
    }

private:
    [[noreturn]] void fail(const std::string& why) const { throw std::runtime_error(why + ": " + std::string(line_)); }

    static bool is_name(std::string_view name, std::string_view also) {
        const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" + std::string(also);
        return !name.empty() && letters.find(name.front()) != letters.npos &&
               name.find_first_not_of(letters + "0123456789") == name.npos;
    }

    /// Takes the text before `separator` off the front of `rest`, and the separator too.
    std::string take_until(std::string_view& rest, char separator) const {
        const auto at = rest.find(separator);
        if (at == rest.npos) fail(std::string("a missing '") + separator + "'");
        const std::string taken(rest.substr(0, at));
        rest.remove_prefix(at + 1);
        return taken;
    }

    void read_comment() {
        auto rest = line_;
        if (take_until(rest, ' ') != "#") fail("no space after #");
        const auto keyword = take_until(rest, ' ');
        const auto name = take_until(rest, ' ');
        if (!is_name(name, ":")) fail("not a metric's name");
        open(name);
        auto& family = families_[name];
        if (keyword == "HELP") {
            if (!family.help.empty()) fail("a second HELP");
            for (std::size_t i = 0; i < rest.size(); ++i)
                if (rest[i] == '\\' && (++i == rest.size() || (rest[i] != '\\' && rest[i] != 'n')))
                    fail("a bad escape");
            family.help = rest;
        } else if (keyword == "TYPE") {
            if (!family.type.empty()) fail("a second TYPE");
            if (!family.samples.empty()) fail("a TYPE after a sample");
            if (rest != "counter" && rest != "gauge" && rest != "histogram") fail("a type that is not expected");
            if (rest == "counter" && !name.ends_with("_total")) fail("a counter's name must end in _total");
            family.type = rest;
        } else
            fail("a comment that is neither HELP nor TYPE");
    }

    /// Begins or goes on with a metric; all its lines must stand together.
    void open(const std::string& name) {
        if (name == current_) return;
        if (families_.contains(name)) fail("the lines of a metric do not stand together");
        current_ = name;
    }

    void read_sample() {
        auto rest = line_;
        const auto end_of_name = rest.find_first_of("{ ");
        if (end_of_name == rest.npos) fail("a sample without a value");
        const std::string name(rest.substr(0, end_of_name));
        rest.remove_prefix(end_of_name);
        if (!is_name(name, ":")) fail("not a metric's name");
        if (!families_.contains(current_) || families_[current_].type.empty()) fail("a sample before its TYPE");
        auto& family = families_[current_];
        const auto suffix = name.starts_with(current_) ? name.substr(current_.size()) : "?";
        const bool histogram = family.type == "histogram";
        if (histogram ? suffix != "_bucket" && suffix != "_sum" && suffix != "_count" : !suffix.empty())
            fail("a sample of another metric");
        auto labels = rest.starts_with('{') ? read_labels(rest) : Labels{};
        if (labels.contains("le") != (suffix == "_bucket")) fail("le belongs to buckets only");
        if (!rest.starts_with(' ')) fail("no space before the value");
        rest.remove_prefix(1);
        const auto value = number(std::string(rest));
        if (!(value >= 0) || value > 1e300) fail("a value that is not expected");
        if (suffix == "_bucket") check_order(labels);
        if (!family.samples.emplace(std::pair(name, std::move(labels)), value).second) fail("the same sample twice");
    }

    /// The buckets of one histogram must stand in ascending order of their bounds.
    void check_order(Labels labels) {
        const auto le = labels.extract("le").mapped();
        const auto bound = le == "+Inf" ? infinite : number(le);
        const auto before = last_bounds_.find({current_, labels});
        if (before != last_bounds_.end() && bound <= before->second) fail("buckets that do not ascend");
        last_bounds_[{current_, labels}] = bound;
    }

    Labels read_labels(std::string_view& rest) const {
        Labels labels;
        do {
            rest.remove_prefix(1);
            const auto name = take_until(rest, '=');
            if (!is_name(name, "")) fail("not a label's name");
            if (!rest.starts_with('"')) fail("a label's value without quotes");
            rest.remove_prefix(1);
            if (!labels.emplace(name, read_quoted(rest)).second) fail("a label twice");
        } while (rest.starts_with(','));
        if (!rest.starts_with('}')) fail("labels that do not end");
        rest.remove_prefix(1);
        return labels;
    }

    std::string read_quoted(std::string_view& rest) const {
        std::string value;
        while (!rest.empty() && rest.front() != '"') {
            char c = rest.front();
            if (c == '\\') {
                rest.remove_prefix(1);
                const char escaped = rest.empty() ? '?' : rest.front();
                if (escaped != '\\' && escaped != '"' && escaped != 'n') fail("a bad escape");
                c = escaped == 'n' ? '\n' : escaped;
            }
            value += c;
            rest.remove_prefix(1);
        }
        if (rest.empty()) fail("a label's value that does not end");
        rest.remove_prefix(1);
        return value;
    }

    double number(const std::string& text) const {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        if (text.empty() || text.front() == ' ' || *end != '\0') fail("not a number");
        return value;
    }

    void check_histogram(const std::string& name, const Family& family) const {
        std::map<Labels, std::map<double, double>> buckets;
        for (const auto& [sample, value] : family.samples) {
            auto labels = sample.second;
            if (sample.first != name + "_bucket") continue;
            const auto le = labels.extract("le").mapped();
            buckets[labels][le == "+Inf" ? infinite : number(le)] = value;
        }
        std::size_t others = 0;
        for (const auto& [labels, counts] : buckets) {
            double before = 0;
            for (const auto& [bound, count] : counts) {
                if (count < before) fail("buckets that are not cumulative");
                before = count;
            }
            if (counts.rbegin()->first != infinite) fail("no bucket +Inf");
            const auto count = family.samples.find({name + "_count", labels});
            const auto sum = family.samples.find({name + "_sum", labels});
            if (count == family.samples.end() || sum == family.samples.end()) fail("no _count or _sum");
            if (count->second != before) fail("_count differs from the bucket +Inf");
            others += counts.size() + 2;
        }
        if (others != family.samples.size()) fail("a _count or _sum without buckets");
    }

    static constexpr double infinite = std::numeric_limits<double>::infinity();

    std::map<std::string, Family> families_;
    std::map<std::pair<std::string, Labels>, double> last_bounds_;
    std::string current_;
    std::string_view line_;
};
