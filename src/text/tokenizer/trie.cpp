#include "text/tokenizer/trie.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace quern::text {

Trie::Trie(std::vector<std::pair<std::string_view, std::int32_t>> tokens) {
    std::size_t total = 1;
    for (const auto& [text, id] : tokens) total += text.size();
    if (total > std::numeric_limits<Node>::max() / 2)
        throw Error(Code::bad_file, "reading the vocabulary: its tokens have {} bytes together, too many to search",
                    total);
    std::ranges::sort(tokens);
    // Each node is a run of sorted tokens that share their first `depth` bytes.
    struct Run {
        std::size_t begin = 0, end = 0, depth = 0;
    };
    std::vector<Run> runs{{0, tokens.size(), 0}};
    bytes_.push_back(0);
    for (std::size_t node = 0; node < runs.size(); ++node) {
        const Run run = runs[node];
        first_.push_back(static_cast<Node>(runs.size()));
        std::size_t at = run.begin;
        const bool ends = at < run.end && tokens[at].first.size() == run.depth;
        tokens_.push_back(ends ? tokens[at].second : -1);
        at += ends;
        while (at < run.end) {
            const char byte = tokens[at].first[run.depth];
            std::size_t end = at + 1;
            while (end < run.end && tokens[end].first[run.depth] == byte) ++end;
            if (node == root) from_root_[static_cast<unsigned char>(byte)] = static_cast<Node>(runs.size());
            bytes_.push_back(static_cast<unsigned char>(byte));
            runs.push_back({at, end, run.depth + 1});
            at = end;
        }
    }
    first_.push_back(static_cast<Node>(runs.size()));
}

}  // namespace quern::text
