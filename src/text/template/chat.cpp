#include "text/template/chat.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "text/template/prepare.h"

namespace quern::text {
namespace {

constexpr const char* use_raw = "use --raw to give the model the prompt as plain text";

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

std::tm local_time() {
    const std::time_t now = std::time(nullptr);
    std::tm out{};
    localtime_r(&now, &out);
    return out;
}

std::vector<Segment> segments_of(const jinja::Str& s) {
    std::vector<Segment> out;
    std::size_t at = 0;
    const auto add = [&](std::size_t end, Segment::Kind kind) {
        if (end > at) out.push_back({kind, s.bytes.substr(at, end - at)});
        at = end;
    };
    for (const jinja::Span& data : s.data) {
        add(data.begin, Segment::Kind::control);
        add(data.end, Segment::Kind::text);
    }
    add(s.bytes.size(), Segment::Kind::control);
    return out;
}

jinja::Template parsed(const std::string& source) try { return jinja::Template(source); } catch (Error& e) {
    e.during("reading the chat template");
    throw;
}

ChatTemplate::Tokens edges(const Tokenizer& tokenizer) {
    ChatTemplate::Tokens out;
    if (tokenizer.bos()) out.bos = tokenizer.piece(*tokenizer.bos());
    if (tokenizer.eos()) out.eos = tokenizer.piece(*tokenizer.eos());
    return out;
}

}  // namespace

std::string Rendering::text() const {
    std::string out;
    for (const Segment& s : segments) out += s.text;
    return out;
}

ChatTemplate::ChatTemplate(std::string source, Tokens tokens)
    : source_(std::move(source)),
      tokens_(std::move(tokens)),
      facts_(find_chat_facts(source_)),
      template_(parsed(source_)),
      knows_developer_(contains(source_, "developer")),
      reads_parts_(contains(source_, "'text'") || contains(source_, "\"text\"") || contains(source_, ".text")) {}

Json ChatTemplate::prepared(std::span<const Message> messages, std::vector<std::string>& notes) const {
    Json out = Json::array();
    for (const Message& m : messages) out.push_back(m.json());
    if (!knows_developer_) rename_developers(out);
    for (Json& m : out) {
        if (!reads_parts_) join_parts(m);
        parse_arguments(m);
    }
    place_systems(out, facts_.systems, notes);
    return out;
}

Json ChatTemplate::variables(GenerationPrompt prompt, const RenderOptions& options,
                             std::vector<std::string>& notes) const {
    Json v{{"tools", options.tools && !options.tools->empty() ? *options.tools : Json()},
           {"documents", nullptr},
           {"add_generation_prompt", prompt == GenerationPrompt::add}};
    if (options.think) {
        const bool think = *options.think;
        v["enable_thinking"] = think;
        if (facts_.think_variable == "thinking") v["thinking"] = think;
        if (facts_.think_variable == "thinking_budget" && !think) v["thinking_budget"] = 0;
        if (think && facts_.thinks == Thinks::never && !template_.mentions("enable_thinking"))
            notes.emplace_back("the model has no thinking that could be switched on");
        if (!think && facts_.thinks == Thinks::always)
            notes.emplace_back("the model's thinking cannot be switched off");
    }
    if (options.variables) v.update(*options.variables);
    return v;
}

const ChatTemplate& ChatTemplate::used_with(const RenderOptions& options) const {
    return tool_use_ && options.tools && !options.tools->empty() ? *tool_use_ : *this;
}

Rendering ChatTemplate::render(std::span<const Message> messages, GenerationPrompt prompt,
                               const RenderOptions& options) const try {
    if (const ChatTemplate& used = used_with(options); &used != this) return used.render(messages, prompt, options);
    Rendering out;
    const Json all = prepared(messages, out.notes), others = variables(prompt, options, out.notes);
    const Json bos = tokens_.bos ? Json(*tokens_.bos) : Json(), eos = tokens_.eos ? Json(*tokens_.eos) : Json();
    std::vector<jinja::Variable> given = {{.name = "messages", .value = &all}};
    if (tokens_.bos) given.push_back({"bos_token", &bos, jinja::Origin::ours});
    if (tokens_.eos) given.push_back({"eos_token", &eos, jinja::Origin::ours});
    for (const auto& [name, value] : others.items()) given.push_back({.name = name, .value = &value});
    out.segments = segments_of(template_.render(given, options.now.value_or(local_time())));
    return out;
} catch (Error& e) {
    e.during("rendering the chat template");
    throw;
}

ChatTemplate::ChatTemplate(std::string source, const Tokenizer& tokenizer)
    : ChatTemplate(std::move(source), edges(tokenizer)) {
    std::set<std::int32_t> out(tokenizer.end_of_generation().begin(), tokenizer.end_of_generation().end());
    for (const std::string_view stop : facts_.stops) {
        if (stop.empty()) continue;
        if (const auto id = tokenizer.find(stop))
            out.insert(*id);
        else if (stop == facts_.stops[0] && contains(source_, stop))
            throw Error(Code::bad_file,
                        "preparing the chat template: it closes turns with {}, but tokenizer.ggml.tokens has no such "
                        "token; {}",
                        stop, use_raw);
    }
    stop_tokens_.assign(out.begin(), out.end());
}

std::unique_ptr<ChatTemplate> find_chat_template(const gguf::Metadata& metadata, const Tokenizer& tokenizer) {
    const std::optional<std::string_view> source = metadata.string("tokenizer.chat_template");
    if (!source || source->empty())
        throw Error(Code::unsupported,
                    "choosing a chat template: the file has no tokenizer.chat_template, so this may not be a chat "
                    "model; {}",
                    use_raw);
    try {
        auto found = std::make_unique<ChatTemplate>(std::string(*source), tokenizer);
        if (const auto other = metadata.string("tokenizer.chat_template.tool_use"))
            found->set_tool_use(std::make_unique<ChatTemplate>(std::string(*other), tokenizer));
        return found;
    } catch (const Error& e) {
        if (contains(e.what(), use_raw)) throw;
        throw Error(e.code, "{}; {}", e.what(), use_raw);
    }
}

}  // namespace quern::text
