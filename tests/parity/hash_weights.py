"""Weights from an integer hash: the rule that generate.py and hash_weights.h share bit for bit.

All integers are unsigned 64 bit and wrap. GOLDEN = 0x9E3779B97F4A7C15.

    splitmix64(x)  = x += GOLDEN; x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9; x = (x ^ x >> 27) * 0x94D049BB133111EB; x ^ x >> 31
    fnv1a64(name)  = FNV-1a over the UTF-8 bytes (offset 0xCBF29CE484222325, prime 0x100000001B3)
    key            = splitmix64(fnv1a64(name) + seed * GOLDEN)
    bits(i)        = splitmix64(key + i * GOLDEN) >> 40             24 bits, i = row-major element index from 0
    u(i)           = (bits(i) - 2^23) * 2^-23                       in [-1, 1), exact in float32
    value(i)       = f32(offset + f32(scale * u(i)))                two float32 roundings, no fused multiply-add

offset and scale are float32 numbers; tensors.json writes them as the exact decimal of that float32.
The variance of scale * u is scale^2 / 3, hence the sqrt(3 / fan_in) in generate.py.
"""

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
MASK = 0xFFFFFFFFFFFFFFFF


def splitmix64(x):
    """Of an array of uint64; numpy arrays wrap silently."""
    x = x + np.uint64(GOLDEN)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def fnv1a64(name: str) -> int:
    h = 0xCBF29CE484222325
    for byte in name.encode("utf-8"):
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def bits24(name: str, seed: int, count: int):
    """The 24-bit integers bits(0) .. bits(count - 1) as int64."""
    key = splitmix64(np.array([(fnv1a64(name) + seed * GOLDEN) & MASK], dtype=np.uint64))
    index = np.arange(count, dtype=np.uint64)
    return (splitmix64(key + index * np.uint64(GOLDEN)) >> np.uint64(40)).astype(np.int64)


def values(name: str, seed: int, shape, offset: float, scale: float):
    """The float32 tensor of this name."""
    count = int(np.prod(shape))
    u = (bits24(name, seed, count) - (1 << 23)).astype(np.float32) * np.float32(2.0**-23)
    product = (np.float32(scale) * u).astype(np.float32)
    return (np.float32(offset) + product).astype(np.float32).reshape(shape)
