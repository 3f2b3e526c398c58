#include "text/template/chat.h"

#include "base/error.h"
#include "text/template/chatml.h"

namespace quern::text {

std::unique_ptr<ChatTemplate> find_chat_template(const gguf::Metadata& metadata, const Tokenizer& tokenizer) {
    const std::optional<std::string_view> source = metadata.string("tokenizer.chat_template");
    if (!source)
        throw Error(Code::unsupported,
                    "choosing a chat template: the file has no tokenizer.chat_template, so this may not be a chat "
                    "model; use --raw to give it the prompt as plain text");
    if (ChatMl::recognises(*source)) return std::make_unique<ChatMl>(tokenizer);
    throw Error(
        Code::unsupported,
        "choosing a chat template: the file's tokenizer.chat_template, which begins '{:.60}', is not ChatML, the "
        "only form known so far; use --raw to give the model the prompt as plain text",
        *source);
}

std::vector<std::int32_t> encode_segments(const Tokenizer& tokenizer, std::span<const Segment> segments) {
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < segments.size();) {
        const Segment::Kind kind = segments[i].kind;
        std::string run;
        for (; i < segments.size() && segments[i].kind == kind; ++i) run += segments[i].text;
        const auto more = tokenizer.encode(run, kind == Segment::Kind::control ? Specials::parse : Specials::as_text);
        ids.insert(ids.end(), more.begin(), more.end());
    }
    return ids;
}

}  // namespace quern::text
