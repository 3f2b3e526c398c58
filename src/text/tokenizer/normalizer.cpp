#include "text/tokenizer/normalizer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/tokenizer/unicode.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

using Kind = NormalizerStep::Kind;

struct Name {
    Kind kind;
    std::string_view name;
    int operands = 0;
};
constexpr Name names[] = {
    {Kind::nfc, "nfc"},
    {Kind::nfd, "nfd"},
    {Kind::nfkc, "nfkc"},
    {Kind::nfkd, "nfkd"},
    {Kind::lowercase, "lowercase"},
    {Kind::strip_accents, "strip_accents"},
    {Kind::strip_nonspacing, "strip_nonspacing"},
    {Kind::clean_controls, "clean_controls"},
    {Kind::space_han, "space_han"},
    {Kind::strip_left, "strip_left"},
    {Kind::strip_right, "strip_right"},
    {Kind::replace, "replace", 2},
    {Kind::prepend, "prepend", 1},
};

// The blocks that BERT's tokenizer takes for Chinese; the gap before U+2B920 is its own.
bool is_han(char32_t c) {
    constexpr std::array<std::pair<char32_t, char32_t>, 8> blocks{{{0x3400, 0x4DBF},
                                                                   {0x4E00, 0x9FFF},
                                                                   {0xF900, 0xFAFF},
                                                                   {0x20000, 0x2A6DF},
                                                                   {0x2A700, 0x2B73F},
                                                                   {0x2B740, 0x2B81F},
                                                                   {0x2B920, 0x2CEAF},
                                                                   {0x2F800, 0x2FA1F}}};
    return c >= 0x3400 && std::ranges::any_of(blocks, [&](const auto& b) { return c >= b.first && c <= b.second; });
}

struct Character {
    std::size_t begin = 0, size = 0;
    char32_t code = 0;
    bool valid = false;  // else `size` bytes that are no character
    std::size_t end() const { return begin + size; }
};

Character character_at(std::string_view text, std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    if (first < 0x80) return {at, 1, first, true};
    const Utf8Step step = next_character(text.substr(at));
    if (step.kind != Utf8::valid) return {at, step.bytes, 0, false};
    return {at, step.bytes, code_point(text.substr(at, step.bytes)), true};
}

void append_character(AlignedText& out, char32_t code, Span from) {
    append_utf8(out.text, code);
    if (out.tracked) out.spans.resize(out.text.size(), from);
}

// Where every byte is below what a form could change. U+0300 starts with 0xCC.
bool surely_nfc(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0xCC; });
}

// Characters [begin, end) of a text without malformed parts, in the form, with origins.
void normalise_part(const Sourced& in, std::size_t begin, std::size_t end, NormalForm form, AlignedText& out) {
    std::vector<char32_t> codes;
    std::vector<Span> origins;
    for (std::size_t at = begin; at < end;) {
        const Character c = character_at(in.text, at);
        codes.push_back(c.code);
        origins.push_back(in.origin(c.begin, c.end()));
        at = c.end();
    }
    std::size_t next = 0;
    for (const auto& [code, change] : normalise(codes.data(), codes.size(), form)) {
        // What is added stands for what the character before it stands for; what takes others' place, for the first.
        const std::size_t source = change > 0 ? (next > 0 ? next - 1 : 0) : std::min(next, origins.size() - 1);
        append_character(out, code, origins[source]);
        if (change <= 0) next += 1 + static_cast<std::size_t>(-change);
    }
}

