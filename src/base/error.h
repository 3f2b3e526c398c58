// The one error channel. Whatever cannot do its job throws Error: a code for programs and one sentence for people, the
// outermost action first. Layers that know more add it with during(). Caught only at borders: a request, main, a worker
// thread, a plug-in. An expected answer ("not found") is a value, never an Error; our own bugs are CHECK (check.h).
#pragma once

#include <fmt/core.h>

#include <exception>
#include <string>
#include <utility>

namespace quern {

enum class Code {
    bad_file,     // a file's content is not what its format promises
    bad_request,  // what the caller asked for makes no sense or is out of range
    io,           // the operating system refused to open, read or write
    no_memory,    // it would not fit
    unsupported,  // valid, but not something this build knows
    cancelled,    // somebody asked to stop
    device,       // a device or a kernel failed
};

// "bad_file", "io", ...: the stable name used in JSON output.
const char* code_name(Code code) noexcept;

class Error : public std::exception {
public:
    template <class... A>
    explicit Error(Code c, fmt::format_string<A...> format, A&&... args)
        : code(c), text_(fmt::format(format, std::forward<A>(args)...)) {}

    // Puts what the caller was doing in front: "loading m.gguf: " + text. Use in a catch block, then `throw;`.
    template <class... A>
    void during(fmt::format_string<A...> format, A&&... args) {
        text_ = fmt::format(format, std::forward<A>(args)...) + ": " + text_;
    }

    const char* what() const noexcept override { return text_.c_str(); }

    const Code code;

private:
    std::string text_;
};

}  // namespace quern
