"""Files that hold one edge a row, read and written in blocks: what text, Parquet and NumPy files have in common.

A file is read twice, once for its pairs and once to copy the rows that stay. Between the two only the pairs are in
memory, so that the memory taken is that of the pairs and not that of the file.
"""

from __future__ import annotations

import abc
import copy
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

# Numbers of vertices that are no burden, whether they have edges or not.
_FEW_NODES = 1 << 16


@dataclass(frozen=True)
class Block:
    """Some rows: their endpoints, integer ``[rows]`` each, and what is needed to copy them."""

    tail: np.ndarray
    head: np.ndarray
    content: Any


class Rows:
    """What happens to the rows of each pair.

    Parameters
    ----------
    path
        The file that the rows are in, for an error.
    edges
        The pairs of the rows that were there before.
    kept
        bool ``[m]``: the pairs that stay.
    weights
        float64 ``[m]``: factors of their weights, or None.
    before
        What happened to the rows before, or None.
    """

    def __init__(
        self, path: Path, edges: EdgeList, kept: np.ndarray, weights: np.ndarray | None, before: Rows | None = None
    ) -> None:
        self._path = path
        self._edges = edges
        self._keys = edges.pairs[0] * edges.num_nodes
        self._keys += edges.pairs[1]
        self._kept = kept
        self._weights = weights
        self._before = before

    @property
    def is_weighted(self) -> bool:
        """Whether weights change."""
        return self._weights is not None or (self._before is not None and self._before.is_weighted)

    def look_up(self, tail: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Which rows stay, and the factors of the weights of these; None if weights do not change."""
        if self._before is None:
            stays, factors = self._look_up(tail, head)
            return stays, factors if self.is_weighted else None
        stays, earlier = self._before.look_up(tail, head)
        still, factors = self._look_up(tail[stays], head[stays])
        stays[stays] = still
        if earlier is not None:
            factors = earlier[still] * factors
        return stays, factors if self.is_weighted else None

    def _look_up(self, tail: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of the rows that were there before stay, and the factors of the weights of these."""
        loop = tail == head
        if not self._edges.directed:
            tail, head = np.minimum(tail, head), np.maximum(tail, head)
        key = tail.astype(np.int64) * self._edges.num_nodes + head.astype(np.int64)
        pair, found = self._find(key)
        if not np.all(found | loop):
            raise ValueError(f"{self._path} was changed while it was read")
        stays = loop.copy()
        stays[~loop] = self._kept[pair[~loop]]
        if self._weights is None:
            return stays, np.ones(1)
        factor = np.ones(len(key))
        factor[~loop] = self._weights[pair[~loop]]
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


class EdgeTable(abc.ABC):
    """A file with one edge a row, as a graph; :func:`wis.sparsify` makes of it the same file with fewer rows.

    It is undirected unless ``directed=True``, whatever directions the rows have. Its rows stay in the file and are read
    again whenever they are needed, so the file must not change before the sparse table is written.

    Attributes
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._num_nodes: int | None = None  # where the file says it, or the table is a part of another
        self._rows: Rows | None = None

    @property
    def edge_index(self) -> np.ndarray:
        """int64 ``[2, E]``: the endpoints of the rows, in their order. O(E) time and memory at each call."""
        return self._columns(None)[0].astype(np.int64, copy=False)

    def load_pairs(self, num_nodes: int | None = None, directed: bool | None = None) -> LoadedTable:
        """Read the pairs; this makes a table a graph for :func:`wis.graphs.load.load_graph`.

        Parameters
        ----------
        num_nodes
            Number of vertices. Default: what the file says, or the largest index plus one.
        directed
            Whether rows ``u, v`` and ``v, u`` are two pairs.
        """
        columns, size = self._columns(num_nodes)
        return LoadedTable(EdgeList.from_columns(columns, size, bool(directed)), self)

    def keep_pairs(self, edges: EdgeList, kept: np.ndarray, weights: np.ndarray | None = None) -> EdgeTable:
        """The table with the rows of some of its pairs, and self-loops, in their order.

        Parameters
        ----------
        edges
            The pairs of this table.
        kept
            bool ``[m]``: which of them stay.
        weights
            float64 ``[m]``: factors of their weights, or None.
        """
        sparse = copy.copy(self)
        sparse._num_nodes = edges.num_nodes
        sparse._rows = Rows(self.path, edges, kept, weights, self._rows)
        return sparse

    def write(self, out: Path) -> None:
        """Write the rows that stay, all or nothing."""
        if self._rows is not None:
            self._copy(out, self._rows)
            return
        edges = self.load_pairs().edges
        self._copy(out, Rows(self.path, edges, np.ones(edges.num_pairs, dtype=bool), None))

    @property
    def _is_large(self) -> bool:
        """Whether reading the file takes long enough to show progress."""
        return self.path.stat().st_size >= PROGRESS_FROM_BYTES

    @abc.abstractmethod
    def _blocks(self, what: str) -> Iterator[Block]:
        """All rows of the file, in order; ``what`` is "reading" or "writing"."""

    @abc.abstractmethod
    def _copy(self, out: Path, rows: Rows) -> None:
        """Write the rows that stay."""

    @abc.abstractmethod
    def _position(self, block: Block, row: int) -> str:
        """Where a row stands, for an error message."""

    def _columns(self, num_nodes: int | None) -> tuple[np.ndarray, int]:
        """The endpoints of the rows that stay, int32 or int64 ``[2, E]``, and the number of vertices."""
        tails, heads = [], []
        largest = -1
        size = self._num_nodes if num_nodes is None else num_nodes
        allowed = _MOST_NODES if size is None else size
        for block in self._blocks("reading"):
            low = min(block.tail.min(initial=0), block.head.min(initial=0))
            high = max(block.tail.max(initial=0), block.head.max(initial=0))
            if len(block.tail) == 0:
                continue
            if low < 0 or high >= allowed:
                self._refuse_vertex(block, allowed - 1, size is not None)
            largest = max(largest, int(high))
            narrow = np.int32 if high < 1 << 31 else np.int64
            stays = slice(None) if self._rows is None else self._rows.look_up(block.tail, block.head)[0]
            tails.append(block.tail[stays].astype(narrow))
            heads.append(block.head[stays].astype(narrow))
        return _gather(tails, heads), largest + 1 if size is None else size

    def _refuse_vertex(self, block: Block, largest: int, is_given: bool) -> None:
        ends = np.stack([block.tail, block.head])
        row = int(np.flatnonzero(((ends < 0) | (ends > largest)).any(axis=0))[0])
        vertex = next(int(end) for end in ends[:, row] if not 0 <= end <= largest)
        rule = "vertices are numbered from 0"
        if is_given:
            rule += f" to {largest}, by num_nodes"
        elif vertex > largest:
            rule += f" to at most {largest}; give them smaller numbers"
        raise ValueError(f"{self._position(block, row)}: vertex {vertex} is out of range; {rule}")


@dataclass(frozen=True, eq=False)
class LoadedTable:
    """An edge table that was read; it answers as :class:`wis.graphs.edge_list.LoadedGraph` does."""

    edges: EdgeList
    table: EdgeTable
    data: None = None
    labels: None = None
    has_different_weights: bool = False  # methods get the pairs of a table, not their weights

    def weighted_edges(self) -> EdgeList:
        """The pairs."""
        return self.edges

    def keep_pairs(self, kept: np.ndarray, weights: np.ndarray | None = None) -> EdgeTable:
        """The sparse table: see :meth:`EdgeTable.keep_pairs`."""
        return self.table.keep_pairs(self.edges, kept, weights)


def close_gaps(edges: EdgeList) -> EdgeList:
    """Number the vertices that have an edge one after another, where most others have none.

    Methods keep arrays over all vertices from 0 to the largest one, which may be 10^9 in a file with ten rows. What
    they return are positions of pairs, and these are the same: the new numbers are in the order of the old ones.

    Returns
    -------
    EdgeList
        ``edges`` itself where there are at most four vertices a pair, or few. O(m log m) time.
    """
    if edges.num_nodes <= max(4 * edges.num_pairs, _FEW_NODES):
        return edges
    vertices = np.unique(edges.pairs)
    return EdgeList(len(vertices), np.searchsorted(vertices, edges.pairs), edges.directed)


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
