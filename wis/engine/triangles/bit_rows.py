"""The graph as one row of bits a vertex, so that common neighbours are found 64 at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from wis.kernels import compiled, inlined

BITS = 64

# Rows are padded to so many words, which is what the widest vector instructions take at once.
_GROUP = 8

ONE = np.uint64(1)


@intrinsic
def popcount(context: Any, word: Any) -> Any:
    """Number of ones in an uint64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


@intrinsic
def lowest_bit(context: Any, word: Any) -> Any:
    """Place of the lowest one of an uint64, which must not be 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], context.get_constant(types.boolean, True))

    return types.uint64(types.uint64), generate


@inlined
def word_of(v: int) -> np.uint64:
    """The word of a row that has the bit of a vertex."""
    return np.uint64(v) >> np.uint64(6)


@inlined
def bit_of(v: int) -> np.uint64:
    """The bit of a vertex in its word."""
    return ONE << (np.uint64(v) & np.uint64(BITS - 1))


def num_words(num_nodes: int) -> int:
    """Words in a row."""
    return -(-num_nodes // (BITS * _GROUP)) * _GROUP


@compiled
def fill_rows(tail: np.ndarray, head: np.ndarray, rows: np.ndarray) -> None:
    """Set the bits of all edges: uint64 ``[n, words]``."""
    for e in range(len(tail)):
        u, v = np.uint64(tail[e]), np.uint64(head[e])
        rows[u, word_of(v)] |= bit_of(v)
        rows[v, word_of(u)] |= bit_of(u)


@compiled
def count_triangles(tail: np.ndarray, head: np.ndarray, rows: np.ndarray, count: np.ndarray) -> None:
    """Number of triangles at every edge, into an int32 ``[m]``."""
    for e in range(len(tail)):
        u, v = np.uint64(tail[e]), np.uint64(head[e])
        total = np.uint64(0)
        for i in range(np.uint64(rows.shape[1])):
            total += popcount(rows[u, i] & rows[v, i])
        count[e] = total
