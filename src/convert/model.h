// What stands between the two halves of a conversion: a model as the reader of some input describes it, in GGUF's terms
// but with the tensors' bytes still where and as they were. The readers (hugging_face.cpp, gguf_input.cpp) fill it; the
// writer (convert.cpp) knows nothing of where it came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "format/gguf/file.h"
#include "format/safetensors/file.h"
#include "models/architecture.h"

namespace quern::convert {

struct Tensor {
    std::string name;                // GGUF's
    std::string source_name;         // what the input calls it (of a stack of experts: the first)
    std::vector<std::int64_t> dims;  // outermost first, of the result
    DType source = DType::f32;       // format of the pieces
    // The rows in order, in equal pieces: one, or one per expert. In the mapped input.
    std::vector<std::span<const std::byte>> pieces;
    models::Transform transform = models::Transform::none;
    std::int64_t heads = 0;  // for the permutations

    // What is encoded as one: a row of the last dim. Permuted vectors count as rows of one element.
    std::int64_t row_size() const;
    std::int64_t rows() const;
};

struct Model {
    const models::Architecture* architecture = nullptr;
    gguf::Metadata metadata;
    std::vector<Tensor> tensors;  // in the order in which they shall be written
    std::vector<std::string> notes;
    std::uint64_t bytes_in = 0;

    // What the pieces point into.
    std::optional<gguf::File> gguf;
    std::optional<safetensors::File> safetensors;
    std::deque<std::vector<float>> generated;
};

// Both throw Error naming what is missing, senseless or unknown.
Model read_gguf(const Path& file);
Model read_hugging_face(const Path& directory);

}  // namespace quern::convert
