// What well-known keys may hold; what they may not is in the table of bad files (reader_test.cpp).
#include <gtest/gtest.h>

#include "base/error.h"
#include "format/gguf/reader.h"

namespace quern::gguf {
namespace {

// Would catch: a check that refuses what real writers write, such as ids of another width or no scores at all.
TEST(KnownKeys, AllowsWhatWritersWrite) {
    Metadata m;
    m.set("general.architecture", std::string("llama"));
    m.set("general.file_type", std::uint32_t{7});
    m.set_array("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b"});
    EXPECT_NO_THROW(check_known_keys(m));
    m.set_array("tokenizer.ggml.scores", std::vector<float>{0, -1});
    m.set_array("tokenizer.ggml.token_type", std::vector<std::int32_t>{1, 3});
    EXPECT_NO_THROW(check_known_keys(m));
    m.set_array("tokenizer.ggml.token_type", std::vector<std::uint32_t>{1, 3});
    m.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
    m.set("tokenizer.ggml.eos_token_id", std::int64_t{-1});
    m.set("tokenizer.ggml.add_bos_token", false);
    m.set("vendor.own_key", Array{ValueType::array, std::vector<Array>{}});
    EXPECT_NO_THROW(check_known_keys(m));
    m.set_array("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "c"});
    EXPECT_THROW(check_known_keys(m), Error);
}

TEST(KnownKeys, AlignmentHasADefault) {
    Metadata m;
    EXPECT_EQ(alignment(m), 32);
    m.set("general.alignment", std::uint8_t{64});
    EXPECT_EQ(alignment(m), 64);
}

}  // namespace
}  // namespace quern::gguf
