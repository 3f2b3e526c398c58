#include "text/toolcall/turn_store.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "text/toolcall/body.h"
#include "text/toolcall/text_string.h"

namespace quern::text {
namespace {

constexpr std::size_t entry_bytes = 256;  // of an entry beside its text and tokens, about

std::string canonical_number(const nlohmann::json& n) {
    const double value = n.get<double>();
    // Up to 2^53 every integer is a double; a larger one is only equal to itself.
    if (n.is_number_float() && std::abs(value) <= 9007199254740992.0 && value == std::floor(value))
        return std::to_string(static_cast<std::int64_t>(value));
    return n.dump();
}

// Recurses no deeper than parse_json lets a text be nested.
void write_canonical(const nlohmann::json& j, std::string& out) {
    if (j.is_number()) {
        out += canonical_number(j);
    } else if (j.is_array()) {
        out += '[';
        for (const auto& item : j) {
            write_canonical(item, out);
            out += ',';
        }
        out += ']';
    } else if (j.is_object()) {
        out += '{';
        for (const auto& [key, value] : j.items()) {
            out += json_string(key) + ':';
            write_canonical(value, out);
            out += ',';
        }
        out += '}';
    } else {
        out += j.is_string() ? json_string(j.get_ref<const std::string&>()) : j.dump();
    }
}

}  // namespace

std::string canonical_json(std::string_view json) {
    try {
        parse_json(json, "arguments");
    } catch (const Error&) {
        return std::string(trimmed(json));
    }
    std::string out;
    write_canonical(nlohmann::json::parse(json), out);
    return out;
}

std::string canonical_turn(const Turn& turn) {
    std::string out = json_string(trimmed(turn.content));
    for (const Turn::Call& call : turn.calls) {
        const std::string arguments = canonical_json(call.arguments);
        out += json_string(call.name) + json_string(arguments);
    }
    return out;
}

std::size_t TurnStore::size_of(const Entry& entry) {
    return entry_bytes + entry.key.size() + entry.tokens.size() * sizeof(std::int32_t);
}

TurnStore::Entry& TurnStore::use(Place before, char kind, std::string_view text) {
    std::string key(reinterpret_cast<const char*>(&before), sizeof before);
    key += kind;
    key += text;
    if (const auto known = by_key_.find(key); known != by_key_.end()) {
        entries_.splice(entries_.begin(), entries_, known->second);
        return entries_.front();
    }
    entries_.push_front({std::move(key), ++last_, {}});
    by_key_.emplace(entries_.front().key, entries_.begin());
    bytes_ += size_of(entries_.front());
    return entries_.front();
}

void TurnStore::forget() {
    while (bytes_ > max_bytes_ && !entries_.empty()) {
        bytes_ -= size_of(entries_.back());
        by_key_.erase(entries_.back().key);
        entries_.pop_back();
    }
}

TurnStore::Place TurnStore::after(Place before, std::string_view role, std::string_view text) {
    const Place place = use(before, 'm', json_string(role) + std::string(trimmed(text))).place;
    forget();
    return place;
}

TurnStore::Place TurnStore::remember(Place before, const Turn& turn, std::vector<std::int32_t> tokens) {
    Entry& entry = use(before, 't', canonical_turn(turn));
    bytes_ -= size_of(entry);
    entry.tokens = std::move(tokens);
    bytes_ += size_of(entry);
    const Place place = entry.place;
    forget();
    return place;
}

TurnStore::Found TurnStore::find(Place before, const Turn& echoed) {
    const Entry& entry = use(before, 't', canonical_turn(echoed));
    const Found found{entry.place, entry.tokens};
    if (bytes_ <= max_bytes_) return found;
    forget();
    return entries_.empty() ? Found{found.after, {}} : found;
}

}  // namespace quern::text
