#include "text/template/conversation.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"

namespace quern::text {

Conversation::Conversation(const Tokenizer& tokenizer, const ChatTemplate& chat, RenderOptions options)
    : tokenizer_(tokenizer), chat_(chat), controls_(tokenizer), options_(std::move(options)) {
    if (options_.now) return;
    const std::time_t now = std::time(nullptr);
    options_.now.emplace();
    localtime_r(&now, &*options_.now);
}

void Conversation::reset(std::vector<Message> messages) {
    messages_ = std::move(messages);
    known_.clear();
}

void Conversation::add(Message message) { messages_.push_back(std::move(message)); }

void Conversation::add_answer(Message message, std::span<const std::int32_t> sampled) {
    const Flat asked = flat(GenerationPrompt::add);
    const auto [kept, end] = agreed(asked);
    std::vector<Known> known(known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(kept));
    if (end < asked.bytes.size())
        known.push_back({{asked.bytes.substr(end), asked.kinds.substr(end)}, encode_from(asked, end)});

    const bool stopped = !sampled.empty() && tokenizer_.type(sampled.back()) == TokenType::control;
    const std::span<const std::int32_t> said = sampled.first(sampled.size() - (stopped ? 1 : 0));
    std::string text;
    for (const std::int32_t id : said) text += tokenizer_.piece(id);
    // As the answer was shown: the space that some models put before every text is not part of it.
    if (tokenizer_.adds_space_prefix() && text.starts_with(' ')) text.erase(0, 1);
    if (!said.empty()) known.push_back({{std::move(text), ""}, {said.begin(), said.end()}});
    if (stopped) {
        const std::string stop = tokenizer_.piece(sampled.back());
        known.push_back({{stop, std::string(stop.size(), 'c')}, {sampled.back()}});
    }
    known_ = std::move(known);
    messages_.push_back(std::move(message));
}

void Conversation::restore(std::vector<Message> messages, std::vector<std::int32_t> ids) {
    for (const std::int32_t id : ids)
        if (id < 0 || id >= tokenizer_.vocab_size())
            throw Error(Code::bad_request, "the conversation has the token id {}, the vocabulary only {} tokens", id,
                        tokenizer_.vocab_size());
    std::swap(messages_, messages);
    try {
        known_ = {{flat(GenerationPrompt::omit), std::move(ids)}};
    } catch (...) {
        std::swap(messages_, messages);
        throw;
    }
}

void Conversation::pop() {
    CHECK(!messages_.empty());
    messages_.pop_back();
}

std::vector<std::int32_t> Conversation::ids() const { return ids_of(flat(GenerationPrompt::omit)); }

std::vector<std::int32_t> Conversation::prompt() const { return ids_of(flat(GenerationPrompt::add)); }

std::vector<std::string> Conversation::notes() const {
    return messages_.empty() ? std::vector<std::string>()
                             : chat_.render(messages_, GenerationPrompt::add, options_).notes;
}

Conversation::Flat Conversation::flat(GenerationPrompt prompt) const {
    Flat out;
    if (messages_.empty()) return out;  // templates look at the first message without asking whether there is one
    for (const Segment& s : chat_.render(messages_, prompt, options_).segments) {
        const std::size_t begin = out.bytes.size();
        out.bytes += s.text;
        out.kinds.append(s.text.size(), 't');
        if (s.kind == Segment::Kind::text) continue;
        for (std::size_t at = 0; at < s.text.size();) {
            const ControlTokens::Token* token = controls_.find(s.text, at);
            const std::size_t n = token ? token->text.size() : 1;
            if (token) out.kinds.replace(begin + at, n, n, 'c');
            at += n;
        }
    }
    return out;
}

std::pair<std::size_t, std::size_t> Conversation::agreed(const Flat& text) const {
    std::size_t count = 0, end = 0;
    for (const Known& k : known_) {
        const std::size_t n = k.text.bytes.size();
        if (text.bytes.compare(end, n, k.text.bytes) != 0) break;
        if (!k.text.kinds.empty() && text.kinds.compare(end, n, k.text.kinds) != 0) break;
        end += n;
        ++count;
    }
    return {count, end};
}

std::vector<std::int32_t> Conversation::encode_from(const Flat& text, std::size_t begin) const {
    std::vector<Segment> segments;
    for (std::size_t at = begin; at < text.bytes.size();) {
        const std::size_t end = std::min(text.kinds.find_first_not_of(text.kinds[at], at), text.bytes.size());
        segments.push_back(
            {text.kinds[at] == 'c' ? Segment::Kind::control : Segment::Kind::text, text.bytes.substr(at, end - at)});
        at = end;
    }
    return encode_segments(tokenizer_, controls_, segments);
}

std::vector<std::int32_t> Conversation::ids_of(const Flat& text) const {
    const auto [kept, end] = agreed(text);
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < kept; ++i) ids.insert(ids.end(), known_[i].ids.begin(), known_[i].ids.end());
    const std::vector<std::int32_t> more = encode_from(text, end);
    ids.insert(ids.end(), more.begin(), more.end());
    // Many templates write the begin token themselves.
    if (tokenizer_.add_bos() && (ids.empty() || ids[0] != *tokenizer_.bos()))
        ids.insert(ids.begin(), *tokenizer_.bos());
    return ids;
}

}  // namespace quern::text
