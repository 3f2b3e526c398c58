#include <string>

#include "base/error.h"
#include "models/architecture.h"

namespace quern::models {

extern const Architecture llama, qwen2, qwen3, qwen2moe, qwen3moe, gemma2, gemma3, phi3;

namespace {
constexpr const Architecture* table[] = {&llama, &qwen2, &qwen3, &qwen2moe, &qwen3moe, &gemma2, &gemma3, &phi3};
}

std::span<const Architecture* const> architectures() { return table; }

const Architecture& find_architecture(std::string_view name) {
    std::string known;
    for (const Architecture* a : table) {
        if (a->name == name) return *a;
        known += (known.empty() ? "" : ", ") + std::string(a->name);
    }
    throw Error(Code::unsupported, "general.architecture is \"{}\", which this build does not know; known are {}", name,
                known);
}

void check_all_used(const Graph& g, std::span<const std::string_view> tensor_names) {
    // RoPE factors belong to a choice that the context's length makes; the unused set is no mistake.
    constexpr std::string_view ignored[] = {"rope_factors_long.weight", "rope_factors_short.weight"};
    for (const std::string_view name : tensor_names) {
        bool fine = g.used_weights().contains(std::string(name));
        for (const std::string_view i : ignored) fine = fine || name == i;
        if (!fine)
            throw Error(Code::bad_file,
                        "{}: the file has this tensor, but its architecture does not use it; computing without "
                        "it would give wrong results",
                        name);
    }
}

}  // namespace quern::models
