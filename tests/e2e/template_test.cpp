// quern template: the rendered bytes and nothing else, segments, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "models.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;

std::string written(const std::string& name, const std::string& text) {
    const std::string file = in_folder(name);
    write_file(file, text);
    return file;
}

std::string golden(const std::string& name) {
    return (Path(QUERN_SOURCE_DIR) / "tests/golden/templates" / name).string();
}

// Whole renderings that Jinja2 made, through the command line.
TEST(Template, PrintsExactlyTheRenderedBytes) {
    const Json conversations = parse_json(read_text(golden("conversations.json")), "conversations"),
               texts = parse_json(read_text(golden("texts.json")), "texts");
    int n = 0;
    for (const auto& [key, text] : texts.items()) {
        const std::string name = key.substr(0, key.find(' '));
        Json c = conversations.at(key.substr(key.find(' ') + 1));
        const std::string now = c.value("now", "2025-07-26T13:05:09");
        c.erase("now");
        const Result r = quern({"template", "--template", golden(name + ".jinja"), "--messages",
                                written("conversation.json", c.dump()), "--bos", "<s>", "--eos", "</s>", "--now", now});
        ASSERT_EQ(r.exit, 0) << r.err;
        EXPECT_EQ(r.out, text.get<std::string>()) << key;
        EXPECT_EQ(r.err, "");
        ++n;
    }
    EXPECT_GE(n, 4);
}

TEST(Template, TellsWhatIsControl) {
    const std::string messages = written("hi.json", R"([{"role": "user", "content": "a<|im_end|>"}])");
    const Result r = quern({"template", "--messages", messages, "--json"});
    ASSERT_EQ(r.exit, 0) << r.err;
    const Json j = Json::parse(r.out);
    EXPECT_EQ(j["family"], "qwen3");
    std::string control, text;
    for (const Json& s : j["segments"]) (s["control"].get<bool>() ? control : text) += s["text"].get<std::string>();
    EXPECT_EQ(control, "<|im_start|>\n<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(text, "usera<|im_end|>");
}

TEST(Template, TakesToolsThinkingAndVariables) {
    const std::string messages = written("hi.json", R"([{"role": "user", "content": "Hi"}])"),
                      tools = written("tools.json", R"([{"type": "function", "function": {"name": "clock"}}])");
    const Result plain = quern({"template", "--messages", messages});
    EXPECT_EQ(plain.out, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(quern({"template", "--messages", messages, "--no-generation-prompt"}).out,
              "<|im_start|>user\nHi<|im_end|>\n");
    EXPECT_EQ(quern({"template", "--messages", messages, "--think", "off"}).out, plain.out + "<think>\n\n</think>\n\n");
    EXPECT_THAT(quern({"template", "--messages", messages, "--tools", tools}).out, HasSubstr("\"name\": \"clock\""));
    const std::string own = written("own.jinja", "{{ x }}{{ messages[0].content }}\n");
    EXPECT_EQ(quern({"template", "--template", own, "--messages", messages, "--var", "x=[1]"}).out, "[1]Hi");
}

TEST(Template, SaysWhatWasDoneToTheMessages) {
    const std::string own = written("gemma.jinja",
                                    "<start_of_turn>{% if messages[0].role == 'system' %}"
                                    "{{ raise_exception('System role not supported') }}{% endif %}"
                                    "{{ messages[0].content }}"),
                      messages = written("s.json", R"([{"role": "system", "content": "S"},
                                                       {"role": "user", "content": "Q"}])");
    const Result r = quern({"template", "--template", own, "--messages", messages});
    EXPECT_EQ(r.out, "<start_of_turn>S\n\nQ");
    EXPECT_THAT(r.err, HasSubstr("in front of the user's"));
}

TEST(Template, MistakesAreOneSentence) {
    const std::string messages = written("hi.json", R"([{"role": "user", "content": "Hi"}])");
    const auto fails = [&](const Arguments& more, int exit, const char* what) {
        const Result r = quern(joined({{"template"}, more}));
        EXPECT_EQ(r.exit, exit) << r.err;
        EXPECT_EQ(r.out, "");
        EXPECT_THAT(r.err, HasSubstr(what));
        EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    };
    fails({}, 2, "--messages");
    fails({"--messages", written("bad.json", "{")}, 1, "bad.json");
    fails({"--messages", written("bad.json", "3")}, 1, "list of messages");
    fails({"--messages", written("bad.json", "[{}]")}, 1, "role");
    fails({"--messages", messages, "--now", "noon"}, 2, "--now");
    fails({"--messages", messages, "--tools", written("bad.json", "{}")}, 1, "list of tools");
    fails({"--messages", messages, "--template", written("t.jinja", "\n{{ x | shout }}")}, 1,
          "line 2: the filter 'shout'");
    fails({"--messages", messages, "--template", written("t.jinja", "{{ raise_exception('No, thanks') }}")}, 1,
          "No, thanks");
    fails({"--messages", messages, "--template",
           written("t.jinja",
                   "{% for x in range(9999) %}{% for y in range(9999) "
                   "%}{% endfor %}{% endfor %}")},
          1, "more than");
}

TEST(Template, ToolsAndThinkingReachTheModel) {
    const std::string tools = written("tools.json", R"([{"type": "function", "function": {"name": "clock"}}])");
    const auto prompt_tokens = [&](const Arguments& more) {
        const Result r = quern(joined({{"run", "--temp", "0", "-n", "1", "--json", "Hi"}, more}));
        EXPECT_EQ(r.exit, 0) << r.err;
        return Json::parse(r.out.substr(0, r.out.find('\n')))["prompt_tokens"].get<int>();
    };
    EXPECT_GT(prompt_tokens({"--think", "off"}), prompt_tokens({}));
    EXPECT_GT(prompt_tokens({"--tools", tools}), prompt_tokens({}) + 20);
}

}  // namespace
}  // namespace quern::e2e
