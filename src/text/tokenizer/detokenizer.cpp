#include "text/tokenizer/detokenizer.h"

#include "text/utf8.h"

namespace quern::text {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, Place place, Controls controls)
    : tokenizer_(tokenizer),
      place_(place),
      controls_(controls),
      begins_(place == Place::start && tokenizer.adds_space_prefix()) {}

std::string Detokenizer::push(std::int32_t id) {
    const TokenType type = tokenizer_.type(id);
    const std::string bytes = tokenizer_.piece(id);
    if (type == TokenType::control || type == TokenType::unknown) {
        if (controls_ == Controls::show) pending_ += bytes;
        if (type == TokenType::control) begins_ = tokenizer_.adds_space_prefix();
        return take_whole();
    }
    pending_.append(bytes, begins_ && bytes.starts_with(' ') ? 1 : 0);
    begins_ = false;
    return take_whole();
}

std::string Detokenizer::take_whole() {
    std::string out;
    std::size_t done = 0;
    while (done < pending_.size()) {
        const Utf8Step step = next_character(std::string_view(pending_).substr(done));
        if (step.kind == Utf8::incomplete) break;
        if (step.kind == Utf8::valid)
            out.append(pending_, done, step.bytes);
        else
            out += replacement_character;
        done += step.bytes;
    }
    pending_.erase(0, done);
    return out;
}

std::string Detokenizer::finish() {
    std::string out;
    if (!pending_.empty()) out = replacement_character;  // what is pending is one unfinished character
    pending_.clear();
    begins_ = place_ == Place::start && tokenizer_.adds_space_prefix();
    return out;
}

}  // namespace quern::text
