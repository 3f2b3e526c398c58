#include "dispatch/failure.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"

namespace quern::dispatch {
namespace {

constexpr int schema = 1;

Json names(const std::vector<DType>& dtypes) {
    Json list = Json::array();
    for (const DType d : dtypes) list.push_back(std::string(info(d).name));
    return list;
}

// A member of the type that T says. Throws Error(bad_file).
template <class T>
T get(const Json& j, const char* name) {
    const auto found = j.is_object() ? j.find(name) : j.end();
    if (!j.is_object() || found == j.end()) throw Error(Code::bad_file, "expected an object with '{}'", name);
    bool fits = false;
    if constexpr (std::is_same_v<T, std::string>)
        fits = found->is_string();
    else if constexpr (std::is_same_v<T, bool>)
        fits = found->is_boolean();
    else
        fits = found->is_number_unsigned() && found->template get<std::uint64_t>() < (std::uint64_t(1) << 31);
    if (!fits) throw Error(Code::bad_file, "'{}' is not what it should be", name);
    return found->template get<T>();
}

std::vector<DType> dtypes(const Json& j, const char* name) {
    const auto found = j.is_object() ? j.find(name) : j.end();
    if (!j.is_object() || found == j.end() || !found->is_array() || found->size() > 8)
        throw Error(Code::bad_file, "'{}' is no list of formats", name);
    std::vector<DType> list;
    for (const Json& each : *found) {
        const auto d = each.is_string() ? dtype_from_name(each.get<std::string>()) : std::nullopt;
        if (!d) throw Error(Code::bad_file, "'{}' has a format that is not known", name);
        list.push_back(*d);
    }
    return list;
}

Op op_named(const std::string& text) {
    for (int i = 0; i < static_cast<int>(Op::count_); ++i)
        if (name(static_cast<Op>(i)) == text) return static_cast<Op>(i);
    throw Error(Code::bad_file, "there is no op '{}'", text);
}

}  // namespace

void write(const Failure& f, const Path& file) {
    const Json j{{"schema", schema},
                 {"kernel", f.kernel},
                 {"version", f.version},
                 {"build", f.build},
                 {"op", std::string(name(f.request.op))},
                 {"weights", names(f.request.weights)},
                 {"states", names(f.request.states)},
                 {"k", f.request.k},
                 {"head_dim", f.request.head_dim},
                 {"width", f.request.width},
                 {"full", f.extent == Extent::full},
                 {"case", f.number},
                 {"case_text", f.case_text},
                 {"trouble", f.trouble}};
    std::error_code failed;
    std::filesystem::create_directories(file.parent_path(), failed);
    write_file(file, j.dump(1) + "\n");
}

Failure read_failure(const Path& file) {
    try {
        const Json j = parse_json(read_text(file, std::size_t(1) << 20), "the failure");
        if (const int found = get<int>(j, "schema"); found != schema)
            throw Error(Code::bad_file, "it has schema {}, and this build reads schema {} only", found, schema);
        Failure f;
        f.kernel = get<std::string>(j, "kernel");
        f.version = get<int>(j, "version");
        f.build = get<std::string>(j, "build");
        f.extent = get<bool>(j, "full") ? Extent::full : Extent::proxies;
        f.number = get<int>(j, "case");
        f.case_text = get<std::string>(j, "case_text");
        f.trouble = get<std::string>(j, "trouble");
        f.request.node = "replay";
        f.request.op = op_named(get<std::string>(j, "op"));
        f.request.weights = dtypes(j, "weights");
        f.request.states = dtypes(j, "states");
        f.request.k = get<int>(j, "k");
        f.request.head_dim = get<int>(j, "head_dim");
        f.request.width = get<int>(j, "width");
        return f;
    } catch (Error& e) {
        e.during("reading {}", file.string());
        throw;
    }
}

Path failure_file(const Path& folder, const KernelSpec& kernel, const Request& request) {
    return folder / fmt::format("{}-{:016x}.json", kernel.id, fnv1a(shape_class(request)));
}

Verdict replay(const Failure& f, const KernelSpec& kernel) {
    const bool weights = f.request.op == Op::linear || f.request.op == Op::linear_q8 || f.request.op == Op::moe_inner ||
                         f.request.op == Op::moe_down || f.request.op == Op::embed;
    const bool whole =
        (!weights || !f.request.weights.empty()) && (f.request.op != Op::attend || !f.request.states.empty());
    bool fits = whole && kernel.op == f.request.op;
    for (const DType d : f.request.weights) fits = fits && kernel.weight.has(d) && f.request.k % info(d).block == 0;
    for (const DType d : f.request.states) fits = fits && kernel.state.has(d);
    const std::vector<ProofCase> cases = fits ? proof_cases(f.request, f.extent) : std::vector<ProofCase>{};
    if (f.number >= static_cast<int>(cases.size()) || cases[std::size_t(f.number)].text != f.case_text)
        throw Error(Code::unsupported, "replaying: this build has no such case for {}: {}", kernel.id, f.case_text);
    return prove(kernel, f.request, {.extent = f.extent, .only = f.number});
}

}  // namespace quern::dispatch
