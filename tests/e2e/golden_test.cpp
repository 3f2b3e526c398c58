// The bundled model against its trainer: golden.json holds prompts and the ids that models/grist/model.py continues
// them with, greedily and in f32, on the weights of the GGUF beside it.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/session.h"
#include "models.h"

namespace quern::e2e {
namespace {

// A step whose two best tokens lie closer than this in either program's logits may go either way.
constexpr double tie = 2e-3;

std::int32_t best(std::span<const float> logits) {
    return static_cast<std::int32_t>(std::ranges::max_element(logits) - logits.begin());
}

TEST(Golden, TheBundledModelContinuesAsItsTrainerDoes) {
    const std::string golden = QUERN_SOURCE_DIR "/models/grist/golden.json";
    const Json cases = parse_json(read_text(golden), golden);
    ASSERT_EQ(cases.size(), 20u);
    const auto model = engine::Model::load(grist, {});
    std::size_t compared = 0, expected = 0;
    for (const Json& c : cases) {
        SCOPED_TRACE(c["kind"].get<std::string>() + ": " + c["prompt"].get<std::string>().substr(0, 60));
        const auto output = c["output_ids"].get<std::vector<std::int32_t>>();
        ASSERT_FALSE(output.empty());
        // Our tokenizer makes the same ids of the prompt, markers and all.
        EXPECT_EQ(grist_tokenizer().encode(c["prompt"].get<std::string>(), text::Specials::parse),
                  c["prompt_ids"].get<std::vector<std::int32_t>>());
        engine::Session session(*model);
        session.feed(c["prompt_ids"].get<std::vector<std::int32_t>>());
        expected += output.size();
        for (std::size_t i = 0; i < output.size(); ++i) {
            const auto logits = session.logits();
            const std::int32_t id = best(logits);
            if (id != output[i] && c["min_margin"].get<double>() < tie &&
                logits[std::size_t(id)] - logits[std::size_t(output[i])] < tie)
                break;
            ASSERT_EQ(id, output[i]) << "token " << i << " of " << output.size();
            ++compared;
            if (i + 1 < output.size()) session.append({&output[i], 1});
        }
    }
    EXPECT_GT(compared * 10, expected * 9);  // ties must not hide the test
    RecordProperty("tokens_compared", static_cast<int>(compared));
}

}  // namespace
}  // namespace quern::e2e
