// Cases of the ops that work on each row or element alone, and the checks a kernel must pass on them: the definition's
// bits, in any cut, and each row alone.
#pragma once

#include "dispatch/proof/support.h"
#include "ops/moe.h"
#include "ops/norm.h"
#include "ops/rope.h"
#include "ops/rowwise.h"

namespace quern::proof {

struct PlainCase {
    Op op;
    std::int64_t rows, width;  // norm, rope: heads * head size
    std::int64_t heads = 1;
    Data data = Data::normal;
    // Whatever the op can be without or can be in two ways: weight, shared expert, style, activation.
    bool other = false;

    std::string text() const {
        return std::to_string(rows) + " rows of " + std::to_string(width) + ", " + std::to_string(heads) +
               " heads, data " + std::to_string(int(data)) + (other ? ", the other way" : "");
    }
};

// Inputs of any of these ops: rows of `a` and `b` with NaN between them, and what else one of them needs.
class PlainWorld {
public:
    explicit PlainWorld(const PlainCase& c_)
        : c(c_),
          step_(c.width + 5),
          a_(gapped(c.rows * top_k, 1)),
          b_(gapped(c.rows, 2)),
          weight_(normal(c.width, 3)),
          weights_(normal(c.rows * top_k, 4)) {
        for (std::int64_t t = 0; t < c.rows; ++t)
            positions_.push_back(static_cast<std::int32_t>(t * t * 1009 % 100003));
        for (std::int64_t i = 0; i < pairs(); ++i)
            frequency_.push_back(std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(pairs())));
    }

    // The kernel on rows [first, first + count), the rows of norm's second result behind those of the first.
    Floats with(const KernelSpec& k, std::string& trouble, std::int64_t parts, std::int64_t first, std::int64_t count) {
        Output y(count, c.width);
        Floats inverse(static_cast<std::size_t>(c.op == Op::norm ? count * c.heads : 0));
        const Status status = run_op(k, y, inverse, parts, first, count);
        if (y.overrun()) trouble = "wrote outside its output";
        if (y.incomplete()) trouble = "left a part of its output unwritten";
        if (status != Status::ok) trouble = ending(status);
        Floats all = y.values();
        all.insert(all.end(), inverse.begin(), inverse.end());
        return all;
    }

    const PlainCase c;

private:
    static constexpr std::int64_t top_k = 3;

    Floats gapped(std::int64_t rows, unsigned seed) const {
        Floats v = make(rows * step_, c.data, seed);
        for (std::int64_t t = 0; t < rows; ++t)
            for (std::int64_t i = c.width; i < step_; ++i)
                v[std::size_t(t * step_ + i)] = std::numeric_limits<float>::quiet_NaN();
        return v;
    }
    std::int64_t pairs() const {  // of one head; some elements pass through
        const std::int64_t size = c.width / c.heads;
        return c.other ? size / 2 : size / 3;
    }
    View rows(Floats& v, std::int64_t first, std::int64_t count) const {
        View view = c.heads > 1 ? view_of(v, {count, c.heads, c.width / c.heads}) : view_of(v, {count, c.width});
        view.stride[0] = step_ * std::int64_t(sizeof(float));
        view.data += first * view.stride[0];
        return view;
    }

    Status run_op(const KernelSpec& k, Output& y, Floats& inverse, std::int64_t parts, std::int64_t first,
                  std::int64_t count) {
        const View a = rows(a_, first, count), b = rows(b_, first, count);
        const View out = c.heads > 1 ? y.view(c.heads) : y.view();
        const auto call = [&](const auto& args) { return run(k, &args, parts); };
        switch (c.op) {
            case Op::norm: {
                const View weight = c.other ? View{} : view_of(weight_, {c.width / c.heads});
                return call(NormArgs{a, weight, out, view_of(inverse, {count * c.heads}), 1e-5f});
            }
            case Op::rope: {
                View positions = view_of(positions_, {count});
                positions.data += first * std::int64_t(sizeof(std::int32_t));
                const RopeStyle style = c.other ? RopeStyle::interleaved : RopeStyle::half;
                return call(RopeArgs{rows3(a), positions, rows3(out), style, 1.25f, frequency_.data(), pairs()});
            }
            case Op::glu:
                return call(GluArgs{a, b, out, c.other ? Act::gelu_tanh : Act::silu});
            case Op::add:
                return call(AddArgs{a, b, out});
            case Op::scale:
                return call(ScaleArgs{a, out, 0.7f});
            case Op::softcap:
                return call(SoftcapArgs{a, out, 30.0f});
            case Op::gate_rows: {
                View gate = rows(b_, first, count);
                gate.dim[1] = 1;
                return call(GateRowsArgs{a, gate, out});
            }
            case Op::moe_combine: {
                View weights = view_of(weights_, {count, top_k});
                weights.data += first * weights.stride[0];
                return call(MoeCombineArgs{rows(a_, first * top_k, count * top_k), weights, c.other ? View{} : b, out});
            }
            default:
                return Status::cancelled;
        }
    }
    // rope's operands have heads, one at least.
    View rows3(View v) const {
        if (v.rank == 3) return v;
        View three = dense_view(v.data, DType::f32, {v.dim[0], 1, v.dim[1]});
        three.stride[0] = v.stride[0];
        return three;
    }

    std::int64_t step_;
    Floats a_, b_, weight_, weights_;
    std::vector<std::int32_t> positions_;
    std::vector<double> frequency_;
};

inline std::string check_plain(const KernelSpec& k, const KernelSpec& model, const PlainCase& c) {
    PlainWorld w(c);
    std::string trouble;
    const auto fail = [&](const std::string& what) { return std::string(k.id) + ": " + c.text() + ": " + what; };
    const Floats want = w.with(model, trouble, 1, 0, c.rows);
    if (!trouble.empty()) return fail("the definition " + trouble);
    const Floats got = w.with(k, trouble, 1, 0, c.rows);
    if (!trouble.empty()) return fail(trouble);
    if (const auto d = differ(got, want); !d.empty()) return fail("definition: " + d);
    for (const std::int64_t parts : {2, 5})
        if (const auto d = differ(w.with(k, trouble, parts, 0, c.rows), got); !d.empty()) return fail("cut: " + d);
    for (std::int64_t t = 0; t < c.rows; ++t) {
        const Floats alone = w.with(k, trouble, 1, t, 1);
        const Floats row(got.begin() + t * c.width, got.begin() + (t + 1) * c.width);
        if (const auto d = differ(Floats(alone.begin(), alone.begin() + c.width), row); !d.empty())
            return fail("row " + std::to_string(t) + " alone: " + d);
    }
    return trouble.empty() ? "" : fail(trouble);
}

// Widths around every vector's length, and around the length of an item; heads of odd sizes; wild data.
inline std::vector<PlainCase> plain_cases(Op op) {
    std::vector<PlainCase> cases;
    for (const bool other : {false, true}) {
        for (const std::int64_t width : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257})
            cases.push_back({op, 3, width, 1, Data::normal, other});
        for (const Data data : all_data) cases.push_back({op, 4, 70, 1, data, other});
        cases.push_back({op, 2, 2048 + 9, 1, Data::normal, other});
        const bool has_heads = op == Op::norm || op == Op::rope;
        for (const std::int64_t size : {6, 64, 80})
            if (has_heads) cases.push_back({op, 3, 5 * size, 5, Data::normal, other});
    }
    return cases;
}

}  // namespace quern::proof
