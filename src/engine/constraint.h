// Holds one answer to a grammar: says before each token which ones may come, and follows what was taken. The bridge
// between text/grammar/, which knows bytes and ids, and a tokenizer; knows nothing of samplers or models.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "text/grammar/grammar.h"
#include "text/tokenizer/tokenizer.h"

namespace quern {

class TokenConstraint {
public:
    // `ends`: the tokens after which an answer is over. Control tokens may come only where their text is in `markup`,
    // the markers that the grammar spells out. `vocabulary`: how many logits a row has; those beyond the tokenizer's
    // never come. Throws Error(bad_request) when the grammar allows no text at all.
    TokenConstraint(const std::shared_ptr<const grammar::Grammar>& wanted, const text::Tokenizer& tokenizer,
                    std::span<const std::int32_t> ends, std::string_view markup, std::int64_t vocabulary);

    // Which tokens may come next, as Sampler::sample() wants it. Valid until the next call.
    std::span<const std::uint64_t> allowed();
    // Takes a token that allowed() named (CHECK).
    void accept(std::int32_t id);

    bool complete() const { return matcher_.can_end(); }   // the answer so far is one that the grammar describes
    bool finished() const { return matcher_.must_end(); }  // and nothing more can come

private:
    grammar::Matcher matcher_;
    std::vector<std::uint64_t> mask_;
    std::size_t words_;  // of the tokenizer's vocabulary
};

}  // namespace quern
