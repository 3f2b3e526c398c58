#include "format/safetensors/writer.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/checked.h"
#include "base/error.h"
#include "base/json.h"
#include "format/safetensors/file.h"
#include "format/safetensors/header.h"
#include "format/shown.h"

namespace quern::safetensors {
namespace {

std::uint64_t size_of(const TensorData& t) {
    const std::string what = "writing tensor " + shown(t.name);
    if (t.dims.size() > max_dims)
        throw Error(Code::bad_request, "{}: it has {} dims, but at most {} are read", what, t.dims.size(), max_dims);
    auto size = static_cast<std::uint64_t>(info(t.dtype).bytes);
    for (const std::int64_t d : t.dims)
        size = checked_mul(size, checked_cast<std::uint64_t>(d, what + ", a dim"), what + ", number of bytes");
    return size;
}

// Appends `"key": value` to an object's text; names must be UTF-8 to be JSON.
void put(std::string& out, const std::string& key, const std::string& value) try {
    out += out.empty() ? "{" : ",";
    out += Json(key).dump() + ":" + value;
} catch (const Json::exception&) {
    throw Error(Code::bad_request, "writing {}: the name is not UTF-8", shown(key));
}

std::string header(std::span<const TensorData* const> tensors,
                   const std::map<std::string, std::string, std::less<>>& metadata) {
    std::string out;
    if (!metadata.empty()) {
        std::string m;
        for (const auto& [key, value] : metadata)
            put(m, key, Json(value).dump(-1, ' ', false, Json::error_handler_t::replace));
        put(out, "__metadata__", m + "}");
    }
    std::unordered_set<std::string_view> names{"__metadata__"};
    std::uint64_t offset = 0;
    for (const TensorData* t : tensors) {
        if (!names.insert(t->name).second)
            throw Error(Code::bad_request, "writing tensor {}: the name is taken already", shown(t->name));
        const std::string_view type = type_name(t->dtype);
        if (type.empty())
            throw Error(Code::unsupported, "writing tensor {}: safetensors has no type {}", shown(t->name),
                        info(t->dtype).name);
        const std::uint64_t size = size_of(*t);
        if (size != t->bytes.size())
            throw Error(Code::bad_request, "writing tensor {}: it comes with {} bytes, but type and dims make {}",
                        shown(t->name), t->bytes.size(), size);
        const std::uint64_t end = checked_add(offset, size, "bytes of a safetensors file");
        put(out, t->name,
            Json{{"dtype", type}, {"shape", t->dims}, {"data_offsets", {std::exchange(offset, end), end}}}.dump());
    }
    out += out.empty() ? "{}" : "}";
    out.append((8 - out.size() % 8) % 8, ' ');
    if (out.size() > max_header_bytes)
        throw Error(Code::bad_request, "writing the header: it has {} bytes, but the format allows {}", out.size(),
                    max_header_bytes);
    return out;
}

}  // namespace

void write(const Path& path, std::span<const TensorData> tensors,
           const std::map<std::string, std::string, std::less<>>& metadata) {
    std::vector<const TensorData*> order;
    for (const TensorData& t : tensors) order.push_back(&t);
    std::stable_sort(order.begin(), order.end(),
                     [](auto a, auto b) { return info(a->dtype).bytes > info(b->dtype).bytes; });
    const std::string text = header(order, metadata);
    const std::uint64_t length = text.size();
    AtomicFile file(path);
    file.write(std::as_bytes(std::span(&length, 1)));
    file.write(text);
    for (const TensorData* t : order) file.write(t->bytes);
    file.commit();
}

}  // namespace quern::safetensors
