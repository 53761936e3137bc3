"""The words of a key: how often it has each number from the base on, packed (:mod:`wis.engine.walks.levels.state`)."""

from __future__ import annotations

import numpy as np

from wis.engine.walks.levels.state import BASE, FULL, SPAN, State
from wis.engine.walks.levels.word_heap import FIELDS, WORDS, sift_up
from wis.kernels import inlined, kernel

# Where the heap says that an edge is gone for good.
GONE = -2


def make_units() -> tuple[np.ndarray, np.ndarray]:
    """The constants ``unit`` and ``ones`` of the state."""
    unit = np.array([1 << (8 * (FIELDS - 1 - i)) for i in range(FIELDS)], dtype=np.uint64)
    ones = np.zeros((FIELDS + 1, FIELDS + 1), dtype=np.uint64)
    for i in range(FIELDS + 1):
        for j in range(i, FIELDS + 1):
            ones[i, j] = unit[i:j].sum()
    return unit, ones


@inlined
def add_range(s: State, words: np.ndarray, begin: int, end: int) -> None:
    """Count each number from ``begin`` (not below the base) to ``end`` once more, as far as the words go."""
    base = s.counters[BASE]
    i, j = begin - base, min(end - base, SPAN)
    while i < j:
        word = i >> 3
        stop = min(j - (word << 3), FIELDS)
        words[word] += s.ones[i & 7, stop]
        i = (word + 1) << 3


@inlined
def first_number(s: State, words: np.ndarray) -> int:
    """The smallest number that is counted in the words; the number behind them if there is none."""
    j = 0
    while j < WORDS and words[j] == 0:
        j += 1
    if j == WORDS:
        return s.counters[BASE] + SPAN
    i = 0
    while words[j] < s.unit[i]:
        i += 1
    return s.counters[BASE] + (j << 3) + i


@inlined
def pack_changes(s: State) -> None:
    """Words from the changes of counts from one number to the next."""
    count, full = 0, False
    for j in range(WORDS):
        word = np.uint64(0)
        for i in range(FIELDS):
            count += s.fields[j * FIELDS + i]
            if not full:
                word += np.uint64(min(count, FULL)) * s.unit[i]
                full = count >= FULL
        s.words[j] = word


@inlined
def shorten(s: State, e: int, number: int) -> None:
    """Forget what the words of an edge in the heap tell from a number on."""
    if s.heap.at[e] >= 0 and number < s.counters[BASE] + SPAN:
        _cut(s, e, max(number - s.counters[BASE], 0))


@kernel
def _cut(s: State, e: int, kept: int) -> None:
    changed = False
    for j in range(kept >> 3, WORDS):
        keep = kept - 8 * j if 8 * j < kept else 0
        word = s.heap.words[e, j]
        shorter = word & (s.ones[0, keep] * np.uint64(255))
        changed |= shorter != word
        s.heap.words[e, j] = shorter
    # A shorter beginning is a better one, so that the edge may move up.
    if changed:
        s.checked[e] = -1
        s.heap.lead[s.heap.at[e]] = s.heap.words[e, 0]
        sift_up(s.heap, s.heap.at[e])
