#include "text/tokenizer/word_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace quern::text {
namespace {

TEST(WordCache, GivesBackWhatWasPutAndNothingElse) {
    WordCache cache;
    std::vector<std::int32_t> out;
    EXPECT_FALSE(cache.find("word", out));
    const std::vector<std::int32_t> ids = {1, 2, 3};
    cache.put("word", ids);
    EXPECT_TRUE(cache.find("word", out));
    EXPECT_TRUE(cache.find("word", out));
    EXPECT_EQ(out, (std::vector<std::int32_t>{1, 2, 3, 1, 2, 3}));
    EXPECT_FALSE(cache.find("wor", out));
    EXPECT_FALSE(cache.find(std::string_view("word\0", 5), out));
}

TEST(WordCache, LeavesOutWhatIsTooLong) {
    WordCache cache;
    std::vector<std::int32_t> out;
    const std::string fits(WordCache::max_bytes, 'x'), longer = fits + "x";
    const std::vector<std::int32_t> one = {7}, many(WordCache::max_ids + 1, 7);
    cache.put(longer, one);
    cache.put("many", many);
    cache.put(fits, one);
    EXPECT_FALSE(cache.find(longer, out));
    EXPECT_FALSE(cache.find("many", out));
    EXPECT_TRUE(cache.find(fits, out));
}

TEST(WordCache, ANewWordTakesTheOldOnesPlaceWhole) {
    // Many more words than slots: whatever is found must be the word's own ids.
    WordCache cache;
    for (std::int32_t i = 0; i < 100'000; ++i) cache.put(std::to_string(i), std::span(&i, 1));
    int found = 0;
    for (std::int32_t i = 0; i < 100'000; ++i) {
        std::vector<std::int32_t> out;
        if (!cache.find(std::to_string(i), out)) continue;
        ++found;
        ASSERT_EQ(out, std::vector<std::int32_t>{i});
    }
    EXPECT_GT(found, 10'000);
}

}  // namespace
}  // namespace quern::text
