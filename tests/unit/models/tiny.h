// For tests of models/: a tiny file of each architecture as what record() sees of one, keys and tensor shapes, complete
// and ready to be spoilt.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "format/gguf/metadata.h"
#include "harness.h"
#include "models/architecture.h"

namespace quern::models {

constexpr const char* all_names[] = {"llama", "qwen2", "qwen3", "qwen2moe", "qwen3moe", "gemma2", "gemma3", "phi3"};

struct Tiny {
    std::string arch;
    gguf::Metadata meta;
    std::map<std::string, std::vector<std::int64_t>> tensors;

    // Dim 8, 2 heads of 4 and one of keys, feed-forward 12, vocabulary 10, 2 layers, 4 experts of 6.
    explicit Tiny(std::string name) : arch(std::move(name)) {
        const bool gemma = arch.starts_with("gemma"), moe = arch.ends_with("moe");
        meta.set("general.architecture", arch);
        set("block_count", std::uint32_t(2));
        set("context_length", std::uint32_t(64));
        set("embedding_length", std::uint32_t(8));
        set("feed_forward_length", std::uint32_t(12));
        set("attention.head_count", std::uint32_t(2));
        set("attention.head_count_kv", std::uint32_t(1));
        set("attention.layer_norm_rms_epsilon", 1e-5f);
        set("rope.freq_base", 10000.0f);
        if (gemma) set("attention.sliding_window", std::uint32_t(16));
        tensors["token_embd.weight"] = {10, 8};
        tensors["output_norm.weight"] = {8};
        if (!gemma) tensors["output.weight"] = {10, 8};
        for (const std::string b : {"blk.0.", "blk.1."}) {
            tensors[b + "attn_norm.weight"] = tensors[b + "ffn_norm.weight"] = {8};
            add_attention(b);
            if (gemma) tensors[b + "post_attention_norm.weight"] = tensors[b + "post_ffw_norm.weight"] = {8};
            if (moe) add_experts(b);
            if (!moe && arch != "phi3") tensors[b + "ffn_gate.weight"] = {12, 8};
            if (!moe) tensors[b + "ffn_up.weight"] = {arch == "phi3" ? 24 : 12, 8};
            if (!moe) tensors[b + "ffn_down.weight"] = {8, 12};
        }
        if (!moe) return;
        set("expert_count", std::uint32_t(4));
        set("expert_used_count", std::uint32_t(2));
        set("expert_feed_forward_length", std::uint32_t(6));
    }

    void set(const std::string& key, gguf::Value v) { meta.set(arch + "." + key, std::move(v)); }
    void remove(const std::string& key) {
        gguf::Metadata rest;
        for (const gguf::Metadata::Entry& e : meta.entries())
            if (e.key != arch + "." + key) rest.set(e.key, e.value);
        meta = std::move(rest);
    }

    // Loads it as the engine does and gives the graph's nodes.
    std::vector<Node> record() const {
        test::HashWeights weights;
        std::vector<std::string_view> names;
        for (const auto& [name, dims] : tensors) {
            weights.add(name, dims, 0.25f, 1.0f);
            names.push_back(name);
        }
        Graph g(weights, {});
        find_architecture(meta.need_string("general.architecture")).record(g, meta);
        check_all_used(g, names);
        return g.nodes();
    }

private:
    void add_attention(const std::string& b) {
        tensors[b + "attn_output.weight"] = {8, 8};
        if (arch == "phi3") {
            tensors[b + "attn_qkv.weight"] = {16, 8};
            return;
        }
        tensors[b + "attn_q.weight"] = {8, 8};
        tensors[b + "attn_k.weight"] = tensors[b + "attn_v.weight"] = {4, 8};
        if (arch.starts_with("qwen2")) {
            tensors[b + "attn_q.bias"] = {8};
            tensors[b + "attn_k.bias"] = tensors[b + "attn_v.bias"] = {4};
        }
        if (arch.starts_with("qwen3") || arch == "gemma3")
            tensors[b + "attn_q_norm.weight"] = tensors[b + "attn_k_norm.weight"] = {4};
    }
    void add_experts(const std::string& b) {
        tensors[b + "ffn_gate_inp.weight"] = {4, 8};
        tensors[b + "ffn_gate_exps.weight"] = tensors[b + "ffn_up_exps.weight"] = {4, 6, 8};
        tensors[b + "ffn_down_exps.weight"] = {4, 8, 6};
        if (arch != "qwen2moe") return;
        set("expert_shared_feed_forward_length", std::uint32_t(5));
        tensors[b + "ffn_gate_inp_shexp.weight"] = {1, 8};
        tensors[b + "ffn_gate_shexp.weight"] = tensors[b + "ffn_up_shexp.weight"] = {5, 8};
        tensors[b + "ffn_down_shexp.weight"] = {8, 5};
    }
};

}  // namespace quern::models
