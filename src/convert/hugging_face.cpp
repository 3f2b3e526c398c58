// A Hugging Face directory as the input of a conversion: configuration, tokenizer and tensors, each read by its own
// file beside this one.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "convert/config.h"
#include "convert/model.h"
#include "convert/tensors.h"
#include "convert/tokenizer.h"

namespace quern::convert {
namespace {

// The directory's own name, also where the path ends in a slash or is ".".
std::string name_of(const Path& directory) {
    std::error_code error;
    Path path = std::filesystem::absolute(directory, error).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    return path.filename().string();
}

safetensors::File open_tensors(const Path& directory) try {
    return safetensors::File::open(directory);
} catch (Error& e) {
    e.during(
        "reading the tensors (a model must have model.safetensors, or model.safetensors.index.json and its parts)");
    throw;
}

void add_generated(ModelConfig& config, Model& model) {
    for (GeneratedTensor& g : config.generated) {
        const std::vector<float>& values = model.generated.emplace_back(std::move(g.values));
        Tensor t;
        t.name = t.source_name = g.name;
        t.dims = {std::ssize(values)};
        t.pieces = {std::as_bytes(std::span(values))};
        model.tensors.push_back(std::move(t));
    }
}

}  // namespace

Model read_hugging_face(const Path& directory) {
    constexpr std::size_t max_config_bytes = 16 << 20;
    if (!std::filesystem::exists(directory / "config.json"))
        throw Error(Code::bad_request, "the directory has no config.json, so it is no Hugging Face model");
    const std::string text = read_text(directory / "config.json", max_config_bytes);
    ModelConfig config = read_config(parse_fields(text, "config.json"), "config.json");

    Model model;
    model.architecture = config.architecture;
    model.notes = config.notes;
    model.metadata.set("general.architecture", std::string(config.architecture->name));
    model.metadata.set("general.type", std::string("model"));
    model.metadata.set("general.name", name_of(directory));
    for (const gguf::Metadata::Entry& e : config.metadata.entries()) model.metadata.set(e.key, e.value);
    read_tokenizer(directory, config, model.metadata, model.notes);

    model.safetensors = open_tensors(directory);
    model.bytes_in = model.safetensors->file_bytes();
    add_generated(config, model);
    map_tensors(*model.safetensors, config, model);
    return model;
}

}  // namespace quern::convert
