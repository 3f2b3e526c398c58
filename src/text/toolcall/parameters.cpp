// Calls that write each parameter in tags of its own: Qwen3-Coder, Seed, GLM, MiniMax M2, DeepSeek's DSML. Strings are
// bare text, so a value ends only where its closing tag is followed by another tag: text about such tags can be a
// value.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "text/toolcall/body.h"
#include "text/toolcall/matcher.h"
#include "text/toolcall/value.h"

namespace quern::text {
namespace {

constexpr std::size_t max_gap = 256;  // spaces between a closing tag and the tag after it

std::string_view unquoted(std::string_view s) {
    s = trimmed(s);
    if (s.size() >= 2 && (s.front() == '"' || s.front() == '\'') && s.back() == s.front())
        return s.substr(1, s.size() - 2);
    return s;
}

// The value of an attribute in ` name="city" string="true"`; empty if it is not there.
std::string_view attribute(std::string_view tag, std::string_view name) {
    for (std::size_t at = tag.find(name); at != tag.npos; at = tag.find(name, at + 1)) {
        std::string_view rest = tag.substr(at + name.size());
        if (!rest.starts_with('=') || (at > 0 && !is_space(tag[at - 1]))) continue;
        rest.remove_prefix(1);
        const bool quote = rest.starts_with('"') || rest.starts_with('\'');
        const std::size_t end = quote ? rest.find(rest[0], 1) : rest.find_first_of(" \t\n\r");
        return end == rest.npos ? unquoted(rest) : unquoted(rest.substr(0, end + (quote ? 1 : 0)));
    }
    return {};
}

// "=get_weather" or ` name="get_weather"`.
std::string_view tag_name(std::string_view tag) {
    return tag.starts_with('=') ? unquoted(tag.substr(1)) : attribute(tag, "name");
}

JsonTypes type_of_json(char first) {
    switch (first) {
        case '{':
            return JsonType::object;
        case '[':
            return JsonType::array;
        case '"':
            return JsonType::string;
        case 't':
        case 'f':
            return JsonType::boolean;
        case 'n':
            return JsonType::null;
        default:
            return JsonType::number;
    }
}

// The JSON that a text is, leniently; empty if it is none.
std::string as_json(std::string_view text) {
    ValueReader reader(Dialect::json);
    std::string json;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const ValueReader::Step step = reader.step(i < text.size() ? text[i] : '\n', json);
        if (step == ValueReader::Step::broken) return {};
        if (step == ValueReader::Step::more) continue;
        return i + 1 >= text.size() ? json : std::string();
    }
    return {};
}

std::string to_json(std::string_view text, JsonTypes types) {
    const JsonTypes maybe_text = JsonTypes(JsonType::string) | JsonType::null;
    const std::string_view bare = trimmed(text);
    if ((types & maybe_text) == types && types.has(JsonType::string)) {
        const bool null = types.has(JsonType::null) && (bare == "null" || bare == "None");
        return null ? "null" : json_string(text);
    }
    const std::string json = as_json(bare);
    if (json.empty()) return json_string(text);
    const bool wrong = (type_of_json(json[0]) & types).empty();
    return wrong && types.has(JsonType::string) ? json_string(text) : json;
}

class Parameters final : public Body {
public:
    Parameters(const Syntax& syntax, std::string_view opener, Output& output)
        : tags_(syntax.tags),
          out_(output),
          markers_(inside_markers(syntax)),
          inside_(markers_),
          value_({&tags_.value_close, 1}) {
        if (tags_.function_open.empty())
            begin_name({});
        else if (opener.starts_with(tags_.function_open))
            begin_name(opener.substr(tags_.function_open.size()));
    }

    Step step(char c) override {
        switch (state_) {
            case State::between:
            case State::parameters:
                return inside(c);
            case State::name:
                return name(c);
            case State::key:
                return key(c);
            case State::gap:
                return gap(c);
            case State::value:
                value(c);
                return Step::more;
            case State::closed:
                return closed(c);
        }
        return Step::broken;
    }

    bool finish() override {
        if (state_ == State::between) return any_;
        if (state_ == State::closed) end_value();
        if (state_ != State::closed && (state_ != State::parameters || first_)) return false;
        end_call();
        return true;
    }

    std::string give_back() override { return std::exchange(read_, {}); }

private:
    enum class State { between, name, parameters, key, gap, value, closed };
    enum Marker { function_open, key_open, function_close, block_close, block_open = block_close + 4 };

    static std::vector<std::string_view> inside_markers(const Syntax& s) {
        std::vector<std::string_view> out{s.tags.function_open, s.tags.key_open, s.tags.function_close};
        out.insert(out.end(), s.closers.begin(), s.closers.end());
        out.insert(out.end(), s.openers.begin(), s.openers.end());
        return out;
    }

    // Between functions and between parameters.
    Step inside(char c) {
        std::string plain;
        const int marker = inside_.step(c, plain);
        const auto text = std::find_if_not(plain.begin(), plain.end(), is_space);
        if (text != plain.end()) {
            if (state_ == State::parameters || !any_) return Step::broken;
            read_.assign(text, plain.end());
            read_ += inside_.take();
            read_.pop_back();
            return Step::again;
        }
        return marker == Matcher::no_marker ? Step::more : inside_marker(marker);
    }

    Step inside_marker(int marker) {
        if (marker == key_open && state_ == State::parameters) {
            header_.clear();
            state_ = State::key;
            return Step::more;
        }
        if (marker == key_open) return any_ ? Step::done : Step::broken;
        if (state_ == State::parameters) end_call();  // its own closing tag may be missing
        if (marker == function_open || (marker >= block_open && tags_.function_open.empty())) {
            begin_name({});
        } else if (marker >= block_close && marker < block_open) {
            if (!any_) out_.note("a block of tool calls was empty");
            return Step::done;
        }
        return Step::more;
    }

