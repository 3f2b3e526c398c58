// tokenizer.json of the Hugging Face tokenizers library: byte-level BPE, and what all kinds share: added_tokens and
// post_processor. The other kinds are in tokenizer_pieces.cpp, the normalizer in tokenizer_normalizer.cpp.
#include "convert/tokenizer_json.h"

#include <algorithm>

#include "base/error.h"
#include "convert/tokenizer.h"
#include "format/shown.h"
#include "text/tokenizer/pretokenizer.h"
#include "text/utf8.h"

namespace quern::convert {
const Tree& field(const Tree& object, const char* key) {
    static const Tree none;
    if (!object.is_object()) return none;
    const auto it = object.find(key);
    return it == object.end() ? none : *it;
}

std::string string_of(const Tree& object, const char* key) {
    const Tree& v = field(object, key);
    return v.is_string() ? v.get<std::string>() : std::string();
}

bool flag(const Tree& object, const char* key, bool otherwise) {
    const Tree& v = field(object, key);
    return v.is_boolean() ? v.get<bool>() : otherwise;
}

std::int64_t token_id(const Tree& v, const std::string& what, std::int64_t limit) {
    if (v.is_number_unsigned() && v.get<std::uint64_t>() < static_cast<std::uint64_t>(limit))
        return v.get<std::int64_t>();
    throw Error(Code::bad_file, "tokenizer.json: {} has the id {}, expected a number from 0 to {}", what,
                shown(v.dump(-1, ' ', true, Tree::error_handler_t::replace)), limit - 1);
}

void refuse(std::string_view what) {
    throw Error(Code::unsupported, "tokenizer.json: {}, which this build cannot express in GGUF", what);
}

namespace {

constexpr const char* gpt2_pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// The patterns that split a text, in order. `byte_level` tells whether bytes are spelled GPT-2's way afterwards.
void collect_patterns(const Tree& step, std::vector<std::string>& patterns, bool& byte_level) {
    const std::string type = string_of(step, "type");
    if (type == "Sequence") {
        const Tree& list = field(step, "pretokenizers");
        if (!list.is_array()) throw Error(Code::bad_file, "tokenizer.json: a Sequence has no list of pretokenizers");
        for (const Tree& inner : list) collect_patterns(inner, patterns, byte_level);
    } else if (type == "Split") {
        const std::string regex = string_of(field(step, "pattern"), "Regex"), how = string_of(step, "behavior");
        const bool inverted = flag(step, "invert", false);
        if (regex.empty()) refuse("its pre_tokenizer splits by a plain string");
        // Keeping what matches as pieces, or removing what does not, comes to the same for patterns that match all.
        if (!(how == "Isolated" && !inverted) && !(how == "Removed" && inverted))
            refuse(fmt::format("its pre_tokenizer splits with the behaviour {}", shown(how)));
        patterns.push_back(regex);
    } else if (type == "Digits") {
        patterns.emplace_back(flag(step, "individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
    } else if (type == "ByteLevel") {
        if (flag(step, "add_prefix_space", false)) refuse("its pre_tokenizer adds a space before every text");
        if (flag(step, "use_regex", true)) patterns.emplace_back(gpt2_pattern);
        byte_level = true;
    } else {
        refuse(fmt::format("its pre_tokenizer is of type {}", shown(type)));
    }
}

bool has_byte_level(const Tree& step) {
    if (string_of(step, "type") == "ByteLevel") return true;
    const Tree& list = field(step, "pretokenizers");
    return list.is_array() && std::ranges::any_of(list, has_byte_level);
}

// GGUF has a merge as one string with a space between; a space inside a part is spelled U+0120, as in the vocabulary.
std::string merge_part(const Tree& part, std::size_t rank) {
    if (!part.is_string()) throw Error(Code::bad_file, "tokenizer.json: merge {} is no pair of strings", rank);
    std::string out;
    for (const char c : part.get_ref<const std::string&>()) {
        if (c == ' ')
            out += "\xC4\xA0";
        else
            out += c;
    }
    return out;
}

void check_model(const Tree& model) {
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
        if (!string_of(model, key).empty()) refuse(fmt::format("its model has a {}", key));
    const Tree& dropout = field(model, "dropout");
    if (dropout.is_number() && dropout != 0) refuse("its model drops merges at random (dropout)");
}

// Whether tokens stand before and after a text, from a TemplateProcessing somewhere in the post_processor.
void read_template(const Tree& processor, TokenTable& out) {
    if (const Tree& list = field(processor, "processors"); list.is_array())
        for (const Tree& inner : list) read_template(inner, out);
    if (string_of(processor, "type") != "TemplateProcessing") return;
    const Tree& single = field(processor, "single");
    if (!single.is_array()) throw Error(Code::bad_file, "tokenizer.json: a TemplateProcessing has no single template");
    bool before = true;
    std::size_t texts = 0, begins = 0, ends = 0;
    for (const Tree& item : single) {
        if (item.contains("Sequence")) {
            before = false;
            ++texts;
        } else if (item.contains("SpecialToken")) {
            (before ? begins : ends) += 1;
            if (before) out.bos_text = string_of(item["SpecialToken"], "id");
        }
    }
    if (texts != 1 || begins > 1 || ends > 1) refuse("its post_processor puts more than one token around a text");
    out.add_bos = begins == 1;
    out.add_eos = ends == 1;
}

void read_added(const Tree& root, std::vector<AddedToken>& added) {
    const Tree& list = field(root, "added_tokens");
    if (list.is_null()) return;
    if (!list.is_array()) throw Error(Code::bad_file, "tokenizer.json: added_tokens is no list");
    for (const Tree& t : list) {
        const Tree& content = field(t, "content");
        if (!content.is_string()) throw Error(Code::bad_file, "tokenizer.json: an added token has no content");
        const std::string text = content.get<std::string>();
        const text::AddedFlags flags{flag(t, "lstrip", false), flag(t, "rstrip", false), flag(t, "single_word", false),
                                     flag(t, "normalized", false)};
        added.push_back({token_id(field(t, "id"), "the added token " + shown(text), INT32_MAX), text,
                         flag(t, "special", false), flags});
    }
}

// Characters beyond ASCII as code points, which is how the table of pre-tokenizers has them.
std::string normalised(std::string_view pattern) {
    std::string out;
    while (!pattern.empty()) {
        const text::Utf8Step step = text::next_character(pattern);
        const std::string_view character = pattern.substr(0, step.bytes);
        if (step.bytes > 1 && step.kind == text::Utf8::valid)
            out += fmt::format("\\x{{{:X}}}", static_cast<std::uint32_t>(text::code_point(character)));
        else
            out += character;
        pattern.remove_prefix(step.bytes);
    }
    return out;
}

bool same_patterns(const text::PreTokenizer& pre, const std::vector<std::string>& patterns) {
    for (std::size_t i = 0; i < pre.patterns.size(); ++i)
        if (pre.patterns[i] != (i < patterns.size() ? std::string_view(patterns[i]) : std::string_view())) return false;
    return patterns.size() <= pre.patterns.size();
}

TokenTable read_byte_level(const Tree& root, std::int64_t limit, std::vector<std::string>& notes) {
    const Tree& model = field(root, "model");
    TokenTable out;
    out.model = "gpt2";
    if (flag(model, "byte_fallback", false)) refuse("its model is byte-level and has byte_fallback too");
    OtherSteps other;
    out.steps = read_normalizer_json(field(root, "normalizer"), other);
    if (!other.charsmap.empty() || other.squeezes_spaces) refuse("its byte-level model has SentencePiece's normalizer");
    std::vector<std::string> patterns;
    bool byte_level = false;
    collect_patterns(field(root, "pre_tokenizer"), patterns, byte_level);
    const bool nfc = out.steps == std::vector<text::NormalizerStep>{{text::NormalizerStep::Kind::nfc, {}, {}}};
    out.pre = pre_tokenizer_name(patterns, flag(model, "ignore_merges", false), notes, nfc);
    read_vocab_object(field(model, "vocab"), limit, out);
    read_merges_json(model, out);
    return out;
}

}  // namespace

void read_vocab_object(const Tree& vocab, std::int64_t limit, TokenTable& out) {
    if (!vocab.is_object() || vocab.empty())
        throw Error(Code::bad_file, "tokenizer.json: its model has no vocab, an object of tokens and ids");
    for (const auto& [text, id] : vocab.items()) {
        const auto at = static_cast<std::size_t>(token_id(id, "the token " + shown(text), limit));
        out.grow(at + 1);
        if (out.types[at] != text::TokenType::unused)
            throw Error(Code::bad_file, "tokenizer.json: the tokens {} and {} have one id, {}", shown(out.texts[at]),
                        shown(text), at);
        out.texts[at] = text;
        out.types[at] = text::TokenType::normal;
    }
}

void read_merges_json(const Tree& model, TokenTable& out) {
    const Tree& merges = field(model, "merges");
    if (!merges.is_array()) throw Error(Code::bad_file, "tokenizer.json: its model has no list of merges");
    for (const Tree& m : merges) {
        const std::size_t rank = out.merges.size();
        if (m.is_string())
            out.merges.push_back(m.get<std::string>());
        else if (m.is_array() && m.size() == 2)
            out.merges.push_back(merge_part(m[0], rank) + " " + merge_part(m[1], rank));
        else
            throw Error(Code::bad_file, "tokenizer.json: merge {} is no pair of strings", rank);
    }
}

std::string pre_tokenizer_name(const std::vector<std::string>& patterns, bool ignore_merges,
                               std::vector<std::string>& notes, bool nfc) {
    std::vector<std::string> wanted;
    for (const std::string& p : patterns) wanted.push_back(normalised(p));
    const text::PreTokenizer* found = nullptr;
    int found_matches = -1;
    for (const text::PreTokenizer& pre : text::pre_tokenizers()) {
        if (!same_patterns(pre, wanted)) continue;
        const bool whole = (pre.whole_words == text::PreTokenizer::WholeWords::first) == ignore_merges;
        const bool form = (pre.normal_form == text::PreTokenizer::NormalForm::c) == nfc;
        const int matches = 2 * whole + form;
        if (matches > found_matches) {
            found = &pre;
            found_matches = matches;
        }
    }
    if (!found) {
        std::string shown_patterns;
        for (const std::string& p : wanted) shown_patterns.append(shown_patterns.empty() ? "" : ", then ").append(p);
        throw Error(Code::unsupported,
                    "tokenizer.json: its pre_tokenizer splits text by a pattern that is none of those this build "
                    "knows: {:.400}",
                    shown_patterns);
    }
    std::string name(found->names.substr(0, found->names.find(' ')));
    if ((found->whole_words == text::PreTokenizer::WholeWords::first) != ignore_merges)
        notes.push_back(fmt::format("tokenizer.json has ignore_merges {}, but GGUF's pre-tokenizer {} has the other.",
                                    ignore_merges, name));
    return name;
}

std::optional<TokenTable> read_tokenizer_json(std::string_view json, std::int64_t limit, bool has_model_file,
                                              std::vector<AddedToken>& added, std::vector<std::string>& notes) {
    const Tree root = parse_tree(json, "tokenizer.json");
    if (!root.is_object()) throw Error(Code::bad_file, "tokenizer.json: it holds no object");
    const Tree& model = field(root, "model");
    const std::string kind = string_of(model, "type");
    const bool byte_level = kind == "BPE" && has_byte_level(field(root, "pre_tokenizer"));
    if (has_model_file && !byte_level && kind != "WordPiece") return std::nullopt;
    TokenTable out;
    if (kind == "BPE") check_model(model);
    if (byte_level)
        out = read_byte_level(root, limit, notes);
    else if (kind == "BPE")
        out = read_merged_pieces_json(root, limit);
    else if (kind == "Unigram")
        out = read_unigram_json(root, limit);
    else if (kind == "WordPiece")
        out = read_wordpiece_json(root, limit);
    else
        refuse(fmt::format("its model is {}", shown(kind)));
    read_template(field(root, "post_processor"), out);
    read_added(root, added);
    return out;
}

}  // namespace quern::convert
