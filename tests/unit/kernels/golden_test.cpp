// Every kernel against PyTorch in float64: tests/golden/ops/, made by tools/golden/ops.py, where the format stands too.
// What these catch and comparisons among our own kernels cannot is an op understood wrongly.
#include <algorithm>
#include <fstream>
#include <map>

#include "ops/attend.h"

#include <gtest/gtest.h>
#include "dispatch/proof/moe_cases.h"
#include "dispatch/proof/support.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "ops/rope.h"

namespace quern::proof {
namespace {

struct Array {
    std::vector<std::int64_t> dims;
    Floats f32;
    std::vector<double> f64;
    std::vector<std::int32_t> i32;
};

class Golden {
public:
    explicit Golden(const std::string& name) {
        std::ifstream file(std::string(QUERN_SOURCE_DIR) + "/tests/golden/ops/" + name + ".bin", std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        if (bytes.substr(0, 8) != "QGOLDEN1") throw std::runtime_error("no golden " + name);
        at_ = bytes.data() + 8;
        const char* end = bytes.data() + bytes.size();
        while (at_ < end) read();
    }
    Array& operator[](const std::string& name) { return arrays_.at(name); }
    float scalar(const std::string& name) { return static_cast<float>(arrays_.at(name).f64.at(0)); }
    View view(const std::string& name) {
        Array& a = arrays_.at(name);
        void* data = a.f32.empty() ? static_cast<void*>(a.i32.data()) : a.f32.data();
        return dense_view(data, a.f32.empty() ? DType::i32 : DType::f32, a.dims.data(), int(a.dims.size()));
    }

private:
    template <class T>
    T take() {
        T v;
        std::memcpy(&v, at_, sizeof(T));
        at_ += sizeof(T);
        return v;
    }
    template <class T>
    void take_into(std::vector<T>& to, std::int64_t n) {
        to.resize(std::size_t(n));
        for (T& v : to) v = take<T>();
    }
    void read() {
        const auto length = take<std::uint16_t>();
        const std::string name(at_, length);
        at_ += length;
        const auto type = take<std::uint8_t>(), rank = take<std::uint8_t>();
        Array& a = arrays_[name];
        std::int64_t n = 1;
        for (int i = 0; i < rank; ++i) n *= a.dims.emplace_back(take<std::uint32_t>());
        if (type == 0) take_into(a.f32, n);
        if (type == 1) take_into(a.f64, n);
        if (type == 2) take_into(a.i32, n);
    }

    const char* at_ = nullptr;
    std::map<std::string, Array> arrays_;
};

// Within `relative` of each element, and of the largest, which is what sums of it are good to.
void expect_close(const Floats& got, const Floats& want, double relative, const std::string& what) {
    double largest = 0;
    for (const float v : want) largest = std::max(largest, std::abs(double(v)));
    EXPECT_EQ(beyond(got, {want.begin(), want.end()}, std::vector<double>(got.size(), relative * largest)), "") << what;
}

Status run_id(const char* id, const void* args) { return run(*find_kernel(id), args); }

TEST(Golden, Norm) {
    Golden g("norm");
    Output y(5, 3 * 24), inverse(1, 15);
    const NormArgs a{g.view("x"), g.view("weight"), y.view(3), inverse.view(), g.scalar("eps")};
    ASSERT_EQ(run_id("norm.reference", &a), Status::ok);
    expect_close(y.values(), g["y"].f32, 1e-6, "y");
    expect_close(inverse.values(), g["inverse"].f32, 1e-6, "inverse");
}

TEST(Golden, Rope) {
    for (const std::string name : {"rope_interleaved_8", "rope_interleaved_5", "rope_half_8", "rope_half_5"}) {
        Golden g(name);
        const auto& frequency = g["frequency"].f64;
        Output y(4, 3 * 16);
        const auto style = g.scalar("interleaved") == 1 ? RopeStyle::interleaved : RopeStyle::half;
        const RopeArgs a{g.view("x"),      g.view("positions"),           y.view(3), style, 1,
                         frequency.data(), std::int64_t(frequency.size())};
        ASSERT_EQ(run_id("rope.reference", &a), Status::ok);
        expect_close(y.values(), g["y"].f32, 1e-6, name);
    }
}

TEST(Golden, Glu) {
    Golden g("glu");
    for (const auto& [act, name] : {std::pair{Act::silu, "silu"}, {Act::gelu_tanh, "gelu_tanh"}}) {
        Output y(3, 40);
        const GluArgs a{g.view("gate"), g.view("up"), y.view(), act};
        ASSERT_EQ(run_id("glu.reference", &a), Status::ok);
        expect_close(y.values(), g[name].f32, 1e-6, name);
    }
}

TEST(Golden, Attend) {
    for (const std::string name : {"plain", "gqa", "mqa", "window", "window_1", "softcap", "all"}) {
        Golden g("attend_" + name);
        const std::int64_t tokens = g["k"].dims[0], kv_heads = g["k"].dims[1], head_dim = g["k"].dims[2];
        const std::int64_t rows = g["q"].dims[0], heads = g["q"].dims[1], width = kv_heads * head_dim;
        Paged k(DType::f32, width, 1, 1, tokens), v(DType::f32, width, 1, 1, tokens);
        for (std::int64_t j = 0; j < tokens; ++j) {
            k.put(0, j, g["k"].f32.data() + j * width);
            v.put(0, j, g["v"].f32.data() + j * width);
        }
        const Step step({static_cast<std::int32_t>(tokens - rows)}, {static_cast<std::int32_t>(rows)});
        std::vector<const KernelSpec*> all = kernels_of(Op::attend, Numerics::f32x16);
        all.push_back(find_kernel("attend.reference"));
        for (const KernelSpec* kernel : all) {
            Output y(rows, heads * head_dim), lse(rows, heads);
            AttendArgs a{};
            a.q = g.view("q");
            a.y = y.view(heads);
            a.lse = lse.view();
            a.source[0] = {k.view(), v.view(), static_cast<std::int64_t>(g.scalar("window"))};
            a.sources = 1;
            a.kv_heads = kv_heads;
            a.scale = g.scalar("scale");
            a.softcap = g.scalar("softcap");
            a.ragged = step.ragged();
            ASSERT_EQ(run(*kernel, &a), Status::ok);
            expect_close(y.values(), g["y"].f32, 1e-5, name);
            expect_close(lse.values(), g["lse"].f32, 1e-5, name + " lse");
        }
    }
}

// The router's choices, and the whole block as a plan lowers it: group, inner, down, gate_rows, combine.
void check_moe_block(Golden& g, const std::string& suffix) {
    const std::int64_t rows = 7, experts = 6, top_k = 3, dim = 24, ff = 18;
    std::vector<std::int32_t> ids(rows * top_k), begin(experts + 1), slots(rows * top_k);
    Floats weights(rows * top_k), logits(rows * experts), inner(rows * top_k * ff), outs(rows * top_k * dim);
    Floats shared(rows * dim), y(rows * dim);

    const LinearArgs router{g.view("x"), g.view("router"), {}, view_of(logits, {rows, experts})};
    ASSERT_EQ(run_id(("linear" + suffix).c_str(), &router), Status::ok);
    expect_close(logits, g["logits"].f32, 1e-5, "logits");
    const RouteArgs route{g.view("logits"), view_of(ids, {rows, top_k}), view_of(weights, {rows, top_k}),
                          g.scalar("renormalise") == 1 ? Renormalise::yes : Renormalise::no};
    ASSERT_EQ(run_id("route.reference", &route), Status::ok);
    EXPECT_EQ(ids, g["ids"].i32);
    expect_close(weights, g["weights"].f32, 1e-6, "weights");

    const View slots_view = view_of(slots, {rows * top_k}), begin_view = view_of(begin, {experts + 1});
    const MoeGroupArgs group{view_of(ids, {rows, top_k}), begin_view, slots_view};
    ASSERT_EQ(run_id("moe_group.reference", &group), Status::ok);
    const auto table = [&](const char* name) {
        std::vector<const std::byte*> slab;
        for (std::int64_t e = 0; e < experts; ++e) slab.push_back(g.view(name).row<std::byte>(e));
        return slab;
    };
    const auto gate = table("gate"), up = table("up"), down = table("down");
    const MoeInnerArgs inner_args{g.view("x"),
                                  begin_view,
                                  slots_view,
                                  view_of(inner, {rows * top_k, ff}),
                                  {gate.data(), DType::f32, experts, ff, dim},
                                  {up.data(), DType::f32, experts, ff, dim},
                                  top_k,
                                  Act::silu};
    ASSERT_EQ(run_id(("moe_inner" + suffix).c_str(), &inner_args), Status::ok);
    const MoeDownArgs down_args{view_of(inner, {rows * top_k, ff}),
                                begin_view,
                                slots_view,
                                view_of(outs, {rows * top_k, dim}),
                                {down.data(), DType::f32, experts, dim, ff}};
    ASSERT_EQ(run_id(("moe_down" + suffix).c_str(), &down_args), Status::ok);
    const GateRowsArgs gated_rows{g.view("shared"), g.view("shared_gate"), view_of(shared, {rows, dim})};
    ASSERT_EQ(run_id("gate_rows.reference", &gated_rows), Status::ok);
    const MoeCombineArgs combine{view_of(outs, {rows * top_k, dim}), view_of(weights, {rows, top_k}),
                                 view_of(shared, {rows, dim}), view_of(y, {rows, dim})};
    ASSERT_EQ(run_id("moe_combine.reference", &combine), Status::ok);
    expect_close(y, g["y"].f32, 1e-6, "y with " + suffix);
}

TEST(Golden, MixtureOfExperts) {
    for (const std::string name : {"moe_0", "moe_1"}) {
        Golden g(name);
        check_moe_block(g, ".reference");
        check_moe_block(g, ".f32x16.model");
        if (covers(cpu_isa(), Isa::avx2_fma)) check_moe_block(g, ".f32x16.avx2");
    }
}

}  // namespace
}  // namespace quern::proof