bool apply_form(const Sourced& in, NormalForm form, AlignedText& out) {
    if (form == NormalForm::c && surely_nfc(in.text)) return false;
    std::size_t copied = 0, part = 0;  // `part`: the last place where a part may begin
    bool changed = false;
    for (std::size_t at = 0; at < in.text.size();) {
        if (static_cast<unsigned char>(in.text[at]) < 0x80) {
            part = at++;
            continue;
        }
        const Character c = character_at(in.text, at);
        if (!c.valid || is_stable(c.code, form)) {
            part = c.valid ? at : c.end();
            at = c.end();
            continue;
        }
        std::size_t end = c.end();
        while (end < in.text.size()) {
            const Character next = character_at(in.text, end);
            if (!next.valid || is_stable(next.code, form)) break;
            end = next.end();
        }
        out.copy(in, copied, part);
        normalise_part(in, part, end, form, out);
        changed = true;
        copied = part = at = end;
    }
    if (changed) out.copy(in, copied, in.text.size());
    return changed;
}

bool apply_lower_case(const Sourced& in, AlignedText& out) {
    std::vector<char32_t> lower;
    std::size_t copied = 0;
    for (std::size_t at = 0; at < in.text.size();) {
        const auto first = static_cast<unsigned char>(in.text[at]);
        if (first < 0x80 && (first < 'A' || first > 'Z')) {  // most of most texts
            ++at;
            continue;
        }
        const Character c = character_at(in.text, at);
        at = c.end();
        if (!c.valid) continue;
        lower.clear();
        append_lower_case(lower, c.code);
        if (lower.size() == 1 && lower[0] == c.code) continue;
        out.copy(in, copied, c.begin);
        for (const char32_t code : lower) append_character(out, code, in.origin(c.begin, c.end()));
        copied = at;
    }
    if (copied == 0) return false;
    out.copy(in, copied, in.text.size());
    return true;
}

template <class Drops>
bool apply_filter(const Sourced& in, AlignedText& out, const Drops& drops) {
    std::size_t copied = 0;
    for (std::size_t at = 0; at < in.text.size();) {
        const Character c = character_at(in.text, at);
        at = c.end();
        if (!c.valid || !drops(c.code)) continue;
        out.copy(in, copied, c.begin);
        copied = at;
    }
    if (copied == 0) return false;
    out.copy(in, copied, in.text.size());
    return true;
}

bool apply_clean_controls(const Sourced& in, AlignedText& out) {
    std::size_t copied = 0;
    for (std::size_t at = 0; at < in.text.size();) {
        const auto first = static_cast<unsigned char>(in.text[at]);
        if (first >= ' ' && first < 0x7F) {
            ++at;
            continue;
        }
        const Character c = character_at(in.text, at);
        at = c.end();
        const bool space = c.valid && is_white_space(c.code);
        const bool line = c.code == '\t' || c.code == '\n' || c.code == '\r';
        // What is no character reads as U+FFFD, which goes too.
        const bool drop = !c.valid || c.code == 0xFFFD || (is_other(c.code) && !line);
        if (!drop && !space) continue;
        out.copy(in, copied, c.begin);
        if (!drop) out.append(" ", in.origin(c.begin, c.end()));
        copied = at;
    }
    if (copied == 0) return false;
    out.copy(in, copied, in.text.size());
    return true;
}

bool apply_space_han(const Sourced& in, AlignedText& out) {
    std::size_t copied = 0;
    for (std::size_t at = 0; at < in.text.size();) {
        const Character c = character_at(in.text, at);
        at = c.end();
        if (!c.valid || !is_han(c.code)) continue;
        const Span own = in.origin(c.begin, c.end());  // of the spaces too
        out.copy(in, copied, c.begin);
        out.append(" ", own);
        out.append(in.text.substr(c.begin, c.size), own);
        out.append(" ", own);
        copied = at;
    }
    if (copied == 0) return false;
    out.copy(in, copied, in.text.size());
    return true;
}

bool apply_strip(const Sourced& in, bool left, AlignedText& out) {
    std::size_t begin = 0, end = in.text.size(), text_end = 0;
    bool at_start = true;
    for (std::size_t at = 0; at < in.text.size();) {
        const Character c = character_at(in.text, at);
        at = c.end();
        const bool space = c.valid && is_white_space(c.code);
        if (space && at_start) begin = at;
        at_start = at_start && space;
        if (!space) text_end = at;
    }
    if (left)
        out.copy(in, begin, end);
    else
        out.copy(in, 0, text_end);
    return true;
}

