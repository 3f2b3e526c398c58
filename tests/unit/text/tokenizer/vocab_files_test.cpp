// Real vocabularies against the ids that their models' own tokenizers give (made by Hugging Face tokenizers and kept
// in the public llama.cpp test set). Catches any departure of splitting, merging or special-token handling.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "format/gguf/file.h"
#include "testdata.h"
#include "text/tokenizer/tokenizer.h"

namespace quern::text {
namespace {

std::vector<std::string> read_inputs(const Path& path) {
    const std::string all = read_text(path), separator = "\n__ggml_vocab_test__\n";
    std::vector<std::string> out;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = all.find(separator, at);
        if (end == all.npos) break;
        out.push_back(all.substr(at, end - at));
        at = end + separator.size();
    }
    return out;
}

std::vector<std::vector<std::int32_t>> read_ids(const Path& path) {
    std::istringstream lines(read_text(path));
    std::vector<std::vector<std::int32_t>> out;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        out.emplace_back();
        for (std::int32_t id; words >> id;) out.back().push_back(id);
    }
    return out;
}

class VocabFiles : public testing::TestWithParam<const char*> {};

TEST_P(VocabFiles, EncodeToTheExpectedIdsAndBack) {
    QUERN_NEED_TESTDATA(path, std::string("vocab/ggml-vocab-") + GetParam() + ".gguf");
    const auto file = gguf::File::open(path);
    const auto tokenizer = Tokenizer::from_gguf(file.metadata());
    const auto inputs = read_inputs(path.string() + ".inp");
    const auto expected = read_ids(path.string() + ".out");
    ASSERT_GT(inputs.size(), 40u);
    ASSERT_EQ(inputs.size(), expected.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        EXPECT_EQ(tokenizer->encode(inputs[i], Specials::as_text), expected[i]) << "text " << i << ": " << inputs[i];
        EXPECT_EQ(tokenizer->decode(expected[i], Controls::hide), inputs[i]) << "text " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Real, VocabFiles, testing::Values("gpt-2", "falcon", "deepseek-llm", "llama-spm"),
                         [](const auto& param) {
                             std::string name = param.param;
                             for (char& c : name)
                                 if (c == '-') c = '_';
                             return name;
                         });

// BERT's tokenizer keeps no white space, so its texts do not come back; what it does keep is written the same again.
TEST(VocabFilesBert, EncodesToTheExpectedIds) {
    QUERN_NEED_TESTDATA(path, "vocab/ggml-vocab-bert-bge.gguf");
    const auto file = gguf::File::open(path);
    const auto tokenizer = Tokenizer::from_gguf(file.metadata());
    const auto inputs = read_inputs(path.string() + ".inp");
    const auto expected = read_ids(path.string() + ".out");
    ASSERT_GT(inputs.size(), 40u);
    ASSERT_EQ(inputs.size(), expected.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto ids = tokenizer->encode(inputs[i], Specials::as_text);
        EXPECT_EQ(ids, expected[i]) << "text " << i << ": " << inputs[i];
        EXPECT_EQ(tokenizer->encode(tokenizer->decode(ids, Controls::show), Specials::parse), ids) << inputs[i];
    }
    EXPECT_TRUE(tokenizer->add_bos() && tokenizer->add_eos());
    EXPECT_EQ(tokenizer->decode(tokenizer->encode("How ARE you , Zoë?", Specials::as_text), Controls::hide),
              "how are you, zoe?");
}

}  // namespace
}  // namespace quern::text
