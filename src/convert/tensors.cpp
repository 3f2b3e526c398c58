#include "convert/tensors.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "base/checked.h"
#include "base/error.h"
#include "format/shown.h"

namespace quern::convert {
namespace {

using models::TensorName;
using models::Transform;
using safetensors::TensorInfo;

struct Place {
    std::int64_t layer = -1, expert = -1;
};

// Eats a number from the front of `text`; -1 when there is none.
std::int64_t take_number(std::string_view& text) {
    std::int64_t n = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || n < 0 || n > INT32_MAX || text.front() == '-') return -1;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return n;
}

// Where `name` stands in a family of names like "model.layers.{}.mlp.experts.{e}.up_proj.weight".
std::optional<Place> match(std::string_view pattern, std::string_view name) {
    Place place;
    while (!pattern.empty()) {
        const std::size_t brace = std::min(pattern.find('{'), pattern.size());
        if (!name.starts_with(pattern.substr(0, brace))) return std::nullopt;
        name.remove_prefix(brace);
        pattern.remove_prefix(brace);
        if (pattern.empty()) break;
        const bool expert = pattern.starts_with("{e}");
        pattern.remove_prefix(expert ? 3 : 2);
        if (name.empty()) return std::nullopt;
        const std::int64_t n = take_number(name);
        if (n < 0) return std::nullopt;
        (expert ? place.expert : place.layer) = n;
    }
    if (!name.empty()) return std::nullopt;
    return place;
}

std::string fill(std::string_view pattern, std::int64_t layer, std::int64_t expert) {
    std::string out;
    while (!pattern.empty()) {
        const std::size_t brace = std::min(pattern.find('{'), pattern.size());
        out += pattern.substr(0, brace);
        pattern.remove_prefix(brace);
        if (pattern.empty()) break;
        const bool is_expert = pattern.starts_with("{e}");
        out += std::to_string(is_expert ? expert : layer);
        pattern.remove_prefix(is_expert ? 3 : 2);
    }
    return out;
}

// Names inside a model that also sees pictures: the text model's own, or nothing for the other parts.
std::optional<std::string> text_name(std::string_view name) {
    for (const std::string_view other :
         {"vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."})
        if (name.starts_with(other)) return std::nullopt;
    if (name.starts_with("language_model.")) return std::string(name.substr(15));
    if (name.starts_with("model.language_model.")) return "model." + std::string(name.substr(21));
    return std::string(name);
}

// Tables that old checkpoints carry and nobody reads.
bool is_leftover(std::string_view name) {
    return name.ends_with(".rotary_emb.inv_freq") || name.ends_with(".attention.bias") ||
           name.ends_with(".masked_bias");
}

// An expert's part of a tensor: the whole of it, or a slice of a tensor that holds all experts.
struct Part {
    const TensorInfo* info;
    std::span<const std::byte> bytes;
    std::vector<std::int64_t> dims;
};

class Mapper {
public:
    Mapper(const safetensors::File& file, const ModelConfig& config, Model& model)
        : file_(file), config_(config), model_(model), table_(config.architecture->tensors) {}

    void run() {
        std::vector<std::string> unknown;
        for (const TensorInfo& t : file_.tensors())
            if (!place(t)) unknown.push_back(t.name);
        refuse(unknown);
        check_tied();
        for (const auto& [key, parts] : found_) {
            const auto& [layer, entry] = key;
            add(layer, table_[entry], parts);
        }
        check_biases();
    }

private:
    using Key = std::pair<std::int64_t, std::size_t>;  // layer (-1: none), place in the table

    bool place(const TensorInfo& t) {
        if (is_leftover(t.name)) return true;
        const bool pictures = config_.architecture->name == "gemma3";
        const std::optional<std::string> name = pictures ? text_name(t.name) : t.name;
        if (!name) return true;
        if (*name == "lm_head.weight" && config_.tied) return true;
        if (place_fused(t, *name)) return true;
        for (std::size_t i = 0; i < table_.size(); ++i) {
            const std::optional<Place> at = match(table_[i].hugging_face, *name);
            if (!at) continue;
            put(t, *at, i, {&t, t.bytes, t.dims});
            return true;
        }
        return false;
    }

