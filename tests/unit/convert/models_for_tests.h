// Small Hugging Face directories for the tests of convert/: the real-looking ones of tests/parity/hf, made-up ones, and
// copies of either with one thing changed. Directories vanish with the object.
#pragma once

#include <gtest/gtest.h>
#include <cstdlib>

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "parity/case.h"

namespace quern::convert {

class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "quern-convert-XXXXXX").string();
        if (!mkdtemp(name.data())) throw Error(Code::io, "making {}: it failed", name);
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const Path& path() const { return path_; }
    Path operator/(const std::string& name) const { return path_ / name; }

private:
    Path path_;
};

inline Path parity_folder() { return Path(QUERN_SOURCE_DIR) / "tests/parity"; }
inline Path hf_model(const std::string& name) { return parity_folder() / "hf" / name; }

inline Json read_json(const Path& path) { return parse_json(read_text(path), path.filename().string()); }

inline void copy_model(const Path& from, const Path& to) {
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

inline void edit_json(const Path& path, const std::function<void(Json&)>& edit) {
    Json j = std::filesystem::exists(path) ? read_json(path) : Json::object();
    edit(j);
    write_file(path, j.dump());
}

// The sentence with which something is refused; fails the test when it is not.
inline std::string refusal(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& e) {
        return e.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return {};
}

// A Llama with two layers, its configuration and weights, to be changed and written.
struct TinyLlama {
    Json config = {{"architectures", {"LlamaForCausalLM"}},
                   {"hidden_size", 8},
                   {"intermediate_size", 12},
                   {"max_position_embeddings", 64},
                   {"num_attention_heads", 2},
                   {"num_hidden_layers", 2},
                   {"num_key_value_heads", 1},
                   {"rms_norm_eps", 1e-5},
                   {"tie_word_embeddings", false},
                   {"vocab_size", 10}};
    std::map<std::string, parity::Tensor> tensors;

    TinyLlama() {
        add("model.embed_tokens.weight", {10, 8});
        add("model.norm.weight", {8});
        add("lm_head.weight", {10, 8});
        for (const std::string layer : {"model.layers.0.", "model.layers.1."}) {
            add(layer + "input_layernorm.weight", {8});
            add(layer + "post_attention_layernorm.weight", {8});
            add(layer + "self_attn.q_proj.weight", {8, 8});
            add(layer + "self_attn.k_proj.weight", {4, 8});
            add(layer + "self_attn.v_proj.weight", {4, 8});
            add(layer + "self_attn.o_proj.weight", {8, 8});
            add(layer + "mlp.gate_proj.weight", {12, 8});
            add(layer + "mlp.up_proj.weight", {12, 8});
            add(layer + "mlp.down_proj.weight", {8, 12});
        }
    }

    // Every element another number, so that a moved one shows.
    void add(const std::string& name, std::vector<std::uint64_t> shape) {
        std::size_t n = 1;
        for (const std::uint64_t d : shape) n *= d;
        parity::Tensor t{std::move(shape), std::vector<float>(n)};
        for (float& v : t.values) v = static_cast<float>(++count_) / 64.0f;
        tensors[name] = std::move(t);
    }

    void write(const Path& directory) const {
        std::filesystem::create_directories(directory);
        write_file(directory / "config.json", config.dump());
        parity::write_safetensors(directory / "model.safetensors", tensors);
    }

private:
    int count_ = 0;
};

}  // namespace quern::convert
