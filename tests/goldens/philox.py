"""Lathe's random numbers in NumPy (tensor/random.h), so that both sides of a comparison fill tensors alike."""
import numpy as np

PURPOSE_TEST = 5


def philox4x32(counter, key):
    x, y, z, w = (np.asarray(c, dtype=np.uint64) for c in counter)
    k0, k1, low = np.uint64(key & 0xFFFFFFFF), np.uint64(key >> 32), np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * x, np.uint64(0xCD9E8D57) * z
        x, y, z, w = (b >> np.uint64(32)) ^ y ^ k0, b & low, (a >> np.uint64(32)) ^ w ^ k1, a & low
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return x, y, z, w


def stream_key(seed, purpose, epoch=0, index=0, op=0):
    x, y, _, _ = philox4x32((purpose, epoch, index, op), seed)
    return int(x) | int(y) << 32


def uniform53(key, count):
    """RandomStream::uniform53 of 0 to count - 1."""
    blocks = np.arange((count + 1) // 2, dtype=np.uint64)
    zero = np.zeros_like(blocks)
    x, y, z, w = philox4x32((blocks & np.uint64(0xFFFFFFFF), blocks >> np.uint64(32), zero, zero), key)
    words = np.stack([x << np.uint64(32) | y, z << np.uint64(32) | w], axis=1).reshape(-1)[:count]
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def uniform(shape, low, high, seed, purpose, epoch=0, index=0, op=0):
    count = int(np.prod(shape, dtype=np.int64))
    return (low + (high - low) * uniform53(stream_key(seed, purpose, epoch, index, op), count)).reshape(shape)
