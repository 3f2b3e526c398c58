// quern diff: one model, the same tokens, two configurations, or one and a recording (of `run --tap`, or made by
// somebody else): which stage is the first to differ, by how much each does, and how differences grow with depth.
#include <fmt/format.h>

#include <CLI/Error.hpp>
#include <bit>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/error.h"
#include "base/json.h"
#include "command.h"
#include "engine/session.h"
#include "format/safetensors/file.h"
#include "options.h"
#include "tap.h"
#include "tensor/quant/codec.h"

namespace quern::app {
namespace {

struct DiffCommand {
    ModelOptions model;  // its path only
    std::string a, b, prompt = "The quick brown fox jumps over the lazy dog, and 12 + 34 = 46.";
    std::int64_t chunk = 512;
    bool all = false, json = false;
};

// What one side gave, by stage: "blk.3.attn_q@0" -> values.
struct Recording {
    std::vector<std::string> order;
    std::unordered_map<std::string, std::vector<float>> values;

    void add(const std::string& name, DType dtype, std::span<const std::byte> bytes) {
        const DTypeInfo& type = info(dtype);
        if (name.find('<') != std::string::npos || !codec(dtype).decode) return;  // an input, or integers
        std::vector<float> v(bytes.size() / std::size_t(type.bytes) * std::size_t(type.block));
        codec(dtype).decode(bytes.data(), v.data(), static_cast<std::int64_t>(v.size()) / type.block);
        if (values.emplace(name, std::move(v)).second) order.push_back(name);
    }
};

// "isa=scalar,lock=linear=linear.reference": long names of model options with their values.
ModelOptions options_from(const std::string& text, const std::string& model) {
    CLI::App parser;
    ModelOptions o;
    add_model_options(parser, o);
    std::vector<std::string> words;  // CLI11 takes them from the back
    for (std::size_t at = 0; text != "default" && at < text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size()), equals = text.find('=', at);
        if (equals >= end)
            throw Error(Code::bad_request,
                        "'{}' is no side: expected default, option=value,..., or a .safetensors file", text);
        words.insert(words.begin(), text.substr(equals + 1, end - equals - 1));
        words.insert(words.begin() + 1, "--" + text.substr(at, equals - at));
        at = end + 1;
    }
    try {
        parser.parse(words);
    } catch (const CLI::ParseError& e) {
        throw Error(Code::bad_request, "'{}': {}", text, e.what());
    }
    o.path = model;
    return o;
}

Recording record(const DiffCommand& o, const std::string& side) {
    Recording r;
    if (side.ends_with(".safetensors")) {
        const safetensors::File file = safetensors::File::open(side);
        for (const safetensors::TensorInfo& t : file.tensors()) r.add(t.name, t.dtype, t.bytes);
        return r;
    }
    engine::LoadOptions load = load_options(options_from(side, o.model.path));
    load.step_rows = o.chunk;
    const auto model = engine::Model::load(model_path(o.model), std::move(load));
    if (!model->tokenizer()) throw Error(Code::unsupported, "the model has no tokenizer to read the prompt with");
    const std::vector<std::int32_t> ids = model->tokenizer()->encode(o.prompt, text::Specials::as_text);
    Tap tap({"*"});
    model->executor().set_observer(&tap);
    engine::Session session(*model);
    session.feed(ids, [&](std::int64_t done, std::int64_t) {
        tap.at(done);
        return true;
    });
    for (const Tap::Copy& c : tap.copies()) r.add(c.name, c.dtype, c.bytes);
    return r;
}

struct Stage {
    std::string name;
    double max = 0, mean = 0, relative = 0;  // relative: of the root mean square of A
    bool equal = true;                       // bits
};

Stage compare(const std::string& name, const std::vector<float>& a, const std::vector<float>& b) {
    Stage s{.name = name};
    double squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::bit_cast<std::uint32_t>(a[i]) == std::bit_cast<std::uint32_t>(b[i])) {
            squares += double(a[i]) * double(a[i]);
            continue;
        }
        if (std::isnan(a[i]) && std::isnan(b[i])) continue;
        s.equal = false;
        const double d = std::abs(double(a[i]) - double(b[i]));
        s.max = std::isnan(d) || d > s.max ? d : s.max;
        s.mean += d;
        squares += double(a[i]) * double(a[i]);
    }
    const double n = std::max(1.0, static_cast<double>(a.size()));
    s.mean /= n;
    s.relative = s.mean / std::max(1e-30, std::sqrt(squares / n));
    return s;
}

