#include "convert/convert.h"

#include <algorithm>
#include <map>

#include "base/checked.h"
#include "base/error.h"
#include "convert/check.h"
#include "convert/model.h"
#include "convert/rows.h"
#include "convert/types.h"
#include "format/gguf/writer.h"

namespace quern::convert {
namespace {

Model read(const Path& input) {
    std::error_code ignored;  // what cannot be looked at cannot be opened either, which says why
    if (std::filesystem::is_directory(input, ignored)) return read_hugging_face(input);
    if (input.extension() == ".safetensors" || input.extension() == ".json")
        throw Error(Code::bad_request,
                    "this is one file of a Hugging Face model; name the directory with its config.json instead");
    return read_gguf(input);
}

void note_fallbacks(const Model& model, std::span<const DType> types, DType wanted, std::vector<std::string>& notes) {
    struct Group {
        std::string first;
        std::size_t others = 0;
    };
    std::map<std::pair<std::int64_t, DType>, Group> groups;
    for (std::size_t i = 0; i < types.size(); ++i) {
        const Tensor& t = model.tensors[i];
        if (types[i] == wanted || types[i] == DType::f32) continue;
        Group& g = groups[{t.dims.back(), types[i]}];
        if (g.first.empty())
            g.first = t.name;
        else
            ++g.others;
    }
    for (const auto& [key, g] : groups)
        notes.push_back(fmt::format("{}{} has rows of {} weights, which do not fill blocks of {} ({}); written as {}.",
                                    g.first, g.others ? fmt::format(" (and {} more)", g.others) : "", key.first,
                                    info(wanted).block, info(wanted).name, info(key.second).name));
}

void set_general(gguf::Metadata& meta, DType type) {
    meta.set("general.file_type", file_type(type).value());
    meta.set("general.quantization_version", std::uint32_t{2});  // of the block formats' layouts, as ggml counts them
}

}  // namespace

ConvertReport convert(const Path& input, const Path& output, const ConvertOptions& options) try {
    check_writable(options.type);
    Model model = read(input);
    set_general(model.metadata, options.type);

    std::vector<DType> types;
    std::vector<gguf::TensorSpec> specs;
    std::uint64_t total = 0;
    for (const Tensor& t : model.tensors) {
        types.push_back(choose_type(t.name, t.dims, options.type));
        specs.push_back({t.name, types.back(), t.dims});
        total = checked_add(total, tensor_bytes(t, types.back()), "bytes of all tensors");
    }
    check_loads(model, types);

    ConvertReport report;
    report.architecture = std::string(model.architecture->name);
    report.tensors = model.tensors.size();
    report.bytes_in = model.bytes_in;
    report.notes = model.notes;
    note_fallbacks(model, types, options.type, report.notes);

    gguf::Writer writer(output, model.metadata, std::move(specs));
    std::uint64_t done = 0;
    for (std::size_t i = 0; i < types.size(); ++i) {
        encode_tensor(model.tensors[i], types[i], options.threads, [&](std::span<const std::byte> bytes) {
            writer.write(model.tensors[i].name, bytes);
            done += bytes.size();
            if (options.progress) options.progress(done, total);
        });
    }
    writer.commit();
    report.bytes_out = std::filesystem::file_size(output);
    return report;
} catch (Error& e) {
    e.during("converting {}", input.string());
    throw;
}

}  // namespace quern::convert
