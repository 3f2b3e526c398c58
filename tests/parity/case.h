// The cases of tests/parity as the tests use them: reads index.json and a case's goldens, and turns a case into a
// Hugging Face directory with weights from the hash. Knows the files of tests/parity/README.md; nothing of the engine.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/file.h"

namespace quern::parity {

struct Case {
    std::string name, architecture, note;
    std::uint32_t context = 0;  // the context length a session must have (dynamic NTK and longrope depend on it)
    std::uint32_t vocab = 0;
    double rope_flip_difference = 0;  // what the other RoPE convention moves some logit by
    std::vector<std::int32_t> ids;    // the prompt
    std::vector<float> logits;        // [ids.size(), vocab]
};

struct Tensor {
    std::vector<std::uint64_t> shape;
    std::vector<float> values;  // row-major
};

// All cases of index.json in `directory` with their goldens, in its order. Throws Error if any file is missing or odd.
std::vector<Case> read_cases(const Path& directory);

// The prompt and the logits of a golden.safetensors, into c.ids and c.logits; c.vocab from their shape.
void read_golden(const Path& file, Case& c);

// The weights that a tensors.json stands for, by Hugging Face name.
std::map<std::string, Tensor> make_weights(const Path& tensors_json);

// F32 tensors as a safetensors file.
void write_safetensors(const Path& file, const std::map<std::string, Tensor>& tensors);

// Makes `target` a Hugging Face directory: the case's config.json, model.safetensors from the hash, and a made-up BPE
// tokenizer of `vocab` tokens (Qwen2's splitting pattern, no merges), since a converter wants one.
void write_hf_directory(const Path& case_directory, std::uint32_t vocab, const Path& target);

}  // namespace quern::parity
