// Conversations to prompts. A template turns messages into segments, each either structure (control tokens are meant)
// or text (they are not), and segments are tokenized apart: whatever a user, a file or a tool wrote, it can never
// become a control token. Which template a model wants is recognised from its file; none is ever guessed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "format/gguf/metadata.h"
#include "text/tokenizer/tokenizer.h"

namespace quern::text {

struct Message {
    std::string role;  // "system", "user", "assistant"
    std::string content;
};

struct Segment {
    enum class Kind { text, control };
    Kind kind = Kind::text;
    std::string text;
    bool operator==(const Segment&) const = default;
};

// Whether the prompt ends where the assistant's answer begins.
enum class GenerationPrompt { omit, add };

class ChatTemplate {
public:
    virtual ~ChatTemplate() = default;
    virtual std::vector<Segment> render(std::span<const Message> messages, GenerationPrompt prompt) const = 0;
    // The tokens that end the assistant's turn, sorted: the template's own and the tokenizer's end_of_generation().
    virtual std::vector<std::int32_t> stop_tokens() const = 0;
};

// The template that `tokenizer.chat_template` holds. Throws Error(unsupported) if it is none that is known, or there is
// none; Error(bad_file) if the vocabulary lacks a token the template needs. The tokenizer is not kept.
std::unique_ptr<ChatTemplate> find_chat_template(const gguf::Metadata& metadata, const Tokenizer& tokenizer);

// The ids of rendered segments, without begin and end tokens. Neighbours of one kind are tokenized together, so that
// words across their seam merge as they would in one text.
std::vector<std::int32_t> encode_segments(const Tokenizer& tokenizer, std::span<const Segment> segments);

}  // namespace quern::text
