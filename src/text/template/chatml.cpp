#include "text/template/chatml.h"

#include <set>

#include "base/error.h"

namespace quern::text {
namespace {
constexpr std::string_view start = "<|im_start|>", end = "<|im_end|>";
}

bool ChatMl::recognises(std::string_view source) {
    return source.find(start) != source.npos && source.find(end) != source.npos;
}

ChatMl::ChatMl(const Tokenizer& tokenizer) {
    for (const std::string_view marker : {start, end})
        if (!tokenizer.find(marker))
            throw Error(Code::bad_file,
                        "preparing ChatML: the file's tokenizer.chat_template writes {}, but tokenizer.ggml.tokens has "
                        "no such token; use --raw to give the model the prompt as plain text",
                        marker);
    std::set<std::int32_t> stops(tokenizer.end_of_generation().begin(), tokenizer.end_of_generation().end());
    stops.insert(*tokenizer.find(end));
    stop_tokens_.assign(stops.begin(), stops.end());
}

std::vector<Segment> ChatMl::render(std::span<const Message> messages, GenerationPrompt prompt) const {
    using Kind = Segment::Kind;
    std::vector<Segment> out;
    for (const Message& message : messages) {
        out.push_back({Kind::control, std::string(start)});
        out.push_back({Kind::text, message.role + "\n" + message.content});
        out.push_back({Kind::control, std::string(end)});
        out.push_back({Kind::text, "\n"});
    }
    if (prompt == GenerationPrompt::add) {
        out.push_back({Kind::control, std::string(start)});
        out.push_back({Kind::text, "assistant\n"});
    }
    return out;
}

}  // namespace quern::text