// "blk.3.attn_q@0" -> "blk.3"; what stands outside of layers is a depth of its own.
std::string depth_of(const std::string& name) {
    if (!name.starts_with("blk.")) return name.substr(0, name.find('@'));
    return name.substr(0, name.find('.', 4));
}

struct Comparison {
    std::vector<Stage> stages;
    std::vector<std::string> unmatched;
    const Stage* first = nullptr;
};

Comparison compare(const Recording& a, const Recording& b) {
    Comparison c;
    for (const std::string& name : a.order) {
        const auto other = b.values.find(name);
        const std::vector<float>& mine = a.values.at(name);
        if (other == b.values.end() || other->second.size() != mine.size())
            c.unmatched.push_back(name);
        else
            c.stages.push_back(compare(name, mine, other->second));
    }
    for (const Stage& s : c.stages)
        if (!s.equal && !c.first) c.first = &s;
    return c;
}

void print(const Comparison& c, bool all) {
    const auto line = [](const std::string& name, const Stage& s) {
        std::printf("%-40s %12.3g %12.3g %12.3g%s\n", name.c_str(), s.max, s.mean, s.relative,
                    s.equal ? "  equal" : "");
    };
    std::printf("%-40s %12s %12s %12s\n", all ? "stage" : "depth (its worst stage)", "max", "mean", "relative");
    for (std::size_t i = 0; i < c.stages.size();) {
        const std::string depth = depth_of(c.stages[i].name);
        const Stage* worst = &c.stages[i];
        for (; i < c.stages.size() && depth_of(c.stages[i].name) == depth; ++i) {
            if (all) line(c.stages[i].name, c.stages[i]);
            if (!(c.stages[i].relative <= worst->relative)) worst = &c.stages[i];
        }
        if (!all) line(worst->equal ? depth : worst->name, *worst);
    }
    if (!c.unmatched.empty())
        std::printf("%zu stages of A have no like in B, %s the first\n", c.unmatched.size(),
                    c.unmatched.front().c_str());
    if (c.first)
        std::printf("first to differ: %s (max %.3g, mean %.3g)\n", c.first->name.c_str(), c.first->max, c.first->mean);
    else
        std::printf("all %zu stages have equal bits\n", c.stages.size());
}

void diff(const DiffCommand& o) {
    const Recording a = record(o, o.a), b = record(o, o.b);
    const Comparison c = compare(a, b);
    if (c.stages.empty()) throw Error(Code::bad_request, "the two sides have no stage in common");
    if (o.json) {
        Json stages = Json::array();
        for (const Stage& s : c.stages)
            stages.push_back(
                {{"stage", s.name}, {"equal", s.equal}, {"max", s.max}, {"mean", s.mean}, {"relative", s.relative}});
        std::printf("%s\n", Json{{"version", 1},
                                 {"first", c.first ? Json(c.first->name) : Json(nullptr)},
                                 {"unmatched", c.unmatched},
                                 {"stages", std::move(stages)}}
                                .dump()
                                .c_str());
    } else {
        print(c, o.all);
    }
    if (c.first) throw CLI::RuntimeError(1);
}

}  // namespace

void add_diff(CLI::App& app) {
    const auto o = std::make_shared<DiffCommand>();
    CLI::App* c = app.add_subcommand("diff", "find the first stage where two ways to compute a model differ");
    c->add_option("A", o->a, "default, or model options as in isa=scalar,threads=1, or a .safetensors file")
        ->required();
    c->add_option("B", o->b, "the other side")->required();
    add_model_path(*c, o->model);
    c->add_option("--prompt", o->prompt, "the text that both compute");
    c->add_option("--chunk", o->chunk, "tokens in a step (default 512)")
        ->check(in_range(std::int64_t(1), std::int64_t(1) << 20));
    c->add_flag("--all", o->all, "print every stage, not only the worst of each depth");
    c->add_flag("--json", o->json, "print an object with stages");
    c->callback([o] { diff(*o); });
}

}  // namespace quern::app
