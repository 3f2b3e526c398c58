// A conversation's messages together with its exact token ids. An assistant's turn keeps the ids that were sampled,
// also where tokenizing its text would give others, so that continuing a conversation never computes what was computed
// before.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "text/template/chat.h"

namespace quern::text {

class Conversation {
public:
    // Both must outlive the conversation.
    Conversation(const Tokenizer& tokenizer, const ChatTemplate& chat);

    // Adds a message that is not the assistant's.
    void add(Message message);
    // Adds what the assistant said: its text, and the sampled ids, a stop token at their end included or not.
    void add_answer(std::string content, std::span<const std::int32_t> sampled);
    // Takes the last message back, with its ids; where restore() brought it, the others are tokenized anew.
    void pop();
    // Starts again with these messages; answers are tokenized anew.
    void reset(std::vector<Message> messages);

    // Goes on from messages whose exact ids are known, as ids() gave them. Throws Error(bad_request) when an id is
    // outside the vocabulary.
    void restore(std::vector<Message> messages, std::vector<std::int32_t> ids);

    // Exact ids of all messages.
    const std::vector<std::int32_t>& ids() const { return ids_; }
    const std::vector<Message>& messages() const { return messages_; }
    // The prompt for the next answer: all messages, and the beginning of the assistant's turn.
    std::vector<std::int32_t> prompt() const;

private:
    // Ids of what rendering `messages_` adds to what was rendered when ids_ was last complete.
    std::vector<std::int32_t> rest(GenerationPrompt prompt, std::size_t skip_text) const;

    struct Mark {  // before each message
        std::vector<std::int32_t> ids;
        std::vector<Segment> rendered;
    };
    const Tokenizer& tokenizer_;
    const ChatTemplate& chat_;
    std::vector<Message> messages_;
    std::vector<std::int32_t> ids_;  // of rendered_
    std::vector<Segment> rendered_;  // what ids_ stand for
    std::vector<Mark> marks_;
    std::size_t restored_ = 0;  // messages at the beginning whose marks are not known
};

}  // namespace quern::text
