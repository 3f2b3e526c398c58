// Calls as Python writes them: [NAME(key=value, ...), ...], or one without the list. Values are literals.
#include <utility>

#include "text/toolcall/body.h"
#include "text/toolcall/tail.h"
#include "text/toolcall/value.h"

namespace quern::text {
namespace {

bool in_identifier(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
}

class PythonCalls final : public Body {
public:
    PythonCalls(const Syntax& syntax, bool bare, Output& output)
        : syntax_(syntax), bare_(bare), out_(output), tail_(syntax, "])`") {}

    Step step(char c) override {
        if (list_) return list_->step(c);
        switch (state_) {
            case State::start:
                return start(c);
            case State::name:
                return name(c);
            case State::key:
                return key(c);
            case State::value:
                return value(c);
            case State::after_value:
                return after_value(c);
            case State::after_call:
                return after_call(c);
            case State::tail:
                return tail(c);
        }
        return Step::broken;
    }

    bool finish() override {
        if (list_) return list_->finish();
        if (state_ == State::after_value) {
            end_call();
            return true;
        }
        return any_ &&
               (state_ == State::after_call || state_ == State::tail || (state_ == State::name && text_.empty()));
    }

    std::string give_back() override { return list_ ? list_->give_back() : tail_.give_back(); }

private:
    enum class State { start, name, key, value, after_value, after_call, tail };

    Step start(char c) {
        if (is_space(c)) return Step::more;
        if (c == '[' && !in_list_) {
            in_list_ = true;
            return Step::more;
        }
        if (c == '{' && in_list_) {
            list_ = json_calls_body(syntax_, bare_, out_);
            list_->step('[');
            return list_->step(c);
        }
        state_ = State::name;
        return name(c);
    }

    Step name(char c) {
        if (in_identifier(c) && text_.size() < max_name_bytes && !spaced_) {
            text_ += c;
            return Step::more;
        }
        if (is_space(c)) {
            spaced_ = !text_.empty();
            return Step::more;
        }
        spaced_ = false;
        if (c == ']' && text_.empty() && any_) {  // after a comma too many
            state_ = State::tail;
            return Step::more;
        }
        if (c != '(') return Step::broken;
        if (std::string_view(text_).ends_with(".call")) text_.resize(text_.size() - 5);
        if (text_.empty() || (bare_ && !out_.may_be_called(text_))) return Step::broken;
        name_ = std::exchange(text_, {});
        first_ = true;
        state_ = State::key;
        return Step::more;
    }

    Step key(char c) {
        if (in_identifier(c) && text_.size() < max_name_bytes && !spaced_) {
            text_ += c;
            return Step::more;
        }
        if (is_space(c)) {
            spaced_ = !text_.empty();
            return Step::more;
        }
        spaced_ = false;
        if (c == ')' && text_.empty()) return end_call();
        if (c != '=' || text_.empty()) return Step::broken;
        begin_call();
        out_.arguments((first_ ? "" : ", ") + json_string(std::exchange(text_, {})) + ": ");
        first_ = false;
        reader_.reset();
        state_ = State::value;
        return Step::more;
    }

    Step value(char c) {
        std::string json;
        const ValueReader::Step step = reader_.step(c, json);
        out_.arguments(json);
        if (step == ValueReader::Step::broken) return Step::broken;
        if (step != ValueReader::Step::more) state_ = State::after_value;
        return step == ValueReader::Step::again ? after_value(c) : Step::more;
    }

    Step after_value(char c) {
        if (is_space(c)) return Step::more;
        if (c == ')') return end_call();
        if (c != ',') return Step::broken;
        state_ = State::key;
        return Step::more;
    }

    // Only once it is clear that this is a call and not a word in brackets.
    void begin_call() {
        if (out_.in_call()) return;
        out_.begin_call(name_, {});
        out_.arguments("{");
    }

    Step end_call() {
        begin_call();
        out_.arguments("}");
        out_.end_call();
        any_ = true;
        state_ = in_list_ ? State::after_call : State::tail;
        return Step::more;
    }

    Step after_call(char c) {
        if (is_space(c)) return Step::more;
        if (c == ',') {
            state_ = State::name;
            return Step::more;
        }
        state_ = State::tail;
        return c == ']' ? Step::more : tail(c);
    }

    Step tail(char c) {
        switch (tail_.step(c)) {
            case Tail::Found::nothing:
                return Step::more;
            case Tail::Found::closer:
                return Step::done;
            default:
                return Step::again;
        }
    }

    const Syntax& syntax_;
    const bool bare_;
    Output& out_;
    Tail tail_;
    State state_ = State::start;
    bool in_list_ = false;
    bool any_ = false;         // a call has ended
    bool first_ = true;        // no parameter has begun
    bool spaced_ = false;      // a space came after the key
    std::string name_, text_;  // text_: the name or key being read
    ValueReader reader_{Dialect::python};
    std::unique_ptr<Body> list_;  // of JSON objects instead
};

}  // namespace

std::unique_ptr<Body> python_body(const Syntax& syntax, bool bare, Output& output) {
    return std::make_unique<PythonCalls>(syntax, bare, output);
}

}  // namespace quern::text
