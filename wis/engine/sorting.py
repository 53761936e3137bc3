"""Sorting for the kernels, which cannot call NumPy's: few numbers, mostly in order already; and many arcs."""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

import numpy as np

from wis.kernels import kernel
from wis.threads import run_blocks

# Arcs from which on they are sorted by digits, and the bits of a digit.
_LONG = 24
_DIGIT_BITS = 7
NUM_DIGITS = 1 << _DIGIT_BITS
_DIGIT = np.uint64(NUM_DIGITS - 1)

# Bits of a digit of a whole array of keys.
_LARGE_DIGIT_BITS = 11

# Keys and their places, room for both, the digits of every block, and the first bit of the digit.
_Pass: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]


@kernel
def shell_sort(values: np.ndarray) -> None:
    """Sort an int64 array in place, by Knuth's gaps. Constant memory; O(k) time where it is sorted already."""
    size = len(values)
    i = 1
    while i < size and values[i - 1] <= values[i]:
        i += 1
    if i >= size:
        return
    gap = 1
    while gap < size // 3:
        gap = 3 * gap + 1
    while gap > 0:
        # Unsigned, so that no test for negative indices is made.
        step = np.uint64(gap)
        for i in range(gap, size):
            value = values[i]
            at = np.uint64(i)
            while at >= step and values[at - step] > value:
                values[at] = values[at - step]
                at -= step
            values[at] = value
        gap //= 3


@kernel
def sort_arcs(arcs: np.ndarray, room: np.ndarray, digits: np.ndarray, num_nodes: int) -> None:
    """Sort arcs ``neighbour << 32 | edge`` of one vertex by neighbour, in place.

    Many of them by radix sort, in the room of as many more; ``digits`` is int32 ``[NUM_DIGITS]``.
    """
    size, shift = len(arcs), np.uint64(32)
    if size < _LONG:
        shell_sort(arcs)
        return
    source, target = arcs, room[:size]
    while num_nodes - 1 >= 1 << (shift - np.uint64(32)):
        digits[:] = 0
        for i in range(size):
            digits[np.uint64(source[i]) >> shift & _DIGIT] += 1
        at = np.int32(0)
        for digit in range(len(digits)):
            at += digits[digit]
            digits[digit] = at - digits[digit]
        for i in range(size):
            place = np.uint64(source[i]) >> shift & _DIGIT
            target[np.uint64(digits[place])] = source[i]
            digits[place] += 1
        source, target = target, source
        shift += np.uint64(_DIGIT_BITS)
    # After an odd number of digits the result is in the other array.
    if (shift - np.uint64(32)) // np.uint64(_DIGIT_BITS) % np.uint64(2) == 1:
        for i in range(size):
            arcs[i] = source[i]


def falling_order(keys: np.ndarray, threads: int = 1) -> np.ndarray:
    """Positions of int64 keys from 0 on, the largest first, equal ones in order: int32 ``[len(keys)]``.

    Radix sort by digits of 11 bits, as many as the largest key has: O(k) time for each, 24 bytes a key. Every thread
    has a block of the keys: what is equal in a digit stays in order, as blocks are put down one behind the other.
    """
    places, targets = np.arange(len(keys), dtype=np.int32), np.empty(len(keys), dtype=np.int32)
    digits = np.empty((threads, 1 << _LARGE_DIGIT_BITS), dtype=np.int64)
    keys, other = keys.copy(), np.empty_like(keys)

    for shift in range(0, int(keys.max(initial=0)).bit_length(), _LARGE_DIGIT_BITS):
        given = keys, places, other, targets, digits, shift
        run_blocks(partial(_count_block, given), len(keys), threads)
        # All of a larger digit come before, and those of the same one in the blocks before.
        before = np.cumsum(digits.T.ravel()).reshape(-1, threads).T
        digits[:] = before - digits
        run_blocks(partial(_sort_block, given), len(keys), threads)
        keys, other, places, targets = other, keys, targets, places
    return places


def _count_block(given: _Pass, i: int, low: int, high: int) -> None:
    keys, _, _, _, digits, shift = given
    _count_digits(keys[low:high], digits[i], shift)


def _sort_block(given: _Pass, i: int, low: int, high: int) -> None:
    keys, places, to_keys, to_places, digits, shift = given
    _sort_by_digit(keys[low:high], places[low:high], to_keys, to_places, digits[i], shift)


@kernel
def _count_digits(keys: np.ndarray, digits: np.ndarray, shift: int) -> None:
    """How many keys have each digit, the largest first."""
    last = len(digits) - 1
    digits[:] = 0
    for i in range(len(keys)):
        digits[last - (keys[i] >> shift & last)] += 1


@kernel
def _sort_by_digit(
    keys: np.ndarray, places: np.ndarray, to_keys: np.ndarray, to_places: np.ndarray, digits: np.ndarray, shift: int
) -> None:
    """Put keys down by one digit, in order; ``digits`` has where the next key of each goes."""
    last = len(digits) - 1
    for i in range(len(keys)):
        bucket = np.uint64(last - (keys[i] >> shift & last))
        place = np.uint64(digits[bucket])
        digits[bucket] += 1
        to_keys[place] = keys[i]
        to_places[place] = places[i]
