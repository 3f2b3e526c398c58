// Cases of moe_inner and moe_down: who goes to which expert, and the checks a kernel must pass.
#pragma once

#include "dispatch/proof/support.h"
#include "ops/moe.h"

namespace quern::proof {

enum class Spread { even, one_expert, one_each, some_empty, zipf };
constexpr Spread all_spreads[] = {Spread::even, Spread::one_expert, Spread::one_each, Spread::some_empty, Spread::zipf};

// Experts of each row, top_k different ones.
inline std::vector<std::int32_t> choose(Spread spread, std::int64_t rows, std::int64_t top_k, std::int64_t experts) {
    std::mt19937 random(11);
    std::vector<std::int32_t> ids;
    for (std::int64_t t = 0; t < rows; ++t) {
        std::vector<std::int32_t> mine;
        while (std::int64_t(mine.size()) < top_k) {
            const auto c = std::int64_t(mine.size());
            std::int64_t e = std::int64_t(random() % std::uint32_t(experts));
            if (spread == Spread::one_expert) e = c == 0 ? experts - 1 : c - 1;
            if (spread == Spread::one_each) e = (t * top_k + c) % experts;
            if (spread == Spread::some_empty) e = e / 2 * 2;
            if (spread == Spread::zipf)
                e = std::int64_t(double(experts) / std::pow(double(experts), double(random() % 1000) / 999.0)) %
                    experts;
            const auto id = static_cast<std::int32_t>(e);
            const bool again = std::find(mine.begin(), mine.end(), id) != mine.end();
            if (!again || spread == Spread::one_each) mine.push_back(id);
        }
        ids.insert(ids.end(), mine.begin(), mine.end());
    }
    return ids;
}

struct MoeCase {
    std::int64_t rows = 5, top_k = 2, experts = 8, dim = 40, ff = 23;
    DType dtype = DType::f32;
    Spread spread = Spread::even;
    Act act = Act::silu;

    std::string text() const {
        return std::to_string(rows) + " rows to " + std::to_string(top_k) + " of " + std::to_string(experts) +
               " experts of " + std::to_string(dim) + " x " + std::to_string(ff) + " of " +
               std::string(info(dtype).name) + ", spread " + std::to_string(int(spread));
    }
};

// A stack of expert matrices whose slabs lie apart; those of experts without slots are null.
struct Stack {
    Weights weights;
    std::vector<std::vector<std::byte>> slab;
    std::vector<const std::byte*> table;

    Stack(const MoeCase& c, std::int64_t rows, std::int64_t k, const std::vector<std::int32_t>& begin, unsigned seed)
        : weights(make_weights(c.dtype, c.experts * rows, k, Data::normal, seed)) {
        const auto bytes = weights.bytes.size() / std::size_t(c.experts);
        for (std::size_t e = 0; e < std::size_t(c.experts); ++e) {
            const auto from = weights.bytes.begin() + std::int64_t(e * bytes);
            slab.emplace_back(from, from + std::int64_t(bytes));
        }
        for (std::size_t e = 0; e < slab.size(); ++e)
            table.push_back(begin[e] == begin[e + 1] ? nullptr : slab[e].data());
    }
    Slabs slabs(const MoeCase& c, std::int64_t rows, std::int64_t k) const {
        return {table.data(), c.dtype, c.experts, rows, k};
    }
};

struct MoeWorld {
    MoeCase c;
    std::vector<std::int32_t> ids, slots, begin;
    Floats x, inner;
    Stack gate, up, down;

    // Only the matrices that `op` reads.
    MoeWorld(const MoeCase& c_, Op op)
        : c(c_),
          ids(choose(c.spread, c.rows, c.top_k, c.experts)),
          begin(group(ids, c, slots)),
          x(normal(c.rows * c.dim, 21)),
          inner(normal(c.rows * c.top_k * c.ff, 22)),
          gate(c, op == Op::moe_inner ? c.ff : 0, c.dim, begin, 23),
          up(c, op == Op::moe_inner ? c.ff : 0, c.dim, begin, 24),
          down(c, op == Op::moe_down ? c.dim : 0, c.ff, begin, 25) {}

    MoeInnerArgs inner_args(View y) {
        return {view_of(x, {c.rows, c.dim}),
                view_of(begin, {c.experts + 1}),
                view_of(slots, {c.rows * c.top_k}),
                y,
                gate.slabs(c, c.ff, c.dim),
                up.slabs(c, c.ff, c.dim),
                c.top_k,
                c.act};
    }
    MoeDownArgs down_args(View y) {
        return {view_of(inner, {c.rows * c.top_k, c.ff}), view_of(begin, {c.experts + 1}),
                view_of(slots, {c.rows * c.top_k}), y, down.slabs(c, c.dim, c.ff)};
    }

private:
    static std::vector<std::int32_t> group(std::vector<std::int32_t>& ids, const MoeCase& c,
                                           std::vector<std::int32_t>& slots) {
        std::vector<std::int32_t> begin{0};
        for (std::int32_t e = 0; e < c.experts; ++e) {
            for (std::size_t s = 0; s < ids.size(); ++s)
                if (ids[s] == e) slots.push_back(static_cast<std::int32_t>(s));
            begin.push_back(static_cast<std::int32_t>(slots.size()));
        }
        return begin;
    }
};

struct MoeResult {
    Floats y;
    std::string trouble;
};
inline MoeResult moe_with(const KernelSpec& k, MoeWorld& w, std::int64_t parts = 1) {
    const bool inner = k.op == Op::moe_inner;
    Output y(w.c.rows * w.c.top_k, inner ? w.c.ff : w.c.dim);
    Status status;
    if (inner) {
        const MoeInnerArgs a = w.inner_args(y.view());
        status = run(k, &a, parts);
    } else {
        const MoeDownArgs a = w.down_args(y.view());
        status = run(k, &a, parts);
    }
    MoeResult r{y.values(), {}};
    if (y.overrun()) r.trouble = "wrote outside its output";
    if (y.incomplete()) r.trouble = "left a part of its output unwritten";
    if (status != Status::ok) r.trouble = ending(status);
    return r;
}

// Equal bits with the model, and in any cut.
inline std::string check_moe(const KernelSpec& k, const KernelSpec& model, const MoeCase& c) {
    MoeWorld w(c, k.op);
    const auto fail = [&](const std::string& what) { return std::string(k.id) + ": " + c.text() + ": " + what; };
    const MoeResult want = moe_with(model, w), got = moe_with(k, w);
    if (!got.trouble.empty()) return fail(got.trouble);
    if (const auto d = differ(got.y, want.y); !d.empty()) return fail("model: " + d);
    for (const std::int64_t parts : {2, 7})
        if (const auto d = differ(moe_with(k, w, parts).y, got.y); !d.empty()) return fail("cut: " + d);
    return {};
}

}  // namespace quern::proof
