// What proofs of kernels are made of: outputs that are poisoned and guarded, a way to run a kernel as the executor
// would, in any cut of its items, comparators of bits, and paged state whose stale rows are NaN. Checks return a
// sentence when something is wrong and nothing when not. The tests of kernels use them too, at more and larger shapes,
// and try them on broken kernels (tests/unit/kernels/support_test.cpp).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/cpu.h"
#include "kernels/spec.h"
#include "tensor/quant/codec.h"

namespace quern::proof {

using Floats = std::vector<float>;

inline const KernelSpec* find_kernel(std::string_view id) {
    for (const Registered* r = registered(); r; r = r->next)
        if (r->spec.id == id) return &r->spec;
    return nullptr;
}

// The kernels of an op that this processor can run; `numerics` picks a class.
inline std::vector<const KernelSpec*> kernels_of(Op op, Numerics numerics) {
    std::vector<const KernelSpec*> found;
    for (const Registered* r = registered(); r; r = r->next)
        if (r->spec.op == op && r->spec.numerics == numerics && covers(cpu_isa(), r->spec.needs))
            found.push_back(&r->spec);
    return found;
}

// Equal bits; which NaN it is does not count, since processors choose that by operand order.
inline bool same_bits(float a, float b) {
    return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

// The first difference in words, or nothing.
inline std::string differ(const Floats& got, const Floats& want) {
    if (got.size() != want.size()) return "sizes differ";
    for (std::size_t i = 0; i < got.size(); ++i)
        if (!same_bits(got[i], want[i]))
            return "element " + std::to_string(i) + " is " + std::to_string(got[i]) + ", not " +
                   std::to_string(want[i]);
    return {};
}

// Every element within its own bound; NaN is outside of any.
inline std::string beyond(const Floats& got, const std::vector<double>& want, const std::vector<double>& bound) {
    if (got.size() != want.size() || got.size() != bound.size()) return "sizes differ";
    for (std::size_t i = 0; i < got.size(); ++i)
        if (!(std::abs(double(got[i]) - want[i]) <= bound[i]))
            return "element " + std::to_string(i) + " is " + std::to_string(got[i]) + ", not " +
                   std::to_string(want[i]) + " within " + std::to_string(bound[i]);
    return {};
}

// An output of `rows` rows of `width` floats with a gap after each row; everything starts as poison, and gaps and the
// guard behind must still be poison afterwards.
class Output {
public:
    Output(std::int64_t rows, std::int64_t width, std::int64_t gap = 3)
        : rows_(rows), width_(width), step_(width + gap), memory_(std::size_t(rows * step_ + guard), poison()) {}

    View view() {
        View v = dense_view(memory_.data(), DType::f32, {rows_, width_});
        v.stride[0] = step_ * std::int64_t(sizeof(float));
        return v;
    }
    // As [rows, heads, width / heads].
    View view(std::int64_t heads) {
        View v = dense_view(memory_.data(), DType::f32, {rows_, heads, width_ / heads});
        v.stride[0] = step_ * std::int64_t(sizeof(float));
        return v;
    }
    Floats values() const {
        Floats out;
        for (std::int64_t r = 0; r < rows_; ++r)
            out.insert(out.end(), memory_.begin() + r * step_, memory_.begin() + r * step_ + width_);
        return out;
    }
    bool overrun() const {
        for (std::size_t i = 0; i < memory_.size(); ++i) {
            const auto r = std::int64_t(i) / step_, c = std::int64_t(i) % step_;
            if ((r >= rows_ || c >= width_) && !is_poison(memory_[i])) return true;
        }
        return false;
    }
    bool untouched() const {
        for (const float v : values())
            if (!is_poison(v)) return false;
        return true;
    }
    // A poison word left where a result should be.
    bool incomplete() const {
        for (const float v : values())
            if (is_poison(v)) return true;
        return false;
    }

private:
    static constexpr std::int64_t guard = 32;
    static float poison() { return std::bit_cast<float>(0x7fabcdefu); }  // a NaN that no arithmetic makes
    static bool is_poison(float v) { return std::bit_cast<std::uint32_t>(v) == 0x7fabcdefu; }

    std::int64_t rows_, width_, step_;
    Floats memory_;
};

// Runs a kernel over its items in `parts` ranges, last range first. The workspace is as large as the kernel asked, full
// of NaN, and guarded; a breach ends as `breached`, which no kernel returns.
constexpr Status breached = Status::cancelled;
inline Status run(const KernelSpec& k, const void* args, std::int64_t parts = 1) {
    constexpr std::size_t guard = 64;
    const std::int64_t items = k.items(args);
    const std::size_t bytes = k.workspace ? k.workspace(args) : 0;
    Buffer workspace(bytes + guard);
    Status status = Status::ok;
    for (std::int64_t p = parts - 1; p >= 0; --p) {
        std::memset(workspace.data(), 0xff, workspace.size());
        const Status s = k.run(args, {items * p / parts, items * (p + 1) / parts, 0, workspace.data()});
        if (s != Status::ok) status = s;
        for (std::size_t i = bytes; i < bytes + guard; ++i)
            if (workspace.data()[i] != std::byte{0xff}) return breached;
    }
    return status;
}

// ---- data ----

enum class Data { normal, one_huge, all_equal, zeros, not_numbers };
constexpr Data all_data[] = {Data::normal, Data::one_huge, Data::all_equal, Data::zeros, Data::not_numbers};

inline Floats make(std::int64_t n, Data kind, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    Floats v(static_cast<std::size_t>(n));
    for (float& x : v) x = kind == Data::zeros ? 0.0f : kind == Data::all_equal ? 0.75f : normal(random);
    const auto at = [&] { return random() % v.size(); };
    if (v.empty()) return v;
    if (kind == Data::one_huge) v[at()] = 1e30f;
    if (kind == Data::not_numbers) {
        v[at()] = std::numeric_limits<float>::infinity();
        v[at()] = std::numeric_limits<float>::quiet_NaN();
        v[at()] = -std::numeric_limits<float>::infinity();
    }
    return v;
}
inline Floats normal(std::int64_t n, unsigned seed) { return make(n, Data::normal, seed); }

inline View view_of(Floats& v, std::initializer_list<std::int64_t> dims) {
    return dense_view(v.data(), DType::f32, dims);
}
inline View view_of(std::vector<std::int32_t>& v, std::initializer_list<std::int64_t> dims) {
    return dense_view(v.data(), DType::i32, dims);
}

// Stored weights: encoded from normal floats where this build can, otherwise random blocks that decode to numbers.
struct Weights {
    DType dtype;
    std::int64_t rows, k;
    std::vector<std::byte> bytes;
    Floats decoded;

    View view() { return dense_view(bytes.data(), dtype, {rows, k}); }
    View view3(std::int64_t experts) { return dense_view(bytes.data(), dtype, {experts, rows / experts, k}); }
};

// Searching for the scales of a block is slow: at most this many elements are encoded, and larger weights are dealt
// from their blocks at random, so that rows still differ.
constexpr std::int64_t most_encoded = 1 << 15;

inline std::vector<std::byte> encode_blocks(DType dtype, std::int64_t blocks, Data kind, unsigned seed) {
    const DTypeInfo& type = info(dtype);
    const std::int64_t own = std::min<std::int64_t>(blocks, most_encoded / type.block);
    std::vector<std::byte> bytes(std::size_t(blocks * type.bytes));
    codec(dtype).encode(make(own * type.block, kind, seed).data(), bytes.data(), own);
    std::mt19937 random(seed);
    for (std::int64_t b = own; b < blocks; ++b)
        std::memcpy(bytes.data() + b * type.bytes, bytes.data() + std::int64_t(random()) % own * type.bytes,
                    std::size_t(type.bytes));
    return bytes;
}

// Random blocks of a format that this build cannot encode.
inline std::vector<std::byte> random_blocks(DType dtype, std::int64_t blocks, unsigned seed) {
    const DTypeInfo& type = info(dtype);
    std::vector<std::byte> bytes(std::size_t(blocks * type.bytes));
    std::mt19937 random(seed);
    Floats block(static_cast<std::size_t>(type.block));
    for (std::int64_t b = 0; b < blocks; ++b) {
        std::byte* at = bytes.data() + b * type.bytes;
        bool tame = false;
        while (!tame) {
            for (int i = 0; i < type.bytes; ++i) at[i] = static_cast<std::byte>(random());
            codec(dtype).decode(at, block.data(), 1);
            tame = true;
            for (const float x : block) tame = tame && std::abs(x) < 100;
        }
    }
    return bytes;
}

// Cases of one list differ in their rows and share their weights, so that the last few are kept.
inline Weights make_weights(DType dtype, std::int64_t rows, std::int64_t k, Data kind, unsigned seed) {
    using Key = std::tuple<DType, std::int64_t, std::int64_t, Data, unsigned>;
    thread_local std::map<Key, Weights> kept;
    const Key key{dtype, rows, k, kind, seed};
    if (const auto found = kept.find(key); found != kept.end()) return found->second;
    const std::int64_t blocks = rows * k / info(dtype).block;
    Weights w{dtype, rows, k, {}, Floats(std::size_t(rows * k))};
    w.bytes = codec(dtype).encode ? encode_blocks(dtype, blocks, kind, seed) : random_blocks(dtype, blocks, seed);
    codec(dtype).decode(w.bytes.data(), w.decoded.data(), blocks);
    constexpr std::size_t most_kept = 8;
    if (kept.size() >= most_kept) kept.clear();
    return kept[key] = std::move(w);
}

// What is wrong with how a kernel ended, as a sentence.
inline std::string ending(Status status) {
    return status == Status::ok ? ""
           : status == breached ? "wrote past the workspace it asked for"
                                : "did not end well";
}

// The formats a kernel says it reads.
inline std::vector<DType> formats(const DTypeSet& set) {
    std::vector<DType> found;
    for (int d = 0; d < int(DType::count_); ++d)
        if (set.has(DType(d))) found.push_back(DType(d));
    return found;
}

// ---- state ----

// A member of a state group for some sequences, pages scattered in memory, rows apart from each other, every byte 0xff:
// NaN in the float formats, so that a stale row that is read shows.
class Paged {
public:
    Paged(DType dtype, std::int64_t width, std::int64_t ratio, std::int32_t sequences, std::int64_t max_rows,
          std::int64_t rows_per_page = page_rows)
        : pages_((max_rows + rows_per_page - 1) / rows_per_page + 1) {
        view_.dtype = dtype;
        view_.width = width;
        view_.ratio = ratio;
        view_.rows_per_page = rows_per_page;
        view_.row_stride = row_bytes(dtype, width) + 64;
        view_.page_stride = view_.row_stride * rows_per_page + 128;
        view_.table_stride = pages_;
        const std::int64_t pages = pages_ * sequences;
        memory_.assign(std::size_t(pages * view_.page_stride), std::byte{0xff});
        for (std::int64_t i = 0; i < pages; ++i) tables_.push_back(static_cast<std::int32_t>(i));
        std::mt19937 random(7);
        for (std::size_t i = tables_.size(); i > 1; --i) std::swap(tables_[i - 1], tables_[random() % i]);
    }
    PagedView view() {
        view_.base = memory_.data();
        view_.tables = tables_.data();
        return view_;
    }
    // The same pages, seen by a step whose only sequence is `sequence`.
    PagedView alone(std::int32_t sequence) {
        PagedView v = view();
        v.tables += sequence * v.table_stride;
        return v;
    }
    void put(std::int32_t sequence, std::int64_t row, const float* values) {
        codec(view_.dtype).encode(values, view().row(sequence, row), view_.width / info(view_.dtype).block);
    }
    Floats get(std::int32_t sequence, std::int64_t row) {
        Floats out(std::size_t(view_.width));
        codec(view_.dtype).decode(view().row(sequence, row), out.data(), view_.width / info(view_.dtype).block);
        return out;
    }
    void release(std::int32_t sequence, std::int64_t page) {
        tables_[std::size_t(sequence * view_.table_stride + page)] = -1;
    }
    const std::vector<std::byte>& memory() const { return memory_; }

private:
    std::int64_t pages_;
    PagedView view_;
    std::vector<std::byte> memory_;
    std::vector<std::int32_t> tables_;
};

// The rows of a step, from the lengths each sequence had and gains.
struct Step {
    std::vector<std::int32_t> begin{0}, sequence, past;

    Step(const std::vector<std::int32_t>& pasts, const std::vector<std::int32_t>& gained) : past(pasts) {
        for (std::size_t s = 0; s < gained.size(); ++s) {
            sequence.insert(sequence.end(), std::size_t(gained[s]), static_cast<std::int32_t>(s));
            begin.push_back(begin.back() + gained[s]);
        }
    }
    Ragged ragged() const {
        return {begin.data(), sequence.data(), past.data(), static_cast<std::int32_t>(past.size()),
                static_cast<std::int64_t>(sequence.size())};
    }
    std::int64_t rows() const { return static_cast<std::int64_t>(sequence.size()); }
};

}  // namespace quern::proof
