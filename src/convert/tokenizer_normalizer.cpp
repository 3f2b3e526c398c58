// The normaliser of a tokenizer.json. Its steps have the names and the meaning of text::NormalizerStep, but for
// SentencePiece's table and BERT's bundle, which GGUF has keys of their own for.
#include "base/error.h"
#include "convert/base64.h"
#include "convert/tokenizer_json.h"
#include "format/shown.h"

namespace quern::convert {
namespace {

using Kind = text::NormalizerStep::Kind;
using Steps = std::vector<text::NormalizerStep>;

constexpr std::pair<std::string_view, Kind> simple_steps[] = {
    {"NFC", Kind::nfc},
    {"NFD", Kind::nfd},
    {"NFKC", Kind::nfkc},
    {"NFKD", Kind::nfkd},
    {"Lowercase", Kind::lowercase},
    {"StripAccents", Kind::strip_accents},
};

void read_replace(const Tree& step, Steps& out, OtherSteps& other) {
    const Tree& pattern = field(step, "pattern");
    const std::string from = string_of(pattern, "String"), regex = string_of(pattern, "Regex"),
                      to = string_of(step, "content");
    if (regex == " {2,}" && (to == " " || to == "\xE2\x96\x81")) {
        other.squeezes_spaces = true;
        return;
    }
    if (from.empty()) refuse(fmt::format("its normalizer replaces what matches {}", shown(regex)));
    if ((from + to).find('\t') != std::string::npos) refuse("its normalizer replaces text with tabs");
    out.push_back({Kind::replace, from, to});
}

void read_bert(const Tree& step, Steps& out, OtherSteps& other) {
    if (!flag(step, "clean_text", true) || !flag(step, "handle_chinese_chars", true))
        refuse("its normalizer is BERT's without clean_text or handle_chinese_chars");
    other.bert = true;
    other.bert_lowercase = flag(step, "lowercase", true);
    other.bert_strip_accents = flag(step, "strip_accents", other.bert_lowercase);
    out.insert(out.end(), {{Kind::clean_controls, {}, {}}, {Kind::space_han, {}, {}}});
    if (other.bert_strip_accents) out.insert(out.end(), {{Kind::nfd, {}, {}}, {Kind::strip_nonspacing, {}, {}}});
    if (other.bert_lowercase) out.push_back({Kind::lowercase, {}, {}});
}

void read_step(const Tree& step, Steps& out, OtherSteps& other) {
    const std::string type = string_of(step, "type");
    for (const auto& [name, kind] : simple_steps)
        if (type == name) {
            out.push_back({kind, {}, {}});
            return;
        }
    if (type == "Sequence") {
        const Tree& list = field(step, "normalizers");
        if (!list.is_array()) throw Error(Code::bad_file, "tokenizer.json: a Sequence has no list of normalizers");
        for (const Tree& inner : list) read_step(inner, out, other);
    } else if (type == "Strip") {
        if (flag(step, "strip_left", true)) out.push_back({Kind::strip_left, {}, {}});
        if (flag(step, "strip_right", true)) out.push_back({Kind::strip_right, {}, {}});
    } else if (type == "Prepend") {
        out.push_back({Kind::prepend, {}, string_of(step, "prepend")});
    } else if (type == "Replace") {
        read_replace(step, out, other);
    } else if (type == "BertNormalizer") {
        read_bert(step, out, other);
    } else if (type == "Precompiled") {
        const auto bytes = decode_base64(string_of(step, "precompiled_charsmap"));
        if (!bytes) throw Error(Code::bad_file, "tokenizer.json: its precompiled_charsmap is no base64");
        other.charsmap = *bytes;
    } else {
        refuse(fmt::format("its normalizer is of type {}", shown(type)));
    }
}

}  // namespace

std::vector<text::NormalizerStep> read_normalizer_json(const Tree& normalizer, OtherSteps& other) {
    Steps out;
    if (!normalizer.is_null()) read_step(normalizer, out, other);
    return out;
}

}  // namespace quern::convert
