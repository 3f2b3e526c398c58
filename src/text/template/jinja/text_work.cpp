#include "text/template/jinja/text_work.h"

#include <cstring>

#include <algorithm>
#include <limits>

namespace quern::text::jinja {
namespace {

std::size_t occurrences(Runtime& r, std::string_view s, std::string_view part) {
    if (part.empty()) return count_chars(s) + 1;
    std::size_t n = 0;
    for (std::size_t at = 0; (at = find_bytes(s, part, at)) != s.npos; at += part.size()) {
        r.budget.step();
        ++n;
    }
    return n;
}

// Greek's sigma has another form at the end of a word.
bool is_final_sigma(const std::string& s, std::size_t at, std::size_t n) {
    std::size_t before = at;
    while (before > 0 && (static_cast<unsigned char>(s[--before]) & 0xC0) == 0x80) {
    }
    const std::string_view all = s;
    const bool after_letter = at > 0 && is(CharClass::cased, all.substr(before, at - before));
    const bool before_letter = at + n < s.size() && is(CharClass::cased, all.substr(at + n, char_bytes(s, at + n)));
    return after_letter && !before_letter;
}

}  // namespace

std::size_t find_bytes(std::string_view s, std::string_view part, std::size_t from) {
    if (from > s.size()) return s.npos;
    const void* found = memmem(s.data() + from, s.size() - from, part.data(), part.size());
    return found ? static_cast<std::size_t>(static_cast<const char*>(found) - s.data()) : s.npos;
}

Str stripped(Runtime& r, const Str& s, const Str* chars, bool left, bool right) {
    const std::string_view bytes = s.bytes;
    r.budget.read(bytes.size());
    if (!chars) {
        const std::size_t begin = left ? skip_space(bytes, 0) : 0;
        return cut(s, begin, right ? trim_end(bytes, begin) : bytes.size());
    }
    r.budget.make(bytes.size() * sizeof(std::size_t));
    r.budget.read(chars->bytes.size() * bytes.size());
    const std::vector<std::size_t> at = char_offsets(bytes), set = char_offsets(chars->bytes);
    const auto in_set = [&](std::size_t i) {
        const std::string_view c = bytes.substr(at[i], at[i + 1] - at[i]);
        for (std::size_t k = 0; k + 1 < set.size(); ++k)
            if (c == std::string_view(chars->bytes).substr(set[k], set[k + 1] - set[k])) return true;
        return false;
    };
    std::size_t begin = 0, end = at.size() - 1;
    while (left && begin < end && in_set(begin)) ++begin;
    while (right && begin < end && in_set(end - 1)) --end;
    return cut(s, at[begin], at[end]);
}

Str in_case(Runtime& r, const Str& s, Case to) {
    const char* begin = s.bytes.data();
    return mapped(r, s, [&](std::string& out, std::string_view c) {
        if (to == Case::lower && c == "\xCE\xA3" &&
            is_final_sigma(s.bytes, static_cast<std::size_t>(c.data() - begin), c.size()))
            out += "\xCF\x82";
        else
            append_case(out, c, to);
    });
}

Str capitalized(Runtime& r, const Str& s) {
    const Str low = in_case(r, s, Case::lower);
    bool first = true;
    return mapped(r, low, [&](std::string& out, std::string_view c) {
        if (first)
            append_case(out, c, Case::title);
        else
            out += c;
        first = false;
    });
}

Str replaced(Runtime& r, const Str& s, const Str& from, const Str& to, std::int64_t times) {
    r.budget.make(s.bytes.size());
    // Charged before anything is made: a text full of matches, each replaced by a long one, would take a second.
    const std::size_t most = times < 0 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(times);
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(std::min(most, occurrences(r, s.bytes, from.bytes)), to.bytes.size(), &bytes))
        bytes = std::numeric_limits<std::size_t>::max();
    r.budget.make(bytes);
    StrBuilder b;
    std::size_t at = 0;
    const auto insert = [&] {
        b.add(to);
        --times;
    };
    if (from.bytes.empty()) {
        while (times != 0) {
            insert();
            if (at == s.bytes.size()) break;
            const std::size_t n = char_bytes(s.bytes, at);
            b.add(s, at, at + n);
            at += n;
        }
    } else {
        for (std::size_t found; times != 0 && (found = find_bytes(s.bytes, from.bytes, at)) != std::string::npos;) {
            b.add(s, at, found);
            insert();
            at = found + from.bytes.size();
        }
    }
    b.add(s, at, s.bytes.size());
    Str out = b.take();
    out.markup = s.markup;
    return out;
}

Str joined(Runtime& r, const Str& separator, const std::vector<Value>& items) {
    StrBuilder b;
    for (std::size_t i = 0; i < items.size(); ++i) {
        r.budget.make(separator.bytes.size());
        if (i > 0) b.add(separator);
        r.print(b, items[i]);
    }
    return b.take();
}

Str padded(Runtime& r, const Str& s, std::int64_t width, std::string_view fill, bool left, bool right) {
    const auto size = static_cast<std::int64_t>(count_chars(s.bytes));
    const std::int64_t missing = std::max<std::int64_t>(0, width - size);
    r.budget.make(s.bytes.size() + static_cast<std::size_t>(missing) * fill.size());
    // As Python's str.center: the odd one goes left where the width is odd.
    const std::int64_t before = left && right ? missing / 2 + (missing & width & 1) : left ? missing : 0;
    StrBuilder b;
    for (std::int64_t i = 0; i < before; ++i) b.add(fill, Origin::ours);
    b.add(s);
    for (std::int64_t i = before; i < missing; ++i) b.add(fill, Origin::ours);
    Str out = b.take();
    out.markup = s.markup;
    return out;
}

}  // namespace quern::text::jinja
