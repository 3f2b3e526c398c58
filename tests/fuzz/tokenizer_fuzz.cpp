// Any bytes as a text, for small tokenizers of both kinds: decoding gives the bytes back, the streaming detokenizer
// gives valid UTF-8, text never becomes a control token. And any bytes as a vocabulary: an Error or a tokenizer that
// works. The first byte chooses.
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

void check_text(const Tokenizer& tokenizer, std::string_view text) {
    const auto ids = tokenizer.encode(text, Specials::as_text);
    CHECK(tokenizer.decode(ids, Controls::hide) == text);
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
void check_vocabulary(std::string_view bytes, bool sentencepiece) {
    std::vector<std::string> tokens, merges;
    std::vector<std::int32_t> types;
    std::vector<float> scores;
    bool in_merges = false;
    while (!bytes.empty()) {
        const std::string_view line = bytes.substr(0, bytes.find('\n'));
        bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
        if (line.empty()) {
            in_merges = true;
        } else if (in_merges) {
            merges.emplace_back(line);
        } else {
            tokens.emplace_back(line.substr(1));
            types.push_back(line[0] - '0');
            scores.push_back(static_cast<float>(line.back()));
        }
    }
    gguf::Metadata m;
    m.set("tokenizer.ggml.model", std::string(sentencepiece ? "llama" : "gpt2"));
    m.set("tokenizer.ggml.tokens", strings_value(tokens));
    m.set("tokenizer.ggml.token_type", types_value(types));
    m.set("tokenizer.ggml.scores", scores_value(scores));
    m.set("tokenizer.ggml.merges", strings_value(merges));
    try {
        const auto tokenizer = Tokenizer::from_gguf(m);
        for (const std::string& token : tokens) {
            const auto ids = tokenizer->encode(token, Specials::parse);
            tokenizer->decode(ids, Controls::show);
        }
    } catch (const Error&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto tokenizers = [] {
        std::vector<std::unique_ptr<Tokenizer>> out;
        for (const PreTokenizer& pre : pre_tokenizers()) {
            const std::string name(pre.names.substr(0, pre.names.find(' ')));
            out.push_back(Tokenizer::from_gguf(byte_level_metadata(
                {"a b", "ab c", "\xC4\xA0 a", "\xC4\xA0 \xC4\xA0", "1 2"}, {{"<|im_end|>", 3}, {"<x>", 4}}, name)));
        }
        out.push_back(Tokenizer::from_gguf(sentencepiece_metadata({"a", "b", "ab", "\xE2\x96\x81",
                                                                   "\xE2\x96\x81"
                                                                   "a"},
                                                                  {{"<x>", 4}})));
        return out;
    }();
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t choice = data[0] % (tokenizers.size() + 2);
    if (choice >= tokenizers.size()) {
        check_vocabulary(text, choice == tokenizers.size());
        return 0;
    }
    // A literal U+2581 is read as a space by SentencePiece, so such a text does not come back.
    if (choice + 1 == tokenizers.size() && text.find("\xE2\x96\x81") != text.npos) return 0;
    check_text(*tokenizers[choice], text);
    return 0;
}
