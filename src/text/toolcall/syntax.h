// Each notation as data, twice: how calls are found in what a model writes (openers, closers and the kind of reader
// between them), and how a call is written, for whoever composes a grammar that lets a model write nothing else. A new
// notation is a row in syntax.cpp, and a reader of its own only if none of these fits.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "text/toolcall/format.h"

namespace quern::text {

// The reader of what follows an opener.
enum class CallBody {
    none,
    json_calls,      // JSON objects that hold name and arguments, alone, in a row or in a list
    named_json,      // a header with the name, then the arguments as one object
    parameters,      // each parameter in tags of its own
    pythonic,        // NAME(key=value, ...), in a list or alone
    json_or_python,  // by the first character: json_calls or pythonic
    channels,        // Harmony: the whole turn is messages with headers
};

// How what stands between a named_json opener and the arguments gives the name.
enum class HeaderStyle { deepseek, kimi, mistral, gemma };

struct ParameterTags {
    std::string_view
        function_open{};  // up to the name; empty: the name follows the opener at once and ends at a line's
    std::string_view function_close{};  // or a tag's beginning
    std::string_view key_open{};        // up to the key or its attributes
    std::string_view key_close{};
    std::string_view value_open{};  // between key and value; empty: the value follows at once
    std::string_view value_close{};
    bool lines = false;  // one newline on each side of a value belongs to the tags
};

// How a call is written. In the patterns $NAME, $INDEX (0 for the first call), $ARGUMENTS (one JSON object, or what
// `arguments` says), $KEY and $VALUE stand for what varies; no pattern has another dollar sign.
struct CallPattern {
    enum class Arguments { json, parameters, python, gemma };
    Arguments arguments = Arguments::json;
    std::string_view before{};           // the first call
    std::string_view call{};             // each of them
    std::string_view other_call{};       // a second way to write it that models use as well; empty if there is none
    std::string_view separator{};        // between two
    std::string_view after{};            // the last
    std::string_view text_parameter{};   // a parameter that is a string, raw
    std::string_view value_parameter{};  // a parameter of any other type, as JSON
    std::string_view parameter_separator{};
    std::string_view string_quote{};  // for python and gemma: what surrounds a string
    bool parallel = true;             // whether the notation can hold more than one call in a turn
};

using Markers = std::array<std::string_view, 4>;  // empty ones at the end do not count

struct Syntax {
    ToolFormat format = ToolFormat::none;
    CallBody body = CallBody::none;
    Markers openers{};       // of a block of calls or of one call
    Markers call_openers{};  // of a call inside a block; outside of one they open it too
    Markers closers{};       // of a block or a call; one that nothing opened is left out of content
    Markers ignored{};       // markup that means nothing to a reader and is left out of content
    std::string_view answer_open{}, answer_close{};  // may surround the answer that follows thinking
    char bare_opener = 0;                            // an answer that begins with it may be a call without any marker
    HeaderStyle header = HeaderStyle::deepseek;
    ParameterTags tags{};
    CallPattern pattern{};
};

const Syntax& syntax(ToolFormat format);

// What a grammar for calls waits for before it takes effect: each string is the beginning of a block or call, and the
// grammar then starts with that string. Those of `at_start` count only where the answer begins.
struct Triggers {
    std::vector<std::string_view> anywhere;
    std::vector<std::string_view> at_start;
};
Triggers triggers(ToolFormat format);

// A pattern cut at what varies: literal text, or one of the names above without its dollar sign.
struct PatternPiece {
    bool literal = true;
    std::string_view text;
    bool operator==(const PatternPiece&) const = default;
};
std::vector<PatternPiece> pieces(std::string_view pattern);

}  // namespace quern::text
