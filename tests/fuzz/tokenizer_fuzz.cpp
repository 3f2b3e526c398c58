// Any bytes as a text, for small tokenizers of every kind: decoding gives the bytes back where nothing normalises them,
// tokens stand for places in order, the streaming detokenizer gives valid UTF-8, text never becomes a control token.
// And any bytes as a vocabulary of each model, with normalisers and added tokens: an Error or a tokenizer that works.
// The first byte chooses.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../unit/text/metadata_for_tests.h"
#include "base/check.h"
#include "base/error.h"
#include "text/tokenizer/detokenizer.h"
#include "text/tokenizer/pretokenizer.h"
#include "text/tokenizer/tokenizer.h"
#include "text/utf8.h"

namespace {

using namespace quern;
using namespace quern::text;

const std::string mark = "\xE2\x96\x81";

enum class Returns { same, changed };

void check_text(const Tokenizer& tokenizer, std::string_view text, Returns returns) {
    const auto ids = tokenizer.encode(text, Specials::as_text);
    if (returns == Returns::same) CHECK(tokenizer.decode(ids, Controls::hide) == text);
    const Tokenizer::Encoding places = tokenizer.encode_with_spans(text, Specials::as_text);
    CHECK(places.ids == ids && places.spans.size() == ids.size());
    std::uint32_t at = 0;
    for (const Span& s : places.spans) {
        CHECK(s.begin <= s.end && s.end <= text.size());
        if (returns == Returns::same) CHECK(s.begin <= at && s.end >= at);
        at = s.end;
    }
    Detokenizer detokenizer(tokenizer, Detokenizer::Place::start);
    std::string shown;
    for (const std::int32_t id : ids) {
        CHECK(tokenizer.type(id) != TokenType::control);
        shown += detokenizer.push(id);
    }
    shown += detokenizer.finish();
    CHECK(valid_prefix(shown) == shown.size());
    tokenizer.encode(text, Specials::parse);
}

// Lines are tokens, with a type in the first byte; what follows an empty line are merges.
void check_vocabulary(std::string_view bytes, const char* model) {
    std::vector<std::string> tokens, merges, steps;
    std::vector<std::int32_t> types, flags;
    std::vector<std::uint8_t> charsmap;
    std::vector<float> scores;
    bool in_merges = false;
    while (!bytes.empty()) {
        const std::string_view line = bytes.substr(0, bytes.find('\n'));
        bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
        if (line.empty()) {
            in_merges = true;
        } else if (line[0] == '|') {
            steps.emplace_back(line.substr(1));
        } else if (line[0] == '#') {
            charsmap.assign(line.begin() + 1, line.end());
        } else if (line[0] == '+' && line.size() > 2) {
            flags.insert(flags.end(), {line[1] - '0', line[2] - '0'});
        } else if (in_merges) {
            merges.emplace_back(line);
        } else {
            tokens.emplace_back(line.substr(1));
            types.push_back(line[0] - '0');
            scores.push_back(static_cast<float>(line.back()));
        }
    }
    gguf::Metadata m;
    m.set("tokenizer.ggml.model", std::string(model));
    m.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
    if (!steps.empty()) m.set("quern.tokenizer.normalizer", strings_value(steps));
    if (!flags.empty()) m.set("quern.tokenizer.added_tokens", types_value(flags));
    if (!charsmap.empty()) m.set_array("tokenizer.ggml.precompiled_charsmap", charsmap);
    m.set("tokenizer.ggml.tokens", strings_value(tokens));
    m.set("tokenizer.ggml.token_type", types_value(types));
    m.set("tokenizer.ggml.scores", scores_value(scores));
    m.set("tokenizer.ggml.merges", strings_value(merges));
    try {
        const auto tokenizer = Tokenizer::from_gguf(m);
        for (const std::string& token : tokens) {
            const auto ids = tokenizer->encode(token, Specials::parse);
            tokenizer->decode(ids, Controls::show);
            CHECK(tokenizer->encode_with_spans(token, Specials::parse).ids == ids);
        }
    } catch (const Error&) {
    }
}

struct Subject {
    std::unique_ptr<Tokenizer> tokenizer;
    Returns returns = Returns::same;
    bool marks_spaces = false;
};

std::vector<Subject> make_subjects() {
    const std::vector<std::string> merges = {"a b", "ab c", "\xC4\xA0 a", "\xC4\xA0 \xC4\xA0", "1 2"};
    const std::vector<Added> added = {{"<|im_end|>", 3}, {"<x>", 4}};
    std::vector<Subject> out;
    const auto add = [&](const gguf::Metadata& m, Returns returns, bool marks_spaces = false) {
        out.push_back({Tokenizer::from_gguf(m), returns, marks_spaces});
    };
    for (const PreTokenizer& pre : pre_tokenizers()) {
        const std::string name(pre.names.substr(0, pre.names.find(' ')));
        const bool as_is = pre.normal_form == PreTokenizer::NormalForm::none;
        add(byte_level_metadata(merges, added, name), as_is ? Returns::same : Returns::changed);
    }
    for (const char* steps :
         {"nfkd", "nfkc", "lowercase", "strip_accents", "space_han", "clean_controls", "prepend\t>"}) {
        gguf::Metadata m = byte_level_metadata(merges, added, "gpt-2");
        m.set("quern.tokenizer.normalizer", strings_value({steps, "replace\tx\t\xC3\xA9 ", "strip_right"}));
        m.set("quern.tokenizer.added_tokens", types_value({262, 15, 261, 7}));
        add(m, Returns::changed);
    }
    gguf::Metadata pieces = sentencepiece_metadata({"a", "b", "ab", mark, mark + "a"}, {{"<x>", 4}});
    add(pieces, Returns::same, true);
    pieces.set("tokenizer.ggml.model", std::string("t5"));
    add(pieces, Returns::same, true);
    pieces.set("tokenizer.ggml.remove_extra_whitespaces", true);
    add(pieces, Returns::changed, true);
    pieces.set("tokenizer.ggml.model", std::string("gemma4"));
    pieces.set("tokenizer.ggml.merges", strings_value({"a b", mark + " a"}));
    add(pieces, Returns::changed, true);
    pieces.set("tokenizer.ggml.model", std::string("bert"));
    add(pieces, Returns::changed);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<Subject> subjects = make_subjects();
    constexpr const char* models[] = {"gpt2", "llama", "gemma4", "t5", "bert"};
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t choice = data[0] % (subjects.size() + std::size(models));
    if (choice >= subjects.size()) {
        check_vocabulary(text, models[choice - subjects.size()]);
        return 0;
    }
    const Subject& subject = subjects[choice];
    // A literal U+2581 is read as a space by SentencePiece, so such a text does not come back.
    const bool has_mark = text.find("\xE2\x96\x81") != text.npos;
    check_text(*subject.tokenizer, text, has_mark && subject.marks_spaces ? Returns::changed : subject.returns);
    return 0;
}
