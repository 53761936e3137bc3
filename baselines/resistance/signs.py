"""The random signs of the projections: the same ones for every solver and device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

WIDTH = 32  # projections a block
_CHUNK = 1 << 15  # edges whose signs are drawn at a time: they stay in the cache


def random_bits(entropy: Any, block: int, num_pairs: int, width: int) -> Iterator[tuple[int, np.ndarray]]:
    """The signs of one block, a chunk of edges at a time: its first edge and uint8 ``[chunk, width]`` of 0 and 1."""
    random = np.random.default_rng([entropy, block])
    for start in range(0, num_pairs, _CHUNK):
        words = random.integers(0, 256, (min(_CHUNK, num_pairs - start), -(-width // 8)), dtype=np.uint8)
        yield start, np.unpackbits(words, axis=1, count=width)
