// What Quern knows of a model architecture: one file each in this folder, which holds its names, its hyper-parameters
// and its forward pass, and one row in table.cpp. Nothing else in Quern asks which architecture a model has.
#pragma once

#include <span>
#include <string_view>

#include "format/gguf/metadata.h"
#include "graph/graph.h"

namespace quern::models {

// What the converter does to a tensor on its way from a Hugging Face checkpoint.
enum class Transform : std::uint8_t {
    none,
    permute_q,     // rows of each query head from half to interleaved RoPE order: (i, i + d/2) become (2i, 2i + 1)
    permute_k,     // the same for key heads
    add_one,       // checkpoints of Gemma store norm weights minus one
    stack_experts  // one matrix per expert, {e} in the name, becomes one [experts, n, k] tensor
};

// A checkpoint's tensor name and GGUF's; {} is the layer, {e} the expert. ".weight" and ".bias" are part of both.
struct TensorName {
    std::string_view hugging_face, gguf;
    Transform transform = Transform::none;
};

struct Architecture {
    std::string_view name;                           // GGUF's general.architecture
    std::span<const std::string_view> hugging_face;  // config.json's architectures
    std::span<const TensorName> tensors;
    // Records the forward pass of a step, with the outputs "logits" f32 [R, vocab] and "hidden" f32 [R, dim]. Throws
    // Error naming the key, tensor, scaling or activation that does not fit.
    void (*record)(Graph& g, const gguf::Metadata& meta);
};

std::span<const Architecture* const> architectures();
// Throws Error(unsupported) naming it and those that are known.
const Architecture& find_architecture(std::string_view name);

// Throws Error(bad_file) naming the first tensor of the file that neither the graph reads nor anybody may ignore.
void check_all_used(const Graph& g, std::span<const std::string_view> tensor_names);

}  // namespace quern::models
