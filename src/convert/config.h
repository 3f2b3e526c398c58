// config.json of a Hugging Face model as GGUF's keys. Reads both spellings, that of transformers 4 (rope_theta,
// rope_scaling) and that of 5 (rope_parameters), and has the defaults that the model classes of transformers have where
// a field is absent. A field it does not know is refused, since it might change what the model computes. Sources: the
// configuration classes of transformers 5.23, the GGUF specification's list of keys. Knows no tensors but those that
// are made of configuration (RoPE factors).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "convert/fields.h"
#include "format/gguf/metadata.h"
#include "models/architecture.h"

namespace quern::convert {

// A tensor that the checkpoint has not, but GGUF wants: F32 [values.size()].
struct GeneratedTensor {
    std::string name;
    std::vector<float> values;
};

struct ModelConfig {
    const models::Architecture* architecture = nullptr;
    gguf::Metadata metadata;  // general.architecture and the keys under the architecture's name
    std::vector<GeneratedTensor> generated;
    std::int64_t layers = 0, heads = 0, kv_heads = 0, experts = 0, vocab = 0;
    bool tied = false;  // the output matrix is the embedding's
    bool qkv_bias = false, output_bias = false, ff_bias = false;
    std::optional<std::int64_t> bos, pad;
    std::vector<std::int64_t> eos;
    std::vector<std::string> notes;
};

// `where` names the text in sentences. Throws Error naming the field.
ModelConfig read_config(const Json& config, const std::string& where);

// eos_token_id, a number or a list of them; none where it is absent. generation_config.json has it too.
std::vector<std::int64_t> read_eos(Fields& fields);

// What the configuration says of RoPE, added to `out`: base, turned dims, scaling (keys and tensors). For rope.cpp.
struct RopeInput {
    std::string_view architecture;
    double default_base = 10000;
    std::int64_t head_dim = 0, context = 0;
};
void read_rope(Fields& config, const RopeInput& input, ModelConfig& out);

}  // namespace quern::convert
