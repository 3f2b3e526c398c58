#include "engine/constraint.h"

#include "base/check.h"
#include "base/error.h"

namespace quern {
namespace {

using text::Tokenizer;
using text::TokenType;

std::shared_ptr<const grammar::Vocabulary> vocabulary_of(const Tokenizer& t, std::span<const std::int32_t> ends,
                                                         std::string_view markup) {
    std::vector<std::string> bytes;
    std::vector<std::int32_t> control;
    for (std::int32_t id = 0; id < t.vocab_size(); ++id) {
        bytes.push_back(t.piece(id));
        const TokenType type = t.type(id);
        const bool writes_text =
            type == TokenType::normal || type == TokenType::user_defined || type == TokenType::byte;
        if (!writes_text && (bytes.back().empty() || markup.find(bytes.back()) == markup.npos)) control.push_back(id);
    }
    return std::make_shared<const grammar::Vocabulary>(bytes, control, ends);
}

}  // namespace

TokenConstraint::TokenConstraint(const std::shared_ptr<const grammar::Grammar>& wanted,
                                 const text::Tokenizer& tokenizer, std::span<const std::int32_t> ends,
                                 std::string_view markup, std::int64_t vocabulary)
    : matcher_(wanted, std::make_shared<grammar::LeafMasks>(wanted->program(), vocabulary_of(tokenizer, ends, markup))),
      mask_((static_cast<std::size_t>(vocabulary) + 63) / 64),
      words_((static_cast<std::size_t>(tokenizer.vocab_size()) + 63) / 64) {
    if (wanted->empty()) throw Error(Code::bad_request, "the grammar allows no answer at all");
}

std::span<const std::uint64_t> TokenConstraint::allowed() {
    matcher_.mask(std::span(mask_).first(words_));
    return mask_;
}

void TokenConstraint::accept(std::int32_t id) { CHECK(matcher_.accept_token(id)); }

}  // namespace quern