    // All experts of a layer in one tensor, as transformers 5 has them in memory: gate and up [experts, 2 ff, hidden],
    // gate first, and down [experts, hidden, ff].
    bool place_fused(const TensorInfo& t, const std::string& name) {
        std::optional<Place> gate_up, down;
        for (const std::string block : {"mlp", "block_sparse_moe"}) {
            const std::string prefix = "model.layers.{}." + block + ".experts.";
            if (!gate_up) gate_up = match(prefix + "gate_up_proj", name);
            if (!down) down = match(prefix + "down_proj", name);
        }
        if (!gate_up && !down) return false;
        const Place at = gate_up ? *gate_up : *down;
        const bool fits = t.dims.size() == 3 && t.dims[0] == config_.experts && (!gate_up || t.dims[1] % 2 == 0);
        if (!fits)
            throw Error(Code::bad_file, "tensor {}: its shape is {}, expected [{}, ...] with all experts",
                        shown(t.name), text(t.dims), config_.experts);
        const std::size_t slab = t.bytes.size() / static_cast<std::size_t>(config_.experts);
        for (std::int64_t e = 0; e < config_.experts; ++e) {
            const auto bytes = t.bytes.subspan(static_cast<std::size_t>(e) * slab, slab);
            if (down) {
                if (!put_expert(t, {at.layer, e}, "ffn_down_exps", bytes, {t.dims[1], t.dims[2]})) return false;
                continue;
            }
            const std::vector<std::int64_t> half{t.dims[1] / 2, t.dims[2]};
            if (!put_expert(t, {at.layer, e}, "ffn_gate_exps", bytes.first(slab / 2), half)) return false;
            put_expert(t, {at.layer, e}, "ffn_up_exps", bytes.subspan(slab / 2), half);
        }
        return true;
    }

    bool put_expert(const TensorInfo& t, Place at, std::string_view which, std::span<const std::byte> bytes,
                    std::vector<std::int64_t> dims) {
        for (std::size_t i = 0; i < table_.size(); ++i) {
            if (table_[i].transform != Transform::stack_experts || table_[i].gguf.find(which) == std::string_view::npos)
                continue;
            put(t, at, i, {&t, bytes, std::move(dims)});
            return true;
        }
        return false;
    }

    void put(const TensorInfo& t, Place at, std::size_t entry, Part part) {
        if (at.layer >= config_.layers)
            throw Error(Code::bad_file, "tensor {}: there are only {} layers (num_hidden_layers)", shown(t.name),
                        config_.layers);
        if (at.expert >= config_.experts && at.expert >= 0)
            throw Error(Code::bad_file, "tensor {}: a layer has only {} experts (num_experts)", shown(t.name),
                        config_.experts);
        if (t.dtype != DType::f32 && t.dtype != DType::f16 && t.dtype != DType::bf16)
            throw Error(Code::unsupported, "tensor {}: it is stored as {}, expected F32, F16 or BF16", shown(t.name),
                        info(t.dtype).name);
        if (t.dims.empty() || std::ranges::any_of(t.dims, [](std::int64_t d) { return d <= 0; }))
            throw Error(Code::bad_file, "tensor {}: its shape is {}, which holds nothing", shown(t.name), text(t.dims));
        const auto [other, fresh] = found_[{at.layer, entry}].emplace(at.expert, std::move(part));
        if (!fresh)
            throw Error(Code::bad_file, "tensors {} and {} are the same part of the model; one of them must go",
                        shown(other->second.info->name), shown(t.name));
    }

    static std::string text(const std::vector<std::int64_t>& dims) {
        std::string out;
        for (const std::int64_t d : dims) out += (out.empty() ? "" : ", ") + std::to_string(d);
        return "[" + out + "]";
    }

    void refuse(const std::vector<std::string>& unknown) const {
        if (unknown.empty()) return;
        constexpr std::size_t listed = 10;
        std::string names;
        for (std::size_t i = 0; i < std::min(listed, unknown.size()); ++i) names += (i ? ", " : "") + shown(unknown[i]);
        if (unknown.size() > listed) names += fmt::format(" and {} more", unknown.size() - listed);
        throw Error(Code::unsupported,
                    "{} tensors of the checkpoint have no place in the architecture {}: {}; leaving them out would "
                    "change what the model computes",
                    unknown.size(), config_.architecture->name, names);
    }

