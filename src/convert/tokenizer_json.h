// What the readers of a tokenizer.json share: fields that may be absent, sentences, and the normaliser, which means the
// same for every kind of model. Each kind is read by a file of its own (tokenizer_json.cpp chooses).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "convert/tokenizer.h"
#include "convert/tree.h"
#include "text/tokenizer/normalizer.h"

namespace quern::convert {

const Tree& field(const Tree& object, const char* key);  // null if there is none
std::string string_of(const Tree& object, const char* key);
bool flag(const Tree& object, const char* key, bool otherwise);
// Throws Error(bad_file) unless v is a number from 0 to limit - 1; `what` names it.
std::int64_t token_id(const Tree& v, const std::string& what, std::int64_t limit);
// Throws Error(unsupported): the file's tokenizer does `what`, which GGUF cannot say.
[[noreturn]] void refuse(std::string_view what);

// A tokens-to-ids object into the table, as normal tokens.
void read_vocab_object(const Tree& vocab, std::int64_t limit, TokenTable& out);

// What is looked for in the normaliser and is no NormalizerStep.
struct OtherSteps {
    std::string charsmap;          // of a Precompiled step
    bool squeezes_spaces = false;  // the pattern " {2,}" gives way to a single space
    bool bert = false, bert_lowercase = true, bert_strip_accents = true;
};
// The steps of a normaliser (null: none). Throws Error(unsupported) naming a step that is not known.
std::vector<text::NormalizerStep> read_normalizer_json(const Tree& normalizer, OtherSteps& other);

// The kinds beside byte-level BPE. `root` is the whole file.
TokenTable read_unigram_json(const Tree& root, std::int64_t limit);
TokenTable read_wordpiece_json(const Tree& root, std::int64_t limit);
// BPE over SentencePiece's way of writing text (Gemma's and Llama 2's tokenizer.json).
TokenTable read_merged_pieces_json(const Tree& root, std::int64_t limit);

// Lines as GGUF has them.
void read_merges_json(const Tree& model, TokenTable& out);

}  // namespace quern::convert
