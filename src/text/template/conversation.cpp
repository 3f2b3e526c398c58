#include "text/template/conversation.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"

namespace quern::text {
namespace {

// What `whole` has beyond `beginning`, `skip` more bytes left out. Templates append: rendering more messages begins
// with what rendering fewer gave; the next message's tokens depend on that.
std::vector<Segment> beyond(const std::vector<Segment>& whole, const std::vector<Segment>& beginning,
                            std::size_t skip) {
    std::size_t bytes = skip;
    for (const Segment& s : beginning) bytes += s.text.size();
    std::vector<Segment> out;
    for (const Segment& s : whole) {
        const std::size_t cut = std::min(bytes, s.text.size());
        bytes -= cut;
        if (cut < s.text.size()) out.push_back({s.kind, s.text.substr(cut)});
    }
    return out;
}

}  // namespace

Conversation::Conversation(const Tokenizer& tokenizer, const ChatTemplate& chat) : tokenizer_(tokenizer), chat_(chat) {
    reset({});
}

void Conversation::reset(std::vector<Message> messages) {
    messages_.clear();
    ids_.clear();
    rendered_.clear();
    marks_.clear();
    restored_ = 0;
    if (tokenizer_.add_bos()) ids_.push_back(*tokenizer_.bos());
    for (Message& m : messages) add(std::move(m));
}

void Conversation::add(Message message) {
    marks_.push_back({ids_, rendered_});
    messages_.push_back(std::move(message));
    const std::vector<std::int32_t> more = rest(GenerationPrompt::omit, 0);
    ids_.insert(ids_.end(), more.begin(), more.end());
    rendered_ = chat_.render(messages_, GenerationPrompt::omit);
}

void Conversation::add_answer(std::string content, std::span<const std::int32_t> sampled) {
    marks_.push_back({ids_, rendered_});
    ids_ = prompt();
    rendered_ = chat_.render(messages_, GenerationPrompt::add);
    ids_.insert(ids_.end(), sampled.begin(), sampled.end());
    const std::size_t size = content.size();
    messages_.push_back({"assistant", std::move(content)});
    std::vector<std::int32_t> more = rest(GenerationPrompt::omit, size);
    // The template closes the turn with the token that the model, mostly, has sampled itself.
    if (!more.empty() && !sampled.empty() && more.front() == sampled.back()) more.erase(more.begin());
    ids_.insert(ids_.end(), more.begin(), more.end());
    rendered_ = chat_.render(messages_, GenerationPrompt::omit);
}

void Conversation::restore(std::vector<Message> messages, std::vector<std::int32_t> ids) {
    for (const std::int32_t id : ids)
        if (id < 0 || id >= tokenizer_.vocab_size())
            throw Error(Code::bad_request, "the conversation has the token id {}, the vocabulary only {} tokens", id,
                        tokenizer_.vocab_size());
    marks_.assign(messages.size(), {});
    restored_ = messages.size();
    messages_ = std::move(messages);
    ids_ = std::move(ids);
    rendered_ = chat_.render(messages_, GenerationPrompt::omit);
}

void Conversation::pop() {
    CHECK(!messages_.empty());
    messages_.pop_back();
    if (messages_.size() < restored_) return reset(std::vector<Message>(messages_));
    ids_ = std::move(marks_.back().ids);
    rendered_ = std::move(marks_.back().rendered);
    marks_.pop_back();
}

std::vector<std::int32_t> Conversation::prompt() const {
    std::vector<std::int32_t> ids = ids_;
    const std::vector<std::int32_t> more = rest(GenerationPrompt::add, 0);
    ids.insert(ids.end(), more.begin(), more.end());
    return ids;
}

std::vector<std::int32_t> Conversation::rest(GenerationPrompt prompt, std::size_t skip_text) const {
    return encode_segments(tokenizer_, beyond(chat_.render(messages_, prompt), rendered_, skip_text));
}

}  // namespace quern::text
