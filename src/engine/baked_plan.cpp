#include "engine/baked_plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/fault.h"
#include "base/hash.h"

namespace quern::engine {
namespace {

std::string hex(std::uint64_t v) { return fmt::format("{:016x}", v); }

// What the choice of kernels reads of their table.
std::uint64_t kernel_table() {
    std::vector<std::string> lines;
    for (const Registered* r = registered(); r; r = r->next)
        lines.push_back(fmt::format("{} {} {} {}", r->spec.id, r->spec.version, name(r->spec.numerics),
                                    static_cast<std::uint32_t>(r->spec.needs)));
    std::sort(lines.begin(), lines.end());
    std::uint64_t hash = fnv1a_start;
    for (const std::string& line : lines) hash = fnv1a(line + "\n", hash);
    return hash;
}

std::uint64_t tensor_table(const gguf::File& file) {
    std::uint64_t hash = fnv1a(file.metadata().need_string("general.architecture"));
    for (const gguf::TensorInfo& t : file.tensors()) {
        std::string line = fmt::format("{} {}", t.name, info(t.dtype).name);
        for (const std::int64_t d : t.dims) line += " " + std::to_string(d);
        hash = fnv1a(line + "\n", hash);
    }
    return hash;
}

std::string policy_text(const dispatch::Policy& p) {
    std::string s = fmt::format("isa {}", name(p.isa));
    for (const auto& [op, id] : p.lock) s += fmt::format(" lock {}={}", op, id);
    const std::pair<const char*, const std::vector<std::string>*> lists[] = {
        {"deny", &p.deny}, {"allow", &p.allow}, {"prefer", &p.prefer}, {"avoid", &p.avoid}};
    for (const auto& [word, patterns] : lists)
        for (const std::string& pattern : *patterns) s += fmt::format(" {} {}", word, pattern);
    return s;
}

const Json& member(const Json& object, const char* name, Json::value_t type) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    if (!object.is_object() || found == object.end()) throw Error(Code::bad_file, "expected an object with '{}'", name);
    const bool same = type == Json::value_t::number_unsigned ? found->is_number_unsigned() : found->type() == type;
    if (!same) throw Error(Code::bad_file, "'{}' is of another type than expected", name);
    return *found;
}

// The strings of an object, in its order.
std::vector<std::pair<std::string, std::string>> strings(const Json& object, const char* what) {
    std::vector<std::pair<std::string, std::string>> list;
    for (const auto& [key, value] : object.items()) {
        if (!value.is_string()) throw Error(Code::bad_file, "{}: '{}' is no string", what, key);
        list.emplace_back(key, value.get<std::string>());
    }
    return list;
}

BakedPlan::Bucket read_bucket(const Json& json) {
    BakedPlan::Bucket b;
    const Json& rows = member(json, "rows", Json::value_t::array);
    if (rows.size() != 2 || !rows[0].is_number_unsigned() || !rows[1].is_number_unsigned())
        throw Error(Code::bad_file, "'rows' of a bucket: expected two numbers");
    b.rows = {rows[0].get<std::int64_t>(), rows[1].get<std::int64_t>()};
    for (auto& [task, kernel] : strings(member(json, "kernels", Json::value_t::object), "kernels"))
        b.kernels.emplace(task, kernel);
    return b;
}

}  // namespace

BakedPlan::Key plan_key(const gguf::File& file, const LoadOptions& o, const exec::PlanLimits& limits) {
    return {{"build", dispatch::build_id()},
            {"kernels", hex(kernel_table())},
            {"hardware", dispatch::hardware_id()},
            {"processors", std::to_string(std::thread::hardware_concurrency())},
            {"model", hex(tensor_table(file))},
            {"policy", policy_text(o.policy)},
            {"threads", std::to_string(limits.threads)},
            {"kv_type", std::string(info(o.kv_type).name)},
            {"precision", o.precision == exec::Precision::fast ? "fast" : "exact"},
            {"limits", fmt::format("{} rows, {} sequences, {} rows of logits", limits.rows, limits.sequences,
                                   limits.logit_rows)}};
}

Path plan_file(const Path& folder, const BakedPlan::Key& key) {
    std::uint64_t hash = fnv1a_start;
    for (const auto& [part, value] : key)  // a newer build or another processor replaces the file
        if (part != "build" && part != "kernels" && part != "hardware") hash = fnv1a(value + "\n", hash);
    return folder / (hex(hash) + ".json");
}

