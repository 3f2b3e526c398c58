#include "state/pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/checked.h"
#include "tensor/view.h"

namespace quern {

namespace {

constexpr std::int64_t region_alignment = 4096;  // a page of the system, so that groups share none
constexpr std::int64_t max_pages = std::numeric_limits<std::int32_t>::max();

void check_capacity(const Capacity& c) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();  // Ragged counts tokens in 32 bits
    if (c.max_sequences < 1 || c.max_sequences > 1 << 20)
        throw Error(Code::bad_request, "planning state: {} sequences were asked for; give 1 to {}", c.max_sequences,
                    1 << 20);
    if (c.max_tokens_per_sequence < 1 || c.max_tokens_per_sequence > most)
        throw Error(Code::bad_request, "planning state: a context of {} tokens was asked for; give 1 to {}",
                    c.max_tokens_per_sequence, most);
    if (c.max_step_rows < 1 || c.max_step_rows > most)
        throw Error(Code::bad_request, "planning state: steps of {} rows were asked for; give 1 to {}", c.max_step_rows,
                    most);
    if (c.total_tokens && (*c.total_tokens < 1 || *c.total_tokens > std::int64_t(1) << 50))
        throw Error(Code::bad_request, "planning state: room for {} tokens in all was asked for; give 1 to {}",
                    *c.total_tokens, std::int64_t(1) << 50);
}

void check_group(const StateGroup& g) {
    if (g.ratio < 1 || (g.kind != StateKind::compressed && g.ratio != 1))
        throw Error(Code::bad_file, "planning state: group {} has one row per {} tokens; its kind allows {}", g.name,
                    g.ratio, g.kind == StateKind::compressed ? "1 or more" : "1 only");
    if (g.kind == StateKind::ring && g.window < 1)
        throw Error(Code::bad_file, "planning state: group {} is a ring with a window of {} rows; at least 1 is needed",
                    g.name, g.window);
    for (const StateMember& m : g.members) {
        if (m.width < 1)
            throw Error(Code::bad_file, "planning state: {} in group {} has rows of {} elements; at least 1 is needed",
                        m.name, g.name, m.width);
        if (m.width % info(m.dtype).block != 0)
            throw Error(Code::bad_file,
                        "planning state: {} has rows of {} elements, which are no whole blocks of {} ({} elements "
                        "each); choose another type for the state",
                        m.name, m.width, info(m.dtype).name, info(m.dtype).block);
    }
}

// Pages that are enough for every division of the capacity among the sequences. n rows that begin anywhere in a page
// touch at most (n + 62) / 64 + 1 pages, that begin with one (n + 63) / 64; sums of floors are at most floors of sums.
std::int64_t pages_needed(const StateGroup& g, const Capacity& c) {
    const std::int64_t n = c.max_sequences;
    if (g.kind == StateKind::slot) return n;
    const std::int64_t per_page = g.rows_per_page();
    std::int64_t pages =
        checked_mul<std::int64_t>(n, ceil_div(g.rows_at(c.max_tokens_per_sequence), per_page), "pages of the context");
    if (c.total_tokens)
        pages = std::min<std::int64_t>(pages, (*c.total_tokens / g.ratio + n * (per_page - 1)) / per_page);
    if (g.kind == StateKind::ring) {
        const std::int64_t windows =
            checked_mul(n, checked_add(g.window, per_page - 3, "window"), "rows of the windows");
        pages = std::min(pages, checked_add(windows, c.max_step_rows, "rows of the ring") / per_page + n);
    }
    return std::max<std::int64_t>(pages, 1);
}

}  // namespace

// Rows of a member that a checkpoint copied lie as for_saved_rows visits them.
struct Pages::Saved {
    std::int64_t length = 0;
    std::vector<std::byte> rows;
};

std::int64_t Pages::Checkpoint::length() const { return saved_ ? saved_->length : 0; }
std::int64_t Pages::Checkpoint::bytes() const { return saved_ ? std::int64_t(saved_->rows.size()) : 0; }

