// Where weights come from, as exec/ sees it: resident, mapped and streamed differ only behind this interface. A tensor
// that is bound whole gives a View for the life of the source; experts are leased slab by slab, and no caller may
// assume that all experts of a tensor are addressable at once. Implemented in weights/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/view.h"

namespace quern {

struct WeightInfo {
    int id = -1;
    DType dtype = DType::f32;
    std::vector<std::int64_t> dims;  // outermost first: [rows, k], experts: [experts, rows, k]
};

class WeightSource {
public:
    virtual ~WeightSource() = default;

    virtual std::optional<WeightInfo> find(std::string_view name) const = 0;

    // The whole tensor, readable until the source ends.
    virtual View bind(int id) = 0;

    // Makes the slabs of these experts of a [experts, rows, k] tensor readable and writes their addresses to
    // slabs[experts[i]]; false when they could not be read. May wait. release() gives them back.
    virtual bool acquire(int id, const std::int32_t* experts, std::int64_t count, const std::byte** slabs) noexcept = 0;
    virtual void release(int id, const std::int32_t* experts, std::int64_t count) noexcept = 0;
};

}  // namespace quern
