#include "text/tokenizer/merge_table.h"

#include <bit>
#include <string>
#include <string_view>

#include "base/error.h"

namespace quern::text {
namespace {

constexpr std::string_view merges_key = "tokenizer.ggml.merges";

}  // namespace

MergeTable::MergeTable(const Vocabulary& vocabulary, const gguf::Metadata& metadata) {
    const auto merges = metadata.strings(merges_key);
    if (!merges)
        throw Error(Code::bad_file, "reading the tokenizer: the file has no {}, which byte-pair encoding needs",
                    merges_key);
    if (merges->size() >= no_merge / 4)
        throw Error(Code::bad_file, "reading the tokenizer: {} has {} entries, more than any vocabulary needs",
                    merges_key, merges->size());
    slots_.assign(std::bit_ceil(merges->size() * 2 + 2), Slot{});
    std::string joined;
    for (std::size_t rank = 0; rank < merges->size(); ++rank) {
        const std::string_view line = (*merges)[rank];
        const std::size_t gap = line.empty() ? line.npos : line.find(' ', 1);
        if (gap == line.npos)
            throw Error(Code::bad_file,
                        "reading the tokenizer: {}[{}] is '{:.80}', expected two tokens with a space between",
                        merges_key, rank, line);
        const std::string_view left = line.substr(0, gap), right = line.substr(gap + 1);
        joined.assign(left).append(right);
        const auto left_id = vocabulary.find(left), right_id = vocabulary.find(right), id = vocabulary.find(joined);
        if (!left_id || !right_id || !id)
            throw Error(Code::bad_file,
                        "reading the tokenizer: {}[{}] is '{:.80}', but the vocabulary has no token '{:.80}'",
                        merges_key, rank, line,
                        !left_id    ? left
                        : !right_id ? right
                                    : std::string_view(joined));
        if (vocabulary.type(*id) == TokenType::control) continue;
        const std::uint64_t pair = pair_of(*left_id, *right_id);
        std::size_t slot = splitmix64(pair) & (slots_.size() - 1);
        while (slots_[slot].pair != empty && slots_[slot].pair != pair) slot = (slot + 1) & (slots_.size() - 1);
        if (slots_[slot].pair == pair)
            throw Error(Code::bad_file,
                        "reading the tokenizer: {}[{}] is '{:.80}', which stands there already as entry {}", merges_key,
                        rank, line, slots_[slot].merge.rank);
        slots_[slot] = {pair, {static_cast<std::uint32_t>(rank), *id}};
    }
}

}  // namespace quern::text
