"""``numpy.random.Generator.permutation`` of more numbers than memory has room for.

NumPy shuffles by Fisher and Yates: for every place from the last one down, what lies there is exchanged with what lies
at a place drawn among those up to it. Here the places are in memory block by block, the last block first. An exchange
with a place of a lower block is written down for it, with the number that goes there; when that block comes, what was
written is made good in the order in which it was, and the number that comes back is known. Whatever is written down or
known is in a file for each block.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from wis.graphs.disk_arrays import read_array, temporary_file, write_array
from wis.kernels import compiled

# Exchanges made at a time.
_CHUNK = 1 << 16

# Bytes in memory for a place of a block, with as much again for whatever memory does not give back at once.
_PLACE_BYTES = 16


def shuffled_places(random: np.random.Generator, count: int, folder: Path, memory: int) -> Iterator[np.ndarray]:
    """Where the numbers from 0 on stand in ``random.permutation(count)``: the inverse of the permutation.

    Parameters
    ----------
    random
        Source of the draws, of a ``PCG64``, from which nothing was drawn since it was made.
    count
        How many numbers there are.
    folder
        On whose disk up to 24 bytes a number go.
    memory
        Bytes for the places of a block. There are two files for every ``memory / 16`` numbers.

    Yields
    ------
    numpy.ndarray
        float64, which has room for 2**53 places: those of the next numbers, from 0 on. O(count) time.

    Raises
    ------
    RuntimeError
        If this NumPy shuffles by another rule.
    """
    _check_rule()
    size = max(memory // _PLACE_BYTES, 1)
    lows = range(0, count, size)
    draws = _Draws(random)
    with ExitStack() as files:
        waiting = [_Records(files, folder, 3) for _ in lows]  # place here, place of another block, number that comes
        known = [_Records(files, folder, 2) for _ in lows]  # number of this block, its place

        def place(numbers: np.ndarray, places: np.ndarray) -> None:
            _hand_out(known, size, numbers, numbers, places)

        for low in reversed(lows):
            numbers = np.arange(low, min(low + size, count))
            for here, elsewhere, coming in waiting[low // size].read():
                _exchange(numbers, low, here, coming)
                place(coming, elsewhere)
            waiting.pop().close()
            for top in range(low + len(numbers), low, -_CHUNK):
                places = np.arange(top - 1, max(top - _CHUNK, low) - 1, -1)
                drawn = draws.up_to(places)
                _shuffle(numbers, low, places, drawn)
                final = numbers[places - low]
                far = drawn < low
                place(final[~far], places[~far])
                _hand_out(waiting, size, drawn[far], drawn[far], places[far], final[far])
        for low in lows:
            places_of = np.empty(min(size, count - low))
            for numbers, places in known[low // size].read():
                places_of[numbers - low] = places
            known[low // size].close()
            yield places_of


@functools.cache
def _check_rule() -> None:
    """NumPy promises the same draws for one version only, so the rule is tried out before it is relied on."""
    places = np.arange(2_000, -1, -1)
    numbers = np.arange(len(places))
    _shuffle(numbers, 0, places, _Draws(np.random.default_rng(0)).up_to(places))
    if not np.array_equal(numbers, np.random.default_rng(0).permutation(len(places))):
        raise RuntimeError(
            f"NumPy {np.__version__} shuffles by a rule that is not known here, so that a random order of edges on "
            "disk would not be that of edges in memory; leave max_memory out, or install NumPy 2.4"
        )


class _Draws:
    """Draws as ``Generator.shuffle`` makes them: the bits that a place needs, until they are a place up to it."""

    def __init__(self, random: np.random.Generator) -> None:
        self._bits = random.bit_generator
        self._words = np.empty(0, dtype=np.uint64)
        self._at = 0

    def up_to(self, places: np.ndarray) -> np.ndarray:
        """A draw from 0 to each of the falling places: int64."""
        drawn = np.empty(len(places), dtype=np.int64)
        done = 0
        while done < len(places):
            if self._at >= 2 * len(self._words):
                self._words, self._at = self._bits.random_raw(_CHUNK), 0
            done, self._at = _draw(self._words, self._at, places, drawn, done)
        return drawn


class _Records:
    """Records of some integers in a file without a name, to be read once in the order in which they were written."""

    def __init__(self, files: ExitStack, folder: Path, width: int) -> None:
        self._file = files.enter_context(temporary_file(folder))
        self._width = width

    def add(self, records: np.ndarray) -> None:
        write_array(self._file, records)

    def read(self) -> Iterator[np.ndarray]:
        """Columns ``[width, records]``, some at a time."""
        length = self._file.seek(0, 2) // 8
        for start in range(0, length, self._width * _CHUNK):
            yield np.ascontiguousarray(read_array(self._file, start, self._width * _CHUNK).reshape(-1, self._width).T)

    def close(self) -> None:
        self._file.close()


def _hand_out(blocks: list[_Records], size: int, by: np.ndarray, *columns: np.ndarray) -> None:
    """Add records to those of the block that ``by`` lies in, in their order."""
    if len(by) == 0:
        return
    block = by // size
    order = np.argsort(block, kind="stable")
    records = np.stack(columns, axis=1)[order]
    there, first = np.unique(block[order], return_index=True)
    for at, part in zip(there, np.split(records, first[1:]), strict=True):
        blocks[at].add(part)


@compiled
def _draw(words: np.ndarray, at: int, places: np.ndarray, drawn: np.ndarray, done: int) -> tuple[int, int]:
    """Draw as long as there are words: how many draws are done, and which half word is the next."""
    while done < len(places):
        place = np.uint64(places[done])
        mask = place
        for shift in (1, 2, 4, 8, 16, 32):
            mask |= mask >> np.uint64(shift)
        if place == 0:
            value = place
        elif at >= 2 * len(words):
            break
        elif mask >> np.uint64(32):
            value = words[at >> 1] & mask
            at += 2
        else:
            value = words[at >> 1] >> np.uint64(32 * (at & 1)) & np.uint64(0xFFFFFFFF) & mask
            at += 1
        if value <= place:
            drawn[done] = value
            done += 1
    return done, at


@compiled
def _shuffle(numbers: np.ndarray, low: int, places: np.ndarray, drawn: np.ndarray) -> None:
    """Exchange the numbers at places with those at the places drawn, where these are in the block too."""
    for i in range(len(places)):
        if drawn[i] >= low:
            a, b = places[i] - low, drawn[i] - low
            numbers[a], numbers[b] = numbers[b], numbers[a]


@compiled
def _exchange(numbers: np.ndarray, low: int, here: np.ndarray, coming: np.ndarray) -> None:
    """Exchange the numbers at places of the block with those that come, one after the other."""
    for i in range(len(here)):
        a = here[i] - low
        numbers[a], coming[i] = coming[i], numbers[a]
