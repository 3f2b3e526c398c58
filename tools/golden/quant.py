"""Makes the golden vectors of the block formats, tests/golden/quant/, and the grid tables, src/tensor/quant/grids.cpp.

    python quant.py golden <folder>     writes <name>.bin for every format
    python quant.py grids > grids.cpp

Expected values come from the gguf package's numpy routines; for what it lacks (q8_1, q8_k, f8_e4m3) from the few lines
of numpy below. One golden file, all numbers little-endian:

    8 bytes  "quernq1\\0"
    u32      weights in a block
    u32      bytes in a block
    u32      D, blocks to decode
    u32      E, blocks to encode; 0 where neither the package nor this script has an encoder
    D blocks, then D * weights f32: what they decode to
    E * weights f32, then E blocks: what they encode to

Beside them grids.txt has the FNV-1a hash of each grid, a signed byte for each number.

Blocks to decode have random bits in all fields. What varies is the scale: random bits, ordinary values of both signs,
the largest half, the smallest subnormal one, zero, minus zero, infinity and NaN. Weights to encode are Gaussian, with
blocks of zeros, of one value, of ties between a value and its negative, of outliers, of small and large numbers.
"""

import struct
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants
from gguf.constants import GGML_QUANT_SIZES

# name: weights and bytes of a block, and where its scales stand (kind and offsets).
FORMATS = {
    "f32": (1, 4, None, ()),
    "f16": (1, 2, None, ()),
    "bf16": (1, 2, None, ()),
    "f8_e4m3": (1, 1, None, ()),
    "q4_0": (32, 18, "half", (0,)),
    "q4_1": (32, 20, "half", (0, 2)),
    "q5_0": (32, 22, "half", (0,)),
    "q5_1": (32, 24, "half", (0, 2)),
    "q8_0": (32, 34, "half", (0,)),
    "q8_1": (32, 36, "half", (0, 2)),
    "q2_k": (256, 84, "half", (80, 82)),
    "q3_k": (256, 110, "half", (108,)),
    "q4_k": (256, 144, "half", (0, 2)),
    "q5_k": (256, 176, "half", (0, 2)),
    "q6_k": (256, 210, "half", (208,)),
    "q8_k": (256, 292, "float", (0,)),
    "iq1_s": (256, 50, "half", (0,)),
    "iq1_m": (256, 56, "spread", (48,)),
    "iq2_xxs": (256, 66, "half", (0,)),
    "iq2_xs": (256, 74, "half", (0,)),
    "iq2_s": (256, 82, "half", (0,)),
    "iq3_xxs": (256, 98, "half", (0,)),
    "iq3_s": (256, 110, "half", (0,)),
    "iq4_nl": (32, 18, "half", (0,)),
    "iq4_xs": (256, 136, "half", (0,)),
    "tq1_0": (256, 54, "half", (52,)),
    "tq2_0": (256, 66, "half", (64,)),
    "mxfp4": (32, 17, "byte", (0,)),
    "nvfp4": (64, 36, "byte", (0, 1, 2, 3)),
}
ENCODED_BY_PACKAGE = ("bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "mxfp4")

HALVES = np.array([0x1C66, 0x9D01, 0x7BFF, 0xFBFF, 0x0001, 0x03FF, 0x0000, 0x8000, 0x7C00, 0x7E01], dtype=np.uint16)
FLOATS = np.array([0x3C23D70A, 0xBC23D70A, 0x7F7FFFFF, 1, 0, 0x80000000, 0x7F800000, 0x7FC00001], dtype=np.uint32)
BYTES = np.array([0, 1, 2, 3, 7, 8, 0x38, 0x7E, 0x7F, 0x80, 0xB9, 0xFE, 0xFF], dtype=np.uint8)


def set_scale(block, kind, offset, value):
    """Puts one scale, given as its bits, into a block."""
    if kind == "byte":
        block[offset] = value
    elif kind == "spread":  # a half in the top nibbles of four words, lowest first
        for i in range(4):
            at = offset + 2 * i + 1
            block[at] = (block[at] & 0x0F) | (((int(value) >> (4 * i)) & 15) << 4)
    else:
        raw = np.array([value]).view(np.uint8)
        block[offset : offset + len(raw)] = raw


def blocks_to_decode(rng, weights, size, kind, offsets):
    if kind is None:
        if size == 1:
            return np.arange(256, dtype=np.uint8).reshape(-1, 1)
        return rng.integers(0, 256, (128, size), dtype=np.uint8)
    scales = {"half": HALVES, "spread": HALVES, "float": FLOATS, "byte": BYTES}[kind]
    blocks = rng.integers(0, 256, (1 + len(scales), size), dtype=np.uint8)
    for i, value in enumerate(scales):
        for k, offset in enumerate(offsets):
            other = scales[(i + k) % len(scales)] if kind == "byte" else scales[i if k == 0 or i > 1 else 1 - i]
            set_scale(blocks[1 + i], kind, offset, value if k == 0 else other)
    return blocks


def decode(name, blocks):
    if name == "f8_e4m3":
        bits = blocks.reshape(-1).astype(np.int32)
        exponent, mantissa = (bits >> 3) & 15, bits & 7
        size = np.where(exponent == 0, mantissa * 2.0**-9, (1 + mantissa / 8) * 2.0 ** (exponent - 7))
        size = np.where((bits & 127) == 127, np.nan, size)
        return np.where(bits & 128, -size, size).astype(np.float32)
    if name == "q8_1":
        d = blocks[:, 0:2].copy().view(np.float16).astype(np.float32)
        return (d * blocks[:, 4:].copy().view(np.int8).astype(np.float32)).reshape(-1)
    if name == "q8_k":
        d = blocks[:, 0:4].copy().view(np.float32)
        return (d * blocks[:, 4:260].copy().view(np.int8).astype(np.float32)).reshape(-1)
    return quants.dequantize(blocks, T[name.upper()]).reshape(-1)


def weights_to_encode(rng, weights):
    rows = 24
    x = rng.standard_normal((rows, max(weights, 32))).astype(np.float32)
    x[1] = 0
    x[2] = 0.75
    x[3] = -0.75
    x[4, 7], x[4, 3] = 4, -4
    x[5, 3], x[5, 7] = 4, -4
    x[6, 11] = 60
    x[7] = np.round(x[7] * 4) / 4
    x[8] = np.abs(x[8])
    x[9] = -np.abs(x[9])
    x[10] *= np.float32(1e-6)
    x[11] *= np.float32(1e4)
    x[12] = np.arange(x.shape[1]) - 15.5
    return x.reshape(-1, weights)


def encode(name, x):
    """The blocks that the weights x encode to, or None."""
    if name == "f32":
        return x.view(np.uint8)
    if name == "f16":
        return x.astype(np.float16).view(np.uint8)
    if name in ENCODED_BY_PACKAGE:
        return quants.quantize(x, T[name.upper()])
    if name == "f8_e4m3":
        values = decode(name, np.arange(127, dtype=np.uint8)).astype(np.float64)
        distance = np.abs(np.minimum(np.abs(x.astype(np.float64)), 448) - values)
        odd = np.arange(127) % 2
        code = np.lexsort((np.broadcast_to(odd, distance.shape), distance), axis=1)[:, :1]
        return (code + np.where(np.signbit(x), 128, 0)).astype(np.uint8)
    if name == "q8_1":
        d = np.abs(x).max(axis=1, keepdims=True) / np.float32(127)
        q = quants.np_roundf(x * np.where(d == 0, np.float32(0), np.float32(1) / d))
        s = (d * q.sum(axis=1, keepdims=True)).astype(np.float16)
        return np.concatenate([d.astype(np.float16).view(np.uint8), s.view(np.uint8), q.astype(np.int8).view(np.uint8)], 1)
    if name == "q8_k":
        first = np.take_along_axis(x, np.abs(x).argmax(axis=1, keepdims=True), axis=1)
        d = first / np.float32(-127)
        q = quants.np_roundf(x * np.where(d == 0, np.float32(0), np.float32(1) / d)).astype(np.int8)
        sums = q.reshape(-1, 16, 16).sum(axis=2).astype(np.int16)
        return np.concatenate([d.view(np.uint8), q.view(np.uint8), sums.view(np.uint8)], 1)
    return None


def golden(folder):
    np.seterr(all="ignore")
    folder.mkdir(parents=True, exist_ok=True)
    for name, (weights, size, kind, offsets) in FORMATS.items():
        # The package still has q8_1's older layout of 40 bytes.
        if name not in ("f8_e4m3", "q8_1"):
            assert GGML_QUANT_SIZES[T[name.upper()]] == (weights, size), name
        rng = np.random.default_rng([ord(c) for c in name])
        blocks = blocks_to_decode(rng, weights, size, kind, offsets)
        values = decode(name, blocks)
        assert values.dtype == np.float32 and values.size == len(blocks) * weights, name
        x = weights_to_encode(rng, weights)
        if weights == 1:
            x = x[:256]
        elif weights == 256:
            x = x[:14]
        codes = encode(name, x)
        count = 0 if codes is None else len(x)
        with open(folder / f"{name}.bin", "wb") as f:
            f.write(b"quernq1\0" + struct.pack("<4I", weights, size, len(blocks), count))
            f.write(blocks.tobytes() + values.tobytes())
            if codes is not None:
                assert codes.size == count * size, name
                f.write(x.tobytes() + codes.tobytes())
    with open(folder / "grids.txt", "w") as f:
        for name, (cls, users) in GRIDS.items():
            cls.init_grid()
            f.write(f"{name} {fnv1a(cls.grid.astype(np.int8).tobytes()):016x}\n")


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


# The grids: each is a set of vectors in ascending order, reading the last number as the most significant digit. Such a
# set is a bitmap over all vectors.
GRIDS = {
    "iq1": (quants.IQ1_S, "iq1_s and iq1_m"),
    "iq2_xxs": (quants.IQ2_XXS, "iq2_xxs"),
    "iq2_xs": (quants.IQ2_XS, "iq2_xs"),
    "iq2_s": (quants.IQ2_S, "iq2_s"),
    "iq3_xxs": (quants.IQ3_XXS, "iq3_xxs"),
    "iq3_s": (quants.IQ3_S, "iq3_s"),
}


def grids():
    print("// Generated by tools/golden/quant.py. A grid is stored as a bitmap over all vectors of its values, a vector being a")
    print("// number whose last digit is the most significant; the grid's order is the order of these numbers.")
    print('#include "tensor/quant/grids.h"\n')
    print('#include "tensor/quant/grids_expand.h"\n')
    print("namespace quern {\nnamespace {\n")
    for name, (cls, users) in GRIDS.items():
        cls.init_grid()
        grid = cls.grid.reshape(cls.grid_shape).astype(int)
        base, length = len(cls.grid_map), cls.grid_shape[1]
        digit = {int(v): i for i, v in enumerate(cls.grid_map)}
        codes = [sum(digit[int(v)] * base**i for i, v in enumerate(row)) for row in grid]
        assert codes == sorted(set(codes)), name
        words = [0] * (-(-(base**length) // 64))
        for code in codes:
            words[code // 64] |= 1 << (code % 64)
        print(f"constexpr std::uint64_t {name}_bits[] = {{")
        for i in range(0, len(words), 6):
            print("    " + " ".join(f"{w:#x}," for w in words[i : i + 6]))
        print("};\n")
    print("}  // namespace\n")
    for name, (cls, users) in GRIDS.items():
        count, length = cls.grid_shape
        values = ", ".join(str(int(v)) for v in cls.grid_map)
        print(f"// {users}")
        print(f"alignas(64) constinit const Grid<{length}, {count}> {name}_grid = expand_grid<{length}, {count}>({name}_bits, {{{values}}});")
    print("\nalignas(64) constinit const Grid<8, 256> sign_rows = all_sign_rows();")
    print("\n}  // namespace quern")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "golden":
        golden(Path(sys.argv[2]))
    elif len(sys.argv) == 2 and sys.argv[1] == "grids":
        grids()
    else:
        sys.exit(__doc__)
