// `tokenizer.ggml.scores`, which SentencePiece's vocabularies have: how likely a piece is, or how early it was merged.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"
#include "format/gguf/metadata.h"
#include "text/tokenizer/vocabulary.h"

namespace quern::text {

// One score for each token. Throws Error(bad_file) naming the key if it is missing, of the wrong length, or if one is
// no number.
inline std::span<const float> read_scores(const gguf::Metadata& metadata, const Vocabulary& vocabulary) {
    constexpr std::string_view key = "tokenizer.ggml.scores";
    const auto scores = metadata.floats(key);
    if (!scores)
        throw Error(Code::bad_file, "reading the tokenizer: the file has no {}, which a SentencePiece vocabulary needs",
                    key);
    if (scores->size() != static_cast<std::size_t>(vocabulary.size()))
        throw Error(Code::bad_file, "reading the tokenizer: {} has {} entries for {} tokens; they must be as many", key,
                    scores->size(), vocabulary.size());
    const auto bad = std::ranges::find_if(*scores, [](float s) { return std::isnan(s); });
    if (bad != scores->end())
        throw Error(Code::bad_file, "reading the tokenizer: {}[{}] is not a number", key, bad - scores->begin());
    return *scores;
}

}  // namespace quern::text
