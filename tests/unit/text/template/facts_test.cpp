#include "text/template/facts.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "testdata.h"
#include "text/template/chat.h"

namespace quern::text {
namespace {

TEST(Facts, EveryRowIsWhole) {
    std::set<std::string_view> families;
    for (const ChatFacts& f : chat_facts()) {
        EXPECT_TRUE(families.insert(f.family).second) << f.family << " is there twice";
        EXPECT_EQ(f.think_open.empty(), f.think_close.empty()) << f.family;
        EXPECT_EQ(f.think_variable.empty(), f.thinks == Thinks::never || f.thinks == Thinks::always) << f.family;
    }
    EXPECT_EQ(chat_facts().back().family, "unknown");
    EXPECT_EQ(find_chat_facts("").family, "unknown");
    EXPECT_EQ(find_chat_facts("<|im_start|> and <|im_end|>").family, "chatml");
}

TEST(Facts, RealTemplatesAreOfTheirFamily) {
    const auto folder = testdata("templates");
    if (!folder) GTEST_SKIP() << "test data templates is absent; set QUERN_TESTDATA to find it";
    for (const auto& [name, family] : {std::pair("Apertus-8B-Instruct", "apertus"),
                                       {"ByteDance-Seed-OSS", "seed-oss"},
                                       {"CohereForAI-c4ai-command-r7b-12-2024-tool_use", "command-r7b"},
                                       {"GLM-4.6", "glm4"},
                                       {"HuggingFaceTB-SmolLM3-3B", "smollm3"},
                                       {"Kimi-K2-Instruct", "kimi-k2"},
                                       {"LFM2-8B-A1B", "lfm2"},
                                       {"MiMo-VL", "hermes"},
                                       {"NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "nemotron3"},
                                       {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "hermes"},
                                       {"Qwen-Qwen2.5-7B-Instruct", "hermes"},
                                       {"Qwen-Qwen3-0.6B", "qwen3"},
                                       {"Qwen3-Coder", "qwen3-coder"},
                                       {"Qwen3.5-4B", "qwen3.5"},
                                       {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek-r1-switched"},
                                       {"deepseek-ai-DeepSeek-V3.2", "deepseek-v3.2"},
                                       {"deepseek-ai-DeepSeek-V4", "deepseek-v4"},
                                       {"google-gemma-2-2b-it", "gemma2"},
                                       {"google-gemma-4-31B-it", "gemma4"},
                                       {"ibm-granite-granite-3.3-2B-Instruct", "granite3"},
                                       {"llama-cpp-deepseek-r1", "deepseek-r1"},
                                       {"meta-llama-Llama-3.1-8B-Instruct", "llama3"},
                                       {"meta-llama-Llama-3.3-70B-Instruct", "llama3"},
                                       {"microsoft-Phi-3.5-mini-instruct", "phi3"},
                                       {"mistralai-Ministral-3-14B-Reasoning-2512", "ministral3"},
                                       {"mistralai-Mistral-Nemo-Instruct-2407", "mistral"},
                                       {"openai-gpt-oss-120b", "gpt-oss"},
                                       {"unsloth-mistral-Devstral-Small-2507", "devstral"}})
        EXPECT_EQ(find_chat_facts(read_text(*folder / (std::string(name) + ".jinja"))).family, family) << name;
}

// What the table claims of a family, its template shows: every system text is in the prompt, switching thinking changes
// the prompt where there is a switch and not where there is none, and the markers are written by the template.
TEST(Facts, TheTableTellsTheTruthAboutRealTemplates) {
    const auto folder = testdata("templates");
    if (!folder) GTEST_SKIP() << "test data templates is absent; set QUERN_TESTDATA to find it";
    int systems = 0, switches = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
        const std::string name = entry.path().stem(), source = read_text(entry.path());
        const ChatTemplate chat(source, ChatTemplate::Tokens{"<s>", "</s>"});
        const ChatFacts& f = chat.facts();
        RenderOptions options;
        if (name.starts_with("NousResearch")) options.tools = std::make_shared<Json>(Json::array());
        const auto render = [&](const std::vector<Message>& messages) -> std::optional<Rendering> {
            try {
                return chat.render(messages, GenerationPrompt::add, options);
            } catch (const Error& e) {
                EXPECT_TRUE(name.starts_with("NousResearch")) << name << ": " << e.what();  // wants tools always
                return std::nullopt;
            }
        };
        if (const auto r = render(
                {{"system", "FIRST-S"}, {"user", "Q1"}, {"system", "LATER-S"}, {"assistant", "A"}, {"user", "Q2"}})) {
            EXPECT_NE(r->text().find("FIRST-S"), std::string::npos) << name;
            EXPECT_NE(r->text().find("LATER-S"), std::string::npos) << name;
            EXPECT_EQ(r->notes.empty(), f.systems == SystemPlace::anywhere) << name;
            ++systems;
        }
        const std::vector<Message> plain = {{"user", "Q"}};
        options.think = true;
        const auto on = render(plain);
        options.think = false;
        const auto off = render(plain);
        options.think.reset();
        const auto by_itself = render(plain);
        if (!on || !off || !by_itself) continue;
        const bool has_switch = !f.think_variable.empty();
        EXPECT_EQ(on->text() != off->text(), has_switch) << name;
        if (has_switch) {
            EXPECT_EQ(by_itself->text() == on->text(), f.thinks == Thinks::unless_told) << name;
        }
        switches += has_switch;
        if (has_switch) {
            EXPECT_NE(source.find(f.think_open), std::string::npos) << name;
            EXPECT_NE(source.find(f.think_close), std::string::npos) << name;
        }
        if (f.stops[0] != "</s>") {
            EXPECT_NE(source.find(f.stops[0]), std::string::npos) << name << " " << f.stops[0];
        }
    }
    EXPECT_GE(systems, 27);
    EXPECT_GE(switches, 12);
}

}  // namespace
}  // namespace quern::text
