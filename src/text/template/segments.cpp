#include "text/template/segments.h"

#include <algorithm>
#include <functional>

namespace quern::text {

ControlTokens::ControlTokens(const Tokenizer& tokenizer) {
    for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
        const TokenType type = tokenizer.type(id);
        if (type != TokenType::control && type != TokenType::unknown) continue;
        std::string text = tokenizer.piece(id);
        if (text.empty()) continue;
        std::vector<Token>& same_first = by_first_byte_[static_cast<unsigned char>(text[0])];
        same_first.push_back({std::move(text), id});
    }
    for (std::vector<Token>& tokens : by_first_byte_)
        std::ranges::stable_sort(tokens, std::greater{}, [](const Token& t) { return t.text.size(); });
}

const ControlTokens::Token* ControlTokens::find(std::string_view text, std::size_t at) const {
    for (const Token& t : by_first_byte_[static_cast<unsigned char>(text[at])])
        if (text.substr(at, t.text.size()) == t.text) return &t;
    return nullptr;
}

std::vector<std::int32_t> encode_segments(const Tokenizer& tokenizer, const ControlTokens& controls,
                                          std::span<const Segment> segments) {
    std::vector<std::int32_t> ids;
    std::string between;
    const auto flush = [&] {
        if (between.empty()) return;
        const auto more = tokenizer.encode(between, Specials::as_text);
        ids.insert(ids.end(), more.begin(), more.end());
        between.clear();
    };
    for (const Segment& s : segments) {
        if (s.kind == Segment::Kind::text) {
            between += s.text;
            continue;
        }
        for (std::size_t at = 0; at < s.text.size();) {
            const ControlTokens::Token* token = controls.find(s.text, at);
            if (!token) {
                between += s.text[at++];
                continue;
            }
            flush();
            ids.push_back(token->id);
            at += token->text.size();
        }
    }
    flush();
    return ids;
}

std::vector<std::int32_t> encode_segments(const Tokenizer& tokenizer, std::span<const Segment> segments) {
    return encode_segments(tokenizer, ControlTokens(tokenizer), segments);
}

}  // namespace quern::text