std::vector<Pages::Pool> Pages::layout(const std::vector<StateGroup>& groups, const Capacity& c, std::int64_t& bytes) {
    check_capacity(c);
    std::vector<Pool> pools;
    bytes = 0;
    for (const StateGroup& g : groups) {
        check_group(g);
        Pool p;
        for (const StateMember& m : g.members) {
            p.member.push_back(p.page_bytes);
            const auto rows = checked_mul(row_bytes(m.dtype, m.width), g.rows_per_page(), "bytes of a state page");
            const auto end = checked_add(p.page_bytes, rows, "bytes of a state page");
            p.page_bytes = checked_add(end, std::int64_t(buffer_alignment) - 1, "bytes of a state page");
            p.page_bytes -= p.page_bytes % std::int64_t(buffer_alignment);
        }
        p.pages = pages_needed(g, c);
        if (p.pages > max_pages)
            throw Error(Code::no_memory,
                        "planning state: group {} would have {} pages, and page numbers end at {}; allow fewer "
                        "sequences or a shorter context",
                        g.name, p.pages, max_pages);
        p.table_stride =
            g.kind == StateKind::slot
                ? 1
                : std::max<std::int64_t>(1, ceil_div(g.rows_at(c.max_tokens_per_sequence), g.rows_per_page()));
        p.offset = bytes;
        const auto end =
            checked_add(bytes, checked_mul(p.page_bytes, p.pages, "bytes of the state"), "bytes of the state");
        bytes = checked_add(end, region_alignment - 1, "bytes of the state") / region_alignment * region_alignment;
        pools.push_back(std::move(p));
    }
    return pools;
}

std::int64_t Pages::planned_bytes(const std::vector<StateGroup>& groups, const Capacity& capacity) {
    std::int64_t bytes = 0;
    layout(groups, capacity, bytes);
    return bytes;
}

