// RoPE scalings of config.json as GGUF has them: keys for linear, dynamic and yarn; tensors of divisors for llama3 and
// longrope, which GGUF computes ahead. What the numbers do: models/rope.cpp. Sources: transformers' rope utilities
// (5.23), and the keys that llama.cpp reads.
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "base/error.h"
#include "convert/config.h"
#include "format/shown.h"

namespace quern::convert {
namespace {

constexpr std::int64_t max_context = std::int64_t(1) << 31;

class Rope {
public:
    Rope(Fields& config, const RopeInput& input, ModelConfig& out)
        : config_(config), input_(input), out_(out), prefix_(std::string(input.architecture) + ".rope.") {}

    void read() {
        std::optional<Fields> full = parameters();
        double base = config_.positive("rope_theta").value_or(input_.default_base);
        if (input_.architecture == "gemma3") full = read_gemma3(std::move(full));
        if (full) base = full->positive("rope_theta").value_or(base);
        set("freq_base", base);
        read_dims(full);
        const std::string type = full ? type_of(*full) : "default";
        scale(type, full);
        if (full) full->refuse_unknown({});
    }

private:
    void set(const std::string& key, double value) { out_.metadata.set(prefix_ + key, static_cast<float>(value)); }
    void set_count(const std::string& key, std::int64_t value) {
        out_.metadata.set(prefix_ + key, static_cast<std::uint32_t>(value));
    }

    // rope_parameters (transformers 5) or rope_scaling (4); some files have both, and then they must agree.
    std::optional<Fields> parameters() {
        const Json* v5 = config_.find("rope_parameters");
        const Json* v4 = config_.find("rope_scaling");
        if (v5 && v4 && *v5 != *v4)
            throw Error(Code::bad_file, "{}: rope_parameters and rope_scaling differ; remove the wrong one",
                        config_.where());
        return config_.object(v5 ? "rope_parameters" : "rope_scaling");
    }

    // Gemma 3 has a base and maybe a scaling for its full layers, and a plain base for the sliding ones. Gives the
    // full layers' fields.
    std::optional<Fields> read_gemma3(std::optional<Fields> all) {
        double local = config_.positive("rope_local_base_freq").value_or(10000);
        std::optional<Fields> full = std::move(all);
        if (full && (full->find("full_attention") || full->find("sliding_attention"))) {
            std::optional<Fields> sliding = full->object("sliding_attention");
            if (sliding) {
                local = sliding->positive("rope_theta").value_or(local);
                const std::string type = type_of(*sliding);
                if (type != "default")
                    throw Error(Code::unsupported,
                                "{}: rope_type is {}, but this build scales RoPE in full layers only", sliding->where(),
                                shown(type));
                sliding->refuse_unknown({});
            }
            std::optional<Fields> inner = full->object("full_attention");
            full->refuse_unknown({});
            full = std::move(inner);
        }
        set("freq_base_swa", local);
        return full;
    }

    void read_dims(std::optional<Fields>& p) {
        std::optional<double> part = config_.positive("partial_rotary_factor");
        if (p)
            if (const auto inner = p->positive("partial_rotary_factor")) part = inner;
        dims_ = input_.head_dim;
        const bool phi3 = input_.architecture == "phi3";
        if (part && *part != 1) {
            if (!phi3 || *part > 1)
                throw Error(Code::unsupported, "{}: partial_rotary_factor is {}, expected {}", config_.where(), *part,
                            phi3 ? "more than 0 and at most 1" : "1, since this architecture turns whole heads");
            dims_ = static_cast<std::int64_t>(static_cast<double>(dims_) * *part);
        }
        if (dims_ < 2 || dims_ % 2 != 0)
            throw Error(Code::bad_file,
                        "{}: partial_rotary_factor leaves {} elements of a head to turn, expected an "
                        "even number",
                        config_.where(), dims_);
        if (phi3 || input_.architecture == "llama") set_count("dimension_count", dims_);
    }

    std::string type_of(Fields& p) const {
        const auto new_name = p.string("rope_type"), old_name = p.string("type");
        if (new_name && old_name && *new_name != *old_name)
            throw Error(Code::bad_file, "{}: rope_type is {} and type is {}; remove the wrong one", p.where(),
                        shown(*new_name), shown(*old_name));
        return new_name ? *new_name : old_name ? *old_name : "default";
    }

    // The length that the scaling starts from: in the scaling's fields, or beside them, or the model's own.
    std::int64_t original(Fields& p) {
        const std::optional<std::int64_t> beside = config_.integer("original_max_position_embeddings", 1, max_context);
        const std::optional<std::int64_t> inside = p.integer("original_max_position_embeddings", 1, max_context);
        return inside ? *inside : beside.value_or(input_.context);
    }

