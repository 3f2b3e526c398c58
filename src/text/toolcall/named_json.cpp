// Calls as a header that holds the name, then the arguments as one object: DeepSeek V3, Kimi K2, Mistral, Gemma. The
// header is whatever comes before the first brace; how it gives the name is the notation's.
#include <utility>

#include "text/toolcall/body.h"
#include "text/toolcall/tail.h"
#include "text/toolcall/value.h"

namespace quern::text {
namespace {

struct Header {
    std::string_view name, id;
    bool whole = false;  // nothing but the arguments is missing
};

// Cuts `s` where `marker` begins and gives what follows it; nothing if it is not there.
std::optional<std::string_view> cut(std::string_view& s, std::string_view marker) {
    const std::size_t at = s.find(marker);
    if (at == s.npos) return std::nullopt;
    const std::string_view rest = s.substr(at + marker.size());
    s = s.substr(0, at);
    return rest;
}

// "function<sep>NAME\n```json\n" or "NAME<sep>", fenced or not.
Header deepseek_header(std::string_view text) {
    auto after = cut(text, "<｜tool▁sep｜>");
    if (!after) return {};
    std::string_view rest = *after;
    cut(rest, "```");
    rest = trimmed(rest);
    return {rest.empty() ? trimmed(text) : rest, {}, true};
}

// "functions.NAME:0<|tool_call_argument_begin|>"
Header kimi_header(std::string_view text) {
    const bool whole = cut(text, "<|tool_call_argument_begin|>").has_value();
    const std::string_view id = trimmed(text);
    std::string_view name = id;
    if (name.starts_with("functions.")) name.remove_prefix(10);
    return {name.substr(0, name.find(':')), id, whole};
}

// "NAME[ARGS]", "NAME[CALL_ID]ID[ARGS]" or "NAME"
Header mistral_header(std::string_view text) {
    const bool whole = cut(text, "[ARGS]").has_value();
    const auto id = cut(text, "[CALL_ID]");
    return {trimmed(text), trimmed(id.value_or(std::string_view())), whole};
}

// "call:NAME"
Header gemma_header(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with("call:")) text.remove_prefix(5);
    return {trimmed(text), {}, false};
}

Header read_header(HeaderStyle style, std::string_view text) {
    switch (style) {
        case HeaderStyle::deepseek:
            return deepseek_header(text);
        case HeaderStyle::kimi:
            return kimi_header(text);
        case HeaderStyle::mistral:
            return mistral_header(text);
        case HeaderStyle::gemma:
            return gemma_header(text);
    }
    return {};
}

Dialect dialect_of(ToolFormat format) {
    if (format == ToolFormat::gemma4) return Dialect::gemma4;
    if (format == ToolFormat::function_gemma) return Dialect::function_gemma;
    return Dialect::json;
}

class NamedJson final : public Body {
public:
    NamedJson(const Syntax& syntax, std::string_view opener, Output& output)
        : syntax_(syntax), out_(output), tail_(syntax, "`]})"), reader_(dialect_of(syntax.format)) {
        for (const std::string_view m : syntax.call_openers)
            if (!opener.empty() && m == opener) begin_header();
    }

    Step step(char c) override {
        if (list_) return list_->step(c);
        switch (state_) {
            case State::between:
                return between(c);
            case State::header:
                return header(c);
            case State::arguments:
                return arguments(c);
        }
        return Step::broken;
    }

    bool finish() override {
        if (list_) return list_->finish();
        if (state_ == State::between) return any_;
        const auto closing = reader_.closing();
        if (state_ != State::arguments || !closing) return false;
        end_call(*closing);
        return true;
    }

    std::string give_back() override { return list_ ? list_->give_back() : tail_.give_back(); }

private:
    enum class State { between, header, arguments };

    Step between(char c) {
        switch (tail_.step(c)) {
            case Tail::Found::prose:
                return any_ ? Step::again : Step::broken;
            case Tail::Found::call_opener:
                begin_header();
                return Step::more;
            default:
                return Step::more;
        }
    }

    void begin_header() {
        any_ = true;
        header_.clear();
        state_ = State::header;
    }

    Step header(char c) {
        // Mistral's older models write a list of objects where the newer ones write a name.
        const bool first = syntax_.header == HeaderStyle::mistral && trimmed(header_).empty();
        if (first && (c == '[' || c == '{')) {
            list_ = json_calls_body(syntax_, false, out_);
            return list_->step(c);
        }
        if (c == '{') return begin_arguments(c);
        if (header_.size() == max_header_bytes) return Step::broken;
        header_ += c;
        for (const std::string_view closer : syntax_.closers) {
            if (closer.empty() || !std::string_view(header_).ends_with(closer)) continue;
            const Header h =
                read_header(syntax_.header, std::string_view(header_).substr(0, header_.size() - closer.size()));
            if (!h.whole || !is_tool_name(h.name)) return Step::broken;
            out_.begin_call(h.name, h.id);
            end_call("{}");
            return Step::more;
        }
        return Step::more;
    }

    Step begin_arguments(char c) {
        const Header h = read_header(syntax_.header, header_);
        if (!is_tool_name(h.name) || h.id.size() > max_name_bytes) return Step::broken;
        out_.begin_call(h.name, h.id);
        reader_.reset();
        state_ = State::arguments;
        return arguments(c);
    }

    Step arguments(char c) {
        std::string json;
        const ValueReader::Step step = reader_.step(c, json);
        out_.arguments(json);
        if (step == ValueReader::Step::more) return Step::more;
        if (step == ValueReader::Step::done) {
            end_call({});
            return Step::more;
        }
        const auto closing = reader_.closing();
        if (!closing) return Step::broken;
        end_call(*closing);
        return between(c);
    }

    void end_call(std::string_view rest) {
        out_.arguments(rest);
        out_.end_call();
        state_ = State::between;
    }

    const Syntax& syntax_;
    Output& out_;
    Tail tail_;
    State state_ = State::between;
    bool any_ = false;
    std::string header_;
    ValueReader reader_;
    std::unique_ptr<Body> list_;
};

}  // namespace

std::unique_ptr<Body> named_json_body(const Syntax& syntax, std::string_view opener, Output& output) {
    return std::make_unique<NamedJson>(syntax, opener, output);
}

}  // namespace quern::text
