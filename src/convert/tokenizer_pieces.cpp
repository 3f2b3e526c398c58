// The kinds of tokenizer.json beside byte-level BPE: Unigram, WordPiece, and BPE over SentencePiece's way of writing
// text. Their normalisers and pre-tokenizers are recognised, not executed: GGUF has keys for what these models do.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "convert/tokenizer_json.h"
#include "format/shown.h"

namespace quern::convert {
namespace {

using text::TokenType;
using Kind = text::NormalizerStep::Kind;

constexpr std::string_view mark = "\xE2\x96\x81";

bool names_byte(std::string_view text) { return text.size() == 6 && text.starts_with("<0x") && text.ends_with('>'); }

void mark_bytes(TokenTable& out) {
    for (std::size_t i = 0; i < out.texts.size(); ++i)
        if (names_byte(out.texts[i]) && out.types[i] == TokenType::normal) out.types[i] = TokenType::byte;
}

// Where spaces become marks and whether one goes in front: by a Metaspace step, or by the normaliser.
void read_metaspace(const Tree& step, TokenTable& out) {
    const std::string type = string_of(step, "type");
    if (type == "Sequence") {
        const Tree& list = field(step, "pretokenizers");
        if (!list.is_array()) throw Error(Code::bad_file, "tokenizer.json: a Sequence has no list of pretokenizers");
        for (const Tree& inner : list) read_metaspace(inner, out);
    } else if (type == "WhitespaceSplit") {
        out.remove_extra_whitespaces = true;
    } else if (type == "Metaspace") {
        if (string_of(step, "replacement") != mark) refuse("its Metaspace writes spaces as something else than U+2581");
        const std::string scheme = string_of(step, "prepend_scheme");
        out.add_space_prefix = scheme.empty() ? flag(step, "add_prefix_space", true) : scheme != "never";
    } else if (type == "Split" && string_of(field(step, "pattern"), "String") == " ") {
        return;  // Gemma's; the normaliser has left no space to split at
    } else {
        refuse(fmt::format("its pre_tokenizer is of type {}", shown(type)));
    }
}

// Takes the steps that write spaces as marks out of the list; what is left is for the table.
void read_space_steps(std::vector<text::NormalizerStep> steps, TokenTable& out) {
    std::erase_if(steps, [&](const text::NormalizerStep& s) {
        if (s.kind == Kind::prepend && s.to == mark) {
            out.add_space_prefix = true;
            return true;
        }
        return s.kind == Kind::replace && s.from == " " && s.to == mark;
    });
    out.steps = std::move(steps);
}

}  // namespace

TokenTable read_unigram_json(const Tree& root, std::int64_t limit) {
    const Tree& model = field(root, "model");
    const Tree& vocab = field(model, "vocab");
    if (!vocab.is_array() || vocab.empty())
        throw Error(Code::bad_file, "tokenizer.json: its model has no vocab, a list of pieces and scores");
    if (std::ssize(vocab) > limit)
        throw Error(Code::bad_file, "tokenizer.json: it has {} pieces, more than the model has tokens (vocab_size {})",
                    vocab.size(), limit);
    TokenTable out;
    out.model = "t5";
    out.pre = "default";
    for (const Tree& entry : vocab) {
        const bool good = entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_number();
        const double score = good ? entry[1].get<double>() : 0;
        if (!good || !std::isfinite(score))
            throw Error(Code::bad_file, "tokenizer.json: entry {} of its vocab is no piece with a score",
                        out.texts.size());
        out.texts.push_back(entry[0].get<std::string>());
        out.scores.push_back(static_cast<float>(score));
        out.types.push_back(TokenType::normal);
    }
    const Tree& unknown = field(model, "unk_id");
    if (!unknown.is_null())
        out.types[static_cast<std::size_t>(token_id(unknown, "unk_id", std::ssize(vocab)))] = TokenType::unknown;
    if (flag(model, "byte_fallback", false)) mark_bytes(out);

    OtherSteps other;
    out.add_space_prefix = false;
    read_space_steps(read_normalizer_json(field(root, "normalizer"), other), out);
    out.charsmap = other.charsmap;
    const auto strips = [](const text::NormalizerStep& s) {
        return s.kind == Kind::strip_left || s.kind == Kind::strip_right;
    };
    out.remove_extra_whitespaces = other.squeezes_spaces;
    if (other.squeezes_spaces) std::erase_if(out.steps, strips);  // squeezing does it
    if (const Tree& pre = field(root, "pre_tokenizer"); !pre.is_null()) read_metaspace(pre, out);
    return out;
}

TokenTable read_wordpiece_json(const Tree& root, std::int64_t limit) {
    const Tree& model = field(root, "model");
    const std::string prefix = string_of(model, "continuing_subword_prefix");
    if (prefix != "##") refuse(fmt::format("its pieces inside words start with {}", shown(prefix)));
    const Tree& longest = field(model, "max_input_chars_per_word");
    if (!longest.is_null() && longest != 100) refuse("its words may have another length than 100 characters");
    if (const std::string pre = string_of(field(root, "pre_tokenizer"), "type"); pre != "BertPreTokenizer")
        refuse(fmt::format("its pre_tokenizer is of type {}", shown(pre)));
    OtherSteps other;
    read_normalizer_json(field(root, "normalizer"), other);
    if (!other.bert) refuse("its normalizer is not BERT's");
    TokenTable out;
    out.model = "bert";
    out.pre = "default";
    out.lowercase = other.bert_lowercase;
    out.strip_accents = other.bert_strip_accents;
    read_vocab_object(field(model, "vocab"), limit, out);
    const std::string unknown = string_of(model, "unk_token");
    for (std::size_t i = 0; i < out.texts.size(); ++i) {
        std::string& text = out.texts[i];
        if (text == unknown)
            out.types[i] = TokenType::unknown;
        else if (text.starts_with(prefix))
            text.erase(0, prefix.size());
        else if (!(text.starts_with('[') && text.ends_with(']')) && out.types[i] == TokenType::normal)
            text.insert(0, mark);
    }
    return out;
}

TokenTable read_merged_pieces_json(const Tree& root, std::int64_t limit) {
    const Tree& model = field(root, "model");
    TokenTable out;
    out.model = "gemma4";
    out.pre = "gemma4";
    out.add_space_prefix = false;
    read_vocab_object(field(model, "vocab"), limit, out);
    read_merges_json(model, out);
    if (flag(model, "byte_fallback", false)) mark_bytes(out);
    const std::string unknown = string_of(model, "unk_token");
    for (std::size_t i = 0; i < out.texts.size(); ++i)
        if (out.texts[i] == unknown) out.types[i] = TokenType::unknown;
    OtherSteps other;
    read_space_steps(read_normalizer_json(field(root, "normalizer"), other), out);
    if (!other.charsmap.empty() || other.squeezes_spaces)
        refuse("its model is BPE with a normalizer of SentencePiece's unigram");
    if (const Tree& pre = field(root, "pre_tokenizer"); !pre.is_null()) read_metaspace(pre, out);
    return out;
}

}  // namespace quern::convert
