// Options that several commands share, declared once: struct, flag, default and help together.
#pragma once

#include <memory>
#include <string>

#include "command.h"
#include "engine/model.h"
#include "engine/sampler.h"
#include "text/template/chat.h"

namespace quern::app {

// Refuses what is not in lo .. hi, and leaves the option's help as it is.
template <class T>
CLI::Validator in_range(T lo, T hi) {
    return CLI::Range(lo, hi).description("");
}

struct ModelOptions {
    std::string path;  // empty: the bundled model
    std::int64_t context = 0;
    std::string kv_type = "f32", isa = "best", precision = "exact";
    int threads = 0;
    double patience = 300;                                // seconds that a kernel may run
    std::string plan;                                     // a file, "none", or empty: where it is kept
    std::vector<std::string> locks;                       // "op=kernel id"
    std::vector<std::string> deny, allow, prefer, avoid;  // kernel ids or globs
};
// Only -m, for commands that read a model and compute nothing with it.
void add_model_path(CLI::App& command, ModelOptions& o);
void add_model_options(CLI::App& command, ModelOptions& o);
// Checked and turned into what the engine takes. Throws Error(bad_request).
engine::LoadOptions load_options(const ModelOptions& o);
// The file to load: as given, or the bundled model.
Path model_path(const ModelOptions& o);
// Loads with a progress bar.
std::unique_ptr<engine::Model> load_model(const ModelOptions& o);

struct SamplingOptions {
    SamplerOptions sampler;
    std::int64_t max_tokens = -1;     // -1: until the model ends or the context is full
    std::vector<std::string> biases;  // "id=bias"
};
void add_sampling_options(CLI::App& command, SamplingOptions& o);
// Throws CLI::ValidationError naming the option that makes no sense, as far as that can be told without a model.
SamplerOptions sampler_options(const SamplingOptions& o);

struct TemplateOptions {
    std::string think, tools_file;  // "on", "off", or empty
};
void add_template_options(CLI::App& command, TemplateOptions& o);
// Throws Error when the file is none that holds tools.
text::RenderOptions render_options(const TemplateOptions& o);

}  // namespace quern::app
