#include <algorithm>

#include "base/check.h"
#include "text/grammar/grammar.h"

namespace quern::grammar {

Matcher::Matcher(std::shared_ptr<const Grammar> grammar) : Matcher(std::move(grammar), nullptr) {}

Matcher::Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<LeafMasks> masks)
    : grammar_(std::move(grammar)), masks_(std::move(masks)), machine_(*grammar_->program()) {
    CHECK(!masks_ || &masks_->program() == grammar_->program().get());
    history_.push_back(machine_.start());
}

bool Matcher::advance(std::string_view bytes, Machine::Position& at, std::size_t& read) {
    Machine::Position next;
    for (read = 0; read < bytes.size(); ++read) {
        machine_.step(at, static_cast<std::uint8_t>(bytes[read]), next);
        if (next.refused()) return false;
        std::swap(at, next);
    }
    return true;
}

bool Matcher::accept(std::string_view bytes) {
    if (ended_) return false;
    Machine::Position at = history_.back();
    std::size_t read = 0;
    if (!advance(bytes, at, read)) return false;
    history_.push_back(std::move(at));
    return true;
}

bool Matcher::accept_token(std::int32_t id) {
    CHECK(masks_);
    const TokenTrie& trie = masks_->trie();
    if (ended_ || id < 0 || id >= trie.vocab_size()) return false;
    if (trie.is_end(id)) {
        if (!can_end()) return false;
        history_.push_back(history_.back());
        return ended_ = true;
    }
    return !trie.bytes(id).empty() && accept(trie.bytes(id));
}

void Matcher::rollback(std::size_t steps) {
    if (steps > 0) ended_ = false;
    history_.resize(history_.size() - std::min(steps, this->steps()));
}

std::vector<std::uint64_t> Matcher::key_of(const Machine::Position& position) const {
    std::vector<std::uint64_t> key{position.can_end};
    for (const Machine::NodeId config : position.configs) {
        key.push_back(masks_->alike(machine_.leaf_state(config), machine_.spelling_state(config)));
        key.push_back(machine_.site(config));
    }
    return key;
}

bool Matcher::mask(std::span<std::uint64_t> out) {
    CHECK(masks_ && out.size() == masks_->trie().mask_words());
    const Machine::Position& here = history_.back();
    const TokenTrie& trie = masks_->trie();
    if (ended_) {
        std::fill(out.begin(), out.end(), 0);
        return true;
    }
    std::vector<std::uint64_t> key = key_of(here);
    for (const Known& k : known_)
        if (k.key == key) {
            std::copy(k.bits.begin(), k.bits.end(), out.begin());
            return k.limits;
        }
    std::fill(out.begin(), out.end(), 0);
    add_allowed(machine_, here, *masks_, out);
    const bool limits = !here.can_end || !std::equal(out.begin(), out.end(), trie.everything().begin());
    if (here.can_end)
        for (const std::int32_t id : trie.ends())
            out[static_cast<std::size_t>(id) / 64] |= std::uint64_t(1) << (id % 64);
    Known known{std::move(key), {out.begin(), out.end()}, limits};
    if (known_.size() < max_known)
        known_.push_back(std::move(known));
    else
        known_[next_known_++ % max_known] = std::move(known);
    return limits;
}

std::array<bool, 256> Matcher::next_bytes() {
    std::array<bool, 256> out{};
    const std::size_t mark = machine_.mark();
    Machine::Position to;
    for (std::size_t b = 0; b < out.size() && !ended_; ++b) {
        machine_.step(history_.back(), static_cast<std::uint8_t>(b), to);
        out[b] = !to.refused();
    }
    machine_.release(mark);
    return out;
}

std::size_t Matcher::readable(std::string_view bytes) {
    Machine::Position at = history_.back();
    std::size_t read = 0;
    if (!ended_) advance(bytes, at, read);
    return read;
}

}  // namespace quern::grammar
