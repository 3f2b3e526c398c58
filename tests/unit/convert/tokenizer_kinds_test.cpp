// Every kind of tokenizer file through a conversion: files made from the goldens' vocabularies must give tokenizers
// that give the goldens' ids, which other libraries made.
#include <gmock/gmock.h>

#include <bit>
#include <map>

#include "../text/golden_files.h"
#include "convert/base64.h"
#include "convert/tokenizer.h"
#include "models_for_tests.h"
#include "text/utf8.h"

namespace quern::convert {
namespace {

using testing::HasSubstr;
const std::string mark = "\xE2\x96\x81";

// A directory with this file and configuration only, converted.
gguf::Metadata converted(const std::string& name, const std::string& content, std::int64_t vocab,
                         const Json& options = Json::object()) {
    const Folder folder;
    write_file(folder / name, content);
    write_file(folder / "tokenizer_config.json", options.dump());
    ModelConfig config = read_config(read_json(hf_model("qwen3") / "config.json"), "config.json");
    config.vocab = vocab;
    config.bos.reset();
    config.eos.clear();
    config.pad.reset();
    gguf::Metadata meta;
    std::vector<std::string> notes;
    read_tokenizer(folder / "", config, meta, notes);
    return meta;
}

void expect_ids(const gguf::Metadata& meta, const std::string& checks) {
    const auto tokenizer = text::Tokenizer::from_gguf(meta);
    const std::vector<std::string> strings = text::golden_strings();
    for (std::size_t i = 0; i < strings.size(); ++i) {
        if (checks.substr(4 * i, 4) == "----") continue;
        const auto ids = tokenizer->encode(strings[i], text::Specials::as_text);
        EXPECT_EQ(text::golden_check({ids.begin(), ids.end()}, 4), checks.substr(4 * i, 4)) << strings[i];
    }
}

Json vocab_object(const std::vector<std::string>& tokens) {
    Json out = Json::object();
    for (std::size_t i = 0; i < tokens.size(); ++i) out[tokens[i]] = i;
    return out;
}

Json normalizer(std::initializer_list<Json> steps) { return {{"type", "Sequence"}, {"normalizers", steps}}; }

const Json spaces_to_marks = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}};

std::string base64(std::string_view bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : alphabet[bits >> (18 - 6 * k) & 63];
    }
    return out;
}

TEST(TokenizerKinds, Base64GoesThereAndBack) {
    EXPECT_EQ(decode_base64("Zm9vYg=="), "foob");
    EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
    EXPECT_EQ(decode_base64(base64(std::string("\0\xFF\x80", 3))), std::string("\0\xFF\x80", 3));
    EXPECT_EQ(decode_base64("Zm9v*"), std::nullopt);
    EXPECT_EQ(decode_base64("Zm=9"), std::nullopt);
}

