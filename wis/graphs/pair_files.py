"""The pairs of a graph on disk, for graphs that do not fit into memory.

A pair ``{u, v}``, ``u < v``, is kept as ``u << 32 | v``; sorted, these are in canonical order, and the position of a
pair is what it is in an :class:`~wis.graphs.edge_list.EdgeList`. Files have no name: they are gone when they are
closed, or when the process ends, in whatever way.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from wis.progress import track

# Pairs read at a time.
BLOCK_PAIRS = 1 << 20

# Samples kept of every sorted run, by which runs are merged range by range.
_SAMPLES = 1 << 12

# Bytes for a key that is merged: its own, one in the range put together, one in what is left, and what tells repeats.
_SORTING_BYTES = 26


def temporary_file(folder: Path) -> IO[bytes]:
    """A file without a name on the disk of a folder."""
    return tempfile.TemporaryFile(dir=folder)


def write_array(file: IO[bytes], values: np.ndarray) -> None:
    """Append numbers to a file; unlike NumPy's own way, a full disk is told as one."""
    file.write(np.ascontiguousarray(values).data)


def read_array(file: IO[bytes], start: int, count: int, dtype: Any = np.int64) -> np.ndarray:
    """``count`` numbers of a file from the one at ``start`` on, or as many as there are."""
    values = np.empty(count, dtype=dtype)
    file.seek(start * values.itemsize)
    return values[: file.readinto(values.data) // values.itemsize]  # type: ignore[attr-defined]


def tails(keys: np.ndarray) -> np.ndarray:
    """The smaller ends of pairs: int64."""
    return keys >> 32


def heads(keys: np.ndarray) -> np.ndarray:
    """The larger ends of pairs: int64."""
    return keys & 0xFFFFFFFF


@dataclass(frozen=True, eq=False)
class PairFile:
    """Pairs on disk, in canonical order.

    Attributes
    ----------
    num_nodes
        Number of vertices.
    num_pairs
        How many pairs are in the file.
    keys
        int64: ``u << 32 | v`` of every pair, ``u < v``, rising.
    numbers
        int64: the position of every pair among all of the graph; None where all are there.
    """

    num_nodes: int
    num_pairs: int
    keys: IO[bytes]
    numbers: IO[bytes] | None = None

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Keys and positions of the pairs, some at a time."""
        for start in range(0, self.num_pairs, BLOCK_PAIRS):
            count = min(BLOCK_PAIRS, self.num_pairs - start)
            numbers = np.arange(start, start + count)
            if self.numbers is not None:
                numbers = read_array(self.numbers, start, count)
            yield read_array(self.keys, start, count), numbers

    def fingerprint(self) -> str:
        """As :meth:`wis.graphs.edge_list.EdgeList.fingerprint` of the same undirected graph; reads all pairs twice."""
        digest = hashlib.sha256(f"{self.num_nodes},{self.num_pairs},False".encode())
        for end in (tails, heads):
            for keys, _ in self.blocks():
                digest.update(end(keys).data)
        return digest.hexdigest()

    def close(self) -> None:
        """Give the disk back."""
        self.keys.close()
        if self.numbers is not None:
            self.numbers.close()


def collect_pairs(
    columns: Iterable[tuple[np.ndarray, np.ndarray]],
    num_nodes: int | None,
    folder: Path,
    memory: int,
    *,
    progress: bool = False,
) -> PairFile:
    """Sort the pairs of an undirected graph on disk, each once.

    Parameters
    ----------
    columns
        Tails and heads of the stored edges, block by block: integers from 0 to 2**31 - 2. Duplicates, both directions
        and self-loops are fine.
    num_nodes
        Number of vertices; None: the largest plus one.
    folder
        On whose disk the pairs go: 8 bytes a column, and twice that while they are merged.
    memory
        Bytes that keys may take.
    progress
        Show progress of merging.

    Notes
    -----
    O(E log E) time. Runs that fit into memory are sorted and written, then merged: samples of all runs tell ranges of
    keys that fit into memory, and each range is read from every run and sorted again.
    """
    capacity = max(memory // _SORTING_BYTES, 1)
    runs = _Runs(temporary_file(folder), capacity)
    largest = -1
    for tail, head in columns:
        if len(tail) == 0:
            continue
        largest = max(largest, int(tail.max()), int(head.max()))
        low, high = np.minimum(tail, head).astype(np.int64), np.maximum(tail, head).astype(np.int64)
        runs.add((low << 32 | high)[low != high])
    return runs.merged(largest + 1 if num_nodes is None else num_nodes, folder, progress)


class _Runs:
    """Sorted runs of keys in one file."""

    def __init__(self, file: IO[bytes], capacity: int) -> None:
        self._file = file
        self._capacity = capacity
        self._step = max(capacity // _SAMPLES, 1)
        self._waiting = np.empty(capacity, dtype=np.int64)  # memory never touched is never used
        self._count = 0
        self._lengths: list[int] = []
        self._samples: list[np.ndarray] = []

    def add(self, keys: np.ndarray) -> None:
        while len(keys):
            part = keys[: self._capacity - self._count]
            self._waiting[self._count : self._count + len(part)] = part
            self._count += len(part)
            keys = keys[len(part) :]
            if self._count == self._capacity:
                self._end_run()

    def _end_run(self) -> None:
        run = _sorted_unique(self._waiting[: self._count])
        self._count = 0
        write_array(self._file, run)
        self._lengths.append(len(run))
        self._samples.append(run[:: self._step].copy())

    def merged(self, num_nodes: int, folder: Path, progress: bool) -> PairFile:
        self._end_run()
        self._waiting = np.empty(0, dtype=np.int64)
        if len(self._lengths) == 1:
            return PairFile(num_nodes, self._lengths[0], self._file)
        with self._file, track(sum(self._lengths), "sorting", enabled=progress) as advance:
            merged = temporary_file(folder)
            num_pairs = 0
            starts, places = np.cumsum([0, *self._lengths]), [0] * len(self._lengths)
            for last in self._ends_of_ranges():
                parts = []
                for i, samples in enumerate(self._samples):
                    # What comes at or after the first sample above `last` is above it too.
                    end = min(int(np.searchsorted(samples, last, "right")) * self._step, self._lengths[i])
                    part = read_array(self._file, int(starts[i]) + places[i], end - places[i])
                    part = part[: np.searchsorted(part, last, "right")]
                    places[i] += len(part)
                    parts.append(part)
                advance(sum(map(len, parts)))
                keys = _sorted_unique(np.concatenate(parts))
                write_array(merged, keys)
                num_pairs += len(keys)
        return PairFile(num_nodes, num_pairs, merged)

    def _ends_of_ranges(self) -> list[int]:
        """The last keys of ranges that have room in memory: rising."""
        samples = np.sort(np.concatenate(self._samples))
        # Between two samples of a run there are `step` keys, and every run may begin and end amid them.
        per_range = max(self._capacity // self._step - 2 * len(self._lengths), 1)
        return [*np.unique(samples[per_range - 1 :: per_range]).tolist(), np.iinfo(np.int64).max]


def _sorted_unique(keys: np.ndarray) -> np.ndarray:
    keys.sort()
    first = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys if first.all() else keys[first]
