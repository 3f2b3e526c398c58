#include "text/utf8.h"

#include <cstdint>
#include <cstring>

namespace quern::text {
namespace {

unsigned byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

struct Lead {
    std::size_t length = 0;            // 0: cannot start a character
    unsigned low = 0x80, high = 0xBF;  // what the second byte may be
};

Lead lead_of(unsigned b) {
    if (b < 0x80) return {1};
    if (b < 0xC2 || b > 0xF4) return {0};
    if (b < 0xE0) return {2};
    if (b == 0xE0) return {3, 0xA0, 0xBF};
    if (b == 0xED) return {3, 0x80, 0x9F};
    if (b < 0xF0) return {3};
    if (b == 0xF0) return {4, 0x90, 0xBF};
    if (b == 0xF4) return {4, 0x80, 0x8F};
    return {4};
}

}  // namespace

Utf8Step next_character(std::string_view text) {
    const Lead lead = lead_of(byte_at(text, 0));
    if (lead.length == 0) return {Utf8::malformed, 1};
    for (std::size_t i = 1; i < lead.length; ++i) {
        if (i == text.size()) return {Utf8::incomplete, i};
        const unsigned b = byte_at(text, i);
        const bool good = i == 1 ? b >= lead.low && b <= lead.high : b >= 0x80 && b <= 0xBF;
        if (!good) return {Utf8::malformed, i};
    }
    return {Utf8::valid, lead.length};
}

std::size_t valid_prefix(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size()) {
        if (i + 8 <= text.size()) {  // eight ASCII bytes at a time
            std::uint64_t word;
            std::memcpy(&word, text.data() + i, 8);
            if ((word & 0x8080808080808080u) == 0) {
                i += 8;
                continue;
            }
        }
        const Utf8Step step = next_character(text.substr(i));
        if (step.kind != Utf8::valid) break;
        i += step.bytes;
    }
    return i;
}

char32_t code_point(std::string_view character) {
    const unsigned b = byte_at(character, 0);
    if (character.size() == 1) return b;
    char32_t code = b & (0x7Fu >> character.size());
    for (std::size_t i = 1; i < character.size(); ++i) code = (code << 6) | (byte_at(character, i) & 0x3F);
    return code;
}

void append_utf8(std::string& out, char32_t code) {
    const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | (code >> 6));
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3F));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

}  // namespace quern::text
