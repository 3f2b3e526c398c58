// Tokenizers through a conversion: the ids that the models' own tokenizers give, and a sentence for what is not known.
#include "convert/tokenizer.h"

#include <gmock/gmock.h>

#include "convert/convert.h"
#include "format/gguf/file.h"
#include "models_for_tests.h"
#include "text/tokenizer/tokenizer.h"

namespace quern::convert {
namespace {

using testing::HasSubstr;

class ConvertedTokenizer : public testing::TestWithParam<const char*> {};

// Catches any loss on the way: tokens, types, scores, merges, the pattern, the space in front, added tokens.
TEST_P(ConvertedTokenizer, GivesTheGoldenIds) {
    const Folder folder;
    convert(hf_model(GetParam()), folder / "out.gguf", {.type = DType::f16});
    const gguf::File file = gguf::File::open(folder / "out.gguf");
    const auto tokenizer = text::Tokenizer::from_gguf(file.metadata());
    const bool spm = file.metadata().need_string("tokenizer.ggml.model") == "llama";
    const Json golden = read_json(parity_folder() / "hf" / (std::string(GetParam()) + ".golden.json"));
    std::size_t compared = 0;
    for (const auto& [list, specials] :
         {std::pair("tokens", text::Specials::as_text), std::pair("special", text::Specials::parse)}) {
        // transformers and llama.cpp differ in whether SentencePiece's space follows an added token; the tokenizer's
        // own tests settle that.
        if (spm && specials == text::Specials::parse) continue;
        for (const Json& entry : golden.at(list)) {
            const auto text = entry.at("text").get<std::string>();
            EXPECT_EQ(tokenizer->encode(text, specials), entry.at("ids").get<std::vector<std::int32_t>>())
                << list << ": " << text;
            ++compared;
        }
    }
    EXPECT_GT(compared, 20u);
    for (const Json& entry : golden.at("encode_with_special_tokens")) {
        std::vector<std::int32_t> ids;
        if (tokenizer->add_bos()) ids.push_back(*tokenizer->bos());
        const auto rest = tokenizer->encode(entry.at("text").get<std::string>(), text::Specials::as_text);
        ids.insert(ids.end(), rest.begin(), rest.end());
        EXPECT_EQ(ids, entry.at("ids").get<std::vector<std::int32_t>>()) << entry.at("text");
    }
    const Json config = read_json(hf_model(GetParam()) / "config.json");
    EXPECT_EQ(tokenizer->vocab_size(), config.at("vocab_size").get<std::int32_t>());
    const Json ends = read_json(hf_model(GetParam()) / "generation_config.json").at("eos_token_id");
    for (const Json& id : ends) EXPECT_TRUE(tokenizer->is_end_of_generation(id.get<std::int32_t>())) << id;
    EXPECT_TRUE(file.metadata().has("tokenizer.chat_template"));
}

INSTANTIATE_TEST_SUITE_P(Models, ConvertedTokenizer, testing::Values("qwen3", "llama_spm", "qwen3moe", "llama3"));

gguf::Metadata with(const char* model, const std::function<void(const Path&)>& change,
                    std::vector<std::string>* notes = nullptr) {
    const Folder folder;
    copy_model(hf_model(model), folder / "in");
    change(folder / "in");
    const ModelConfig config = read_config(read_json(folder / "in/config.json"), "config.json");
    gguf::Metadata meta;
    std::vector<std::string> unread;
    read_tokenizer(folder / "in", config, meta, notes ? *notes : unread);
    return meta;
}

std::string refused(const char* model, const std::function<void(const Path&)>& change) {
    return refusal([&] { with(model, change); });
}

std::string refused_json(const std::function<void(Json&)>& edit) {
    return refused("qwen3", [&](const Path& in) { edit_json(in / "tokenizer.json", edit); });
}

TEST(Tokenizer, WithoutOneThereAreNoKeysButANote) {
    std::vector<std::string> notes;
    const gguf::Metadata meta = with(
        "qwen3", [](const Path& in) { std::filesystem::remove(in / "tokenizer.json"); }, &notes);
    EXPECT_TRUE(meta.entries().empty());
    EXPECT_THAT(notes, testing::ElementsAre(HasSubstr("no tokenizer")));
}

TEST(Tokenizer, TheTemplateForToolsIsConvertedOthersAreNoted) {
    std::vector<std::string> notes;
    const gguf::Metadata meta = with(
        "qwen3",
        [](const Path& in) {
            edit_json(in / "tokenizer_config.json", [](Json& c) {
                c["chat_template"] = {{{"name", "default"}, {"template", "a<|im_end|>"}},
                                      {{"name", "tool_use"}, {"template", "b<|im_end|>"}},
                                      {{"name", "rag"}, {"template", "c<|im_end|>"}}};
            });
        },
        &notes);
    EXPECT_EQ(meta.string("tokenizer.chat_template"), "a<|im_end|>");
    EXPECT_EQ(meta.string("tokenizer.chat_template.tool_use"), "b<|im_end|>");
    EXPECT_THAT(notes, testing::Contains(HasSubstr("'rag'")));
}

TEST(Tokenizer, WhatGgufCannotExpressIsRefused) {
    EXPECT_THAT(refused_json([](Json& t) { t["model"]["type"] = "WordLevel"; }), HasSubstr("'WordLevel'"));
    EXPECT_THAT(refused_json([](Json& t) { t["model"]["type"] = "WordPiece"; }), HasSubstr("inside words"));
    EXPECT_THAT(refused_json([](Json& t) { t["model"]["byte_fallback"] = true; }), HasSubstr("byte_fallback"));
    EXPECT_THAT(refused_json([](Json& t) { t["model"]["end_of_word_suffix"] = "</w>"; }),
                HasSubstr("end_of_word_suffix"));
    EXPECT_THAT(refused_json([](Json& t) { t["model"]["dropout"] = 0.1; }), HasSubstr("dropout"));
    EXPECT_THAT(refused_json([](Json& t) { t["normalizer"] = {{"type", "Nmt"}}; }), HasSubstr("'Nmt'"));
    EXPECT_THAT(refused_json([](Json& t) { t["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "x+"; }),
                HasSubstr("x+"));
    EXPECT_THAT(refused_json([](Json& t) { t["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "MergedWithNext"; }),
                HasSubstr("'MergedWithNext'"));
    EXPECT_THAT(refused_json([](Json& t) { t["pre_tokenizer"]["pretokenizers"][0]["type"] = "Punctuation"; }),
                HasSubstr("'Punctuation'"));
    EXPECT_THAT(refused_json([](Json& t) { t["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true; }),
                HasSubstr("space before every text"));
    EXPECT_THAT(refused_json([](Json& t) {
                    const Json token = {{"SpecialToken", {{"id", "<|endoftext|>"}, {"type_id", 0}}}};
                    t["post_processor"] = {{"type", "TemplateProcessing"},
                                           {"single", {token, token, {{"Sequence", {{"id", "A"}}}}}}};
                }),
                HasSubstr("more than one token"));
}

TEST(Tokenizer, DamagedFilesAreNamed) {
    EXPECT_THAT(refused("qwen3", [](const Path& in) { write_file(in / "tokenizer.json", "{"); }),
                HasSubstr("tokenizer.json"));
    EXPECT_THAT(refused("qwen3", [](const Path& in) { write_file(in / "tokenizer.json", std::string(100000, '[')); }),
                HasSubstr("tokenizer.json"));
    EXPECT_THAT(refused_json([](Json& t) { t["model"]["vocab"]["!"] = 1000000; }), HasSubstr("'1000000'"));
    EXPECT_THAT(refused_json([](Json& t) { t["model"]["vocab"]["!"] = 5; }), HasSubstr("one id, 5"));
    EXPECT_THAT(refused_json([](Json& t) { t["model"]["vocab"] = 5; }), HasSubstr("vocab"));
    EXPECT_THAT(refused_json([](Json& t) { t["model"]["merges"].push_back(5); }), HasSubstr("merge"));
    EXPECT_THAT(refused_json([](Json& t) {
                    t["model"]["merges"].push_back({"no such", "token"});
                }),
                HasSubstr("tokenizer.ggml.merges"));
    EXPECT_THAT(refused_json([](Json& t) { t["added_tokens"][0].erase("content"); }), HasSubstr("added token"));
    EXPECT_THAT(refused_json([](Json& t) { t["added_tokens"][0]["id"] = -1; }), HasSubstr("'-1'"));
    EXPECT_THAT(refused("qwen3",
                        [](const Path& in) {
                            edit_json(in / "tokenizer_config.json", [](Json& c) { c["add_bos_token"] = "yes"; });
                        }),
                HasSubstr("add_bos_token"));
    EXPECT_THAT(
        refused("qwen3",
                [](const Path& in) { edit_json(in / "tokenizer_config.json", [](Json& c) { c["eos_token"] = 7; }); }),
        HasSubstr("eos_token"));
}

TEST(Tokenizer, ABeginTokenThatNobodyNamesIsRefused) {
    EXPECT_THAT(refused("qwen3",
                        [](const Path& in) {
                            edit_json(in / "tokenizer_config.json", [](Json& c) { c["add_bos_token"] = true; });
                            edit_json(in / "config.json", [](Json& c) { c["bos_token_id"] = nullptr; });
                        }),
                HasSubstr("bos_token"));
}

TEST(Tokenizer, SentencePieceInJsonOnlyNeedsItsVocabulary) {
    EXPECT_THAT(refused("llama_spm",
                        [](const Path& in) {
                            std::filesystem::remove(in / "tokenizer.model");
                            write_file(in / "tokenizer.json", R"({"model": {"type": "BPE", "byte_fallback": true},
                                                                  "pre_tokenizer": {"type": "Metaspace"}})");
                        }),
                HasSubstr("vocab"));
}

TEST(Tokenizer, AddedTokensBeyondTheModelAreLeftOutWithANote) {
    std::vector<std::string> notes;
    with(
        "llama_spm",
        [](const Path& in) {
            edit_json(in / "tokenizer_config.json", [](Json& c) {
                c["added_tokens_decoder"]["416"] = {{"content", "<late>"}};
            });
        },
        &notes);
    EXPECT_THAT(notes, testing::Contains(HasSubstr("1 added tokens have ids beyond")));
}

// An end token that no reader knows by its text gets a key of its own.
TEST(Tokenizer, UnusualEndTokensGetKeys) {
    const gguf::Metadata meta = with("qwen3", [](const Path& in) {
        edit_json(in / "generation_config.json", [](Json& c) { c["eos_token_id"] = {318, 320}; });
    });
    EXPECT_EQ(meta.integer("tokenizer.ggml.eos_token_id"), 318);
    EXPECT_EQ(meta.integer("tokenizer.ggml.eot_token_id"), 320);
    EXPECT_TRUE(text::Tokenizer::from_gguf(meta)->is_end_of_generation(320));
}

TEST(Tokenizer, MergesAreReadInBothSpellings) {
    const gguf::Metadata pairs = with("qwen3", [](const Path&) {});
    const gguf::Metadata lines = with("qwen3", [](const Path& in) {
        edit_json(in / "tokenizer.json", [](Json& t) {
            for (Json& m : t["model"]["merges"])
                m = m.is_array() ? Json(m[0].get<std::string>() + " " + m[1].get<std::string>()) : m;
        });
    });
    EXPECT_TRUE(std::ranges::equal(*pairs.strings("tokenizer.ggml.merges"), *lines.strings("tokenizer.ggml.merges")));
}

TEST(Tokenizer, PreTokenizersAreKnownByTheirPatterns) {
    std::vector<std::string> notes;
    const std::string gpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
    const std::string llama3 =
        R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
    EXPECT_EQ(pre_tokenizer_name({gpt2}, false, notes), "gpt-2");
    EXPECT_EQ(pre_tokenizer_name({R"(\p{N})", gpt2}, false, notes), "starcoder");
    EXPECT_EQ(pre_tokenizer_name({llama3}, true, notes), "llama-bpe");
    EXPECT_NE(pre_tokenizer_name({llama3}, false, notes), "llama-bpe");
    EXPECT_TRUE(notes.empty());
    // Published with the characters themselves where the table has code points.
    const std::string deepseek =
        R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
    EXPECT_EQ(pre_tokenizer_name({R"(\p{N}{1,3})", "[一-龥\u3040-ゟ゠-ヿ]+", deepseek}, false, notes), "deepseek-v3");
}

}  // namespace
}  // namespace quern::convert
