// Makes GGUF files: from a Hugging Face directory or from another GGUF file, with the weights in a wanted format. The
// result has the names and keys that GGUF readers expect, and is checked against the architecture's own graph before
// the first byte is written. What is not known is refused by name (architecture, key, tensor), never left out in
// silence: a file that loads and computes something else is worse than none.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "tensor/dtype.h"

namespace quern {
class ThreadPool;
}

namespace quern::convert {

struct ConvertOptions {
    DType type = DType::f16;        // of matrices; one of writable_types()
    ThreadPool* threads = nullptr;  // shares the encoding out, where given; the bytes do not depend on it
    // Called now and then with the bytes written and to be written.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress = {};
};

struct ConvertReport {
    std::string architecture;
    std::size_t tensors = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0;  // of whole files
    // Sentences about what is not as asked or not as in the input: tensors in another format and why, tokens left out.
    std::vector<std::string> notes;
};

// What `type` may be: every format with an encoder that GGUF has a file type for.
std::vector<DType> writable_types();

// `input` is a GGUF file (or the first part of a split one), or a directory with config.json and *.safetensors.
// Vectors, norms and routers stay F32; a matrix whose rows do not fill blocks gets a format that fits, with a note.
// A tensor that has the wanted type already keeps its bits. Memory: the tokenizer, and one chunk of rows. Throws Error
// naming the file, key or tensor; then `output` is as it was before.
ConvertReport convert(const Path& input, const Path& output, const ConvertOptions& options);

}  // namespace quern::convert
