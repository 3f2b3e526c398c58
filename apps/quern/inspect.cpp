// quern inspect: what is in a model file, and what it would take to run it.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "command.h"
#include "engine/model.h"
#include "options.h"
#include "text/template/facts.h"

namespace quern::app {
namespace {

struct Options {
    std::string file;
    std::int64_t context = 0;
    std::string kv_type = "f32";
    bool json = false, tensors = false;
};

// Parameters that one token passes through: all but the experts it is not routed to, and but the embedding's other
// rows.
std::int64_t active_parameters(const gguf::File& file, const std::string& arch) {
    const std::int64_t experts = file.metadata().integer(arch + ".expert_count").value_or(0);
    const std::int64_t used = file.metadata().integer(arch + ".expert_used_count").value_or(0);
    const bool tied = !file.find("output.weight");
    std::int64_t n = 0;
    for (const gguf::TensorInfo& t : file.tensors()) {
        const bool expert = t.name.find("_exps.") != std::string::npos && experts > 0;
        if (t.name == "token_embd.weight" && !tied) continue;
        n += expert ? t.elements() / experts * used : t.elements();
    }
    return n;
}

Json shares(const gguf::File& file) {
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> by_type;
    std::int64_t total = 0;
    for (const gguf::TensorInfo& t : file.tensors()) {
        auto& [elements, bytes] = by_type[std::string(info(t.dtype).name)];
        elements += t.elements();
        bytes += static_cast<std::int64_t>(t.bytes.size());
        total += t.elements();
    }
    Json list = Json::array();
    for (const auto& [type, count] : by_type)
        list.push_back({{"type", type},
                        {"parameters", count.first},
                        {"bytes", count.second},
                        {"share", total ? static_cast<double>(count.first) / static_cast<double>(total) : 0}});
    return list;
}

// Memory for state needs the model's graph; a model that Quern cannot run is described all the same.
Json memory(const Path& path, const Options& o, std::int64_t context) {
    try {
        MappedWeights weights(gguf::File::open(path));
        const auto graph = engine::record_graph(weights, {*dtype_from_name(o.kv_type), context});
        return {{"weights", weights.bytes()},
                {"context", context},
                {"kv_type", o.kv_type},
                {"kv", engine::state_bytes(*graph, context, 512)}};
    } catch (const Error& e) {
        return {{"unsupported", e.what()}};
    }
}

Json describe(const gguf::File& file, const Path& path, const Options& o) {
    const gguf::Metadata& meta = file.metadata();
    const std::string arch(meta.need_string("general.architecture"));
    std::int64_t parameters = 0;
    for (const gguf::TensorInfo& t : file.tensors()) parameters += t.elements();
    const auto integer = [&](const char* key) {
        const auto v = meta.integer(arch + "." + key);
        return v ? Json(*v) : Json(nullptr);
    };
    Json j{{"file", path.filename().string()},
           {"gguf_version", file.version()},
           {"parts", file.parts().size()},
           {"bytes", file.file_bytes()},
           {"architecture", arch},
           {"name", meta.string("general.name").value_or("")},
           {"parameters", parameters},
           {"active_parameters", active_parameters(file, arch)},
           {"tensors", file.tensors().size()},
           {"formats", shares(file)},
           {"layers", integer("block_count")},
           {"embedding", integer("embedding_length")},
           {"context", integer("context_length")},
           {"experts", integer("expert_count")},
           {"experts_used", integer("expert_used_count")}};
    if (const auto model = meta.string("tokenizer.ggml.model")) {
        const auto tokens = meta.strings("tokenizer.ggml.tokens");
        j["tokenizer"] = {{"model", *model},
                          {"pre", meta.string("tokenizer.ggml.pre").value_or("")},
                          {"tokens", tokens ? tokens->size() : 0}};
    }
    const auto source = meta.string("tokenizer.chat_template");
    j["chat_template"] = source.has_value();
    j["chat_form"] = source ? Json(text::find_chat_facts(*source).family) : Json(nullptr);
    const std::int64_t context = o.context ? o.context : meta.integer(arch + ".context_length").value_or(0);
    if (context > 0) j["memory"] = memory(path, o, context);
    return j;
}

std::string count(std::int64_t n) {
    const auto v = static_cast<double>(n);
    return n < 1000000      ? fmt::format("{:.1f} K", v / 1e3)
           : n < 1000000000 ? fmt::format("{:.1f} M", v / 1e6)
                            : fmt::format("{:.2f} B", v / 1e9);
}
std::string size(std::int64_t n) {
    const auto v = static_cast<double>(n);
    return n < 1000000000 ? fmt::format("{:.1f} MB", v / 1e6) : fmt::format("{:.2f} GB", v / 1e9);
}

void print(const Json& j) {
    const auto line = [](const char* what, const std::string& text) { std::printf("%-14s %s\n", what, text.c_str()); };
    const auto text = [](const Json& v) {
        return v.is_null() ? std::string("-") : v.is_string() ? v.get<std::string>() : v.dump();
    };
    line("file", fmt::format("{}, GGUF v{}, {}", text(j["file"]), text(j["gguf_version"]),
                             size(j["bytes"].get<std::int64_t>())));
    line("architecture", text(j["architecture"]));
    line("name", text(j["name"]));
    line("parameters", fmt::format("{} ({} active), {} tensors", count(j["parameters"].get<std::int64_t>()),
                                   count(j["active_parameters"].get<std::int64_t>()), text(j["tensors"])));
    for (const Json& f : j["formats"])
        line("  format", fmt::format("{:8} {:5.1f} %  {}", text(f["type"]), f["share"].get<double>() * 100,
                                     size(f["bytes"].get<std::int64_t>())));
    line("layers", fmt::format("{}, width {}", text(j["layers"]), text(j["embedding"])));
    if (!j["experts"].is_null())
        line("experts", fmt::format("{}, of which {} are used", text(j["experts"]), text(j["experts_used"])));
    line("context", text(j["context"]) + " tokens");
    if (j.contains("tokenizer"))
        line("tokenizer", fmt::format("{} {}, {} tokens", text(j["tokenizer"]["model"]), text(j["tokenizer"]["pre"]),
                                      text(j["tokenizer"]["tokens"])));
    else
        line("tokenizer", "none");
    line("chat template", !j["chat_template"].get<bool>() ? "none"
                          : j["chat_form"] == "unknown"   ? "of no known family"
                                                          : "of the family " + text(j["chat_form"]));
    if (!j.contains("memory")) return;
    const Json& m = j["memory"];
    if (m.contains("unsupported")) return line("cannot be run", text(m["unsupported"]));
    line("memory",
         fmt::format("{} weights + {} keys and values at {} tokens ({})", size(m["weights"].get<std::int64_t>()),
                     size(m["kv"].get<std::int64_t>()), text(m["context"]), text(m["kv_type"])));
}

Json tensor_list(const gguf::File& file) {
    Json list = Json::array();
    for (const gguf::TensorInfo& t : file.tensors())
        list.push_back({{"name", t.name},
                        {"type", info(t.dtype).name},
                        {"dims", t.dims},
                        {"bytes", t.bytes.size()},
                        {"offset", t.offset},
                        {"part", t.split}});
    return list;
}

void inspect(const Options& o) {
    const gguf::File file = gguf::File::open(o.file);
    Json j = describe(file, o.file, o);
    if (o.json) {
        if (o.tensors) j["tensor_list"] = tensor_list(file);
        std::printf("%s\n", j.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
        return;
    }
    print(j);
    if (!o.tensors) return;
    std::printf("\n");
    for (const gguf::TensorInfo& t : file.tensors()) {
        std::string dims;
        for (const std::int64_t d : t.dims) dims += (dims.empty() ? "" : ", ") + std::to_string(d);
        std::printf("%-40s %-8s [%s]\n", t.name.c_str(), std::string(info(t.dtype).name).c_str(), dims.c_str());
    }
}

}  // namespace

void add_inspect(CLI::App& app) {
    const auto o = std::make_shared<Options>();
    CLI::App* c = app.add_subcommand("inspect", "tell what is in a model file and what it takes to run it");
    c->add_option("FILE", o->file, "GGUF file")->required();
    c->add_option("-c,--ctx", o->context, "tokens of context to reckon memory for (default: the model's own)")
        ->check(in_range(std::int64_t(1), std::int64_t(1) << 30));
    c->add_option("--kv-type", o->kv_type, "format of stored keys and values: f32 (default), f16 or bf16")
        ->check(CLI::IsMember({"f32", "f16", "bf16"}));
    c->add_flag("--tensors", o->tensors, "list the tensors too");
    c->add_flag("--json", o->json, "print an object");
    c->callback([o] { inspect(*o); });
}

}  // namespace quern::app
