// Templates and small pieces of the language against Jinja2's own renderings (tools/golden/templates.py).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "testdata.h"
#include "text/template/jinja/template.h"

namespace quern::text::jinja {
namespace {

Path folder() { return Path(QUERN_SOURCE_DIR) / "tests/golden/templates"; }
Json golden(const std::string& name) { return parse_json(read_text(folder() / name), name); }

std::tm time_of(const std::string& iso) {
    std::tm t{};
    EXPECT_NE(strptime(iso.c_str(), "%Y-%m-%dT%H:%M:%S", &t), nullptr);
    t.tm_isdst = -1;
    return t;
}
constexpr const char* usual_time = "2025-07-26T13:05:09";

// nullopt: an Error.
std::optional<std::string> render(const std::string& source, const Json& variables) {
    std::vector<Variable> v;
    std::string now = usual_time;
    for (const auto& [name, value] : variables.items()) {
        if (name == "now")
            now = value;
        else
            v.push_back({.name = name, .value = &value});
    }
    try {
        return Template(source).render(v, time_of(now)).bytes;
    } catch (const Error&) {
        return std::nullopt;
    }
}

Json with_usual(const Json& conversation) {
    Json v{{"tools", nullptr},
           {"documents", nullptr},
           {"add_generation_prompt", true},
           {"bos_token", "<s>"},
           {"eos_token", "</s>"}};
    v.update(conversation);
    return v;
}

Json digest(const std::optional<std::string>& text) {
    if (!text) return nullptr;
    return fmt::format("{} {:016x}", text->size(), fnv1a(*text));
}

class TemplateGolden : public testing::TestWithParam<std::string> {};

TEST_P(TemplateGolden, RendersWhatJinja2Renders) {
    std::string source;
    if (const Path own = folder() / (GetParam() + ".jinja"); std::filesystem::exists(own)) {
        source = read_text(own);
    } else {
        QUERN_NEED_TESTDATA(path, "templates/" + GetParam() + ".jinja");
        source = read_text(path);
    }
    const Json conversations = golden("conversations.json"), wanted = golden("renderings.json")[GetParam()];
    ASSERT_GE(conversations.size(), 25u);
    int equal = 0, refused = 0;
    for (const auto& [name, conversation] : conversations.items()) {
        const auto text = render(source, with_usual(conversation));
        EXPECT_EQ(digest(text), wanted.at(name)) << GetParam() << " with " << name << "; templates.py --show shows the "
                                                 << "other:\n"
                                                 << text.value_or("(an Error)");
        ++(text ? equal : refused);
    }
    RecordProperty("renderings", equal);
    RecordProperty("refusals", refused);
    EXPECT_GE(equal, 25);
}

std::vector<std::string> names() {
    std::vector<std::string> out;
    const Json renderings = golden("renderings.json");
    for (const auto& item : renderings.items()) out.push_back(item.key());
    return out;
}
INSTANTIATE_TEST_SUITE_P(All, TemplateGolden, testing::ValuesIn(names()), [](const auto& test) {
    std::string name = test.param;
    for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    return name;
});

TEST(TemplateGoldens, SomeInFull) {
    const Json conversations = golden("conversations.json");
    int n = 0;
    const Json texts = golden("texts.json");
    for (const auto& [key, text] : texts.items()) {
        const std::size_t space = key.find(' ');
        EXPECT_EQ(render(read_text(folder() / (key.substr(0, space) + ".jinja")),
                         with_usual(conversations.at(key.substr(space + 1)))),
                  text.get<std::string>())
            << key;
        ++n;
    }
    EXPECT_GE(n, 4);
}

TEST(TemplateGoldens, EverySnippet) {
    const Json golden_snippets = golden("snippets.json");
    for (const Json& snippet : golden_snippets["snippets"]) {
        const std::string source = snippet[0];
        const auto text = render(source, golden_snippets["data"]);
        std::optional<std::string> wanted;
        if (!snippet[1].is_null()) wanted = snippet[1].get<std::string>();
        EXPECT_EQ(text, wanted) << source;
    }
}

// A comparison that takes any text for any other proves nothing.
TEST(TemplateGoldens, ADigestTellsTextsApart) {
    EXPECT_NE(digest("a"), digest("b"));
    EXPECT_NE(digest(""), digest(std::nullopt));
    EXPECT_NE(render("{{ 1 }}", Json::object()), render("{{ 2 }}", Json::object()));
}

}  // namespace
}  // namespace quern::text::jinja
