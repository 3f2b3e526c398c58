// A toy architecture that has every kind of state: sliding-window attention over a ring, attention over compressed rows
// (one per 4 tokens), a mixture of experts, and a gated recurrence. Nothing but this file knows it: what it needs of
// storage, chunking and batching follows from its declarations.
#pragma once

#include "graph/builder.h"
#include "harness.h"

namespace quern::test {

struct Toy {
    static constexpr std::int64_t vocab = 50, dim = 32, head_dim = 16, heads = 2, window = 5, ratio = 4, experts = 4,
                                  ff = 24;

    static HashWeights weights() {
        HashWeights w;
        w.add("token_embd.weight", {vocab, dim}, 1.0f);
        for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output", "comp_k", "comp_v", "gate", "value"})
            w.add("blk.0." + std::string(name) + ".weight", {dim, dim}, 0.3f);
        w.add("blk.0.attn_norm.weight", {dim}, 0.3f, 1.0f);
        w.add("blk.0.ffn_norm.weight", {dim}, 0.3f, 1.0f);
        w.add("blk.0.ffn_gate_inp.weight", {experts, dim}, 1.0f);
        w.add("blk.0.ffn_gate_exps.weight", {experts, ff, dim}, 0.3f);
        w.add("blk.0.ffn_up_exps.weight", {experts, ff, dim}, 0.3f);
        w.add("blk.0.ffn_down_exps.weight", {experts, dim, ff}, 0.3f);
        return w;
    }

    static void record(Graph& g) {
        const int recent = g.state_group({"recent", StateKind::ring, 1, window, {}});
        const int input = g.state_group({"compressor_input", StateKind::ring, 1, ratio, {}});
        const int compressed = g.state_group({"compressed", StateKind::compressed, ratio, 0, {}});
        const int memory = g.state_group({"memory", StateKind::slot, 1, 0, {}});
        const Layer w(g, 0);
        Value x = embed(g.tokens(), g.weight("token_embd.weight", {vocab, dim}));
        Value h = norm(x, w("attn_norm", {dim}), 1e-5f);
        Value q = split(linear(h, w("attn_q", {dim, dim})), head_dim);
        Value k = store(g.state(recent, w["k"], DType::f32, dim), linear(h, w("attn_k", {dim, dim})));
        Value v = store(g.state(recent, w["v"], DType::f32, dim), linear(h, w("attn_v", {dim, dim})));

        Value raw = store(g.state(input, w["raw"], DType::f32, dim), h);
        Value rows = compress(raw, dim, ratio, g.emitted(compressed), w["compress"]);
        Value ck = store(g.state(compressed, w["ck"], DType::f32, dim), linear(rows, w("comp_k", {dim, dim})));
        Value cv = store(g.state(compressed, w["cv"], DType::f32, dim), linear(rows, w("comp_v", {dim, dim})));

        AttendAttr how;
        how.kv_heads = heads;
        how.scale = 0.25f;
        const Source sources[] = {{k, v, window}, {ck, cv, 0}};
        h = merge(attend(w["attend"], q, sources, how));
        x = add(x, linear(h, w("attn_output", {dim, dim})));

        h = norm(x, w("ffn_norm", {dim}), 1e-5f);
        const Routing r = route(linear(h, w("ffn_gate_inp", {experts, dim})), 2, Renormalise::yes);
        Value m = moe(w["ffn_moe"], h, r, w("ffn_gate_exps", {experts, ff, dim}), w("ffn_up_exps", {experts, ff, dim}),
                      w("ffn_down_exps", {experts, dim, ff}), Act::silu);
        x = add(x, m);

        const Recurrence y = recur(linear(x, w("value", {dim, dim})), linear(x, w("gate", {dim, dim})),
                                   g.state(memory, w["h"], DType::f32, dim), w["recur"]);
        x = add(x, y.y);
        g.output("logits", linear(select_rows(x, g.logit_rows()), g.weight("token_embd.weight", {vocab, dim})));
    }
};

}  // namespace quern::test
