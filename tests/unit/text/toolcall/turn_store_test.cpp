// Turns echoed by clients are found again whatever was changed about them, and only where they belong.
#include "text/toolcall/turn_store.h"

#include <gmock/gmock.h>

#include "calls_for_tests.h"

namespace quern::text {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Turn turn(std::string content, std::vector<Turn::Call> calls = {}) {
    Turn t;
    t.content = std::move(content);
    t.calls = std::move(calls);
    return t;
}

TEST(CanonicalJson, IsOneForOneValue) {
    const std::string want = canonical_json(R"({"a": [1, {"b": null, "c": "é\n"}], "d": 2.5})");
    EXPECT_EQ(canonical_json("{\"d\":2.50,\n\"a\":[1.0,{\"c\":\"\\u00e9\\n\",\"b\":null}]}"), want);
    EXPECT_EQ(canonical_json("[10e-1, 1, 1.0, -0.0, 0]"), canonical_json("[1,1,1,0,0]"));
    EXPECT_NE(canonical_json("[1]"), canonical_json("[\"1\"]"));
    EXPECT_NE(canonical_json("[1.5]"), canonical_json("[1]"));
    EXPECT_NE(canonical_json("[1,[2]]"), canonical_json("[1,2]"));
    EXPECT_NE(canonical_json("9007199254740993"), canonical_json("9007199254740992"));
    EXPECT_EQ(canonical_json(" {broken "), "{broken");
    EXPECT_EQ(canonical_json(std::string(1000, '[')), std::string(1000, '['));
}

TEST(TurnStore, FindsWhatWasSampled) {
    TurnStore store(1 << 20);
    const auto asked = store.after(TurnStore::beginning, "user", "What is the weather?");
    const Turn said = turn("Let me look.\n", {{"id1", "f", R"({"city": "Paris", "days": 1})"}});
    const auto answered = store.remember(asked, said, {5, 6, 7});
    const Turn echoed = turn(" Let me look.", {{"", "f", "{\"days\":1.0,\"city\":\"P\\u0061ris\"}"}});
    const auto again = store.after(TurnStore::beginning, "user", "What is the weather?\n");
    EXPECT_EQ(again, asked);
    const auto found = store.find(again, echoed);
    EXPECT_THAT(found.tokens, ElementsAre(5, 6, 7));
    EXPECT_EQ(found.after, answered);
    // What follows the turn is found too.
    const auto result = store.after(answered, "tool", "warm");
    store.remember(result, turn("It is warm."), {8});
    EXPECT_THAT(store.find(store.after(found.after, "tool", "warm"), turn("It is warm.")).tokens, ElementsAre(8));
}

TEST(TurnStore, FindsNothingThatWasSaidElsewhere) {
    TurnStore store(1 << 20);
    const auto mine = store.after(TurnStore::beginning, "user", "Mine.");
    const auto yours = store.after(TurnStore::beginning, "user", "Yours.");
    store.remember(mine, turn("Yes."), {1});
    EXPECT_THAT(store.find(yours, turn("Yes.")).tokens, IsEmpty());
    EXPECT_THAT(store.find(mine, turn("No.")).tokens, IsEmpty());
    EXPECT_THAT(store.find(mine, turn("Yes.", {{"", "f", "{}"}})).tokens, IsEmpty());
    EXPECT_THAT(store.find(TurnStore::beginning, turn("Yes.")).tokens, IsEmpty());
    EXPECT_NE(store.after(mine, "user", "x"), store.after(mine, "tool", "x"));
    // A text cannot pass for another role or for a turn.
    EXPECT_NE(store.after(mine, "a", "\"b"), store.after(mine, "a\"b", ""));
    EXPECT_NE(canonical_turn(turn("a\"\"f", {})), canonical_turn(turn("a", {{"", "f", ""}})));
}

TEST(TurnStore, KeepsTheLatestOfEqualTurns) {
    TurnStore store(1 << 20);
    store.remember(TurnStore::beginning, turn("Hi."), {1, 2, 3});
    store.remember(TurnStore::beginning, turn("Hi."), {4});
    EXPECT_THAT(store.find(TurnStore::beginning, turn("Hi.")).tokens, ElementsAre(4));
}

TEST(TurnStore, ForgetsWhatWasUsedLongestAgo) {
    constexpr std::size_t limit = 20'000;
    TurnStore store(limit);
    for (int i = 0; i < 200; ++i) {
        store.remember(TurnStore::beginning, turn("turn " + std::to_string(i)), std::vector<std::int32_t>(100, i));
        EXPECT_THAT(store.find(TurnStore::beginning, turn("turn 0")).tokens, testing::SizeIs(100)) << i;  // kept in use
        EXPECT_LE(store.bytes(), limit);
    }
    EXPECT_THAT(store.find(TurnStore::beginning, turn("turn 100")).tokens, IsEmpty());
    EXPECT_THAT(store.find(TurnStore::beginning, turn("turn 199")).tokens, testing::SizeIs(100));
}

TEST(TurnStore, SurvivesTurnsLargerThanItself) {
    TurnStore store(1000);
    const auto place = store.remember(TurnStore::beginning, turn(std::string(5000, 'x')), {1});
    EXPECT_NE(place, TurnStore::beginning);
    EXPECT_EQ(store.bytes(), 0U);
    EXPECT_THAT(store.find(TurnStore::beginning, turn(std::string(5000, 'x'))).tokens, IsEmpty());
    EXPECT_EQ(store.bytes(), 0U);
}

// Keys in any order and other spaces: the same turn.
nlohmann::ordered_json shuffled(const nlohmann::ordered_json& j, std::mt19937& random) {
    if (!j.is_structured()) return j;
    nlohmann::ordered_json out = j.is_object() ? nlohmann::ordered_json::object() : nlohmann::ordered_json::array();
    std::vector<std::string> keys;
    for (const auto& [key, value] : j.items()) keys.push_back(key);
    if (j.is_object()) std::shuffle(keys.begin(), keys.end(), random);
    for (const std::string& key : keys) {
        if (j.is_object())
            out[key] = shuffled(j.at(key), random);
        else
            out.push_back(shuffled(j.at(std::stoul(key)), random));
    }
    return out;
}

TEST(TurnStore, FindsEchoesAtRandom) {
    std::mt19937 random(30);
    TurnStore store(10 << 20);
    for (int i = 0; i < 300; ++i) {
        const TestCall a = random_call(random), b = random_call(random);
        const std::string content = random_text(random, 5);
        const auto place = store.after(TurnStore::beginning, "user", std::to_string(i));
        store.remember(place, turn(content, {{"1", a.name, a.arguments.dump()}, {"2", b.name, b.arguments.dump()}}),
                       {i});
        const Turn echo = turn("\n" + content + " ", {{"", a.name, shuffled(a.arguments, random).dump(2)},
                                                      {"", b.name, shuffled(b.arguments, random).dump(-1, ' ', true)}});
        ASSERT_THAT(store.find(place, echo).tokens, ElementsAre(i)) << content << a.arguments << b.arguments;
    }
}

}  // namespace
}  // namespace quern::text
