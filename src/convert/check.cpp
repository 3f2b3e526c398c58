#include "convert/check.h"

#include <deque>
#include <unordered_map>

#include "base/error.h"
#include "convert/rows.h"
#include "convert/tensors.h"

namespace quern::convert {
namespace {

// The planned tensors as a source of weights. Only small constants are ever read from it.
class Catalog final : public WeightSource {
public:
    Catalog(const Model& model, std::span<const DType> types) : model_(model), types_(types) {
        for (std::size_t i = 0; i < model.tensors.size(); ++i) by_name_.emplace(model.tensors[i].name, i);
    }

    std::optional<WeightInfo> find(std::string_view name) const override {
        last_ = name;
        const auto it = by_name_.find(name);
        if (it == by_name_.end()) return std::nullopt;
        return WeightInfo{static_cast<int>(it->second), types_[it->second], model_.tensors[it->second].dims};
    }

    View bind(int id) override {
        const Tensor& t = model_.tensors[static_cast<std::size_t>(id)];
        std::vector<float>& values = constants_.emplace_back(decode_all(t));
        View v;
        v.data = reinterpret_cast<std::byte*>(values.data());
        v.rank = 1;
        v.dim[0] = std::ssize(values);
        v.stride[0] = sizeof(float);
        return v;
    }

    bool acquire(int, const std::int32_t*, std::int64_t, const std::byte**) noexcept override { return false; }
    void release(int, const std::int32_t*, std::int64_t) noexcept override {}

    const std::string& last() const { return last_; }

private:
    const Model& model_;
    std::span<const DType> types_;
    std::unordered_map<std::string_view, std::size_t> by_name_;
    std::deque<std::vector<float>> constants_;
    mutable std::string last_;  // the tensor asked for last: the one an Error is about
};

}  // namespace

void check_loads(const Model& model, std::span<const DType> types) {
    Catalog catalog(model, types);
    try {
        Graph graph(catalog, {});
        model.architecture->record(graph, model.metadata);
        std::vector<std::string_view> names;
        for (const Tensor& t : model.tensors) names.push_back(t.name);
        models::check_all_used(graph, names);
    } catch (Error& e) {
        const bool about_tensor = !catalog.last().empty() && std::string_view(e.what()).starts_with(catalog.last());
        const std::string there =
            about_tensor && model.safetensors ? hugging_face_name(*model.architecture, catalog.last()) : "";
        if (there.empty())
            e.during("checking that the result would load");
        else
            e.during("checking {} of the checkpoint", there);
        throw;
    }
}

}  // namespace quern::convert
