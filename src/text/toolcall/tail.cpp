#include "text/toolcall/tail.h"

#include <utility>

#include "text/toolcall/body.h"

namespace quern::text {

std::vector<std::string_view> markers_of(const Syntax& syntax) {
    std::vector<std::string_view> out;
    for (const Markers& markers : {syntax.openers, syntax.call_openers, syntax.closers, syntax.ignored})
        for (const std::string_view m : markers)
            if (!m.empty()) out.push_back(m);
    return out;
}

Tail::Tail(const Syntax& syntax, std::string_view strays)
    : markers_(markers_of(syntax)), strays_(strays), matcher_(markers_) {
    const auto add = [&](const Markers& markers, Found kind) {
        for (const std::string_view m : markers)
            if (!m.empty()) kinds_.push_back(kind);
    };
    add(syntax.openers, Found::opener);
    add(syntax.call_openers, Found::call_opener);
    add(syntax.closers, Found::closer);
    add(syntax.ignored, Found::nothing);
}

Tail::Found Tail::step(char c) {
    std::string plain;
    const int m = matcher_.step(c, plain);
    std::size_t passed = 0;
    const auto passes = [&](char p) { return is_space(p) || (!closed_ && strays_.find(p) != strays_.npos); };
    while (passed < plain.size() && passes(plain[passed])) ++passed;
    if (passed < plain.size()) {
        read_ = plain.substr(passed);
        if (m == Matcher::no_marker)
            read_ += matcher_.take();
        else
            read_ += markers_[static_cast<std::size_t>(m)];
        read_.pop_back();
        return Found::prose;
    }
    if (m == Matcher::no_marker) return Found::nothing;
    marker_ = markers_[static_cast<std::size_t>(m)];
    read_ = marker_.substr(0, marker_.size() - 1);
    const Found found = kinds_[static_cast<std::size_t>(m)];
    closed_ = found == Found::closer;
    return found;
}

std::string Tail::give_back() { return std::exchange(read_, {}); }

}  // namespace quern::text
