// Attention cases: sequences with their whole past, stored in scattered pages, and the check that a kernel must pass.
#pragma once

#include "dispatch/proof/support.h"
#include "kernels/attend_shape.h"
#include "ops/attend.h"

namespace quern::proof {

struct AttendCase {
    std::int64_t heads = 4, kv_heads = 2, head_dim = 64;
    std::vector<std::int32_t> past{0}, gained{5};
    struct Source {
        std::int64_t window = 0, ratio = 1;
    };
    std::vector<Source> sources{{}};
    DType dtype = DType::f32;
    float softcap = 0;
    Data data = Data::normal;

    std::string text() const {
        std::string s = std::string(info(dtype).name) + ", " + std::to_string(heads) + "/" + std::to_string(kv_heads) +
                        " heads of " + std::to_string(head_dim) + ", softcap " + std::to_string(softcap) + ", data " +
                        std::to_string(int(data)) + ", sources";
        for (const Source& x : sources) s += " " + std::to_string(x.window) + ":" + std::to_string(x.ratio);
        s += ", sequences";
        for (std::size_t i = 0; i < past.size(); ++i)
            s += " " + std::to_string(past[i]) + "+" + std::to_string(gained[i]);
        return s;
    }
};

// Holds everything that an attend over a case needs.
class AttendWorld {
public:
    explicit AttendWorld(const AttendCase& c) : c_(c), step_(c.past, c.gained) {
        const auto sequences = static_cast<std::int32_t>(c.past.size());
        std::int32_t longest = 0;
        for (std::size_t s = 0; s < c.past.size(); ++s) longest = std::max(longest, c.past[s] + c.gained[s]);
        q_ = make(step_.rows() * c.heads * c.head_dim, c.data, 1);
        for (std::size_t i = 0; i < c.sources.size(); ++i) {
            for (std::size_t half = 0; half < 2; ++half)
                states_.emplace_back(c.dtype, c.kv_heads * c.head_dim, c.sources[i].ratio, sequences, longest);
            for (std::int32_t s = 0; s < sequences; ++s) fill(i, s);
        }
    }
    // All rows of the step, or only row `only` as a step of its own.
    AttendArgs args(View y, View lse, std::int64_t only = -1) {
        AttendArgs a{};
        a.q = view_of(q_, {step_.rows(), c_.heads, c_.head_dim});
        a.y = y;
        a.lse = lse;
        a.kv_heads = c_.kv_heads;
        a.scale = 0.25f;
        a.softcap = c_.softcap;
        a.sources = static_cast<int>(c_.sources.size());
        const std::int32_t s = only < 0 ? 0 : step_.sequence[std::size_t(only)];
        for (std::size_t i = 0; i < c_.sources.size(); ++i)
            a.source[i] = {states_[2 * i].alone(s), states_[2 * i + 1].alone(s), c_.sources[i].window};
        if (only < 0) {
            a.ragged = step_.ragged();
        } else {
            one_ = Step({static_cast<std::int32_t>(step_.ragged().index(only))}, {1});
            a.ragged = one_.ragged();
            a.q.data += only * a.q.stride[0];
            a.q.dim[0] = 1;
        }
        return a;
    }
    std::int64_t rows() const { return step_.rows(); }
    std::int64_t width() const { return c_.heads * c_.head_dim; }

private:
    // Stores the rows that exist, and lets go of every page below what any row of this step sees.
    void fill(std::size_t i, std::int32_t s) {
        const auto at = std::size_t(s);
        const std::int64_t tokens = c_.past[at] + c_.gained[at], rows = tokens / c_.sources[i].ratio;
        for (std::size_t half = 0; half < 2; ++half) {
            Paged& state = states_[2 * i + half];
            const std::int64_t width = c_.kv_heads * c_.head_dim;
            const Floats values = make(rows * width, c_.data, unsigned(100 * i + 10 * at + half + 2));
            for (std::int64_t r = 0; r < rows; ++r) state.put(s, r, values.data() + r * width);
            if (c_.sources[i].window > 0)
                for (std::int64_t page = 0; (page + 1) * page_rows <= c_.past[at] - c_.sources[i].window + 1; ++page)
                    state.release(s, page);
        }
    }

    AttendCase c_;
    Step step_, one_{{}, {}};
    Floats q_;
    std::vector<Paged> states_;
};

struct Attended {
    Floats y, lse;
    std::string trouble;
};
inline Attended attend_with(const KernelSpec& k, AttendWorld& w, const AttendCase& c, std::int64_t parts = 1,
                            std::int64_t only = -1) {
    const std::int64_t rows = only < 0 ? w.rows() : 1;
    Output y(rows, w.width()), lse(rows, c.heads);
    const AttendArgs a = w.args(y.view(c.heads), lse.view(), only);
    const Status status = run(k, &a, parts);
    Attended out{y.values(), lse.values(), {}};
    if (y.overrun() || lse.overrun()) out.trouble = "wrote outside its output";
    if (y.incomplete() || lse.incomplete()) out.trouble = "left a part of its output unwritten";
    if (status != Status::ok) out.trouble = ending(status);
    return out;
}

// Equal bits with the model; in any cut; and each row alone.
inline std::string check_attend(const KernelSpec& k, const KernelSpec& model, const AttendCase& c) {
    AttendWorld w(c);
    const Attended want = attend_with(model, w, c), got = attend_with(k, w, c);
    const auto fail = [&](const std::string& what) { return std::string(k.id) + ": " + c.text() + ": " + what; };
    if (!got.trouble.empty()) return fail(got.trouble);
    if (const auto d = differ(got.y, want.y) + differ(got.lse, want.lse); !d.empty()) return fail("model: " + d);
    for (const std::int64_t parts : {2, 3, 64}) {
        const Attended cut = attend_with(k, w, c, parts);
        if (const auto d = differ(cut.y, got.y) + differ(cut.lse, got.lse); !d.empty()) return fail("cut: " + d);
    }
    for (std::int64_t t = 0; t < w.rows(); ++t) {
        const Attended alone = attend_with(k, w, c, 1, t);
        const Floats row(got.y.begin() + t * w.width(), got.y.begin() + (t + 1) * w.width());
        const Floats lse(got.lse.begin() + t * c.heads, got.lse.begin() + (t + 1) * c.heads);
        if (const auto d = differ(alone.y, row) + differ(alone.lse, lse); !d.empty())
            return fail("row " + std::to_string(t) + " alone: " + d);
    }
    return {};
}

}  // namespace quern::proof
