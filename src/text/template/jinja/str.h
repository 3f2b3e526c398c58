// Text that remembers where it came from. Every byte is either the template's own (its literals and what it makes of
// them) or data (messages, tools, variables, and all that is derived from those), and joining, cutting and changing
// texts keeps the marks. In case of doubt a byte is data. Knows nothing of what the marks are for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quern::text::jinja {

enum class Origin : bool { ours, data };

struct Span {
    std::size_t begin = 0, end = 0;
    bool operator==(const Span&) const = default;
};

struct Str {
    std::string bytes;
    std::vector<Span> data;  // the bytes that are data: in order, none empty, none touching
    bool markup = false;     // went through `safe` or `escape`: adding to it escapes the other side

    static Str of(std::string_view bytes, Origin origin);
    Origin origin() const { return data.empty() ? Origin::ours : Origin::data; }  // data if any byte is
    Origin origin_at(std::size_t byte) const;
};

class StrBuilder {
public:
    void add(std::string_view bytes, Origin origin);
    void add(const Str& s) { add(s, 0, s.bytes.size()); }
    void add(const Str& s, std::size_t begin, std::size_t end);  // bytes begin .. end
    std::size_t size() const { return str_.bytes.size(); }
    const Str& str() const { return str_; }
    Str take();

private:
    void mark(std::size_t begin, std::size_t end);
    Str str_;
};

Str cut(const Str& s, std::size_t begin, std::size_t end);

}  // namespace quern::text::jinja
