"""Which of two whole keys is better, in time linear in their size.

With ``M`` as in :mod:`wis.engine.walks.levels.state`, how often it has x is the number of vertices with ``new <= x``
less that of vertices with ``old <= x``. So where two keys first differ, different numbers of vertices come to x, less
those that leave it. These are counted in a hash table, and the smallest x whose counts differ tells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.kernels import inlined, kernel

# In a slot that is not in use; values are no less than 0.
_NOTHING = -1

# Numbers of `size`: values held, slots in use, and by how many bits a hash is shifted to a slot.
_HELD, _USED, _SHIFT, _NUM_SIZES = range(4)

# 2^64 by the golden ratio: Fibonacci hashing.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class TieKeys(NamedTuple):
    """The key that others are compared with, and the hash table; for keys of up to ``k`` vertices.

    Attributes
    ----------
    old, new
        int64 ``[k]``: values before and after, of the key that is held.
    number, surplus, used
        int64, int32, int32 ``[slots]``: a number; how much more often it comes in the key that is held; slots in use.
    size
        int64 ``[3]``.
    """

    old: np.ndarray
    new: np.ndarray
    number: np.ndarray
    surplus: np.ndarray
    used: np.ndarray
    size: np.ndarray


def make_tie_keys(most_vertices: int) -> TieKeys:
    """An empty table for keys of up to so many vertices, of which it has room for two and stays half empty."""
    bits = (8 * most_vertices + 1).bit_length()
    size = np.zeros(_NUM_SIZES, dtype=np.int64)
    size[_SHIFT] = 64 - bits
    return TieKeys(
        old=np.empty(most_vertices, dtype=np.int64),
        new=np.empty(most_vertices, dtype=np.int64),
        number=np.full(1 << bits, _NOTHING, dtype=np.int64),
        surplus=np.empty(1 << bits, dtype=np.int32),
        used=np.empty(1 << bits, dtype=np.int32),
        size=size,
    )


@kernel
def hold(keys: TieKeys, old: np.ndarray, new: np.ndarray, affected: int) -> None:
    """Hold the key of vertices with these values."""
    keys.size[_HELD] = affected
    for i in range(affected):
        keys.old[i] = old[i]
        keys.new[i] = new[i]


@kernel
def compare_with_held(
    keys: TieKeys, old: np.ndarray, new: np.ndarray, affected: int, end: np.int64
) -> tuple[int, bool]:
    """1 if the key of these vertices is better than the one held, -1 if that one is, 0 if they are equal below an end.

    Also returns whether neither goes on from there.
    """
    are_all = _count(keys, keys.old, keys.new, keys.size[_HELD], end, 1)
    are_all = _count(keys, old, new, affected, end, -1) and are_all
    first, order = end, 0
    for i in range(keys.size[_USED]):
        slot = keys.used[i]
        if keys.surplus[slot] != 0 and keys.number[slot] < first:
            first = keys.number[slot]
            order = 1 if keys.surplus[slot] > 0 else -1
        keys.number[slot] = _NOTHING
    keys.size[_USED] = 0
    return order, are_all


@inlined
def _count(keys: TieKeys, old: np.ndarray, new: np.ndarray, affected: int, end: np.int64, sign: int) -> bool:
    """Count the numbers below an end; return whether these are all."""
    are_all = True
    for i in range(affected):
        if new[i] < end:
            _add(keys, new[i], sign)
        if old[i] < end:
            _add(keys, old[i], -sign)
        else:
            are_all = False
    return are_all


@inlined
def _add(keys: TieKeys, number: np.int64, surplus: int) -> None:
    slot = np.int64((np.uint64(number) * _GOLDEN) >> np.uint64(keys.size[_SHIFT]))
    # Emptied as a whole only, so that a number stands before the first free slot from its own on.
    while keys.number[slot] != number:
        if keys.number[slot] == _NOTHING:
            keys.number[slot] = number
            keys.surplus[slot] = 0
            keys.used[keys.size[_USED]] = slot
            keys.size[_USED] += 1
            break
        slot = (slot + 1) & (len(keys.number) - 1)
    keys.surplus[slot] += surplus
