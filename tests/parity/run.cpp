#include "parity/run.h"

#include <cstdlib>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "base/json.h"
#include "convert/convert.h"

namespace quern::parity {
namespace {

// The rows of each head in the order of the other convention: (2i, 2i + 1) become (i, i + n / 2), for the first
// `rotary` of a head's `head_dim` rows.
void reorder(Tensor& t, std::size_t rows, std::size_t head_dim, std::size_t rotary) {
    const std::size_t width = t.values.size() / t.shape[0];
    const std::vector<float> old = t.values;
    for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t i = r % head_dim, half = rotary / 2;
        const std::size_t from = i >= rotary ? i : i < half ? 2 * i : 2 * (i - half) + 1;
        std::copy_n(old.begin() + std::ptrdiff_t((r - i + from) * width), width,
                    t.values.begin() + std::ptrdiff_t(r * width));
    }
}

void write_with_other_rope(const Case& c, const Path& directory) {
    const Path source = root() / "cases" / c.name;
    const Json config = parse_json(read_text(source / "config.json"), "config.json");
    const auto size = [&](const char* key, std::size_t otherwise) {
        return config.contains(key) && config.at(key).is_number() ? config.at(key).get<std::size_t>() : otherwise;
    };
    const std::size_t heads = size("num_attention_heads", 0), kv_heads = size("num_key_value_heads", heads);
    std::size_t head_dim = size("hidden_size", 0) / heads, rotary = head_dim;
    if (c.architecture == "Phi3ForCausalLM") {
        double part = 1;
        if (config.contains("partial_rotary_factor")) part = config.at("partial_rotary_factor").get<double>();
        if (config.contains("rope_parameters"))
            part = config.at("rope_parameters").value("partial_rotary_factor", part);
        rotary = static_cast<std::size_t>(static_cast<double>(head_dim) * part);
    } else {
        rotary = head_dim = size("head_dim", head_dim);
    }
    auto weights = make_weights(source / "tensors.json");
    for (auto& [name, t] : weights) {
        const auto has = [&](std::string_view part) { return name.find(part) != std::string::npos; };
        if (has("self_attn.qkv_proj")) reorder(t, (heads + kv_heads) * head_dim, head_dim, rotary);
        for (const char* part : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.q_norm", "self_attn.k_norm"})
            if (has(part)) reorder(t, t.shape[0], head_dim, rotary);
    }
    write_safetensors(directory / "model.safetensors", weights);
}

Path converted(const Folder& folder, const std::string& name) {
    convert::convert(folder / (name + ".hf"), folder / (name + ".gguf"), {.type = DType::f32});
    return folder / (name + ".gguf");
}

}  // namespace

const Path& root() {
    static const Path path = Path(QUERN_SOURCE_DIR) / "tests/parity";
    return path;
}

const std::vector<Case>& all_cases() {
    static const std::vector<Case> cases = read_cases(root() / "cases");
    return cases;
}

const Case& find_case(const std::string& name) {
    for (const Case& c : all_cases())
        if (c.name == name) return c;
    throw Error(Code::bad_request, "there is no parity case {}", name);
}

Folder::Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "quern-parity-XXXXXX").string();
    if (!mkdtemp(name.data())) throw Error(Code::io, "making the directory {} failed", name);
    path_ = name;
}

Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Path convert_case(const Case& c, const Folder& folder) {
    write_hf_directory(root() / "cases" / c.name, c.vocab, folder / (c.name + ".hf"));
    return converted(folder, c.name);
}

Path convert_case_with_other_rope(const Case& c, const Folder& folder) {
    const std::string name = c.name + ".flipped";
    write_hf_directory(root() / "cases" / c.name, c.vocab, folder / (name + ".hf"));
    write_with_other_rope(c, folder / (name + ".hf"));
    return converted(folder, name);
}

std::unique_ptr<engine::Model> load(const Path& file, const RunOptions& options) {
    engine::LoadOptions o;
    o.context = options.context;
    o.kv_type = DType::f32;
    o.threads = options.threads;
    o.sequences = options.sequences;
    o.step_rows = options.context;
    o.logit_rows = options.context;
    o.policy = options.policy;
    return engine::Model::load(file, o);
}

std::vector<float> logits_of(engine::Model& model, std::span<const std::int32_t> tokens, std::size_t chunk) {
    const std::vector<std::int32_t> text(tokens.begin(), tokens.end());
    return logits_together(model, {&text, 1}, {&chunk, 1}).front();
}

std::vector<std::vector<float>> logits_together(engine::Model& model, std::span<const std::vector<std::int32_t>> texts,
                                                std::span<const std::size_t> chunks) {
    std::vector<std::vector<float>> out(texts.size());
    std::vector<std::size_t> done(texts.size());
    std::vector<int> sequences(texts.size());
    for (int& s : sequences) s = model.pages().open();
    std::vector<std::int32_t> rows(std::size_t(model.context()));
    std::iota(rows.begin(), rows.end(), 0);
    for (;;) {
        std::vector<engine::Model::Chunk> step;
        std::vector<std::size_t> who;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const std::size_t n = std::min(chunks[i], texts[i].size() - done[i]);
            if (n == 0) continue;
            step.push_back({sequences[i], std::span(texts[i]).subspan(done[i], n), std::span(rows).first(n)});
            who.insert(who.end(), n, i);
            done[i] += n;
        }
        if (step.empty()) break;
        model.step(step);
        const View logits = model.executor().output("logits");
        if (logits.rows() != static_cast<std::int64_t>(who.size()))
            throw Error(Code::bad_request, "{} rows of logits for {} tokens", logits.rows(), who.size());
        for (std::size_t r = 0; r < who.size(); ++r) {
            const float* row = logits.row<float>(static_cast<std::int64_t>(r));
            out[who[r]].insert(out[who[r]].end(), row, row + logits.last());
        }
    }
    for (const int s : sequences) model.pages().close(s);
    return out;
}

}  // namespace quern::parity
