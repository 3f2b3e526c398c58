#include "text/template/chat.h"

#include <gtest/gtest.h>

#include "../metadata_for_tests.h"
#include "base/error.h"
#include "testdata.h"

namespace quern::text {
namespace {

gguf::Metadata chat_metadata() { return byte_level_metadata({"a b"}, {{"<|im_start|>", 3}, {"<|im_end|>", 3}}); }

void expect_suggests_raw(const gguf::Metadata& m) {
    const auto t = Tokenizer::from_gguf(m);
    try {
        find_chat_template(m, *t);
        ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
        EXPECT_EQ(e.code, Code::unsupported);
        EXPECT_NE(std::string(e.what()).find("--raw"), std::string::npos) << e.what();
    }
}

TEST(Chat, RecognisesChatMlAndNothingElse) {
    gguf::Metadata m = chat_metadata();
    expect_suggests_raw(m);  // no template at all
    for (const char* other : {"", "{{ bos_token }}[INST] {{ messages[0].content }} [/INST]", "<|im_start|> alone"}) {
        m.set("tokenizer.chat_template", std::string(other));
        expect_suggests_raw(m);
    }
    m.set("tokenizer.chat_template", std::string("{{ '<|im_start|>' + role }}...{{ '<|im_end|>' }}"));
    EXPECT_NE(find_chat_template(m, *Tokenizer::from_gguf(m)), nullptr);
}

TEST(Chat, RealTemplatesAreRecognisedByTheirForm) {
    for (const auto& [name, chatml] : {std::pair("Qwen-Qwen2.5-7B-Instruct", true),
                                       {"Qwen-Qwen3-0.6B", true},
                                       {"google-gemma-2-2b-it", false},
                                       {"meta-llama-Llama-3.1-8B-Instruct", false}}) {
        QUERN_NEED_TESTDATA(path, std::string("templates/") + name + ".jinja");
        gguf::Metadata m = chat_metadata();
        m.set("tokenizer.chat_template", read_text(path));
        if (chatml)
            EXPECT_NE(find_chat_template(m, *Tokenizer::from_gguf(m)), nullptr) << name;
        else
            expect_suggests_raw(m);
    }
}

TEST(Chat, NeighboursOfOneKindAreTokenizedTogether) {
    const auto t = Tokenizer::from_gguf(chat_metadata());
    using Kind = Segment::Kind;
    const std::vector<Segment> together = {{Kind::text, "a"}, {Kind::text, "b"}};
    EXPECT_EQ(encode_segments(*t, together), std::vector<std::int32_t>{256});
    const std::vector<Segment> apart = {{Kind::text, "a"}, {Kind::control, "<|im_end|>"}, {Kind::text, "b"}};
    EXPECT_EQ(encode_segments(*t, apart), (std::vector<std::int32_t>{'a', 258, 'b'}));
    const std::vector<Segment> text = {{Kind::text, "<|im_"}, {Kind::text, "end|>"}};
    for (const std::int32_t id : encode_segments(*t, text)) EXPECT_LT(id, 256);
    EXPECT_TRUE(encode_segments(*t, {}).empty());
}

}  // namespace
}  // namespace quern::text
