"""Files that hold one edge a row, read and written in blocks: what text, Parquet and NumPy files have in common.

A file is read twice, once for its pairs and once to copy the rows that stay. Between the two only the pairs are in
memory, so that the memory taken is that of the pairs and not that of the file.
"""

from __future__ import annotations

import abc
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wis.graphs.edge_list import EdgeList

# Bytes of a file from which on reading and writing it show their progress.
PROGRESS_FROM_BYTES = 1 << 26

WEIGHT_NAMES = ("weight", "edge_weight")

# A pair is looked up by u * num_nodes + v, and the square of the next number does not fit into 63 bits.
_MOST_NODES = 3_037_000_499


@dataclass(frozen=True)
class Block:
    """Some rows: their endpoints, integer ``[rows]`` each, and what is needed to copy them."""

    tail: np.ndarray
    head: np.ndarray
    content: Any


class Rows:
    """What happens to the rows of each pair."""

    def __init__(self, path: Path, edges: EdgeList, kept: np.ndarray, weights: np.ndarray | None) -> None:
        self._path = path
        self._edges = edges
        self._keys = edges.pairs[0] * edges.num_nodes
        self._keys += edges.pairs[1]
        self._kept = kept
        self.weights = weights

    def look_up(self, tail: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Which rows stay, and the factors of the weights of these."""
        loop = tail == head
        if not self._edges.directed:
            tail, head = np.minimum(tail, head), np.maximum(tail, head)
        key = tail.astype(np.int64) * self._edges.num_nodes + head.astype(np.int64)
        pair, found = self._find(key)
        if not np.all(found | loop):
            raise ValueError(f"{self._path} was changed while it was read")
        stays = loop.copy()
        stays[~loop] = self._kept[pair[~loop]]
        if self.weights is None:
            return stays, None
        factor = np.ones(len(key))
        factor[~loop] = self.weights[pair[~loop]]
        return stays, factor[stays]

    def _find(self, key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The position of each key, and whether it is there."""
        if len(self._keys) == 0:
            return np.zeros(len(key), dtype=np.int64), np.zeros(len(key), dtype=bool)
        # In rising order, so that searches after one another touch the same memory: ten times as fast where it is much.
        order = np.argsort(key)
        pair = np.empty(len(key), dtype=np.int64)
        pair[order] = np.searchsorted(self._keys, key[order])
        np.minimum(pair, len(self._keys) - 1, out=pair)
        return pair, self._keys[pair] == key


class Table(abc.ABC):
    """A file with one edge a row."""

    data = None

    def __init__(self, path: Path, num_nodes: int | None) -> None:
        self.path = path
        self._num_nodes = num_nodes
        self._edges: EdgeList | None = None

    def edges(self, directed: bool = False) -> EdgeList:
        """Read the pairs; undirected unless ``directed``, whatever directions the rows have."""
        tails, heads = [], []
        largest = -1
        allowed = _MOST_NODES if self._num_nodes is None else self._num_nodes
        for block in self._blocks("reading"):
            low = min(block.tail.min(initial=0), block.head.min(initial=0))
            high = max(block.tail.max(initial=0), block.head.max(initial=0))
            if len(block.tail) == 0:
                continue
            if low < 0 or high >= allowed:
                self._refuse_vertex(block, allowed - 1)
            largest = max(largest, int(high))
            narrow = np.int32 if high < 1 << 31 else np.int64
            tails.append(block.tail.astype(narrow))
            heads.append(block.head.astype(narrow))
        num_nodes = largest + 1 if self._num_nodes is None else self._num_nodes
        self._edges = EdgeList.from_columns(_gather(tails, heads), num_nodes, bool(directed))
        return self._edges

    def write(self, out: str | os.PathLike[str], kept: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Copy the rows of the kept pairs, and self-loops, in their order; all or nothing."""
        edges = self.edges() if self._edges is None else self._edges
        self._copy(Path(out), Rows(self.path, edges, kept, weights))

    @property
    def _is_large(self) -> bool:
        """Whether reading the file takes long enough to show progress."""
        return self.path.stat().st_size >= PROGRESS_FROM_BYTES

    @abc.abstractmethod
    def _blocks(self, what: str) -> Iterator[Block]:
        """All rows, in order; ``what`` is "reading" or "writing"."""

    @abc.abstractmethod
    def _copy(self, out: Path, rows: Rows) -> None:
        """Write the rows that stay."""

    @abc.abstractmethod
    def _position(self, block: Block, row: int) -> str:
        """Where a row stands, for an error message."""

    def _refuse_vertex(self, block: Block, largest: int) -> None:
        ends = np.stack([block.tail, block.head])
        row = int(np.flatnonzero(((ends < 0) | (ends > largest)).any(axis=0))[0])
        vertex = next(int(end) for end in ends[:, row] if not 0 <= end <= largest)
        rule = "vertices are numbered from 0"
        if self._num_nodes is not None:
            rule += f" to {largest}, by --num-nodes"
        elif vertex > largest:
            rule += f" to at most {largest}; give them smaller numbers"
        raise ValueError(f"{self._position(block, row)}: vertex {vertex} is out of range; {rule}")


def _gather(tails: list[np.ndarray], heads: list[np.ndarray]) -> np.ndarray:
    """Put blocks together as ``[2, E]``, giving each up as soon as it is copied."""
    dtype = np.result_type(np.int32, *{part.dtype for part in tails})
    columns = np.empty((2, sum(map(len, tails))), dtype=dtype)
    for row, parts in zip(columns, (tails, heads), strict=True):
        end = len(row)
        while parts:
            part = parts.pop()
            row[end - len(part) : end] = part
            end -= len(part)
    return columns
