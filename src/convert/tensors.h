// The tensors of a Hugging Face checkpoint under GGUF's names, by the architecture's own table: which go where, which
// are stacked, permuted or have one added, and that none is missing or left over. Moves no bytes.
#pragma once

#include "convert/config.h"
#include "convert/model.h"
#include "format/safetensors/file.h"

namespace quern::convert {

// Appends to model.tensors, globals first and then layer by layer. Throws Error naming the tensors that nobody knows,
// that are missing, or whose shape or format does not fit. (Shapes are otherwise checked by the graph: check.h.)
void map_tensors(const safetensors::File& file, const ModelConfig& config, Model& model);

// The name that the checkpoint has for a GGUF tensor ("blk.3.attn_q.weight"), or empty where the table has none.
std::string hugging_face_name(const models::Architecture& architecture, std::string_view gguf_name);

}  // namespace quern::convert
