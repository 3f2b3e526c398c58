// The loop from prompt to answer that run and chat share: prefill with progress, sample, show, stop. Knows nothing of
// what is done with the text.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/constraint.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "text/tokenizer/detokenizer.h"

namespace quern::app {

enum class Ending { stop, length, context, interrupted };
const char* name(Ending e);  // "stop", "length", "context", "interrupted"

struct Answer {
    std::vector<std::int32_t> ids;  // sampled, the stop token included
    std::string text;
    Ending ending = Ending::stop;
    std::int64_t prompt_tokens = 0, reused = 0;
    double prefill_seconds = 0, decode_seconds = 0;
    std::string timing() const;  // "prefill 12 tokens, 340.1 tokens/s; decode 80 tokens, 95.2 tokens/s"
};

struct GenerateOptions {
    SamplerOptions sampler;
    std::int64_t max_tokens = -1;
    std::vector<std::int32_t> stops;  // sorted
    text::Detokenizer::Place place = text::Detokenizer::Place::start;
    text::Controls controls = text::Controls::hide;  // shown where the text is to be parsed
    // Called for each token with the text that it completed, the last one's with what was held back until then;
    // `logits` are those it was sampled from. The pieces together are the answer's text, unless a step was stopped.
    std::function<void(std::int32_t id, const std::string& text, std::span<const float> logits)> on_token;
    // Called before each step with the position of its first token.
    std::function<void(std::int64_t position)> on_step;
    // Called before each task of a step and after its last.
    std::function<void(int done, int all)> on_task;
    // Asked between the tasks of a step, so that a long prompt can be stopped too.
    std::function<bool()> interrupted;
    // What the answer must be like; null: anything. Used up by one answer.
    TokenConstraint* constraint = nullptr;
};

// Makes the session's tokens `prompt` and goes on from there. Sampled tokens stay in the session, but for the last,
// whose state nobody needs yet. Throws Error when the prompt does not fit. Sets the executor's hook for as long as it
// runs.
Answer generate(engine::Model& model, engine::Session& session, std::span<const std::int32_t> prompt,
                const GenerateOptions& o);

}  // namespace quern::app
