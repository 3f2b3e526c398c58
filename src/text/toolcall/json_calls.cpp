// Calls as JSON objects that hold the name and the arguments: one object, several in a row, or a list. The keys may
// come in any order and be wrapped as the OpenAI protocol does ("function": {...}).
#include <nlohmann/json.hpp>
#include <utility>

#include "text/toolcall/body.h"
#include "text/toolcall/tail.h"
#include "text/toolcall/value.h"

namespace quern::text {
namespace {

// The text of a JSON string; nothing for any other value.
std::optional<std::string> decode_string(const std::string& json) {
    const Json value = Json::parse(json, nullptr, false);
    return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

bool is_name_key(std::string_view k) { return k == "name" || k == "tool_name" || k == "function"; }
bool is_id_key(std::string_view k) { return k == "id" || k == "tool_call_id" || k == "call_id"; }
bool is_arguments_key(std::string_view k) { return k == "arguments" || k == "parameters" || k == "args"; }
bool of_a_call(std::string_view k) { return is_name_key(k) || is_id_key(k) || is_arguments_key(k) || k == "type"; }

class JsonCalls final : public Body {
public:
    JsonCalls(const Syntax& syntax, bool bare, Output& output)
        : key_is_name_(syntax.format == ToolFormat::apertus), bare_(bare), out_(output), tail_(syntax, "]})`,;") {}

    Step step(char c) override {
        switch (state_) {
            case State::outside:
                return outside(c);
            case State::key_or_end:
                return key_or_end(c);
            case State::key:
                return key(c);
            case State::colon:
                return colon(c);
            case State::value:
                return is_space(c) ? Step::more : begin_value(c);
            case State::reading:
                return reading(c);
            case State::after:
                return after(c);
        }
        return Step::broken;
    }

    bool finish() override {
        if (state_ == State::outside) return any_;
        if (state_ == State::reading && role_ == Role::arguments) {
            if (const auto closing = reader_.closing()) {
                give(*closing);
                has_arguments_ = true;
                state_ = State::after;
            }
        }
        if (state_ != State::after || !complete()) return false;
        end_call();
        return true;
    }

    std::string give_back() override { return tail_.give_back(); }

private:
    enum class State { outside, key_or_end, key, colon, value, reading, after };
    enum class Role { name, id, arguments, arguments_text, skipped };

    Step outside(char c) {
        if (tail_.holds_nothing()) {
            if (c == '{') {
                begin_object();
                return Step::more;
            }
            if (c == '[' && !any_) {
                any_ = true;
                return Step::more;
            }
        }
        if (!any_) return is_space(c) ? Step::more : Step::broken;
        switch (tail_.step(c)) {
            case Tail::Found::nothing:
                return Step::more;
            case Tail::Found::closer:
                return Step::done;
            default:
                return Step::again;
        }
    }

    void begin_object() {
        any_ = true;
        nested_ = has_arguments_ = false;
        name_.clear();
        id_.clear();
        early_.clear();
        state_ = State::key_or_end;
    }

    Step key_or_end(char c) {
        if (is_space(c)) return Step::more;
        if (c == '}') return end_object();
        if (c != '"' && c != '\'') return Step::broken;
        reader_.reset();
        text_.clear();
        state_ = State::key;
        return key(c);
    }

    Step key(char c) {
        const ValueReader::Step step = reader_.step(c, text_);
        if (text_.size() > max_header_bytes) return Step::broken;
        if (step == ValueReader::Step::more) return Step::more;
        const auto key = decode_string(text_);
        if (step != ValueReader::Step::done || !key) return Step::broken;
        key_ = *key;
        state_ = State::colon;
        return bare_ && !of_a_call(key_) ? Step::broken : Step::more;  // an answer in JSON need not wait for its end
    }

    Step colon(char c) {
        if (is_space(c)) return Step::more;
        if (c != ':') return Step::broken;
        state_ = State::value;
        return Step::more;
    }

    Step begin_value(char c) {
        const bool quote = c == '"' || c == '\'';
        if (key_ == "function" && c == '{' && !nested_) {
            nested_ = true;
            state_ = State::key_or_end;
            return Step::more;
        }
        role_ = Role::skipped;
        if (is_name_key(key_) && !key_is_name_) {
            role_ = Role::name;
        } else if (is_id_key(key_) && !key_is_name_) {
            role_ = Role::id;
        } else if ((is_arguments_key(key_) || key_is_name_) && !has_arguments_) {
            if (key_is_name_ && !take_name(key_)) return Step::broken;
            if (c != '{' && !quote && c != 'n' && c != 'N') return Step::broken;
            role_ = c == '{' ? Role::arguments : Role::arguments_text;
        }
        reader_.reset();
        text_.clear();
        state_ = State::reading;
        return reading(c);
    }

    Step reading(char c) {
        std::string json;
        const ValueReader::Step step = reader_.step(c, json);
        if (role_ == Role::arguments)
            give(json);
        else if (role_ != Role::skipped)
            text_ += json;
        if (role_ != Role::arguments_text && text_.size() > max_header_bytes) return Step::broken;
        if (step == ValueReader::Step::more) return Step::more;
        if (step == ValueReader::Step::broken) {
            const auto closing = reader_.closing();
            if (role_ != Role::arguments || !closing) return Step::broken;
            give(*closing);
        }
        if (!end_value()) return Step::broken;
        state_ = State::after;
        return step == ValueReader::Step::done ? Step::more : after(c);
    }

    bool end_value() {
        switch (role_) {
            case Role::skipped:
                return true;
            case Role::arguments:
                has_arguments_ = true;
                return true;
            case Role::arguments_text:
                return read_arguments_text();
            case Role::id:
                id_ = decode_string(text_).value_or(text_);
                return true;
            case Role::name: {
                const auto name = decode_string(text_);
                return name && take_name(*name);
            }
        }
        return false;
    }

    bool take_name(const std::string& name) {
        if (name.empty() || name.size() > max_name_bytes || (bare_ && !out_.may_be_called(name))) return false;
        name_ = name;
        if (!early_.empty()) give({});
        return true;
    }

    // Arguments that are a string with JSON in it, or null.
    bool read_arguments_text() {
        const Json value = Json::parse(text_, nullptr, false);
        if (value.is_null())
            give("{}");
        else if (!value.is_string() || !give_object(value.get_ref<const std::string&>()))
            return false;
        has_arguments_ = true;
        return true;
    }

    bool give_object(const std::string& text) {
        ValueReader inner(Dialect::json);
        std::string json;
        auto step = ValueReader::Step::more;
        for (std::size_t i = 0; i < text.size() && step == ValueReader::Step::more; ++i)
            step = inner.step(text[i], json);
        if (step != ValueReader::Step::done || inner.kind() != '{') return false;
        give(json);
        return true;
    }

    // Arguments wait for the name.
    void give(std::string_view json) {
        if (name_.empty()) {
            early_ += json;
            return;
        }
        if (!out_.in_call()) out_.begin_call(name_, id_);
        if (!early_.empty()) out_.arguments(std::exchange(early_, {}));
        out_.arguments(json);
    }

    bool complete() const { return !name_.empty() && (has_arguments_ || !bare_); }

    void end_call() {
        if (!has_arguments_) give("{}");
        out_.end_call();
        state_ = State::outside;
    }

    Step end_object() {
        if (nested_) {
            nested_ = false;
            state_ = State::after;
            return Step::more;
        }
        if (!complete()) return Step::broken;
        end_call();
        return Step::more;
    }

    Step after(char c) {
        if (is_space(c)) return Step::more;
        if (c == '}') return end_object();
        if (c == ',') {
            state_ = State::key_or_end;
            return Step::more;
        }
        // The brackets at the end are missing.
        if (!complete() || !has_arguments_) return Step::broken;
        end_call();
        return outside(c);
    }

    const bool key_is_name_;  // {NAME: {...}}
    const bool bare_;
    Output& out_;
    Tail tail_;
    State state_ = State::outside;
    bool any_ = false;     // an object or a list has begun
    bool nested_ = false;  // inside "function": {...}
    bool has_arguments_ = false;
    Role role_ = Role::skipped;
    ValueReader reader_{Dialect::json};
    std::string text_, key_, name_, id_;
    std::string early_;  // arguments that came before the name
};

}  // namespace

std::unique_ptr<Body> json_calls_body(const Syntax& syntax, bool bare, Output& output) {
    return std::make_unique<JsonCalls>(syntax, bare, output);
}

}  // namespace quern::text
