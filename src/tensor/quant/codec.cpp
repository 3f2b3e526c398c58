#include "tensor/quant/codec.h"

#include <array>

namespace quern {

const Codec& codec(DType dtype) {
    static constexpr std::array<Codec, std::size_t(DType::count_)> table{};
    return table[std::size_t(dtype)];
}

}  // namespace quern
