// Which turn of the model a client means when it sends a conversation again. Clients echo the model's turns with keys
// in another order, other spaces and without the thinking, and rendering such a turn anew gives other tokens than were
// sampled, so that everything after it would have to be computed again. The store remembers what was sampled, at its
// place in its conversation: a turn is found only after the same messages, so no conversation can bring to light what
// was thought in another. Memory is bounded; what was used longest ago is forgotten. One thread at a time.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/toolcall/event.h"

namespace quern::text {

// JSON in one way of writing: keys sorted, no spaces, numbers by value (1, 1.0 and 10e-1 are one). Text that is no
// JSON, or nested too deep, is only trimmed.
std::string canonical_json(std::string_view json);
// What makes two turns the same turn: trimmed content, and the calls with their arguments in canonical form. Thinking,
// ids and notes do not count.
std::string canonical_turn(const Turn& turn);

class TurnStore {
public:
    explicit TurnStore(std::size_t max_bytes) : max_bytes_(max_bytes) {}
    TurnStore(TurnStore&&) = delete;

    // What has been said so far: a conversation's messages up to some message.
    using Place = std::uint64_t;
    static constexpr Place beginning = 0;

    // The place after a message that is not the model's; the text as the client sent it, spaces at its ends aside.
    Place after(Place before, std::string_view role, std::string_view text);
    // Keeps the tokens that were sampled for a turn. The same turn at the same place replaces the older one.
    Place remember(Place before, const Turn& turn, std::vector<std::int32_t> tokens);

    struct Found {
        Place after = beginning;
        std::span<const std::int32_t> tokens;  // empty: not remembered; valid until the store changes
    };
    // The turn that a client echoes at this place (all its parts: content and calls of one turn). Never fails: a turn
    // that is not remembered has a place too.
    Found find(Place before, const Turn& echoed);

    std::size_t bytes() const { return bytes_; }

private:
    struct Entry {
        std::string key;
        Place place = beginning;
        std::vector<std::int32_t> tokens;
    };
    using Entries = std::list<Entry>;  // the most recently used first
    Entry& use(Place before, char kind, std::string_view text);
    void forget();
    static std::size_t size_of(const Entry& entry);

    const std::size_t max_bytes_;
    std::size_t bytes_ = 0;
    Place last_ = beginning;
    Entries entries_;
    std::unordered_map<std::string_view, Entries::iterator> by_key_;
};

}  // namespace quern::text
