// A conversation's messages together with its exact token ids. An assistant's turn keeps the ids that were sampled,
// also where tokenizing its text would give others, so that continuing a conversation never computes what was computed
// before. Some templates write earlier turns anew as a conversation grows (old thinking is left out, say): from the
// first byte that changed on, everything is tokenized again.
#pragma once

#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "text/template/chat.h"

namespace quern::text {

class Conversation {
public:
    // Both must outlive the conversation. Where the options name no time, it is now, and stays so.
    Conversation(const Tokenizer& tokenizer, const ChatTemplate& chat, RenderOptions options = {});

    // Adds a message that is not the assistant's. Nothing is rendered yet: what the template refuses, prompt() throws.
    void add(Message message);
    // Adds what the assistant said to prompt(): the message, and the sampled ids, a stop token at their end included or
    // not. Where the template writes the message as it was sampled, the ids are kept.
    void add_answer(Message message, std::span<const std::int32_t> sampled);
    // Takes the last message back.
    void pop();
    // Starts again with these messages; answers are tokenized anew.
    void reset(std::vector<Message> messages);

    // Goes on from messages whose exact ids are known, as ids() gave them. Throws Error(bad_request) when an id is
    // outside the vocabulary.
    void restore(std::vector<Message> messages, std::vector<std::int32_t> ids);

    // Exact ids of all messages. Throws Error(bad_request) when the template refuses them.
    std::vector<std::int32_t> ids() const;
    const std::vector<Message>& messages() const { return messages_; }
    // The prompt for the next answer: all messages, and the beginning of the assistant's turn. Throws like ids().
    std::vector<std::int32_t> prompt() const;
    // What the template needed done to the messages, as sentences.
    std::vector<std::string> notes() const;

private:
    // A rendering's bytes, and for each whether it belongs to a control token ('c') or to text ('t').
    struct Flat {
        std::string bytes, kinds;
    };
    // A stretch of rendered text whose ids are known.
    struct Known {
        Flat text;  // kinds empty: any, since the model wrote it
        std::vector<std::int32_t> ids;
    };
    Flat flat(GenerationPrompt prompt) const;
    // How many of `known_` the text begins with, and where they end.
    std::pair<std::size_t, std::size_t> agreed(const Flat& text) const;
    std::vector<std::int32_t> encode_from(const Flat& text, std::size_t begin) const;
    std::vector<std::int32_t> ids_of(const Flat& text) const;

    const Tokenizer& tokenizer_;
    const ChatTemplate& chat_;
    const ControlTokens controls_;
    RenderOptions options_;
    std::vector<Message> messages_;
    std::vector<Known> known_;  // from the beginning on, one behind the other
};

}  // namespace quern::text
