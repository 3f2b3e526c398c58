// What follows a call inside its block: spaces, brackets a model wrote once too often, then a marker or prose.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/toolcall/matcher.h"
#include "text/toolcall/syntax.h"

namespace quern::text {

class Tail {
public:
    enum class Found { nothing, opener, call_opener, closer, prose };

    // Characters of `strays` are passed over like spaces, until a closer came.
    Tail(const Syntax& syntax, std::string_view strays);

    Found step(char c);
    // The marker that was found.
    std::string_view marker() const { return marker_; }
    // After prose: what was read of it before the last byte. After an opener: the opener but for its last byte.
    std::string give_back();
    bool holds_nothing() const { return matcher_.held().empty(); }

private:
    std::vector<std::string_view> markers_;
    std::vector<Found> kinds_;
    const std::string strays_;
    bool closed_ = false;
    Matcher matcher_;
    std::string_view marker_;
    std::string read_;
};

// The syntax's markers, without the empty ones.
std::vector<std::string_view> markers_of(const Syntax& syntax);

}  // namespace quern::text