Pages::Pages(std::vector<StateGroup> groups, const Capacity& capacity)
    : groups_(std::move(groups)), capacity_(capacity), pools_(layout(groups_, capacity_, bytes_)) {
    const auto n = std::size_t(capacity_.max_sequences);
    for (Pool& p : pools_) {
        p.used.assign(std::size_t(p.pages), 0);
        p.free.resize(std::size_t(p.pages));
        for (std::int64_t i = 0; i < p.pages; ++i) p.free[std::size_t(p.pages - 1 - i)] = std::int32_t(i);
        p.tables.assign(n * std::size_t(p.table_stride), -1);
        p.begin.assign(n, 0);
        p.end.assign(n, 0);
    }
    sequences_.resize(n);
    free_ids_.resize(n);
    for (std::size_t i = 0; i < n; ++i) free_ids_[n - 1 - i] = int(i);
    if (bytes_ == 0) return;
    // Last, so that nothing can throw once the region is there.
    void* p =
        mmap(nullptr, std::size_t(bytes_), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        throw Error(Code::no_memory,
                    "taking {} bytes for the state of {} sequences of up to {} tokens: {}; allow fewer sequences or a "
                    "shorter context",
                    bytes_, capacity_.max_sequences, capacity_.max_tokens_per_sequence, std::strerror(errno));
    region_ = static_cast<std::byte*>(p);
}

Pages::~Pages() {
    if (region_) munmap(region_, std::size_t(bytes_));
}

PagedView Pages::storage(int group, int member) const {
    CHECK(group >= 0 && std::size_t(group) < groups_.size());
    const StateGroup& g = groups_[std::size_t(group)];
    CHECK(member >= 0 && std::size_t(member) < g.members.size());
    const StateMember& m = g.members[std::size_t(member)];
    const Pool& p = pools_[std::size_t(group)];
    return {.base = region_ + p.offset + p.member[std::size_t(member)],
            .page_stride = p.page_bytes,
            .row_stride = row_bytes(m.dtype, m.width),
            .tables = nullptr,
            .table_stride = p.table_stride,
            .rows_per_page = g.rows_per_page(),
            .dtype = m.dtype,
            .width = m.width,
            .ratio = g.ratio};
}

const Pages::Sequence& Pages::at(int sequence) const {
    CHECK(is_open(sequence));
    return sequences_[std::size_t(sequence)];
}
Pages::Sequence& Pages::at(int sequence) {
    CHECK(is_open(sequence));
    return sequences_[std::size_t(sequence)];
}

bool Pages::is_open(int sequence) const {
    return sequence >= 0 && sequence < capacity_.max_sequences && sequences_[std::size_t(sequence)].open;
}

std::int64_t Pages::length(int sequence) const { return at(sequence).length; }

const std::int32_t* Pages::table(int group, int sequence) const {
    CHECK(group >= 0 && std::size_t(group) < pools_.size());
    CHECK(sequence >= 0 && sequence < capacity_.max_sequences);
    const Pool& p = pools_[std::size_t(group)];
    return p.tables.data() + sequence * p.table_stride;
}

std::byte* Pages::page(std::size_t group, std::int32_t number) const {
    const Pool& p = pools_[group];
    CHECK(number >= 0 && number < p.pages && p.used[std::size_t(number)]);
    return region_ + p.offset + number * p.page_bytes;
}

// The first row that a token at index `length` sees.
std::int64_t Pages::first_seen(const StateGroup& g, std::int64_t length) {
    return g.kind == StateKind::ring ? std::max<std::int64_t>(0, length - g.window + 1) : 0;
}
std::int64_t Pages::first_page(const StateGroup& g, std::int64_t length) {
    return first_seen(g, length) / g.rows_per_page();
}

// Holds pages up to index `end` (exclusive).
void Pages::take(std::size_t group, int sequence, std::int64_t end) {
    Pool& p = pools_[group];
    std::int32_t* table = p.tables.data() + sequence * p.table_stride;
    CHECK(end <= p.table_stride);
    for (std::int32_t& i = p.end[std::size_t(sequence)]; i < end; ++i) {
        CHECK(!p.free.empty() && table[i] == -1);
        table[i] = p.free.back();
        p.free.pop_back();
        CHECK(!p.used[std::size_t(table[i])]);
        p.used[std::size_t(table[i])] = 1;
    }
}

// Gives back what is held outside page indices [begin, end). Later pages go first, so that they are taken in order
// again.
void Pages::give(std::size_t group, int sequence, std::int64_t begin, std::int64_t end) {
    Pool& p = pools_[group];
    std::int32_t* table = p.tables.data() + sequence * p.table_stride;
    const auto release = [&](std::int32_t i) {
        CHECK(table[i] >= 0 && p.used[std::size_t(table[i])]);  // else it was given back twice
        p.used[std::size_t(table[i])] = 0;
        p.free.push_back(table[i]);
        table[i] = -1;
    };
    std::int32_t &first = p.begin[std::size_t(sequence)], &last = p.end[std::size_t(sequence)];
    while (last > first && last > end) release(--last);
    while (first < last && first < begin) release(first++);
    if (first == last) first = last = std::int32_t(begin);
}

void Pages::zero_slots(int sequence) {
    for (std::size_t g = 0; g < groups_.size(); ++g)
        if (groups_[g].kind == StateKind::slot)
            std::memset(page(g, *table(int(g), sequence)), 0, std::size_t(pools_[g].page_bytes));
}

int Pages::open() {
    if (free_ids_.empty())
        throw Error(Code::no_memory,
                    "opening a sequence: all {} are in use; wait until one ends, or allow more sequences at start",
                    capacity_.max_sequences);
    const int sequence = free_ids_.back();
    free_ids_.pop_back();
    Sequence& s = sequences_[std::size_t(sequence)];
    CHECK(!s.open);
    s.open = true;
    s.length = s.reserved = 0;
    for (std::size_t g = 0; g < groups_.size(); ++g)
        if (groups_[g].kind == StateKind::slot) take(g, sequence, 1);
    zero_slots(sequence);
    return sequence;
}

void Pages::close(int sequence) {
    Sequence& s = at(sequence);
    for (std::size_t g = 0; g < groups_.size(); ++g) give(g, sequence, 0, 0);
    s.checkpoints.clear();
    s.open = false;
    free_ids_.push_back(sequence);
}

std::int64_t Pages::available(int sequence) const {
    const Sequence& s = at(sequence);
    std::int64_t tokens = capacity_.max_tokens_per_sequence;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        const StateGroup& group = groups_[g];
        if (group.kind == StateKind::slot) continue;
        const std::int64_t pages = pools_[g].end[std::size_t(sequence)] + std::int64_t(pools_[g].free.size());
        if (pages >= pools_[g].table_stride) continue;
        // The last token that needs no row more: the row after the last is there once ratio more tokens are.
        tokens = std::min(tokens, (pages * group.rows_per_page() + 1) * group.ratio - 1);
    }
    // Below 0 where a ring let go of a half-full page that nobody sees any more and there is none to go on in.
    return std::max<std::int64_t>(0, tokens - s.length);
}

