// Text together with where it came from: what normalisation and escaping make of a text, and for each byte of that the
// stretch of the original that it stands for. This is how a token's place in the user's own text survives every change
// on the way. Tracking costs eight bytes per byte, so it is done only when somebody wants to know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quern::text {

// Bytes [begin, end) of the original text.
struct Span {
    std::uint32_t begin = 0, end = 0;
    bool operator==(const Span&) const = default;
};

// A view of (changed) text that knows its origin.
struct Sourced {
    std::string_view text;
    const Span* spans = nullptr;  // one per byte; null: the text is the original from `base` on
    std::size_t base = 0;
    std::uint32_t start = 0;  // where it begins in the original, before anything that was dropped there

    // The original of bytes [begin, end); begin < end <= text.size().
    Span origin(std::size_t begin, std::size_t end) const {
        if (spans) return {spans[begin].begin, spans[end - 1].end};
        return {static_cast<std::uint32_t>(base + begin), static_cast<std::uint32_t>(base + end)};
    }
    Sourced part(std::size_t begin, std::size_t size) const {
        const Sourced out{text.substr(begin, size), spans ? spans + begin : nullptr, base + begin};
        if (begin == 0) return {out.text, out.spans, out.base, start};
        return {out.text, out.spans, out.base, out.text.empty() ? start : out.origin(0, 1).begin};
    }
};

struct AlignedText {
    std::string text;
    std::vector<Span> spans;  // one per byte if tracked, else empty
    bool tracked = false;
    std::uint32_t start = 0;

    void clear() {
        text.clear();
        spans.clear();
    }
    // All these bytes stand for the same stretch.
    void append(std::string_view bytes, Span from) {
        text += bytes;
        if (tracked) spans.insert(spans.end(), bytes.size(), from);
    }
    // Bytes [begin, end) as they are. Characters count as wholes: every byte of one stands for all of it, if its
    // origin says so.
    void copy(const Sourced& from, std::size_t begin, std::size_t end) {
        text += from.text.substr(begin, end - begin);
        if (tracked)
            for (std::size_t i = begin; i < end; ++i) spans.push_back(from.origin(i, i + 1));
    }
    Sourced sourced() const { return {text, tracked ? spans.data() : nullptr, 0, start}; }
};

}  // namespace quern::text
