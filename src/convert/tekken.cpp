// tekken.json, Mistral's own format: tokens as bytes in base64 by rank, special tokens before them, and one pattern.
// The ranks are tiktoken's: neighbours merge whose joint bytes have the lowest one. GGUF wants merges, so the pair that
// makes each token is found by merging its bytes with lower ranks only. Source: mistral-common's tekken tokenizer.
#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "convert/base64.h"
#include "convert/tokenizer_json.h"
#include "format/shown.h"
#include "text/tokenizer/byte_bpe.h"

namespace quern::convert {
namespace {

using Ranks = std::unordered_map<std::string, std::size_t>;

[[noreturn]] void broken(std::string_view how) { throw Error(Code::bad_file, "tekken.json: {}", how); }

std::size_t number(const Tree& object, const char* key, std::int64_t limit) {
    const Tree& v = field(object, key);
    if (!v.is_number_unsigned() || v.get<std::uint64_t>() > static_cast<std::uint64_t>(limit))
        broken(fmt::format("{} is {}, expected a number from 0 to {}", key, shown(v.dump()), limit));
    return v.get<std::size_t>();
}

// The two parts that the token's bytes come to before their last merge; none for single bytes.
std::optional<std::pair<std::string, std::string>> last_merge(const std::string& token, std::size_t rank,
                                                              const Ranks& ranks) {
    std::vector<std::string> parts;
    for (const char c : token) parts.emplace_back(1, c);
    while (parts.size() > 2) {
        std::size_t best = 0, best_rank = rank;
        for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
            const auto it = ranks.find(parts[i] + parts[i + 1]);
            if (it == ranks.end() || it->second >= best_rank) continue;
            best = i;
            best_rank = it->second;
        }
        if (best_rank == rank) return std::nullopt;  // found as a whole word only
        parts[best] += parts[best + 1];
        parts.erase(parts.begin() + std::ptrdiff_t(best) + 1);
    }
    if (parts.size() < 2) return std::nullopt;
    return std::pair(parts[0], parts[1]);
}

// Ids 0 to count - 1: those the file names, and reserved ones between them.
void read_special(const Tree& root, std::size_t count, TokenTable& out, std::vector<AddedToken>& added) {
    out.grow(count);
    for (std::size_t i = 0; i < count; ++i) {
        out.texts[i] = fmt::format("<SPECIAL_{}>", i);
        out.types[i] = text::TokenType::control;
    }
    const Tree& list = field(root, "special_tokens");
    if (list.is_null()) broken("it names no special_tokens; versions before v7 did not, and are not read");
    if (!list.is_array()) broken("its special_tokens are no list");
    for (const Tree& t : list) {
        const std::size_t rank = number(t, "rank", std::ssize(out.texts) - 1);
        const std::string text = string_of(t, "token_str");
        if (text.empty()) broken(fmt::format("special token {} has no token_str", rank));
        added.push_back({static_cast<std::int64_t>(rank), text, true, {}});
    }
}

}  // namespace

TokenTable read_tekken(std::string_view json, std::int64_t limit, std::vector<AddedToken>& added,
                       std::vector<std::string>& notes) {
    constexpr std::size_t longest_token = 1024;  // bytes; finding its merge takes the square of that
    const Tree root = parse_tree(json, "tekken.json");
    const Tree& config = field(root, "config");
    const std::size_t specials = number(config, "default_num_special_tokens", limit);
    const std::size_t size = number(config, "default_vocab_size", limit);
    const Tree& vocab = field(root, "vocab");
    if (!vocab.is_array() || size < specials || vocab.size() < size - specials)
        broken("its vocab has fewer tokens than its config says");
    TokenTable out;
    out.model = "gpt2";
    out.pre = pre_tokenizer_name({string_of(config, "pattern")}, true, notes);
    read_special(root, specials, out, added);
    Ranks ranks;
    std::vector<std::string> tokens;
    for (std::size_t rank = 0; rank < size - specials; ++rank) {
        const auto bytes = decode_base64(string_of(vocab[rank], "token_bytes"));
        if (!bytes || bytes->empty() || bytes->size() > longest_token)
            broken(fmt::format("token {} has no token_bytes in base64, or too many", rank));
        if (number(vocab[rank], "rank", limit) != rank) broken(fmt::format("entry {} has another rank", rank));
        if (!ranks.emplace(*bytes, rank).second) broken(fmt::format("token {} is there twice", rank));
        tokens.push_back(*bytes);
    }
    std::size_t work = 0;
    for (std::size_t rank = 0; rank < tokens.size(); ++rank) {
        work += tokens[rank].size() * tokens[rank].size();
        if (work > std::size_t{1} << 28) broken("its tokens are too long to find their merges");
        out.texts.push_back(text::ByteBpe::spelled(tokens[rank]));
        out.types.push_back(text::TokenType::normal);
        if (const auto parts = last_merge(tokens[rank], rank, ranks))
            out.merges.push_back(text::ByteBpe::spelled(parts->first) + " " + text::ByteBpe::spelled(parts->second));
    }
    out.add_bos = std::ranges::find(added, std::string("<s>"), &AddedToken::text) != added.end();
    out.bos_text = "<s>";
    return out;
}

}  // namespace quern::convert
