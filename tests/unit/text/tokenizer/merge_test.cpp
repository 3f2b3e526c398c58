#include "text/tokenizer/merge.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace quern::text {
namespace {

using Rules = std::map<std::pair<std::int32_t, std::int32_t>, Merge>;

std::vector<Symbol> symbols_of(const std::vector<std::int32_t>& ids) {
    std::vector<Symbol> out;
    for (std::uint32_t i = 0; i < ids.size(); ++i) out.push_back({ids[i], i, 1});
    return out;
}

// The definition, with no care for time.
std::vector<std::int32_t> merge_plainly(std::vector<std::int32_t> ids, const Rules& rules) {
    while (true) {
        std::size_t best = ids.size();
        std::uint32_t rank = no_merge;
        for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
            const auto rule = rules.find({ids[i], ids[i + 1]});
            if (rule != rules.end() && rule->second.rank < rank) best = i, rank = rule->second.rank;
        }
        if (best == ids.size()) return ids;
        ids[best] = rules.at({ids[best], ids[best + 1]}).id;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
}

TEST(Merge, ShortAndLongFollowTheDefinition) {
    std::mt19937 random(4);
    MergeSpace space;
    for (int round = 0; round < 2000; ++round) {
        // Few ids and equal ranks: merges compete, undo each other's pairs and tie.
        Rules rules;
        for (std::uint32_t r = 0; r < 12; ++r)
            rules[{static_cast<std::int32_t>(random() % 8), static_cast<std::int32_t>(random() % 8)}] = {
                static_cast<std::uint32_t>(random() % 5), static_cast<std::int32_t>(random() % 8)};
        std::vector<std::int32_t> ids(random() % 60);
        for (auto& id : ids) id = static_cast<std::int32_t>(random() % 8);
        const auto lookup = [&](const Symbol& a, const Symbol& b) {
            EXPECT_EQ(a.begin + a.size, b.begin);  // neighbours really are
            const auto rule = rules.find({a.id, b.id});
            return rule == rules.end() ? Merge{} : rule->second;
        };
        const auto expected = merge_plainly(ids, rules);
        const auto check = [&](const std::vector<Symbol>& got, const char* which) {
            std::vector<std::int32_t> got_ids;
            std::uint32_t at = 0;
            for (const Symbol& s : got) {
                got_ids.push_back(s.id);
                EXPECT_EQ(s.begin, at);
                at += s.size;
            }
            EXPECT_EQ(at, ids.size());
            ASSERT_EQ(got_ids, expected) << which << " in round " << round;
        };
        auto by_size = symbols_of(ids);
        merge_symbols(by_size, space, lookup);
        check(by_size, "merge_symbols");
        auto by_heap = symbols_of(ids);
        detail::merge_long(by_heap, space, lookup);
        check(by_heap, "merge_long");
    }
}

}  // namespace
}  // namespace quern::text