    // A model that is not tied must have its own output matrix: readers of GGUF take a missing one for tied.
    void check_tied() const {
        if (config_.tied) return;
        for (std::size_t i = 0; i < table_.size(); ++i)
            if (table_[i].gguf == "output.weight" && found_.contains({-1, i})) return;
        throw Error(Code::bad_file,
                    "tensor lm_head.weight is missing, and tie_word_embeddings does not say that the embedding takes "
                    "its place");
    }

    void add(std::int64_t layer, const TensorName& entry, const std::map<std::int64_t, Part>& parts) {
        const bool stacked = entry.transform == Transform::stack_experts;
        const Part& first = parts.begin()->second;
        Tensor t;
        t.name = fill(entry.gguf, layer, 0);
        t.source_name = first.info->name;
        t.source = first.info->dtype;
        t.dims = first.dims;
        t.transform = entry.transform;
        if (stacked) {
            t.dims.insert(t.dims.begin(), config_.experts);
            check_stack(layer, entry, parts);
        }
        for (const auto& [expert, part] : parts) t.pieces.push_back(part.bytes);
        if (t.dims.size() > 4)
            throw Error(Code::bad_file, "tensor {}: its shape is {}, more dims than any tensor has",
                        shown(t.source_name), text(first.dims));
        if (entry.transform == Transform::permute_q) t.heads = config_.heads;
        if (entry.transform == Transform::permute_k) t.heads = config_.kv_heads;
        if (t.heads && t.dims[0] % (2 * t.heads) != 0)
            throw Error(Code::bad_file, "tensor {}: its shape is {}, which cannot be cut into {} heads of pairs",
                        shown(t.source_name), text(t.dims), t.heads);
        if (t.name == "token_embd.weight" && t.dims[0] != config_.vocab)
            throw Error(Code::bad_file, "tensor {}: its shape is {}, but config.json has a vocab_size of {}",
                        shown(t.source_name), text(t.dims), config_.vocab);
        model_.tensors.push_back(std::move(t));
    }

    void check_stack(std::int64_t layer, const TensorName& entry, const std::map<std::int64_t, Part>& parts) const {
        const Part& first = parts.begin()->second;
        for (std::int64_t e = 0; e < config_.experts; ++e) {
            const auto it = parts.find(e);
            if (it == parts.end())
                throw Error(Code::bad_file, "tensor {} is missing; other experts of its layer are there",
                            fill(entry.hugging_face, layer, e));
            if (it->second.dims != first.dims || it->second.info->dtype != first.info->dtype)
                throw Error(Code::bad_file, "tensor {}: it is {} {}, but {} is {} {}; experts must be alike",
                            shown(it->second.info->name), info(it->second.info->dtype).name, text(it->second.dims),
                            shown(first.info->name), info(first.info->dtype).name, text(first.dims));
        }
    }

    // Readers of GGUF go by which biases are there, transformers by the configuration: they must agree.
    void check_biases() const {
        for (std::size_t i = 0; i < table_.size(); ++i) {
            const std::string_view name = table_[i].hugging_face;
            if (!name.ends_with("_proj.bias")) continue;
            const bool output = name.ends_with("o_proj.bias"), ff = name.find(".mlp.") != name.npos;
            const bool wanted = output ? config_.output_bias : ff ? config_.ff_bias : config_.qkv_bias;
            for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
                const auto it = found_.find({layer, i});
                if ((it != found_.end()) == wanted) continue;
                throw Error(Code::bad_file, "tensor {} {}, but config.json says that the model has {} biases there",
                            fill(name, layer, 0), wanted ? "is missing" : "is in the checkpoint",
                            wanted ? "such" : "no");
            }
        }
    }

    const safetensors::File& file_;
    const ModelConfig& config_;
    Model& model_;
    std::span<const TensorName> table_;
    std::map<Key, std::map<std::int64_t, Part>> found_;  // by expert; -1 where there are none
};

}  // namespace

void map_tensors(const safetensors::File& file, const ModelConfig& config, Model& model) {
    Mapper(file, config, model).run();
}

std::string hugging_face_name(const models::Architecture& architecture, std::string_view gguf_name) {
    for (const TensorName& entry : architecture.tensors)
        if (const std::optional<Place> at = match(entry.gguf, gguf_name)) return fill(entry.hugging_face, at->layer, 0);
    return {};
}

}  // namespace quern::convert