void Pages::reserve(int sequence, std::int64_t new_tokens) {
    Sequence& s = at(sequence);
    CHECK(new_tokens >= 0);
    if (new_tokens > capacity_.max_tokens_per_sequence - s.length)
        throw Error(Code::bad_request,
                    "making room for {} tokens after {}: the context is {} tokens; shorten the prompt or start with a "
                    "larger context",
                    new_tokens, s.length, capacity_.max_tokens_per_sequence);
    if (const std::int64_t most = available(sequence); new_tokens > most)
        throw Error(Code::no_memory,
                    "making room for {} tokens after {}: pages for {} are free, since {} sequences share the state; "
                    "wait until one ends, or start with room for more tokens",
                    new_tokens, s.length, most, open_sequences());
    if (new_tokens == 0) return cut(sequence, s.length);
    const std::int64_t tokens = s.length + new_tokens;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        const StateGroup& group = groups_[g];
        if (group.kind == StateKind::slot) continue;
        const std::int64_t end = ceil_div(group.rows_at(tokens), group.rows_per_page());
        give(g, sequence, first_page(group, s.length), end);
        take(g, sequence, end);
    }
    s.reserved = tokens;
}

void Pages::advance(int sequence, std::int64_t tokens) {
    Sequence& s = at(sequence);
    CHECK(tokens >= 0 && tokens <= s.reserved - s.length);
    cut(sequence, s.length + tokens);
}

// Holds exactly what `length` tokens need, of what is held.
void Pages::cut(int sequence, std::int64_t length) {
    Sequence& s = at(sequence);
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        const StateGroup& group = groups_[g];
        if (group.kind == StateKind::slot) continue;
        give(g, sequence, first_page(group, length), ceil_div(group.rows_at(length), group.rows_per_page()));
    }
    s.length = s.reserved = length;
}

bool Pages::can_truncate(int sequence, std::int64_t length) const {
    const Sequence& s = at(sequence);
    if (length < 0 || length > s.length) return false;
    if (length == 0 || length == s.length) return true;
    for (const StateGroup& g : groups_) {
        if (g.kind == StateKind::slot) return false;
        if (g.kind != StateKind::ring || first_seen(g, length) >= length) continue;
        if (first_page(g, length) < first_page(g, s.length)) return false;
    }
    return true;
}

void Pages::truncate(int sequence, std::int64_t length) {
    CHECK(can_truncate(sequence, length));
    Sequence& s = at(sequence);
    std::erase_if(s.checkpoints, [&](const auto& weak) {
        const auto saved = weak.lock();
        return !saved || saved->length > length;
    });
    cut(sequence, length);
    if (length == 0) zero_slots(sequence);
}

