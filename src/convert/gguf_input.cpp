// A GGUF file as the input of a conversion: its metadata as they are, its tensors as they lie. Files of unknown
// architectures are refused, since which of their tensors may be quantised is not known either.
#include "base/error.h"
#include "convert/model.h"

namespace quern::convert {

Model read_gguf(const Path& file) {
    Model model;
    model.gguf = gguf::File::open(file);
    model.bytes_in = model.gguf->file_bytes();
    model.metadata = model.gguf->metadata();
    model.architecture = &models::find_architecture(model.metadata.need_string("general.architecture"));
    std::size_t quantised = 0;
    for (const gguf::TensorInfo& info : model.gguf->tensors()) {
        for (const std::int64_t d : info.dims)
            if (d <= 0)
                throw Error(Code::bad_file, "tensor {}: one of its dims is {}, so it holds nothing", info.name, d);
        Tensor t;
        t.name = t.source_name = info.name;
        t.dims = info.dims;
        t.source = info.dtype;
        t.pieces = {info.bytes};
        quantised += quern::info(info.dtype).block > 1 ? 1 : 0;
        model.tensors.push_back(std::move(t));
    }
    if (quantised)
        model.notes.push_back(
            fmt::format("{} tensors of the input are quantised already; those that change format lose more than they "
                        "would from the original weights.",
                        quantised));
    return model;
}

}  // namespace quern::convert
