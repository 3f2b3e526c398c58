#include "text/template/jinja/str.h"

#include <algorithm>
#include <utility>

namespace quern::text::jinja {

Str Str::of(std::string_view bytes, Origin origin) {
    Str s{std::string(bytes), {}, false};
    if (origin == Origin::data && !bytes.empty()) s.data.push_back({0, bytes.size()});
    return s;
}

Origin Str::origin_at(std::size_t byte) const {
    const auto span = std::ranges::upper_bound(data, byte, {}, &Span::end);
    return span != data.end() && span->begin <= byte ? Origin::data : Origin::ours;
}

void StrBuilder::mark(std::size_t begin, std::size_t end) {
    if (begin == end) return;
    if (!str_.data.empty() && str_.data.back().end == begin)
        str_.data.back().end = end;
    else
        str_.data.push_back({begin, end});
}

void StrBuilder::add(std::string_view bytes, Origin origin) {
    const std::size_t before = str_.bytes.size();
    str_.bytes += bytes;
    if (origin == Origin::data) mark(before, str_.bytes.size());
}

void StrBuilder::add(const Str& s, std::size_t begin, std::size_t end) {
    const std::size_t before = str_.bytes.size();
    str_.bytes.append(s.bytes, begin, end - begin);
    for (auto span = std::ranges::upper_bound(s.data, begin, {}, &Span::end); span != s.data.end() && span->begin < end;
         ++span)
        mark(before + std::max(span->begin, begin) - begin, before + std::min(span->end, end) - begin);
}

Str StrBuilder::take() { return std::exchange(str_, {}); }

Str cut(const Str& s, std::size_t begin, std::size_t end) {
    StrBuilder b;
    b.add(s, begin, end);
    Str out = b.take();
    out.markup = s.markup;
    return out;
}

}  // namespace quern::text::jinja
