// The engine over the cases: a directory that vanishes, a case as a converted file, and its logits at every position.
// Knows convert/ and engine/ from outside only, as an application does.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "engine/model.h"
#include "parity/case.h"

namespace quern::parity {

constexpr float tolerance = 1e-3f;

// tests/parity of the source tree.
const Path& root();

// The cases of index.json, read once.
const std::vector<Case>& all_cases();
const Case& find_case(const std::string& name);

// A new empty directory, removed with the object.
class Folder {
public:
    Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder();
    Path operator/(const std::string& name) const { return path_ / name; }

private:
    Path path_;
};

// The case as an f32 GGUF in `folder`.
Path convert_case(const Case& c, const Folder& folder);
// The same for a model that was trained with the other RoPE convention: rows of q and k in the other order.
Path convert_case_with_other_rope(const Case& c, const Folder& folder);

struct RunOptions {
    std::int64_t context = 0;
    int threads = 2;
    int sequences = 1;
    dispatch::Policy policy = dispatch::machine_policy();
};
// Keys and values in f32; a step may be as long as the context, and want the logits of all its rows.
std::unique_ptr<engine::Model> load(const Path& file, const RunOptions& options);

// The logits of every token, [tokens, vocab], fed to a new sequence in chunks.
std::vector<float> logits_of(engine::Model& model, std::span<const std::int32_t> tokens, std::size_t chunk = SIZE_MAX);

// The same for several texts at once: every step has up to chunks[i] tokens of text i.
std::vector<std::vector<float>> logits_together(engine::Model& model, std::span<const std::vector<std::int32_t>> texts,
                                                std::span<const std::size_t> chunks);

}  // namespace quern::parity