// Calls f(address, bytes) for each run of rows that a checkpoint of `length` tokens copies, always in the same order.
template <class F>
void Pages::for_saved_rows(int sequence, std::int64_t length, F&& f) const {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        const StateGroup& group = groups_[g];
        if (group.rewinds_by_truncation()) continue;
        const std::int64_t end = group.kind == StateKind::slot ? 1 : length;
        // From the page's first row, since can_truncate takes held pages to be whole. Window 1 sees nothing earlier.
        const std::int64_t first =
            first_seen(group, length) < end ? first_page(group, length) * group.rows_per_page() : end;
        const std::int32_t* pages = table(int(g), sequence);
        for (std::size_t m = 0; m < group.members.size(); ++m) {
            const std::int64_t row_size = row_bytes(group.members[m].dtype, group.members[m].width);
            for (std::int64_t row = first; row < end;) {
                const std::int64_t in_page = row % group.rows_per_page();
                const std::int64_t count = std::min(end - row, group.rows_per_page() - in_page);
                std::byte* start = page(g, pages[row / group.rows_per_page()]) + pools_[g].member[m];
                f(start + in_page * row_size, std::size_t(count * row_size));
                row += count;
            }
        }
    }
}

Pages::Checkpoint Pages::checkpoint(int sequence) {
    Sequence& s = at(sequence);
    auto saved = std::make_shared<Saved>();
    saved->length = s.length;
    std::size_t bytes = 0;
    for_saved_rows(sequence, s.length, [&](std::byte*, std::size_t n) { bytes += n; });
    saved->rows.reserve(bytes);
    for_saved_rows(sequence, s.length,
                   [&](std::byte* p, std::size_t n) { saved->rows.insert(saved->rows.end(), p, p + n); });
    std::erase_if(s.checkpoints, [](const auto& weak) { return weak.expired(); });
    s.checkpoints.push_back(saved);
    return Checkpoint(std::move(saved));
}

bool Pages::can_restore(int sequence, const Checkpoint& checkpoint) const {
    const Sequence& s = at(sequence);
    return checkpoint.saved_ && std::any_of(s.checkpoints.begin(), s.checkpoints.end(),
                                            [&](const auto& weak) { return weak.lock() == checkpoint.saved_; });
}

void Pages::restore(int sequence, const Checkpoint& checkpoint) {
    CHECK(can_restore(sequence, checkpoint));
    Sequence& s = at(sequence);
    const std::int64_t length = checkpoint.length();
    CHECK(length <= s.length);  // a shorter sequence has lost its longer checkpoints
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        const StateGroup& group = groups_[g];
        if (group.kind != StateKind::ring) continue;
        const std::int64_t need = ceil_div(length, group.rows_per_page()) - first_page(group, length);
        const std::int64_t have =
            pools_[g].end[std::size_t(sequence)] - pools_[g].begin[std::size_t(sequence)] + free_pages(int(g));
        if (need > have)
            throw Error(Code::no_memory,
                        "going back to {} tokens: group {} needs {} pages and {} are free; wait until another sequence "
                        "ends",
                        length, group.name, need, have);
    }
    std::erase_if(s.checkpoints, [&](const auto& weak) {
        const auto saved = weak.lock();
        return !saved || saved->length > length;
    });
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        if (groups_[g].kind != StateKind::ring) continue;
        const std::int64_t begin = first_page(groups_[g], length);
        give(g, sequence, begin, begin);
        take(g, sequence, ceil_div(length, groups_[g].rows_per_page()));
    }
    cut(sequence, length);
    const std::byte* from = checkpoint.saved_->rows.data();
    for_saved_rows(sequence, length, [&](std::byte* to, std::size_t n) {
        std::memcpy(to, from, n);
        from += n;
    });
}

}  // namespace quern
