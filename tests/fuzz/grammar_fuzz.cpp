// Any bytes as a grammar: an Error with a text, or a grammar whose matcher can be walked by masks without ever getting
// stuck, and whose masks agree with trying each token. The first byte chooses schema, GBNF or expression, the second
// the walk.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/hash.h"
#include "text/grammar/grammar.h"

namespace {

using namespace quern;
using namespace quern::grammar;

std::shared_ptr<const Vocabulary> vocabulary() {
    static const auto known = [] {
        std::vector<std::string> tokens;
        for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
        for (const char* piece : {"{\"", "\":", "\", \"", "\"}", "},{", "name", "na", "true", "12", "\n  ", ", ", "[[",
                                  "]}", "\\u00", "\xC3\xA9", "x\","})
            tokens.emplace_back(piece);
        tokens.emplace_back("<end>");
        const std::vector<std::int32_t> ends{static_cast<std::int32_t>(tokens.size()) - 1};
        return std::make_shared<const Vocabulary>(tokens, std::vector<std::int32_t>{}, ends);
    }();
    return known;
}

std::shared_ptr<const Grammar> read(std::uint8_t kind, std::string_view text) {
    switch (kind % 4) {
        case 0:
            return Grammar::from_gbnf(text);
        case 1:
            return Grammar::from_regex(text);
        case 2:
            return Grammar::from_schema_text(text, Formats::note);
        default:
            return Grammar::from_schema_text(text);
    }
}

void walk(const std::shared_ptr<const Grammar>& g, std::uint64_t seed) {
    const auto v = vocabulary();
    Matcher m(g, std::make_shared<LeafMasks>(g->program(), v, 4));
    std::vector<std::uint64_t> mask(v->trie.mask_words());
    for (int step = 0; step < 24 && !m.ended(); ++step) {
        m.mask(mask);
        std::vector<std::int32_t> allowed;
        for (std::int32_t id = 0; id < v->trie.vocab_size(); ++id) {
            const bool bit = mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1;
            const std::string& bytes = v->trie.bytes(id);
            if (!bytes.empty()) CHECK(bit == (m.readable(bytes) == bytes.size()));
            if (bit) allowed.push_back(id);
        }
        CHECK(!allowed.empty() || g->empty());
        if (allowed.empty()) return;
        seed = splitmix64(seed);
        CHECK(m.accept_token(allowed[seed % allowed.size()]));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    try {
        walk(read(data[0], {reinterpret_cast<const char*>(data) + 2, size - 2}), data[1]);
    } catch (const Error& e) {
        CHECK(*e.what() != '\0');
    }
    return 0;
}
