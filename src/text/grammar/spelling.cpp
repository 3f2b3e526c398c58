#include "text/grammar/spelling.h"

#include <algorithm>

namespace quern::grammar {
namespace {

// `at` is a phase and what has been read of a character.
constexpr std::uint32_t phase_shift = 27, value_mask = (1u << phase_shift) - 1;
enum Phase : std::uint32_t {
    start = 0,  // of a character (bytes, UTF-8)
    of2_left1,
    of3_left2,
    of3_left1,
    of4_left3,
    of4_left2,
    of4_left1,
    quote,   // the opening quote is to come
    inside,  // start of a character of a JSON string
    closed,
    backslash,
    hex0,
    hex1,
    hex2,
    hex3,  // digits read after \u
    high,  // a high surrogate has been read; its ten bits
    high_backslash,
    low0,
    low1,
    low2,
    low3,  // digits read of the low surrogate
};
constexpr std::uint32_t pack(std::uint32_t phase, std::uint32_t value) { return phase << phase_shift | value; }

// A leaf, and which of its labels can be used at all.
struct View {
    const Leaf& leaf;
    const std::uint64_t* open;
};

std::int32_t target(const View& view, std::int32_t state, std::int32_t cls) {
    const Leaf& leaf = view.leaf;
    const std::int32_t to =
        leaf.dfa.next[static_cast<std::size_t>(state) * static_cast<std::size_t>(leaf.dfa.class_count) +
                      static_cast<std::size_t>(cls)];
    if (!view.open || to < 0 || leaf.labels < 2) return to;
    const std::size_t words = leaf.reach_words();
    for (std::size_t w = 0; w < words; ++w)
        if ((leaf.reach[static_cast<std::size_t>(to) * words + w] & view.open[w]) != 0) return to;
    return Dfa::dead;
}

// Whether any code point of first..last can come next. Surrogates are no characters.
bool alive(const View& view, std::int32_t state, std::uint32_t first, std::uint32_t last) {
    if (first < 0xd800 && last >= 0xd800) return alive(view, state, first, 0xd7ff) || alive(view, state, 0xd800, last);
    if (first >= 0xd800 && first < 0xe000) first = 0xe000;
    last = std::min(last, alphabet_end - 1);
    if (first > last) return false;
    const Dfa& d = view.leaf.dfa;
    for (std::size_t i = d.interval_of(first); i < d.starts.size() && d.starts[i] <= last; ++i)
        if (target(view, state, d.classes[i]) >= 0) return true;
    return false;
}

bool complete(const View& view, std::int32_t& state, std::uint32_t& at, std::uint32_t code, std::uint32_t phase) {
    if (code >= 0xd800 && code < 0xe000) return false;
    state = target(view, state,
                   code < 128 ? view.leaf.ascii[code] : view.leaf.dfa.classes[view.leaf.dfa.interval_of(code)]);
    at = pack(phase, 0);
    return state >= 0;
}

// A byte of a character of several; `resume` is the phase between characters.
bool multibyte(const View& view, std::int32_t& state, std::uint32_t& at, std::uint8_t byte, std::uint32_t resume) {
    const std::uint32_t phase = at >> phase_shift;
    std::uint32_t value, left;
    if (phase == resume) {
        if (byte < 0xc2 || byte > 0xf4) return false;
        left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        value = byte & (left == 1 ? 0x1fu : left == 2 ? 0x0fu : 0x07u);
        at = pack(left == 1 ? of2_left1 : left == 2 ? of3_left2 : of4_left3, value);
    } else {
        if ((byte & 0xc0) != 0x80) return false;
        value = (at & value_mask) << 6 | (byte & 0x3fu);
        switch (phase) {
            case of3_left2:
                left = 1;
                at = pack(of3_left1, value);
                break;
            case of4_left3:
                left = 2;
                at = pack(of4_left2, value);
                break;
            case of4_left2:
                left = 1;
                at = pack(of4_left1, value);
                break;
            default:
                return complete(view, state, at, value, resume);
        }
    }
    const std::uint32_t now = at >> phase_shift;
    const std::uint32_t least = now == of2_left1 ? 0x80u : now == of3_left2 || now == of3_left1 ? 0x800u : 0x10000u;
    const std::uint32_t first = value << 6 * left, last = first | ((1u << 6 * left) - 1);
    return last >= least && alive(view, state, std::max(first, least), last);
}

std::int32_t hex_digit(std::uint8_t b) {
    if (b >= '0' && b <= '9') return b - '0';
    if (b >= 'a' && b <= 'f') return b - 'a' + 10;
    if (b >= 'A' && b <= 'F') return b - 'A' + 10;
    return -1;
}

bool after_backslash(const View& view, std::int32_t& state, std::uint32_t& at, std::uint8_t byte) {
    switch (byte) {
        case '"':
        case '\\':
        case '/':
            return complete(view, state, at, byte, inside);
        case 'b':
            return complete(view, state, at, '\b', inside);
        case 'f':
            return complete(view, state, at, '\f', inside);
        case 'n':
            return complete(view, state, at, '\n', inside);
        case 'r':
            return complete(view, state, at, '\r', inside);
        case 't':
            return complete(view, state, at, '\t', inside);
        case 'u':
            at = pack(hex0, 0);
            return true;
        default:
            return false;
    }
}

// A digit of \uXXXX, the first of a pair or the only one.
bool hex(const View& view, std::int32_t& state, std::uint32_t& at, std::uint8_t byte) {
    const std::int32_t digit = hex_digit(byte);
    if (digit < 0) return false;
    const std::uint32_t value = (at & value_mask) << 4 | static_cast<std::uint32_t>(digit);
    const std::uint32_t phase = at >> phase_shift;
    if (phase == hex3) {
        if (value < 0xd800 || value > 0xdbff) return complete(view, state, at, value, inside);
        at = pack(high, value - 0xd800);
        const std::uint32_t base = 0x10000 + ((value - 0xd800) << 10);
        return alive(view, state, base, base + 0x3ff);
    }
    const std::uint32_t left = hex3 - phase;
    const std::uint32_t first = value << 4 * left, last = first | ((1u << 4 * left) - 1);
    at = pack(phase + 1, value);
    if (alive(view, state, first, last)) return true;
    const std::uint32_t from = std::max(first, 0xd800u), to = std::min(last, 0xdbffu);
    return from <= to && alive(view, state, 0x10000 + ((from - 0xd800) << 10), 0x10000 + ((to - 0xd800) << 10) + 0x3ff);
}

bool low_hex(const View& view, std::int32_t& state, std::uint32_t& at, std::uint8_t byte) {
    const std::int32_t digit = hex_digit(byte);
    if (digit < 0) return false;
    const std::uint32_t phase = at >> phase_shift, read = phase - low0;
    const std::uint32_t top = (at & value_mask) >> 4 * read;
    const std::uint32_t value = (at & value_mask) << 4 | static_cast<std::uint32_t>(digit);
    const std::uint32_t low = value & ((1u << 4 * (read + 1)) - 1), left = 3 - read;
    const std::uint32_t from = std::max(low << 4 * left, 0xdc00u);
    const std::uint32_t to = std::min((low << 4 * left) | ((1u << 4 * left) - 1), 0xdfffu);
    if (from > to) return false;
    const std::uint32_t base = 0x10000 + (top << 10);
    if (left == 0) return complete(view, state, at, base + (from - 0xdc00), inside);
    at = pack(phase + 1, value);
    return alive(view, state, base + (from - 0xdc00), base + (to - 0xdc00));
}

bool advance_json(const View& view, std::int32_t& state, std::uint32_t& at, std::uint8_t byte) {
    const std::uint32_t phase = at >> phase_shift;
    switch (phase) {
        case inside:
            if (byte == '"') {
                const std::int32_t label = view.leaf.dfa.labels[static_cast<std::size_t>(state)];
                at = pack(closed, 0);
                return label >= 0 && (!view.open || (view.open[label / 64] >> (label % 64) & 1) != 0);
            }
            if (byte == '\\') {
                at = pack(backslash, 0);
                return alive(view, state, 0, alphabet_end - 1);
            }
            if (byte < 0x20) return false;
            if (byte < 0x80) return complete(view, state, at, byte, inside);
            return multibyte(view, state, at, byte, inside);
        case quote:
            at = pack(inside, 0);
            return byte == '"';
        case closed:
            return false;
        case backslash:
            return after_backslash(view, state, at, byte);
        case hex0:
        case hex1:
        case hex2:
        case hex3:
            return hex(view, state, at, byte);
        case high:
            at = pack(high_backslash, at & value_mask);
            return byte == '\\';
        case high_backslash:
            at = pack(low0, at & value_mask);
            return byte == 'u';
        case low0:
        case low1:
        case low2:
        case low3:
            return low_hex(view, state, at, byte);
        default:
            return multibyte(view, state, at, byte, inside);
    }
}

}  // namespace

std::uint32_t first_spelling(Spelling spelling) { return spelling == Spelling::json ? pack(quote, 0) : between; }
std::uint32_t in_string() { return pack(inside, 0); }
bool may_leave(Spelling spelling, std::uint32_t at) {
    return at == (spelling == Spelling::json ? pack(closed, 0) : between);
}

bool advance(const Leaf& leaf, std::int32_t& state, std::uint32_t& at, std::uint8_t byte, const std::uint64_t* open) {
    const View view{leaf, open};
    if (leaf.spelling == Spelling::json) return advance_json(view, state, at, byte);
    if (leaf.spelling == Spelling::bytes || (at == between && byte < 0x80)) {
        state = target(view, state, byte < 0x80 ? leaf.ascii[byte] : leaf.dfa.classes[leaf.dfa.interval_of(byte)]);
        return state >= 0;
    }
    return multibyte(view, state, at, byte, start);
}

}  // namespace quern::grammar