    void begin_name(std::string_view read) {
        any_ = true;
        header_ = read;
        state_ = State::name;
    }

    Step name(char c) {
        const bool bare = tags_.function_open.empty();
        if (bare ? c == '<' || (c == '\n' && !trimmed(header_).empty()) : c == '>') {
            const std::string found(bare ? trimmed(header_) : tag_name(header_));
            if (!is_tool_name(found)) return Step::broken;
            out_.begin_call(found, {});
            out_.arguments("{");
            tool_ = found;
            first_ = true;
            state_ = State::parameters;
            return bare ? inside(c) : Step::more;
        }
        header_ += c;
        return header_.size() > max_header_bytes ? Step::broken : Step::more;
    }

    Step key(char c) {
        header_ += c;
        if (header_.size() > max_header_bytes) return Step::broken;
        if (!std::string_view(header_).ends_with(tags_.key_close)) return Step::more;
        header_.resize(header_.size() - tags_.key_close.size());
        const bool attributes = tags_.value_open.empty();
        const std::string_view name = attributes ? tag_name(header_) : trimmed(header_);
        if (name.empty()) return Step::broken;
        const std::string_view is_string = attributes ? attribute(header_, "string") : std::string_view();
        types_ = out_.tools() == nullptr ? JsonTypes::any() : out_.tools()->of(tool_, name);
        if (is_string == "true") types_ = JsonType::string;
        said_json_ = is_string == "false";
        if (said_json_) types_ = JsonTypes::any();
        out_.arguments((first_ ? "" : ", ") + json_string(name) + ": ");
        first_ = false;
        header_.clear();
        if (!attributes) {
            state_ = State::gap;
            return Step::more;
        }
        begin_value();
        return Step::more;
    }

    Step gap(char c) {
        if (is_space(c) && header_.empty()) return Step::more;
        header_ += c;
        if (!tags_.value_open.starts_with(header_)) return Step::broken;
        if (header_ == tags_.value_open) begin_value();
        return Step::more;
    }

    bool raw() const { return types_ == JsonTypes(JsonType::string); }

    void begin_value() {
        text_.clear();
        begun_ = newline_ = false;
        json_.reset();
        json_goes_on_ = true;
        if (raw()) out_.arguments("\"");
        state_ = State::value;
    }

    void value(char c) {
        if (!std::exchange(begun_, true) && tags_.lines && c == '\n') return;
        std::string plain;
        const int marker = value_.step(c, plain);
        put(plain);
        if (marker == Matcher::no_marker) return;
        if (in_json_string()) {
            put(tags_.value_close);
            return;
        }
        gap_.clear();
        state_ = State::closed;
    }

    // Part of the value; a newline waits, for it may be the last.
    void put(std::string_view text) {
        std::string out;
        for (const char c : text) {
            if (std::exchange(newline_, false)) out += '\n';
            if (tags_.lines && c == '\n')
                newline_ = true;
            else
                out += c;
        }
        if (!raw()) {
            text_ += out;
            for (const char c : out)
                json_goes_on_ = json_goes_on_ && json_.step(c, read_json_) == ValueReader::Step::more;
            read_json_.clear();
            return;
        }
        std::string escaped;
        append_json_escaped(escaped, out);
        out_.arguments(escaped);
    }

    // The value is a list or object so far, and a tag inside its strings is what they say.
    bool in_json_string() const {
        const bool structure = json_.kind() == '[' || json_.kind() == '{' || (said_json_ && json_.kind() == '"');
        return !raw() && json_goes_on_ && structure && json_.in_string();
    }

    // After a value's closing tag: only another tag makes it one.
    Step closed(char c) {
        if (is_space(c) && inside_.held().empty()) {
            gap_ += c;
            if (gap_.size() < max_gap) return Step::more;
            end_value();
            state_ = State::parameters;
            return Step::more;
        }
        std::string plain;
        const int marker = inside_.step(c, plain);
        if (plain.empty()) {
            if (marker == Matcher::no_marker) return Step::more;
            end_value();
            state_ = State::parameters;
            return inside_marker(marker);
        }
        const std::string rest =
            std::exchange(gap_, {}) + plain +
            (marker == Matcher::no_marker ? inside_.take() : std::string(markers_[static_cast<std::size_t>(marker)]));
        state_ = State::value;
        put(tags_.value_close);
        for (const char r : rest)
            if (const Step s = step(r); s != Step::more) return s;
        return Step::more;
    }

    void end_value() {
        if (raw())
            out_.arguments("\"");
        else
            out_.arguments(to_json(text_, types_));
        text_.clear();
    }

    void end_call() {
        out_.arguments("}");
        out_.end_call();
        state_ = State::between;
    }

    const ParameterTags& tags_;
    Output& out_;
    const std::vector<std::string_view> markers_;
    Matcher inside_;  // all tags but the end of a value
    Matcher value_;   // that one
    State state_ = State::between;
    bool any_ = false;    // a function has begun
    bool first_ = true;   // no parameter has begun
    bool begun_ = false;  // the value has
    bool newline_ = false;
    ValueReader json_{Dialect::json};  // over a value that is not bare text
    bool json_goes_on_ = true;         // it is neither at its end nor broken
    bool said_json_ = false;           // the tag says that it is JSON
    JsonTypes types_;
    std::string tool_, header_, text_, gap_, read_, read_json_;
};

}  // namespace

std::unique_ptr<Body> parameters_body(const Syntax& syntax, std::string_view opener, Output& output) {
    return std::make_unique<Parameters>(syntax, opener, output);
}

}  // namespace quern::text
