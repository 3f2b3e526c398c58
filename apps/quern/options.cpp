#include "options.h"

#include <unistd.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/crash.h"
#include "base/env.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "dispatch/ledger.h"
#include "ops/op.h"
#include "settings.h"
#include "terminal.h"

namespace quern::app {
namespace {

Path bundled_model() {
    std::error_code ignored;
    const Path self = std::filesystem::read_symlink("/proc/self/exe", ignored);
    const Path installed = self.parent_path().parent_path() / "share/quern/grist.gguf";
    return std::filesystem::exists(installed, ignored) ? installed : Path(QUERN_BUNDLED_MODEL);
}

// "a=b" -> a, b
std::pair<std::string, std::string> key_value(const std::string& text, const char* option, const char* form) {
    const std::size_t at = text.find('=');
    if (at == std::string::npos || at == 0 || at + 1 == text.size())
        throw CLI::ValidationError(option, "expected " + std::string(form) + ", found '" + text + "'");
    return {text.substr(0, at), text.substr(at + 1)};
}

void check_op(const std::string& op) {
    std::string known;
    for (int i = 0; i < static_cast<int>(Op::count_); ++i) {
        const std::string_view each = name(static_cast<Op>(i));
        if (each == op) return;
        known += (i ? ", " : "") + std::string(each);
    }
    throw CLI::ValidationError("--lock", "there is no op '" + op + "'; there are " + known);
}

}  // namespace

void add_model_path(CLI::App& command, ModelOptions& o) {
    command.add_option("-m,--model", o.path, "GGUF file (default: the bundled model, Grist)")
        ->group(model_group)
        ->type_name("FILE");
    add_settings(command);
}

void add_model_options(CLI::App& command, ModelOptions& o) {
    const std::string group = model_group;
    add_model_path(command, o);
    command.add_option("-c,--ctx", o.context, "tokens of context (default: the model's own, or what fits in memory)")
        ->group(group)
        ->check(in_range(std::int64_t(1), std::int64_t(1) << 30));
    command.add_option("--kv-type", o.kv_type, "format of stored keys and values: f32 (default), f16 or bf16")
        ->group(group)
        ->check(CLI::IsMember({"f32", "f16", "bf16"}));
    command
        .add_option("--precision", o.precision,
                    "exact (default): activations stay f32; fast: int8 blocks where weights are k-quants")
        ->group(group)
        ->check(CLI::IsMember({"exact", "fast"}));
    command.add_option("-t,--threads", o.threads, "threads (default: one per processor)")
        ->group(group)
        ->check(in_range(1, 1024));
    command
        .add_option("--patience", o.patience,
                    "seconds that one kernel may run before it counts as hung; 0: for ever (default 300)")
        ->group(group)
        ->check(in_range(0.0, 1e6));
    std::vector<std::string> tiers{"best"};
    std::string tier_list;
    for (const IsaTier& t : isa_tiers()) tier_list += std::string(tiers.emplace_back(t.name)) + ", ";
    command.add_option("--isa", o.isa, "instructions to use at most: " + tier_list + "best (default)")
        ->group(group)
        ->check(CLI::IsMember(tiers));
    const auto many = [&](const char* flag, std::vector<std::string>& to, const char* help, const char* type) {
        command.add_option(flag, to, help)
            ->group(group)
            ->type_name(type)
            ->expected(1)
            ->allow_extra_args(false)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    };
    command.add_option("--plan", o.plan, "baked plan to compute with, or none (default: what `quern tune` has kept)")
        ->group(group)
        ->type_name("FILE");
    many("--lock", o.locks, "OP=KERNEL: compute an op with this kernel only; may be repeated", "OP=KERNEL");
    many("--prefer", o.prefer, "choose this kernel before others of its class; a glob, may be repeated", "KERNEL");
    many("--avoid", o.avoid, "choose this kernel after others of its class; a glob, may be repeated", "KERNEL");
    many("--deny", o.deny, "never choose this kernel; a glob, may be repeated", "KERNEL");
    many("--allow", o.allow, "of the ops it names kernels of, choose only these; a glob, may be repeated", "KERNEL");
}

Path model_path(const ModelOptions& o) { return o.path.empty() ? bundled_model() : Path(o.path); }

engine::LoadOptions load_options(const ModelOptions& o) {
    engine::LoadOptions load;
    load.context = o.context;
    load.kv_type = *dtype_from_name(o.kv_type);
    load.precision = o.precision == "fast" ? exec::Precision::fast : exec::Precision::exact;
    load.threads = o.threads;
    load.patience = o.patience;
    for (const IsaTier& t : isa_tiers()) {
        if (o.isa != t.name) continue;
        if (!covers(load.policy.isa, t.isa))
            throw Error(Code::unsupported, "--isa {}: this processor does not have these instructions", o.isa);
        load.policy.isa = t.isa;
    }
    load.policy.deny = o.deny;
    load.policy.allow = o.allow;
    load.policy.prefer = o.prefer;
    load.policy.avoid = o.avoid;
    dispatch::check_policy(load.policy);
    const Path home = quern_home();
    const Path ledger = home.empty() ? Path() : home / "ledger.db";
    load.ledger = std::make_shared<dispatch::Ledger>(ledger);
    crash::install(home.empty() ? Path() : dispatch::crash_records(ledger), dispatch::build_id());
    if (o.plan.empty())
        load.plans = home.empty() ? Path() : home / "plans";
    else if (o.plan != "none")
        load.plan = o.plan;
    for (const std::string& lock : o.locks) {
        auto [op, id] = key_value(lock, "--lock", "OP=KERNEL, as in linear=linear.reference");
        check_op(op);
        load.policy.lock[op] = id;
    }
    return load;
}

std::unique_ptr<engine::Model> load_model(const ModelOptions& o) {
    engine::LoadOptions load = load_options(o);
    ProgressBar bar("loading", "MB", 1e-6);
    load.notice = [](const std::string& sentence) { std::fprintf(stderr, "\nquern: %s\n", sentence.c_str()); };
    load.progress = [&](std::int64_t done, std::int64_t total) { bar.update(done, total); };
    auto model = engine::Model::load(model_path(o), std::move(load));
    if (!model->plan_set_aside().empty())
        std::fprintf(stderr, "quern: %s; kernels are chosen anew\n", model->plan_set_aside().c_str());
    if (model->options().policy.broken != Isa::none)
        std::fprintf(stderr,
                     "quern: instructions that this processor offers compute wrong and are not used; `quern doctor` "
                     "says which\n");
    if (const std::string& notice = model->options().ledger->notice(); !notice.empty())
        std::fprintf(stderr, "quern: the ledger of proofs %s\n", notice.c_str());
    if (const std::string& trouble = model->options().ledger->trouble(); !trouble.empty())
        std::fprintf(stderr, "quern: the ledger of proofs is not used: %s; kernels are proved for this run only\n",
                     trouble.c_str());
    return model;
}

void add_sampling_options(CLI::App& command, SamplingOptions& o) {
    const std::string group = sampling_group;
    SamplerOptions& s = o.sampler;
    command
        .add_option("-n,--tokens", o.max_tokens,
                    "tokens to generate at most (default: until the end or the context is full)")
        ->group(group)
        ->check(in_range(std::int64_t(0), std::int64_t(1) << 40));
    command.add_option("--temp", s.temperature, "temperature; 0 takes the best token always (default 0.8)")
        ->group(group);
    command.add_option("--top-k", s.top_k, "keep the k best tokens; 0: all (default 40)")->group(group);
    command.add_option("--top-p", s.top_p, "keep the best that together reach p; 1: all (default 0.95)")->group(group);
    command.add_option("--min-p", s.min_p, "keep those p times as likely as the best; 0: all (default 0.05)")
        ->group(group);
    command.add_option("--typical", s.typical_p, "keep the typical ones up to p; 1: all (default)")->group(group);
    command.add_option("--repeat-penalty", s.repeat_penalty, "divide the logits of tokens seen; 1: off (default)")
        ->group(group);
    command.add_option("--presence-penalty", s.presence_penalty, "subtract from tokens seen; 0: off (default)")
        ->group(group);
    command.add_option("--frequency-penalty", s.frequency_penalty, "subtract for each time seen; 0: off (default)")
        ->group(group);
    command.add_option("--penalty-last-n", s.penalty_last_n, "tokens that penalties look back; -1: all (default 64)")
        ->group(group);
    command.add_option("--logit-bias", o.biases, "ID=BIAS, added to a token's logit; may be repeated")
        ->group(group)
        ->type_name("ID=BIAS")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_option("--seed", s.seed, "seed: the same seed gives the same text (default: random)")->group(group);
}

SamplerOptions sampler_options(const SamplingOptions& o) {
    SamplerOptions s = o.sampler;
    for (const std::string& text : o.biases) {
        const auto [id, bias] = key_value(text, "--logit-bias", "ID=BIAS, as in 42=-5");
        std::int32_t token = 0;
        float value = 0;
        const auto a = std::from_chars(id.data(), id.data() + id.size(), token);
        const auto b = std::from_chars(bias.data(), bias.data() + bias.size(), value);
        if (a.ec != std::errc() || *a.ptr || b.ec != std::errc() || *b.ptr)
            throw CLI::ValidationError("--logit-bias", "expected ID=BIAS, as in 42=-5, found '" + text + "'");
        s.logit_bias[token] = value;
    }
    // Which ids there are is for the model to say; the rest can be told now.
    SamplerOptions general = s;
    general.logit_bias.clear();
    try {
        Sampler(general, 1);
    } catch (const Error& e) {
        throw CLI::ValidationError(e.what());
    }
    return s;
}

void add_template_options(CLI::App& command, TemplateOptions& o) {
    const std::string group = template_group;
    command.add_option("--think", o.think, "on or off: whether the model thinks first (default: as its template does)")
        ->group(group)
        ->check(CLI::IsMember({"on", "off"}).description(""));
    command.add_option("--tools", o.tools_file, "JSON file with the list of tools that the model may call")
        ->group(group);
}

text::RenderOptions render_options(const TemplateOptions& o) {
    text::RenderOptions out;
    if (!o.think.empty()) out.think = o.think == "on";
    if (o.tools_file.empty()) return out;
    auto tools = std::make_shared<Json>(parse_json(read_text(o.tools_file), o.tools_file));
    if (!tools->is_array()) throw Error(Code::bad_file, "{}: expected a list of tools", o.tools_file);
    out.tools = std::move(tools);
    return out;
}

}  // namespace quern::app