TEST(TokenizerKinds, ByteLevelWithNormalisers) {
    const Json file = text::golden("byte_level.json"), cases = text::golden("normalizers.json")["cases"];
    const std::string pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
    const auto meta_for = [&](const Json& n) {
        const Json json = {
            {"normalizer", n},
            {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
            {"model", {{"type", "BPE"}, {"vocab", vocab_object(file["tokens"])}, {"merges", file["merges"]}}}};
        return converted("tokenizer.json", json.dump(), std::ssize(file["tokens"]));
    };
    const auto strings_of = [](const gguf::Metadata& m) {
        const auto s = m.strings("quern.tokenizer.normalizer");
        return s ? std::vector<std::string>(s->begin(), s->end()) : std::vector<std::string>();
    };
    const gguf::Metadata plain = meta_for(nullptr), nfc = meta_for({{"type", "NFC"}});
    EXPECT_EQ(plain.string("tokenizer.ggml.pre"), "gpt-2");
    EXPECT_EQ(plain.boolean("tokenizer.ggml.normalizer.nfc"), false);
    EXPECT_EQ(nfc.string("tokenizer.ggml.pre"), "olmo");
    EXPECT_EQ(nfc.boolean("tokenizer.ggml.normalizer.nfc"), true);
    const std::map<std::string, Json> originals = {
        {"nfkc", {{"type", "NFKC"}}},
        {"lowercase", {{"type", "Lowercase"}}},
        {"accents", normalizer({{{"type", "NFD"}}, {{"type", "StripAccents"}}})},
        {"strip", {{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}}},
        {"bert",
         {{"type", "BertNormalizer"},
          {"clean_text", true},
          {"handle_chinese_chars", true},
          {"strip_accents", nullptr},
          {"lowercase", true}}},
        {"prepend", {{"type", "Prepend"}, {"prepend", mark + "x"}}},
        {"many",
         normalizer(
             {{{"type", "NFKC"}}, {{"type", "Lowercase"}}, {{"type", "Prepend"}, {"prepend", mark}}, spaces_to_marks})},
    };
    for (const auto& [name, original] : originals)
        EXPECT_EQ(strings_of(meta_for(original)), cases[name]["steps"].get<std::vector<std::string>>()) << name;
}

TEST(TokenizerKinds, WordPiece) {
    const Json file = text::golden("wordpiece.json");
    for (const auto& [name, model] : file.items()) {
        std::vector<std::string> tokens = model["tokens"];
        for (std::string& t : tokens) {
            if (t.starts_with(mark))
                t.erase(0, mark.size());
            else if (!t.starts_with("[") || !t.ends_with("]"))
                t.insert(0, "##");
        }
        Json added = Json::array();
        for (int i = 0; i < 5; ++i)
            added.push_back({{"id", i}, {"content", tokens[std::size_t(i)]}, {"special", true}});
        const Json json = {{"added_tokens", added},
                           {"normalizer",
                            {{"type", "BertNormalizer"},
                             {"lowercase", model["lowercase"]},
                             {"strip_accents", model["strip_accents"]}}},
                           {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                           {"model",
                            {{"type", "WordPiece"},
                             {"unk_token", "[UNK]"},
                             {"continuing_subword_prefix", "##"},
                             {"max_input_chars_per_word", 100},
                             {"vocab", vocab_object(tokens)}}}};
        const gguf::Metadata meta = converted("tokenizer.json", json.dump(), std::ssize(tokens),
                                              {{"cls_token", "[CLS]"}, {"sep_token", "[SEP]"}, {"unk_token", "[UNK]"}});
        const auto strings = meta.strings("tokenizer.ggml.tokens");
        EXPECT_TRUE(std::ranges::equal(*strings, model["tokens"].get<std::vector<std::string>>())) << name;
        EXPECT_EQ(meta.boolean("tokenizer.ggml.normalizer.lowercase"), model["lowercase"].get<bool>());
        EXPECT_EQ(meta.boolean("tokenizer.ggml.normalizer.strip_accents"), model["strip_accents"].get<bool>());
        const auto tokenizer = text::Tokenizer::from_gguf(meta);
        EXPECT_EQ(tokenizer->bos(), 2);
        EXPECT_EQ(tokenizer->eos(), 3);
        EXPECT_TRUE(tokenizer->add_bos() && tokenizer->add_eos());
        EXPECT_EQ(tokenizer->unknown(), 1);
    }
}

TEST(TokenizerKinds, Unigram) {
    const Json file = text::golden("sentencepiece.json");
    for (const char* name : {"unigram", "unigram-bytes"}) {
        const Json& model = file[name];
        Json vocab = Json::array();
        for (std::size_t i = 0; i < model["tokens"].size(); ++i)
            vocab.push_back({model["tokens"][i], model["scores"][i]});
        Json added = Json::array();
        for (int i = 0; i < 3; ++i)
            added.push_back({{"id", i}, {"content", model["tokens"][std::size_t(i)]}, {"special", true}});
        const Json json = {{"added_tokens", added},
                           {"pre_tokenizer",
                            {{"type", "Metaspace"},
                             {"replacement", mark},
                             {"prepend_scheme", model["add_space_prefix"].get<bool>() ? "always" : "never"}}},
                           {"model",
                            {{"type", "Unigram"},
                             {"unk_id", 0},
                             {"byte_fallback", std::string(name) == "unigram-bytes"},
                             {"vocab", vocab}}}};
        const gguf::Metadata meta =
            converted("tokenizer.json", json.dump(), std::ssize(vocab), {{"eos_token", "</s>"}});
        EXPECT_EQ(meta.string("tokenizer.ggml.model"), "t5");
        expect_ids(meta, model["double"]);
        EXPECT_TRUE(text::Tokenizer::from_gguf(meta)->add_eos());
    }
}

TEST(TokenizerKinds, MergedPieces) {
    const Json file = text::golden("merged.json");
    for (const auto& [name, n] :
         {std::pair("gemma4", spaces_to_marks),
          std::pair("prefix", normalizer({{{"type", "Prepend"}, {"prepend", mark}}, spaces_to_marks}))}) {
        const Json json = {{"normalizer", n},
                           {"model",
                            {{"type", "BPE"},
                             {"byte_fallback", true},
                             {"fuse_unk", true},
                             {"unk_token", "<unk>"},
                             {"vocab", vocab_object(file["tokens"])},
                             {"merges", file["merges"]}}}};
        const gguf::Metadata meta = converted("tokenizer.json", json.dump(), std::ssize(file["tokens"]));
        EXPECT_EQ(meta.string("tokenizer.ggml.model"), "gemma4");
        EXPECT_EQ(meta.boolean("tokenizer.ggml.add_space_prefix"), std::string(name) == "prefix");
        if (std::string(name) == "prefix") {
            expect_ids(meta, file[name]);
            continue;
        }
        const auto tokenizer = text::Tokenizer::from_gguf(meta);
        text::expect_golden(*tokenizer, text::golden_strings(), file[name], name);
    }
}

std::string spelled_bytes(const std::string& token) {
    std::map<std::string, char> byte_of;
    char32_t next = 0x100;
    for (unsigned b = 0; b < 256; ++b) {
        std::string character;
        const bool itself = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        text::append_utf8(character, itself ? b : next++);
        byte_of[character] = static_cast<char>(static_cast<unsigned char>(b));
    }
    std::string out;
    for (std::size_t at = 0; at < token.size();) {
        const std::size_t size = text::next_character(std::string_view(token).substr(at)).bytes;
        out += byte_of.at(token.substr(at, size));
        at += size;
    }
    return out;
}

Json tekken_json(const std::vector<std::string>& tokens, int specials) {
    const std::string o200k =
        R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
        R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
        R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
    Json vocab = Json::array(), special = Json::array();
    for (std::size_t i = 0; i < tokens.size(); ++i)
        vocab.push_back({{"rank", i}, {"token_bytes", base64(spelled_bytes(tokens[i]))}, {"token_str", nullptr}});
    if (specials > 1) special = {{{"rank", 0}, {"token_str", "<unk>"}}, {{"rank", 1}, {"token_str", "<s>"}}};
    return {{"config",
             {{"pattern", o200k},
              {"default_vocab_size", std::ssize(tokens) + specials},
              {"default_num_special_tokens", specials}}},
            {"vocab", vocab},
            {"special_tokens", special}};
}

TEST(TokenizerKinds, Tekken) {
    const Json file = text::golden("byte_level.json");
    const std::vector<std::string> tokens = file["tokens"];
    const gguf::Metadata meta = converted("tekken.json", tekken_json(tokens, 0).dump(), std::ssize(tokens));
    const auto merges = meta.strings("tokenizer.ggml.merges");
    EXPECT_TRUE(std::ranges::equal(*merges, file["tiktoken"]["merges"].get<std::vector<std::string>>()));
    expect_ids(meta, file["tiktoken"]["ids"]);

    const gguf::Metadata with = converted("tekken.json", tekken_json(tokens, 10).dump(), std::ssize(tokens) + 10);
    const auto tokenizer = text::Tokenizer::from_gguf(with);
    EXPECT_EQ(tokenizer->bos(), 1);
    EXPECT_TRUE(tokenizer->add_bos());
    EXPECT_EQ(tokenizer->type(7), text::TokenType::control);
    EXPECT_EQ(tokenizer->find(tokens[0]), 10);
}

TEST(TokenizerKinds, DamagedTekkenIsNamed) {
    const std::vector<std::string> tokens = {"a", "b", "ab"};
    const auto refused = [&](const std::function<void(Json&)>& edit) {
        Json j = tekken_json(tokens, 2);
        edit(j);
        return refusal([&] { converted("tekken.json", j.dump(), 5); });
    };
    EXPECT_THAT(refused([](Json& j) { j["vocab"][1]["token_bytes"] = "*"; }), HasSubstr("token 1"));
    EXPECT_THAT(refused([](Json& j) { j["vocab"][1]["token_bytes"] = base64("a"); }), HasSubstr("token 1"));
    EXPECT_THAT(refused([](Json& j) { j["vocab"][1]["rank"] = 7; }), HasSubstr("rank"));
    EXPECT_THAT(refused([](Json& j) { j["config"]["default_vocab_size"] = 6; }), HasSubstr("default_vocab_size"));
    EXPECT_THAT(refused([](Json& j) { j["config"]["pattern"] = "x+"; }), HasSubstr("x+"));
    EXPECT_THAT(refused([](Json& j) { j.erase("special_tokens"); }), HasSubstr("special_tokens"));
    EXPECT_THAT(refused([](Json& j) { j["vocab"].clear(); }), HasSubstr("vocab"));
}

// Fields of protocol buffers.
std::string varint(std::uint64_t v) {
    std::string out;
    for (; v >= 0x80; v >>= 7) out += static_cast<char>(static_cast<unsigned char>(v | 0x80));
    return out + static_cast<char>(v);
}
std::string bytes_field(std::uint64_t number, std::string_view bytes) {
    return varint(number << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
std::string varint_field(std::uint64_t number, std::uint64_t v) { return varint(number << 3) + varint(v); }

TEST(TokenizerKinds, SentencePieceModels) {
    const Json file = text::golden("sentencepiece.json");
    for (const auto& [name, model] : file.items()) {
        std::string bytes;
        for (std::size_t i = 0; i < model["tokens"].size(); ++i) {
            const auto bits = std::bit_cast<std::uint32_t>(model["scores"][i].get<float>());
            std::string score = varint(2 << 3 | 5);
            for (int k = 0; k < 4; ++k) score += static_cast<char>(static_cast<unsigned char>(bits >> (8 * k)));
            bytes += bytes_field(1, bytes_field(1, model["tokens"][i].get<std::string>()) + score +
                                        varint_field(3, model["types"][i].get<std::uint64_t>()));
        }
        const std::vector<std::uint8_t> charsmap = model["charsmap"];
        bytes += bytes_field(2, varint_field(3, model["model"] == "llama" ? 2 : 1));
        bytes += bytes_field(3, bytes_field(2, std::string(charsmap.begin(), charsmap.end())) +
                                    varint_field(3, model["add_space_prefix"].get<bool>()) +
                                    varint_field(4, model["remove_extra_whitespaces"].get<bool>()));
        const gguf::Metadata meta = converted("tokenizer.model", bytes, std::ssize(model["tokens"]),
                                              {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
        EXPECT_EQ(meta.string("tokenizer.ggml.model"), model["model"].get<std::string>());
        text::expect_golden(*text::Tokenizer::from_gguf(meta), text::golden_strings(), model["ids"], name);
    }
}

TEST(TokenizerKinds, WhatIsNotKnownIsNamed) {
    const auto refused = [](const Json& json) {
        return refusal([&] { converted("tokenizer.json", json.dump(), 100); });
    };
    const Json bert = {{"type", "BertNormalizer"}}, cutter = {{"type", "BertPreTokenizer"}};
    const Json wordpiece = {{"type", "WordPiece"}, {"continuing_subword_prefix", "##"}, {"vocab", {{"a", 0}}}};
    EXPECT_THAT(refused({{"normalizer", bert}, {"pre_tokenizer", {{"type", "Whitespace"}}}, {"model", wordpiece}}),
                HasSubstr("'Whitespace'"));
    EXPECT_THAT(refused({{"pre_tokenizer", cutter}, {"model", wordpiece}}), HasSubstr("not BERT's"));
    EXPECT_THAT(refused({{"normalizer", {{"type", "BertNormalizer"}, {"clean_text", false}}},
                         {"pre_tokenizer", cutter},
                         {"model", wordpiece}}),
                HasSubstr("clean_text"));
    const Json unigram = {{"type", "Unigram"},
                          {"vocab", Json::array({Json::array({"a", -1.0}), Json::array({"b", -2.0})})}};
    EXPECT_THAT(refused({{"model", unigram}, {"pre_tokenizer", {{"type", "Digits"}}}}), HasSubstr("'Digits'"));
    EXPECT_THAT(refused({{"model", unigram}, {"normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "!"}}}}),
                HasSubstr("base64"));
    EXPECT_THAT(
        refused({{"model", unigram}, {"normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA"}}}}),
        HasSubstr("precompiled_charsmap"));
    EXPECT_THAT(refused({{"model", unigram},
                         {"normalizer", {{"type", "Replace"}, {"pattern", {{"Regex", "a+"}}}, {"content", "b"}}}}),
                HasSubstr("a+"));
    EXPECT_THAT(refused({{"model", {{"type", "Unigram"}, {"vocab", Json::array({Json::array({"a"})})}}}}),
                HasSubstr("entry 0"));
}

}  // namespace
}  // namespace quern::convert
