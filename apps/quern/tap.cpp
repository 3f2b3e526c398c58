#include "tap.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "format/safetensors/writer.h"

namespace quern::app {
namespace {

constexpr std::size_t most_bytes = std::size_t(4) << 30;  // what a tap may keep in memory before it is written

}  // namespace

bool Tap::wants(std::string_view task) {
    const std::string name(task);
    return std::any_of(globs_.begin(), globs_.end(),
                       [&](const std::string& g) { return fnmatch(g.c_str(), name.c_str(), 0) == 0; });
}

void Tap::observe(const exec::Observed& task) {
    const std::string at = "@" + std::to_string(position_);
    for (const exec::Observed::Item& item : task.out) copy(std::string(item.name) + at, item.view);
    for (const exec::Observed::Item& item : task.in)
        copy(std::string(task.name) + "<" + std::string(item.name) + at, item.view);
}

void Tap::copy(std::string name, const View& view) {
    Copy c{std::move(name), view.dtype, {view.dim.begin(), view.dim.begin() + view.rank}, {}};
    if (info(view.dtype).block != 1) return;  // a quantised weight: it is in the model file
    const std::size_t row = std::size_t(row_bytes(view.dtype, view.last()));
    const std::int64_t rows = view.last() == 0 ? 0 : view.size() / view.last();
    bytes_ += row * std::size_t(rows);
    if (bytes_ > most_bytes)
        throw Error(Code::bad_request,
                    "--tap: what matches is more than {} GB; name fewer nodes or use a shorter prompt",
                    most_bytes >> 30);
    c.bytes.resize(row * std::size_t(rows));
    for (std::int64_t r = 0; r < rows; ++r) {
        const std::byte* from = view.data;
        std::int64_t index = r;
        for (int d = view.rank - 2; d >= 0; --d) {
            from += index % view.dim[std::size_t(d)] * view.stride[std::size_t(d)];
            index /= view.dim[std::size_t(d)];
        }
        std::memcpy(c.bytes.data() + row * std::size_t(r), from, row);
    }
    copies_.push_back(std::move(c));
}

void Tap::write(const Path& path) const {
    if (copies_.empty()) throw Error(Code::bad_request, "--tap: no node has such a name; `quern plan show` lists them");
    std::vector<safetensors::TensorData> tensors;
    for (const Copy& c : copies_) tensors.push_back({c.name, c.dtype, c.dims, c.bytes});
    safetensors::write(path, tensors);
}

}  // namespace quern::app
