// ChatML, the format of Qwen, SmolLM, Hermes and many others: every message is
// `<|im_start|>role\ncontent<|im_end|>\n`, and the assistant's turn opens with `<|im_start|>assistant\n`. Messages are
// rendered as given: no system message is invented, nothing is trimmed.
#pragma once

#include <string_view>

#include "text/template/chat.h"

namespace quern::text {

class ChatMl final : public ChatTemplate {
public:
    // Whether a template's source is of this form: it writes both markers.
    static bool recognises(std::string_view source);

    // Throws Error(bad_file) if the vocabulary has no `<|im_start|>` or `<|im_end|>`.
    explicit ChatMl(const Tokenizer& tokenizer);

    std::vector<Segment> render(std::span<const Message> messages, GenerationPrompt prompt) const override;
    std::vector<std::int32_t> stop_tokens() const override { return stop_tokens_; }

private:
    std::vector<std::int32_t> stop_tokens_;
};

}  // namespace quern::text
