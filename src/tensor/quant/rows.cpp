#include "tensor/quant/rows.h"

#include "base/check.h"
#include "base/error.h"
#include "tensor/quant/codec.h"

namespace quern {
namespace {

std::int64_t blocks_of(DType dtype, std::int64_t n) {
    const std::int64_t block = info(dtype).block;
    CHECK(n >= 0 && n % block == 0);
    return n / block;
}

}  // namespace

void decode_row(DType dtype, const std::byte* from, float* to, std::int64_t n) {
    const std::int64_t blocks = blocks_of(dtype, n);
    const Decode decode = codec(dtype).decode;
    if (!decode)
        throw Error(Code::unsupported,
                    "decoding weights of type {}: this build cannot read that format; convert them to another one, "
                    "q8_0 or bf16 for example",
                    info(dtype).name);
    decode(from, to, blocks);
}

void encode_row(DType dtype, const float* from, std::byte* to, std::int64_t n) {
    const std::int64_t blocks = blocks_of(dtype, n);
    const Encode encode = codec(dtype).encode;
    if (!encode)
        throw Error(Code::unsupported,
                    "encoding weights as {}: this build cannot write that format; choose another one, q8_0 or q4_k for "
                    "example",
                    info(dtype).name);
    encode(from, to, blocks);
}

}  // namespace quern
