// Conversations to prompts. A template turns messages into segments, each either the template's own text, in which
// control tokens are meant, or data, in which they are not; only control segments are searched for control tokens, so
// whatever a user, a file or a tool wrote can never become one. The template is the model file's own, run by the
// interpreter in jinja/; none is ever guessed.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "format/gguf/metadata.h"
#include "text/template/facts.h"
#include "text/template/jinja/template.h"
#include "text/template/message.h"
#include "text/template/segments.h"
#include "text/tokenizer/tokenizer.h"

namespace quern::text {

// Whether the prompt ends where the assistant's answer begins.
enum class GenerationPrompt { omit, add };

struct RenderOptions {
    std::shared_ptr<const Json> tools{};      // an array of tools as OpenAI's API has them; nullptr: none
    std::optional<bool> think{};              // nullopt: whatever the template does by itself
    std::shared_ptr<const Json> variables{};  // an object: what else the template is told (reasoning_effort ...)
    std::optional<std::tm> now{};             // local time; nullopt: the clock's
};

struct Rendering {
    std::vector<Segment> segments;   // neighbours differ in kind
    std::vector<std::string> notes;  // what was done to the conversation so that the template takes it, as sentences
    std::string text() const;        // all segments together: the prompt's bytes
};

class ChatTemplate {
public:
    // The texts of the begin and end tokens, as the template's bos_token and eos_token; nullopt: it has none.
    struct Tokens {
        std::optional<std::string> bos, eos;
    };
    // Throws as jinja::Template does, "reading the chat template" in front. Without a tokenizer it has no stop tokens.
    ChatTemplate(std::string source, Tokens tokens);
    // Also throws Error(bad_file) if the vocabulary lacks the token that closes the family's turns. Keeps no tokenizer.
    ChatTemplate(std::string source, const Tokenizer& tokenizer);

    // What the template makes of the conversation. Before that, and only where needed: system messages go where the
    // family wants them, a developer's message is a system message, arguments of tool calls that are JSON text become
    // objects, and content of several texts becomes one. Throws Error(bad_request) when the template refuses it.
    Rendering render(std::span<const Message> messages, GenerationPrompt prompt,
                     const RenderOptions& options = {}) const;

    // Some models have a second template for conversations with tools: the one that render() takes with these options.
    const ChatTemplate& used_with(const RenderOptions& options) const;
    void set_tool_use(std::unique_ptr<ChatTemplate> other) { tool_use_ = std::move(other); }

    const ChatFacts& facts() const { return facts_; }
    const std::string& source() const { return source_; }
    const Tokens& tokens() const { return tokens_; }
    // The tokens that end the assistant's turn, sorted: the family's and the tokenizer's end_of_generation().
    const std::vector<std::int32_t>& stop_tokens() const { return stop_tokens_; }

private:
    Json prepared(std::span<const Message> messages, std::vector<std::string>& notes) const;
    Json variables(GenerationPrompt prompt, const RenderOptions& options, std::vector<std::string>& notes) const;

    std::string source_;
    Tokens tokens_;
    const ChatFacts& facts_;
    jinja::Template template_;
    bool knows_developer_, reads_parts_;
    std::vector<std::int32_t> stop_tokens_;
    std::unique_ptr<ChatTemplate> tool_use_;  // null: this one takes tools as well
};

// The template that `tokenizer.chat_template` holds, and the one for tools in `tokenizer.chat_template.tool_use`, if
// there is one. Throws Error(unsupported) if there is none, or it holds something
// that is not known; Error(bad_file) if it is no template, or the vocabulary lacks the token that closes its turns. The
// tokenizer is not kept.
std::unique_ptr<ChatTemplate> find_chat_template(const gguf::Metadata& metadata, const Tokenizer& tokenizer);

}  // namespace quern::text
