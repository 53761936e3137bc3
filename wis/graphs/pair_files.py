"""The pairs of a graph on disk, for graphs that do not fit into memory.

A pair ``{u, v}``, ``u < v``, is kept as ``u << 32 | v``; sorted, these are in canonical order, and the position of a
pair is what it is in an :class:`~wis.graphs.edge_list.EdgeList`. Files have no name: they are gone when they are
closed, or when the process ends, in whatever way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from wis.graphs.disk_arrays import read_array, temporary_file, write_array
from wis.graphs.sorted_runs import Columns, SortedRuns
from wis.kernels import compiled

# Pairs read at a time.
BLOCK_PAIRS = 1 << 20

# Bytes for a key that is merged: its own, one in the range put together, one in what is left, and what tells repeats.
_SORTING_BYTES = 26


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

    def pair_blocks(self) -> Iterator[np.ndarray]:
        """The pairs, some at a time: int64 ``[2, block]``, as :meth:`EdgeList.pair_blocks` has them."""
        for keys, _ in self.blocks():
            yield np.stack([tails(keys), heads(keys)])

    def degrees(self) -> np.ndarray:
        """Number of pairs at every vertex: int32 ``[n]``. Reads all pairs."""
        degree = np.zeros(self.num_nodes, dtype=np.int32)
        for keys, _ in self.blocks():
            _count_degrees(keys, degree)
        return degree

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
    O(E log E) time.
    """
    runs = SortedRuns(folder, memory // _SORTING_BYTES, [np.int64], _sorted_unique)
    largest = -1
    for tail, head in columns:
        if len(tail) == 0:
            continue
        largest = max(largest, int(tail.max()), int(head.max()))
        low, high = np.minimum(tail, head).astype(np.int64), np.maximum(tail, head).astype(np.int64)
        runs.add((low << 32 | high)[low != high])
    runs.end()
    size = largest + 1 if num_nodes is None else num_nodes
    if len(runs.lengths) == 1:
        return PairFile(size, runs.lengths[0], runs.files[0])
    merged, num_pairs = temporary_file(folder), 0
    with closing(runs):
        for (keys,) in runs.merged(progress=progress):
            write_array(merged, keys)
            num_pairs += len(keys)
    return PairFile(size, num_pairs, merged)


def _sorted_unique(columns: Columns) -> Columns:
    (keys,) = columns
    keys.sort()
    first = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return [keys if first.all() else keys[first]]


@compiled
def mark(bits: np.ndarray, numbers: np.ndarray) -> None:
    """Set the bits of pairs: uint8 ``[m // 8 + 1]``, one bit a pair, lowest first, and int64 positions."""
    for number in numbers:
        bits[number >> 3] |= np.uint8(1 << (number & 7))


@compiled
def _count_degrees(keys: np.ndarray, degree: np.ndarray) -> None:
    for key in keys:
        degree[key >> 32] += 1
        degree[key & 0xFFFFFFFF] += 1