bool apply_replace(const Sourced& in, const NormalizerStep& step, AlignedText& out) {
    std::size_t copied = 0;
    for (std::size_t at = in.text.find(step.from); at != in.text.npos; at = in.text.find(step.from, copied)) {
        out.copy(in, copied, at);
        copied = at + step.from.size();
        // Stands for the last character of what it replaces.
        std::size_t last = step.from.size() - 1;
        while (last > 0 && (static_cast<unsigned char>(step.from[last]) & 0xC0) == 0x80) --last;
        out.append(step.to, in.origin(at + last, copied));
    }
    if (copied == 0) return false;
    out.copy(in, copied, in.text.size());
    return true;
}

bool apply_step(const NormalizerStep& step, const Sourced& in, AlignedText& out) {
    switch (step.kind) {
        case Kind::nfc:
            return apply_form(in, NormalForm::c, out);
        case Kind::nfd:
            return apply_form(in, NormalForm::d, out);
        case Kind::nfkc:
            return apply_form(in, NormalForm::kc, out);
        case Kind::nfkd:
            return apply_form(in, NormalForm::kd, out);
        case Kind::lowercase:
            return apply_lower_case(in, out);
        case Kind::strip_accents:
            return apply_filter(in, out, is_mark);
        case Kind::strip_nonspacing:
            return apply_filter(in, out, is_nonspacing_mark);
        case Kind::clean_controls:
            return apply_clean_controls(in, out);
        case Kind::space_han:
            return apply_space_han(in, out);
        case Kind::strip_left:
        case Kind::strip_right:
            return apply_strip(in, step.kind == Kind::strip_left, out);
        case Kind::replace:
            return apply_replace(in, step, out);
        case Kind::prepend:
            out.append(step.to, in.origin(0, character_at(in.text, 0).size));
            out.copy(in, 0, in.text.size());
            return true;
    }
    return false;
}

}  // namespace

std::vector<NormalizerStep> Normalizer::parse(std::span<const std::string> steps) {
    std::vector<NormalizerStep> out;
    for (const std::string& text : steps) {
        std::vector<std::string> parts{""};
        for (const char c : text) {
            if (c == '\t')
                parts.emplace_back();
            else
                parts.back() += c;
        }
        const auto known = std::ranges::find(names, std::string_view(parts[0]), &Name::name);
        const bool good = known != std::end(names) && std::ssize(parts) == known->operands + 1 &&
                          (known->kind != Kind::replace || !parts[1].empty());
        if (!good)
            throw Error(Code::bad_file,
                        "reading the tokenizer: its normalizer has the step '{:.80}', which is not known", text);
        NormalizerStep step{known->kind, {}, {}};
        if (known->operands == 2) step.from = parts[1];
        if (known->operands > 0) step.to = parts.back();
        out.push_back(std::move(step));
    }
    return out;
}

std::vector<std::string> Normalizer::write(std::span<const NormalizerStep> steps) {
    std::vector<std::string> out;
    for (const NormalizerStep& step : steps) {
        const auto known = std::ranges::find(names, step.kind, &Name::kind);
        std::string& text = out.emplace_back(known->name);
        if (known->operands == 2) text.append("\t").append(step.from);
        if (known->operands > 0) text.append("\t").append(step.to);
    }
    return out;
}

Sourced Normalizer::apply(const Sourced& text, AlignedText& space, AlignedText& other) const {
    Sourced now = text;
    AlignedText *out = &space, *spare = &other;
    for (const NormalizerStep& step : steps_) {
        if (now.text.empty()) break;
        out->clear();
        if (!apply_step(step, now, *out)) continue;
        out->start = now.start;
        now = out->sourced();
        std::swap(out, spare);
    }
    return now;
}

}  // namespace quern::text