    void scale(const std::string& type, std::optional<Fields>& p) {
        const bool phi3 = input_.architecture == "phi3";
        if (type == "default" || !p) {
            const auto length = config_.integer("original_max_position_embeddings", 1, max_context);
            if (phi3) set_count("scaling.original_context_length", length.value_or(input_.context));
            if (p) p->integer("original_max_position_embeddings", 1, max_context);
        } else if (type == "linear") {
            out_.metadata.set(prefix_ + "scaling.type", std::string("linear"));
            set("scaling.factor", p->need_positive("factor"));
            p->integer("original_max_position_embeddings", 1, max_context);
        } else if (type == "dynamic") {
            dynamic(*p);
        } else if (type == "yarn" && !phi3) {
            yarn(*p);
        } else if (type == "llama3") {
            llama3(*p);
        } else if (type == "longrope" || (phi3 && (type == "su" || type == "yarn"))) {
            longrope(*p);
        } else {
            throw Error(Code::unsupported,
                        "{}: rope_type is {}; known are default, linear, dynamic, yarn, llama3 and longrope",
                        p->where(), shown(type));
        }
    }

    void dynamic(Fields& p) {
        out_.metadata.set(prefix_ + "scaling.type", std::string("dynamic"));
        set("scaling.factor", p.need_positive("factor"));
        set_count("scaling.original_context_length", input_.context);
        p.integer("original_max_position_embeddings", 1, max_context);  // transformers does not read it here
        out_.notes.push_back(
            "The model's RoPE scaling is dynamic, which GGUF has no name for: rope.scaling.type is \"dynamic\", which "
            "Quern reads and llama.cpp does not load.");
    }

    void yarn(Fields& p) {
        const std::int64_t from = original(p);
        const double ratio = static_cast<double>(input_.context) / static_cast<double>(from);
        out_.metadata.set(prefix_ + "scaling.type", std::string("yarn"));
        set("scaling.factor", p.positive("factor").value_or(ratio));
        set_count("scaling.original_context_length", from);
        if (const auto v = p.positive("beta_fast")) set("scaling.yarn_beta_fast", *v);
        if (const auto v = p.positive("beta_slow")) set("scaling.yarn_beta_slow", *v);
        if (const auto v = p.positive("attention_factor")) set("scaling.yarn_attn_factor", *v);
        if (!p.boolean("truncate").value_or(true))
            throw Error(Code::unsupported, "{}: truncate is false, which this build does not compute", p.where());
    }

    void llama3(Fields& p) {
        const double factor = p.need_positive("factor"), low = p.need_positive("low_freq_factor"),
                     high = p.need_positive("high_freq_factor");
        const double from = static_cast<double>(p.need_integer("original_max_position_embeddings", 1, max_context));
        if (!(high > low))
            throw Error(Code::bad_file, "{}: high_freq_factor is {}, expected more than low_freq_factor, {}", p.where(),
                        high, low);
        const double base = static_cast<double>(*out_.metadata.number(prefix_ + "freq_base"));
        std::vector<float> divisors;
        for (std::int64_t i = 0; i < dims_ / 2; ++i) {
            const double pair = static_cast<double>(2 * i) / static_cast<double>(dims_);
            const double wavelength = 2 * std::numbers::pi * std::pow(base, pair);
            const double smooth = (from / wavelength - low) / (high - low);
            double d = 1 / ((1 - smooth) / factor + smooth);
            if (wavelength < from / high) d = 1;
            if (wavelength > from / low) d = factor;
            divisors.push_back(static_cast<float>(d));
        }
        out_.generated.push_back({"rope_freqs.weight", std::move(divisors)});
    }

    void longrope(Fields& p) {
        const std::int64_t from = original(p);
        const double ratio = static_cast<double>(input_.context) / static_cast<double>(from);
        const double factor = p.positive("factor").value_or(ratio);
        const double magnitude =
            factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(from)));
        set_count("scaling.original_context_length", from);
        set("scaling.attn_factor", p.positive("attention_factor").value_or(magnitude));
        if (input_.architecture != "phi3") out_.metadata.set(prefix_ + "scaling.type", std::string("longrope"));
        for (const auto& [key, name] : {std::pair("long_factor", "rope_factors_long.weight"),
                                        std::pair("short_factor", "rope_factors_short.weight")}) {
            const std::optional<std::vector<double>> list = p.numbers(key);
            if (!list || std::ssize(*list) != dims_ / 2)
                throw Error(Code::bad_file, "{}: {} has {} numbers, expected {}, one for each pair of a head",
                            p.where(), key, list ? list->size() : 0, dims_ / 2);
            std::vector<float> divisors;
            for (const double d : *list) {
                if (!(d > 1e-37 && d < 1e37))
                    throw Error(Code::bad_file, "{}: {} holds {}, expected numbers above 0", p.where(), key, d);
                divisors.push_back(static_cast<float>(d));
            }
            out_.generated.push_back({name, std::move(divisors)});
        }
    }

    Fields& config_;
    const RopeInput& input_;
    ModelConfig& out_;
    std::string prefix_;
    std::int64_t dims_ = 0;
};

}  // namespace

void read_rope(Fields& config, const RopeInput& input, ModelConfig& out) { Rope(config, input, out).read(); }

}  // namespace quern::convert
