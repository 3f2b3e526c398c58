#include "base/fault.h"

#include <atomic>
#include <charconv>
#include <string>

#include "base/error.h"

namespace quern::fault {

#ifdef QUERN_FAULTS

namespace {

constexpr std::string_view names[] = {
#define X(name, text) #name,
    QUERN_FAULT_POINTS(X)
#undef X
};

enum class Kind : std::uint8_t { once, always, named };

// What QUERN_FAULT asks for; set before threads are made. Fixed in size: a hit may be an allocation.
struct Armed {
    int point = -1;  // none
    std::int64_t nth = 1;
    Kind kind = Kind::once;
    char name[64] = {};
};
Armed armed;
std::atomic<std::int64_t> hits{0};

[[noreturn]] void refuse(std::string_view text) {
    std::string known;
    for (const std::string_view n : names) known += (known.empty() ? "" : ", ") + std::string(n);
    throw Error(Code::bad_request,
                "QUERN_FAULT={}: expected point:nth or point:nth:kind, where kind is once, always or a name; there are "
                "the points {}",
                text, known);
}

}  // namespace

void arm(std::string_view text) {
    Armed a;
    hits = 0;
    armed = a;
    if (text.empty()) return;
    const std::size_t colon = text.find(':'), second = text.find(':', colon + 1);
    if (colon == text.npos) refuse(text);
    for (int i = 0; i < static_cast<int>(std::size(names)); ++i)
        if (names[i] == text.substr(0, colon)) a.point = i;
    const std::string_view nth = text.substr(colon + 1, second == text.npos ? second : second - colon - 1);
    const auto [end, failed] = std::from_chars(nth.data(), nth.data() + nth.size(), a.nth);
    if (a.point < 0 || failed != std::errc() || end != nth.data() + nth.size() || a.nth < 1) refuse(text);
    const std::string_view kind = second == text.npos ? "once" : text.substr(second + 1);
    if (kind.empty() || kind.size() >= sizeof a.name) refuse(text);
    a.kind = kind == "once" ? Kind::once : kind == "always" ? Kind::always : Kind::named;
    kind.copy(a.name, kind.size());
    armed = a;
}

bool hit(Point point, std::string_view name) noexcept {
    if (armed.point != static_cast<int>(point)) return false;
    if (armed.kind == Kind::named && name != armed.name) return false;
    const std::int64_t n = hits.fetch_add(1, std::memory_order_relaxed) + 1;
    return armed.kind == Kind::once ? n == armed.nth : n >= armed.nth;
}

#else

void arm(std::string_view text) {
    if (!text.empty())
        throw Error(Code::unsupported, "QUERN_FAULT={}: this build has no faults; configure it with -DQUERN_FAULTS=ON",
                    text);
}

#endif

}  // namespace quern::fault
