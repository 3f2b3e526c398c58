#include "tensor/quant/k_parts.h"

#include "tensor/quant/block.h"
#include "tensor/quant/k_scales.h"
#include "tensor/quant/q2_k.h"
#include "tensor/quant/q3_k.h"
#include "tensor/quant/q4_k.h"
#include "tensor/quant/q5_k.h"
#include "tensor/quant/q6_k.h"

namespace quern {
namespace {

template <class Block>
KParts with_mins(const Block& b) {
    return {f16_to_f32(b.d), f16_to_f32(b.dmin), true, {}, {}, {}};
}
template <class Block>
KParts without_mins(const Block& b) {
    return {f16_to_f32(b.d), 0.0f, false, {}, {}, {}};
}

KParts parts(const BlockQ2_K& b) {
    KParts p = with_mins(b);
    for (int r = 0; r < 16; ++r) {
        p.scale[r] = b.scales[r] & 15;
        p.min[r] = b.scales[r] >> 4;
    }
    for (int j = 0; j < 256; ++j)
        p.q[j] = static_cast<std::int8_t>((b.qs[j / 128 * 32 + j % 32] >> (j % 128 / 32 * 2)) & 3);
    return p;
}

KParts parts(const BlockQ3_K& b) {
    KParts p = without_mins(b);
    for (int r = 0; r < 16; ++r) {
        const int low = (b.scales[r % 8] >> (r / 8 * 4)) & 15, high = (b.scales[8 + r % 4] >> (r / 4 * 2)) & 3;
        p.scale[r] = static_cast<std::int8_t>((low | (high << 4)) - 32);
    }
    for (int j = 0; j < 256; ++j) {
        const int low = (b.qs[j / 128 * 32 + j % 32] >> (j % 128 / 32 * 2)) & 3,
                  third = (b.hmask[j % 32] >> (j / 32)) & 1;
        p.q[j] = static_cast<std::int8_t>((low | (third << 2)) - 4);
    }
    return p;
}

template <class Block>
KParts affine_parts(const Block& b) {
    KParts p = with_mins(b);
    const KScales k = unpack_k_scales(b.scales);
    for (int r = 0; r < 16; ++r) {
        p.scale[r] = static_cast<std::int8_t>(k.scale[r / 2]);
        p.min[r] = k.min[r / 2];
    }
    for (int j = 0; j < 256; ++j)
        p.q[j] = static_cast<std::int8_t>((b.qs[j / 64 * 32 + j % 32] >> (j / 32 % 2 * 4)) & 15);
    return p;
}
KParts parts(const BlockQ4_K& b) { return affine_parts(b); }
KParts parts(const BlockQ5_K& b) {
    KParts p = affine_parts(b);
    for (int j = 0; j < 256; ++j) p.q[j] = static_cast<std::int8_t>(p.q[j] | (((b.qh[j % 32] >> (j / 32)) & 1) << 4));
    return p;
}

KParts parts(const BlockQ6_K& b) {
    KParts p = without_mins(b);
    for (int r = 0; r < 16; ++r) p.scale[r] = b.scales[r];
    for (int j = 0; j < 256; ++j) {
        const int half = j / 128, quarter = j % 128 / 32, l = j % 32;
        const int low = (b.ql[64 * half + 32 * (quarter % 2) + l] >> (quarter / 2 * 4)) & 15;
        const int high = (b.qh[32 * half + l] >> (quarter * 2)) & 3;
        p.q[j] = static_cast<std::int8_t>((low | (high << 4)) - 32);
    }
    return p;
}

}  // namespace

bool has_k_parts(DType dtype) {
    return dtype == DType::q2_k || dtype == DType::q3_k || dtype == DType::q4_k || dtype == DType::q5_k ||
           dtype == DType::q6_k;
}

KParts k_parts(DType dtype, const std::byte* block) noexcept {
    switch (dtype) {
        case DType::q2_k:
            return parts(load_block<BlockQ2_K>(block, 0));
        case DType::q3_k:
            return parts(load_block<BlockQ3_K>(block, 0));
        case DType::q4_k:
            return parts(load_block<BlockQ4_K>(block, 0));
        case DType::q5_k:
            return parts(load_block<BlockQ5_K>(block, 0));
        default:
            return parts(load_block<BlockQ6_K>(block, 0));
    }
}

}  // namespace quern