BakedPlan BakedPlan::of(const Model& model) {
    BakedPlan plan;
    const exec::Executor& e = model.executor();
    plan.key_ = plan_key(model.file(), model.options(), e.limits());
    for (const exec::Plan* p : e.plans()) {
        Bucket b{p->bucket, {}};
        for (const exec::PlannedStep& step : p->steps)
            if (step.kernel)
                b.kernels.emplace(e.program().tasks[std::size_t(step.task)].name, std::string(step.kernel->id));
        plan.buckets_.push_back(std::move(b));
    }
    return plan;
}

BakedPlan BakedPlan::read(const Path& file) {
    try {
        const Json json = parse_json(read_text(file, std::size_t(64) << 20), "the plan");
        const auto version = member(json, "schema", Json::value_t::number_unsigned).get<std::uint64_t>();
        if (version != schema)
            throw Error(Code::bad_file, "it has schema {}, and this build reads schema {} only", version, schema);
        BakedPlan plan;
        plan.key_ = strings(member(json, "key", Json::value_t::object), "key");
        for (const Json& b : member(json, "buckets", Json::value_t::array)) plan.buckets_.push_back(read_bucket(b));
        return plan;
    } catch (Error& e) {
        e.during("reading the plan {}", file.string());
        throw;
    }
}

void BakedPlan::write(const Path& file) const {
    Json key = Json::object(), buckets = Json::array();
    for (const auto& [part, value] : key_) key[part] = value;
    for (const Bucket& b : buckets_) {
        Json kernels = Json::object();
        for (const auto& [task, kernel] : b.kernels) kernels[task] = kernel;
        buckets.push_back({{"rows", {b.rows.min_rows, b.rows.max_rows}}, {"kernels", std::move(kernels)}});
    }
    std::error_code failed;
    if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failed);
    write_file(file, Json{{"schema", schema}, {"key", std::move(key)}, {"buckets", std::move(buckets)}}.dump(1) + "\n");
}

std::string BakedPlan::misfit(const Key& now) const {
    const std::map<std::string, std::string> made(key_.begin(), key_.end());
    if (made.size() != now.size()) return "it was made with other things in mind than this build has";
    for (const auto& [part, value] : now) {
        const auto found = made.find(part);
        if (found == made.end()) return fmt::format("it does not say which {} it is for", part);
        if (found->second != value)
            return fmt::format("it was made for another {} ('{}', here '{}')", part, found->second, value);
    }
    return {};
}

exec::Chooser BakedPlan::chooser(dispatch::Policy policy, dispatch::Ledger& ledger) const {
    // Layers are alike, so that most requests have been checked.
    using Checked = std::vector<std::pair<dispatch::Request, const KernelSpec*>>;
    return [buckets = buckets_, policy = std::move(policy), &ledger, checked = std::make_shared<Checked>()](
               const dispatch::Request& r, exec::Bucket rows) {
        const auto bucket = std::find_if(buckets.begin(), buckets.end(), [&](const Bucket& b) {
            return b.rows.min_rows == rows.min_rows && b.rows.max_rows == rows.max_rows;
        });
        const auto found = bucket == buckets.end() ? decltype(bucket->kernels.end()){} : bucket->kernels.find(r.node);
        if (bucket == buckets.end() || found == bucket->kernels.end() || fault::hit(fault::Point::plan_bucket))
            throw Error(Code::unsupported, "it names no kernel for {} in steps of {} to {} rows", r.node, rows.min_rows,
                        rows.max_rows);
        const KernelSpec* kernel = find_kernel(found->second);
        for (const auto& [request, allowed] : *checked)
            if (allowed == kernel && dispatch::same_work(request, r)) return kernel;
        if (!kernel || kernel->op != r.op)
            throw Error(Code::unsupported, "it names {} for {}, which is no kernel for {}", found->second, r.node,
                        name(r.op));
        if (const std::vector<Reason> reasons = dispatch::objections(*kernel, r, policy); !reasons.empty())
            throw Error(Code::unsupported, "it names {} for {}, but {}", found->second, r.node,
                        sentence(reasons.front()));
        if (const std::string trouble = ledger.out_of_use(*kernel); !trouble.empty())
            throw Error(Code::unsupported, "it names {} for {}, but {}: {}", found->second, r.node,
                        sentence(Reason::unhealthy), trouble);
        if (const dispatch::Verdict v = ledger.verdict(*kernel, r); !v.holds)
            throw Error(Code::unsupported, "it names {} for {}, but {}", found->second, r.node, v.trouble);
        checked->emplace_back(r, kernel);
        return kernel;
    };
}

}  // namespace quern::engine
