// Pages: the state of all sequences of a model, in pages of fixed rows. It owns one region of memory whose size is
// decided at construction (planned_bytes says it beforehand), the block tables, and which page is free. It knows groups
// and rows as declared (tensor/state.h); it does not know models, tokens' ids, steps' kernels or prefixes.
//
// A step of a sequence is: reserve(s, n); the kernels write rows [length, length + n); advance(s, m) with m <= n. What
// is not advanced over (a rejected draft, a failed step) was never there, but for slots, which the kernels have
// rewritten by then: with slot groups, take a checkpoint before such a step and restore it after. reserve, advance,
// truncate, open, close and table allocate nothing. A page holds all members of its group, one after another, each
// aligned to buffer_alignment:
//   [member 0: rows_per_page rows][member 1: rows_per_page rows] ...
// Rows of a page taken again hold what was there before (numbers, NaN); only slots are zeroed. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "tensor/state.h"

namespace quern {

// What Pages must have room for. Ring groups take only what the window and one step need, however long the sequences.
struct Capacity {
    int max_sequences = 1;
    std::int64_t max_tokens_per_sequence = 0;  // the context
    std::int64_t max_step_rows = 1;            // rows of one step, all sequences together
    // Tokens of all sequences together that are sure to fit; not given: max_sequences * max_tokens_per_sequence.
    std::optional<std::int64_t> total_tokens;
};

class Pages : public StateStore {
    struct Saved;

public:
    // Throws Error: bad_request for a capacity that makes no sense, bad_file for a group that cannot be laid out,
    // no_memory when the system refuses the address space. Memory is taken from the system as pages are first written.
    Pages(std::vector<StateGroup> groups, const Capacity& capacity);
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;
    ~Pages() override;

    // Bytes of the region when all of it is in use; the static one before anything is taken. Same errors as above.
    static std::int64_t planned_bytes(const std::vector<StateGroup>& groups, const Capacity& capacity);
    std::int64_t bytes() const { return bytes_; }

    const std::vector<StateGroup>& groups() const { return groups_; }
    const Capacity& capacity() const { return capacity_; }
    std::int64_t free_pages(int group) const { return std::int64_t(pools_[std::size_t(group)].free.size()); }
    std::int64_t total_pages(int group) const { return std::int64_t(pools_[std::size_t(group)].used.size()); }

    // tables is null: the caller copies table(group, sequence) of the step's sequences to where its kernels look.
    PagedView storage(int group, int member) const override;

    // A new sequence of length 0 with zeroed slots; its id is in [0, max_sequences). Throws Error(no_memory) when all
    // are taken. Ids are reused after close().
    int open();
    void close(int sequence);
    bool is_open(int sequence) const;
    int open_sequences() const { return capacity_.max_sequences - int(free_ids_.size()); }

    std::int64_t length(int sequence) const;  // tokens

    // Makes every row of the next new_tokens tokens writable, in all groups or in none. Throws Error(bad_request) when
    // the context would be exceeded, Error(no_memory) saying what was needed and what there is when pages run out.
    // It cannot run out while the lengths and what is reserved stay within capacity(). Reserving again replaces.
    void reserve(int sequence, std::int64_t new_tokens);
    // The most that reserve() would grant now.
    std::int64_t available(int sequence) const;

    // Ends a step: the first `tokens` of the reserved ones are there, the other pages that were reserved go back, and
    // so do ring pages that no later token sees: a token at index p sees rows from p - window + 1 on.
    void advance(int sequence, std::int64_t tokens);

    // Page numbers of a sequence by page index (row / rows_per_page), -1 where there is none. The pointer stays valid;
    // the content changes with reserve, advance, truncate, restore, close.
    const std::int32_t* table(int group, int sequence) const;
    // Entries of one table; fixed.
    std::int64_t table_stride(int group) const { return pools_[std::size_t(group)].table_stride; }

    // Whether the sequence can be cut back to `length` tokens by forgetting alone: always to its present length and to
    // 0; else only without slot groups, and when every ring still holds what the next token would see.
    bool can_truncate(int sequence, std::int64_t length) const;
    // Also gives back what is reserved; zeroes slots when length is 0. CHECKs can_truncate.
    void truncate(int sequence, std::int64_t length);

    // A copy of what cutting back to the present length would not bring back: the ring rows that are held and
    // the slots. per_token and compressed rows need no copy: rows below the length are never written again unless
    // the sequence is cut below it, and then its checkpoints of greater length die (as all do at close).
    class Checkpoint {
    public:
        Checkpoint() = default;  // of nothing
        std::int64_t length() const;
        std::int64_t bytes() const;

    private:
        friend class Pages;
        explicit Checkpoint(std::shared_ptr<const Saved> saved) : saved_(std::move(saved)) {}
        std::shared_ptr<const Saved> saved_;
    };
    Checkpoint checkpoint(int sequence);
    // Whether the checkpoint is of this sequence and still alive. Restoring does not use it up.
    bool can_restore(int sequence, const Checkpoint& checkpoint) const;
    // Makes the sequence what it was at the checkpoint, also when its length is the same now. CHECKs can_restore.
    // Throws Error(no_memory), having changed nothing, when ring pages are short (only beyond capacity()).
    void restore(int sequence, const Checkpoint& checkpoint);

private:
    struct Pool {                              // of one group
        std::int64_t pages = 0;                // how many there are
        std::int64_t table_stride = 0;         // pages that a sequence of full context has, let go or not
        std::int64_t page_bytes = 0;           // from page to page
        std::int64_t offset = 0;               // of page 0 in the region
        std::vector<std::int64_t> member;      // offset of each member in a page
        std::vector<std::int32_t> free;        // the next one last: what was used lately is in the caches
        std::vector<std::uint8_t> used;        // by page
        std::vector<std::int32_t> tables;      // [max_sequences, table_stride]
        std::vector<std::int32_t> begin, end;  // [max_sequences]: page indices that the sequence holds
    };
    struct Sequence {
        bool open = false;
        std::int64_t length = 0, reserved = 0;  // tokens; reserved >= length counts from 0 too
        std::vector<std::weak_ptr<const Saved>> checkpoints;
    };

    static std::vector<Pool> layout(const std::vector<StateGroup>& groups, const Capacity& c, std::int64_t& bytes);
    static std::int64_t first_seen(const StateGroup& g, std::int64_t length);
    static std::int64_t first_page(const StateGroup& g, std::int64_t length);
    const Sequence& at(int sequence) const;
    Sequence& at(int sequence);
    void take(std::size_t group, int sequence, std::int64_t end);
    void give(std::size_t group, int sequence, std::int64_t begin, std::int64_t end);
    void cut(int sequence, std::int64_t length);
    void zero_slots(int sequence);
    std::byte* page(std::size_t group, std::int32_t number) const;
    template <class F>
    void for_saved_rows(int sequence, std::int64_t length, F&& f) const;

    const std::vector<StateGroup> groups_;
    const Capacity capacity_;
    std::int64_t bytes_ = 0;
    std::vector<Pool> pools_;
    std::vector<Sequence> sequences_;
    std::vector<int> free_ids_;
    std::byte* region_ = nullptr;
};

}  // namespace quern
