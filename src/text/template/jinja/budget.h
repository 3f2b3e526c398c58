// What one rendering may use. Templates come with model files, so none is trusted: each step, each byte made and each
// level of nesting is counted, and the count that runs out is an Error. The figures leave a conversation of a thousand
// messages ample room and end a hostile template within a second.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.h"

namespace quern::text::jinja {

struct Limits {
    std::int64_t steps = 20'000'000;               // expressions and statements carried out
    std::int64_t bytes = std::int64_t{128} << 20;  // of all values ever made
    int depth = 500;                               // of expressions, statements and macros inside each other
};

class Budget {
public:
    explicit Budget(const Limits& limits) : limits_(limits) {}

    void step(std::int64_t n = 1) {
        if ((steps_ += n) > limits_.steps)
            throw Error(Code::bad_request, "it takes more than {} steps; does it ever end?", limits_.steps);
    }
    // Looking through bytes costs steps, since a search may read much and make nothing.
    void read(std::size_t bytes) { step(static_cast<std::int64_t>(bytes >> 6)); }
    void make(std::size_t bytes) {
        if (bytes > static_cast<std::size_t>(limits_.bytes) ||
            (bytes_ += static_cast<std::int64_t>(bytes)) > limits_.bytes)
            throw Error(Code::bad_request, "it makes more than {} bytes of text and lists", limits_.bytes);
        read(bytes);
    }

    class Level {
    public:
        explicit Level(Budget& b) : budget_(b) {
            if (++budget_.depth_ > budget_.limits_.depth) {
                --budget_.depth_;
                throw Error(Code::bad_request, "it is nested deeper than {} levels", budget_.limits_.depth);
            }
        }
        ~Level() { --budget_.depth_; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;

    private:
        Budget& budget_;
    };

private:
    Limits limits_;
    std::int64_t steps_ = 0, bytes_ = 0;
    int depth_ = 0;
};

}  // namespace quern::text::jinja
