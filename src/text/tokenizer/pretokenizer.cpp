#include "text/tokenizer/pretokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "text/tokenizer/scratch.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

// Unicode's White_Space. PCRE2's own \s has U+180E in addition, and costs a property look-up per character.
constexpr std::string_view white_space =
    R"(\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";

std::string with_white_space(std::string_view pattern) {
    std::string out;
    bool in_class = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c == '\\' && i + 1 < pattern.size()) {
            const char escaped = pattern[++i];
            if (escaped == 's' && in_class)
                out.append(white_space);
            else if (escaped == 's' || escaped == 'S')
                out.append(escaped == 's' ? "[" : "[^").append(white_space).append("]");
            else
                out.append({c, escaped});
            continue;
        }
        if (c == '[') in_class = true;
        if (c == ']') in_class = false;
        out += c;
    }
    return out;
}

struct Free {
    void operator()(pcre2_code* p) const { pcre2_code_free(p); }
    void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
    void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
    void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<pcre2_code> compile(std::string_view pattern) {
    const std::string expanded = with_white_space(without_going_back(pattern));
    int error = 0;
    PCRE2_SIZE at = 0;
    Owned<pcre2_code> code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expanded.data()), expanded.size(),
                                         PCRE2_UTF | PCRE2_UCP, &error, &at, nullptr));
    CHECK(code != nullptr);                             // the patterns are ours; a test compiles them all
    pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // where that is not allowed, matching is slower and the same
    return code;
}

// One step of a family.
struct Level {
    Owned<pcre2_code> code;
    bool in_threes = false;                     // what matches is cut into groups of three digits
    bool jit = false;                           // compiled to machine code
    const std::uint8_t* first_bytes = nullptr;  // one bit for each byte that a match can start with; null: any

    explicit Level(Owned<pcre2_code> c) : code(std::move(c)) {
        std::size_t jit_size = 0;
        pcre2_pattern_info(code.get(), PCRE2_INFO_JITSIZE, &jit_size);
        pcre2_pattern_info(code.get(), PCRE2_INFO_FIRSTBITMAP, &first_bytes);
        jit = jit_size > 0;
    }

    // The first place from `from` on where a match can start: asking PCRE2 costs more than looking at a short piece.
    std::size_t first_place(std::string_view text, std::size_t from) const {
        if (!first_bytes) return from;
        while (from < text.size()) {
            const auto byte = static_cast<unsigned char>(text[from]);
            if ((first_bytes[byte / 8] >> (byte % 8) & 1) != 0) break;
            ++from;
        }
        return from;
    }
};

struct MatchSpace {
    Owned<pcre2_match_data> data{pcre2_match_data_create(1, nullptr)};
    Owned<pcre2_match_context> context{pcre2_match_context_create(nullptr)};
    Owned<pcre2_jit_stack> stack{pcre2_jit_stack_create(32 << 10, 1 << 20, nullptr)};

    MatchSpace() {
        if (!data || !context) throw std::bad_alloc();
        // PCRE2's own limit of ten million steps is less than ten megabytes of spaces need. The patterns are ours: the
        // steps for a text grow with its length only, which a test shows.
        pcre2_set_match_limit(context.get(), std::numeric_limits<std::uint32_t>::max());
        pcre2_set_heap_limit(context.get(), 1 << 20);  // KiB; without machine code only
        if (stack) pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
    }
};

// A whole number that no letter follows.
Owned<pcre2_code> compile_number() {
    return compile(R"((?<!\p{Nd})\p{Nd}++(?![\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{24B6}-\x{24E9}]))");
}

std::size_t count_characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::size_t bytes_of_characters(std::string_view text, std::size_t count) {
    std::size_t at = 0;
    for (; count > 0; --count) at += next_character(text.substr(at)).bytes;
    return at;
}

}  // namespace

struct Splitter::Impl {
    std::vector<Level> levels;
    ScratchPool<MatchSpace> spaces;

    // True if levels[level] matches at or after `from`; the place is then in space.data.
    bool match(std::size_t level, std::string_view text, std::size_t from, MatchSpace& space) const {
        const Level& l = levels[level];
        from = l.first_place(text, from);
        if (from == text.size()) return false;
        const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
        int result = PCRE2_ERROR_JIT_STACKLIMIT;
        if (l.jit)
            result =
                pcre2_jit_match(l.code.get(), subject, text.size(), from, 0, space.data.get(), space.context.get());
        if (result == PCRE2_ERROR_JIT_STACKLIMIT)
            result = pcre2_match(l.code.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                                 space.data.get(), space.context.get());
        if (result == PCRE2_ERROR_NOMATCH) return false;
        if (result < 0)
            throw Error(Code::no_memory,
                        "splitting a text of {} bytes into words: the pattern matcher gave up with code {}; split the "
                        "text into smaller ones",
                        text.size(), result);
        return true;
    }

    void split_in_threes(std::size_t level, std::string_view digits, MatchSpace& space, const Emit& emit) const {
        std::size_t count = count_characters(digits);
        while (count > 0) {
            const std::size_t group = count % 3 == 0 ? 3 : count % 3, bytes = bytes_of_characters(digits, group);
            split(level + 1, digits.substr(0, bytes), space, emit);
            digits.remove_prefix(bytes);
            count -= group;
        }
    }

    void split(std::size_t level, std::string_view text, MatchSpace& space, const Emit& emit) const {
        if (level == levels.size()) {
            emit(text);
            return;
        }
        std::size_t done = 0, from = 0;
        while (from < text.size() && match(level, text, from, space)) {
            const PCRE2_SIZE* place = pcre2_get_ovector_pointer(space.data.get());
            const std::size_t begin = place[0], end = place[1];
            CHECK(end > begin && begin >= done);  // no pattern of the table matches nothing
            if (begin > done) split(level + 1, text.substr(done, begin - done), space, emit);
            if (levels[level].in_threes)
                split_in_threes(level, text.substr(begin, end - begin), space, emit);
            else
                split(level + 1, text.substr(begin, end - begin), space, emit);
            done = from = end;
        }
        if (done < text.size()) split(level + 1, text.substr(done), space, emit);
    }
};

Splitter::Splitter(const PreTokenizer& pre) : impl_(std::make_unique<Impl>()) {
    for (const std::string_view pattern : pre.patterns) {
        if (pattern.empty()) continue;
        const bool in_threes = pattern == digits_in_threes;
        impl_->levels.emplace_back(in_threes ? compile_number() : compile(pattern)).in_threes = in_threes;
    }
}
Splitter::Splitter(Splitter&&) noexcept = default;
Splitter::~Splitter() = default;

void Splitter::split(std::string_view text, const Emit& emit) const {
    if (text.empty()) return;
    ScratchPool<MatchSpace>::Lease space(impl_->spaces);
    impl_->split(0, text, *space, emit);
}

}  // namespace quern::text
