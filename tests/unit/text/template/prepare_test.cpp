#include "text/template/prepare.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace quern::text {
namespace {

Json message(const char* role, const char* content) { return {{"role", role}, {"content", content}}; }

struct Placed {
    Json messages;
    std::vector<std::string> notes;
};
Placed placed(SystemPlace place, Json messages) {
    Placed out{std::move(messages), {}};
    place_systems(out.messages, place, out.notes);
    return out;
}

TEST(Prepare, SystemMessagesStayWhereTheTemplateTakesThem) {
    const Json all = {message("system", "a"), message("user", "q"), message("system", "b")};
    const Placed p = placed(SystemPlace::anywhere, all);
    EXPECT_EQ(p.messages, all);
    EXPECT_TRUE(p.notes.empty());
}

TEST(Prepare, OneAtTheBeginningIsLeftAlone) {
    const Json all = {message("system", "a"), message("user", "q")};
    const Placed p = placed(SystemPlace::first, all);
    EXPECT_EQ(p.messages, all);
    EXPECT_TRUE(p.notes.empty());
}

TEST(Prepare, LaterOnesAreMergedIntoTheFirstAndItIsSaid) {
    const Placed p = placed(SystemPlace::first, {message("user", "q"), message("system", "a"),
                                                 message("assistant", "x"), message("system", "b")});
    EXPECT_EQ(p.messages, Json({message("system", "a\n\nb"), message("user", "q"), message("assistant", "x")}));
    ASSERT_EQ(p.notes.size(), 1u);
    EXPECT_EQ(p.notes[0],
              "2 system messages were put together at the beginning, the only place where the template takes one");
}

TEST(Prepare, WithoutASystemRoleTheTextGoesToTheUser) {
    const Placed p = placed(SystemPlace::nowhere, {message("system", "a"), message("user", "q")});
    EXPECT_EQ(p.messages, Json::array({message("user", "a\n\nq")}));
    EXPECT_EQ(p.notes.size(), 1u);
    EXPECT_EQ(placed(SystemPlace::nowhere, Json::array({message("system", "a")})).messages,
              Json::array({message("user", "a")}));
    EXPECT_TRUE(placed(SystemPlace::nowhere, Json::array({message("user", "q")})).notes.empty());
}

TEST(Prepare, ArgumentsBecomeObjectsWhereTheyAreJson) {
    const auto arguments = [](const Json& given) {
        Json m{{"role", "assistant"}, {"tool_calls", {{{"function", {{"name", "f"}, {"arguments", given}}}}}}};
        parse_arguments(m);
        return m["tool_calls"][0]["function"]["arguments"];
    };
    EXPECT_EQ(arguments("{\"b\": 1, \"a\": [2]}").dump(), "{\"b\":1,\"a\":[2]}");
    EXPECT_EQ(arguments("{\"b\": "), "{\"b\": ");
    EXPECT_EQ(arguments("[1]"), "[1]");
    EXPECT_EQ(arguments(Json{{"k", 1}}), (Json{{"k", 1}}));
    Json odd{{"role", "assistant"}, {"tool_calls", {1, nullptr, {{"function", 2}}}}};
    const Json before = odd;
    parse_arguments(odd);
    EXPECT_EQ(odd, before);
}

TEST(Prepare, PartsAreJoinedOnlyWhereAllAreText) {
    Json m{{"role", "user"}, {"content", {{{"type", "text"}, {"text", "a "}}, {{"type", "text"}, {"text", "b"}}}}};
    join_parts(m);
    EXPECT_EQ(m["content"], "a b");
    Json image{{"role", "user"}, {"content", {{{"type", "image"}}, {{"type", "text"}, {"text", "b"}}}}};
    const Json before = image;
    join_parts(image);
    EXPECT_EQ(image, before);
}

TEST(Prepare, DevelopersAreSystems) {
    Json all = {message("developer", "a"), message("user", "q")};
    rename_developers(all);
    EXPECT_EQ(all, Json({message("system", "a"), message("user", "q")}));
}

}  // namespace
}  // namespace quern::text
