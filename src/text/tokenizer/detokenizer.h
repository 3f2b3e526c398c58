// Tokens to text one by one, as a model writes them. What comes out is always whole, valid UTF-8 characters: the bytes
// of a character that spans tokens are held back until it is complete, and bytes that cannot become one are replaced
// by U+FFFD, one for each of Unicode's maximal subparts. (Tokenizer::decode gives the bytes as they are.) One object
// per answer; used by one thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "text/tokenizer/tokenizer.h"

namespace quern::text {

class Detokenizer {
public:
    // `start`: the ids are a text of their own, whose first space may be the tokenizer's own prefix and is then left
    // out. `inside`: they continue a text, and a first space separates words.
    enum class Place { start, inside };
    // The tokenizer must outlive this.
    Detokenizer(const Tokenizer& tokenizer, Place place, Controls controls = Controls::hide);

    // The text that has become certain with this token; often empty. Throws Error(bad_request) for an id outside the
    // vocabulary.
    std::string push(std::int32_t id);

    // The end: an unfinished character comes out as U+FFFD. Ready for another text afterwards.
    std::string finish();

private:
    std::string take_whole();

    const Tokenizer& tokenizer_;
    const Place place_;
    const Controls controls_;
    bool begins_;          // the next text token's first space is the prefix
    std::string pending_;  // bytes of a character that is not complete yet
};

}  // namespace quern::text
