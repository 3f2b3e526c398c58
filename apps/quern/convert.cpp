// quern convert: a Hugging Face directory or a GGUF file to a GGUF file of another weight format.
#include <cstdio>

#include "base/error.h"
#include "base/threads.h"
#include "command.h"
#include "convert/convert.h"
#include "options.h"
#include "terminal.h"

namespace quern::app {
namespace {

struct Options {
    std::string input, output, type = "f16";
    int threads = 0;
};

std::string type_names() {
    std::string s;
    for (const DType d : convert::writable_types()) s += (s.empty() ? "" : ", ") + std::string(info(d).name);
    return s;
}

void run(const Options& o) {
    const std::optional<DType> type = dtype_from_name(o.type);
    if (!type) throw CLI::ValidationError("--type", o.type + " is no weight format; known are " + type_names());
    check_output(o.output);
    ThreadPool pool(o.threads);
    ProgressBar bar("converting", "MB", 1e-6);
    const convert::ConvertReport report = convert::convert(
        o.input, o.output, {*type, &pool, [&](std::uint64_t done, std::uint64_t total) {
                                bar.update(static_cast<std::int64_t>(done), static_cast<std::int64_t>(total));
                            }});
    for (const std::string& note : report.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
    std::fprintf(stderr, "wrote %s: %s, %zu tensors, %.1f MB from %.1f MB\n", o.output.c_str(),
                 report.architecture.c_str(), report.tensors, static_cast<double>(report.bytes_out) * 1e-6,
                 static_cast<double>(report.bytes_in) * 1e-6);
}

}  // namespace

void add_convert(CLI::App& app) {
    const auto o = std::make_shared<Options>();
    CLI::App* c = app.add_subcommand("convert", "make a GGUF file from a Hugging Face directory or another GGUF file");
    c->add_option("INPUT", o->input, "directory with config.json and safetensors, or a GGUF file")->required();
    c->add_option("OUTPUT", o->output, "the GGUF file to write")->required();
    c->add_option("--type", o->type, "format of the weights (default f16): " + type_names());
    c->add_option("-t,--threads", o->threads, "threads (default: one per processor)")->check(in_range(1, 1024));
    c->callback([o] { run(*o); });
}

}  // namespace quern::app
