"""Files that hold one edge a row, read and written in blocks: what text, Parquet and NumPy files have in common.

A file is read twice, once for its pairs and once to copy the rows that stay. Between the two only the pairs are in
memory, so that the memory taken is that of the pairs and not that of the file.
"""

from __future__ import annotations

import abc
import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from wis.graph_files.vertices import Vertices
from wis.graphs.edge_list import EdgeList, check_weights, pairs_both_ways
from wis.notices import tell

# Bytes of a file from which on reading and writing it show their progress.
PROGRESS_FROM_BYTES = 1 << 26

# A pair is looked up by u * num_nodes + v, and the square of the next number does not fit into 63 bits.
_MOST_NODES = 3_037_000_499


@dataclass(frozen=True)
class Block:
    """Some rows.

    Attributes
    ----------
    tail, head
        Their endpoints as the file has them, ``[rows]`` each: integers, or names in an Arrow array.
    content
        What is needed to copy them.
    weights
        ``[rows]``, where they were asked for and are there.
    """

    tail: Any
    head: Any
    content: Any
    weights: np.ndarray | None = None


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
    def num_nodes(self) -> int:
        """Number of vertices."""
        return self._edges.num_nodes

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

    has_weights = False
    """Whether its rows have weights."""

    def __init__(self, path: Path, *, named: bool = False, bipartite: bool = False) -> None:
        self.path = path
        self._num_nodes: int | None = None  # where the file says it, or the table is a part of another
        self._vertices = Vertices(named=named, bipartite=bipartite)
        self._rows: Rows | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def edge_index(self) -> np.ndarray:
        """int64 ``[2, E]``: the endpoints of the rows, in their order. O(E) time and memory at each call.

        Names are numbered in the order of the alphabet; :attr:`labels` has them.
        """
        return self._columns(None)[0].astype(np.int64, copy=False)

    @property
    def labels(self) -> list[str] | None:
        """What the file calls its vertices, in the order of their numbers; None where they are numbers."""
        self._learn_vertices()
        return self._vertices.labels

    @property
    def is_named(self) -> bool:
        """Whether its vertices have names, as far as the columns tell."""
        return self._vertices.named

    def load_pairs(self, num_nodes: int | None = None, directed: bool | None = None) -> LoadedTable:
        """Read the pairs; this makes a table a graph for :func:`wis.graphs.load.load_graph`.

        Parameters
        ----------
        num_nodes
            Number of vertices. Default: what the file says, or the largest index plus one.
        directed
            Whether rows ``u, v`` and ``v, u`` are two pairs. None: they are one, and a warning says so where that is
            the case for some of the pairs only.

        Raises
        ------
        ValueError
            If a row is no edge; the message says where it stands.
        """
        columns, size = self._columns(num_nodes)
        edges = EdgeList.from_columns(columns, size, bool(directed))
        both = 0 if directed is not None else pairs_both_ways(columns, edges)
        if 0 < both < edges.num_pairs:
            tell(
                f"{self.path}: {both:,} of {edges.num_pairs:,} pairs have rows in both directions, and count as one "
                "undirected edge each. Pass directed=True if these are two"
            )
        return LoadedTable(edges, self)

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
        edges = self.load_pairs(directed=False).edges
        self._copy(out, Rows(self.path, edges, np.ones(edges.num_pairs, dtype=bool), None))

    def write_rows(self, out: Path, rows: Rows) -> None:
        """Write those rows of the file that stay by ``rows``, which is asked block by block, in their order."""
        self._copy(out, rows)

    @property
    def _is_large(self) -> bool:
        """Whether reading the file takes long enough to show progress."""
        return self.path.stat().st_size >= PROGRESS_FROM_BYTES

    def row_weights(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Endpoints ``[2, rows]`` and weights ``[rows]`` of the rows that stay, block by block.

        Raises
        ------
        ValueError
            If a weight is no number; the message says where it stands.
        """
        for block in self._numbered("reading", weights=self.has_weights):
            weights = np.ones(len(block.tail)) if block.weights is None else block.weights
            columns = np.stack([block.tail, block.head])
            if self._rows is not None:
                stays, factors = self._rows.look_up(block.tail, block.head)
                columns, weights = columns[:, stays], weights[stays]
                weights = weights if factors is None else weights * factors
            yield columns, weights

    @property
    def is_weighted(self) -> bool:
        """Whether its rows have weights, of the file or by a method."""
        return self.has_weights or (self._rows is not None and self._rows.is_weighted)

    @property
    def has_different_weights(self) -> bool:
        """Whether its rows have weights that are not all the same; reads them until two differ."""
        first = None
        try:
            for _, weights in self.row_weights() if self.is_weighted else ():
                first = weights[0] if first is None and len(weights) else first
                if (weights != first).any():
                    return True
        except ValueError:  # one that is no number is another
            return True
        return False

    @abc.abstractmethod
    def _blocks(self, what: str, *, weights: bool = False) -> Iterator[Block]:
        """All rows of the file, in order; ``what`` is "reading" or "writing", ``weights`` whether to read these."""

    def _learn_vertices(self) -> None:
        self._vertices.learn((block.tail, block.head) for block in self._blocks("reading"))

    def _numbered(self, what: str, *, weights: bool = False) -> Iterator[Block]:
        """All rows with the numbers of their vertices."""
        self._learn_vertices()
        for block in self._blocks(what, weights=weights):
            yield self._number(block)

    def _number(self, block: Block) -> Block:
        try:
            tail, head = self._vertices.number(block.tail, block.head)
        except KeyError:
            raise ValueError(f"{self.path} was changed while it was read") from None
        return replace(block, tail=tail, head=head)

    @abc.abstractmethod
    def _copy(self, out: Path, rows: Rows) -> None:
        """Write the rows that stay."""

    @abc.abstractmethod
    def _position(self, block: Block, row: int) -> str:
        """Where a row stands, for an error message."""

    def _columns(self, num_nodes: int | None) -> tuple[np.ndarray, int]:
        """The endpoints of the rows that stay, int32 or int64 ``[2, E]``, and the number of vertices."""
        try:
            return self._read_columns(num_nodes)
        except TooLargeError:
            if num_nodes is not None or self._num_nodes is not None:
                raise
        self._vertices = Vertices(named=True, bipartite=self._vertices.bipartite)
        self._learn_vertices()
        self._vertices.refuse_negative(str(self.path))
        return self._read_columns(num_nodes)

    def _read_columns(self, num_nodes: int | None) -> tuple[np.ndarray, int]:
        tails, heads = [], []
        largest = -1
        for block in self.checked_blocks(num_nodes):
            high = max(block.tail.max(), block.head.max())
            largest = max(largest, int(high))
            narrow = np.int32 if high < 1 << 31 else np.int64
            stays = slice(None) if self._rows is None else self._rows.look_up(block.tail, block.head)[0]
            tails.append(block.tail[stays].astype(narrow))
            heads.append(block.head[stays].astype(narrow))
        size = self._size(num_nodes)
        return _gather(tails, heads), largest + 1 if size is None else size

    def checked_blocks(self, num_nodes: int | None = None) -> Iterator[Block]:
        """All rows of the file with the numbers of their vertices, block by block; none of the blocks is empty.

        Raises
        ------
        ValueError
            If a row is no edge between vertices from 0 to ``num_nodes - 1``; the message says where it stands.
        """
        self._learn_vertices()
        size = self._size(num_nodes)
        allowed = _MOST_NODES if size is None else size
        for block in self._blocks("reading"):
            if len(block.tail) == 0:
                continue
            if not self._vertices.named:
                self._check_range(block, allowed, is_given=size is not None)
            yield self._number(block)

    def _size(self, num_nodes: int | None) -> int | None:
        """The number of vertices, where it is known before the rows are read."""
        size = self._num_nodes if num_nodes is None else num_nodes
        names = self._vertices.num_nodes
        if size is not None and names is not None and size < names:
            raise ValueError(f"{self.path} names {names} vertices, but num_nodes={size}; leave num_nodes out")
        return names if size is None else size

    def _check_range(self, block: Block, allowed: int, *, is_given: bool) -> None:
        low = min(block.tail.min(), block.head.min())
        if low >= 0 and max(block.tail.max(), block.head.max()) < allowed:
            return
        ends = np.stack([block.tail, block.head])
        row = int(np.flatnonzero(((ends < 0) | (ends >= allowed)).any(axis=0))[0])
        vertex = next(int(end) for end in ends[:, row] if not 0 <= end < allowed)
        rule = "vertices are numbered from 0" + (f" to {allowed - 1}, by num_nodes" if is_given else "")
        kind = ValueError if low < 0 or is_given else TooLargeError
        raise kind(f"{self._position(block, row)}: vertex {vertex} is out of range; {rule}")


class TooLargeError(ValueError):
    """A vertex has a number that is too large to count vertices from 0; such numbers are names."""


@dataclass(frozen=True, eq=False)
class LoadedTable:
    """An edge table that was read; it answers as :class:`wis.graphs.edge_list.LoadedGraph` does."""

    edges: EdgeList
    table: EdgeTable
    data: None = None
    weights_note: str = ""

    @property
    def labels(self) -> list[str] | None:
        """What the table calls its vertices."""
        return self.table.labels

    @property
    def has_different_weights(self) -> bool:
        """Whether its rows have weights that are not all the same."""
        return self.table.has_different_weights

    def weighted_edges(self) -> EdgeList:
        """The pairs with the weights of their rows, read now.

        Raises
        ------
        TypeError, ValueError
            If a weight is no positive, finite number.
        """
        if not self.table.is_weighted:
            return self.edges
        parts = list(self.table.row_weights())
        columns = np.concatenate([columns for columns, _ in parts], axis=1) if parts else np.empty((2, 0), np.int64)
        weights = np.concatenate([weights for _, weights in parts]) if parts else np.empty(0)
        check_weights(columns, weights)
        return self.edges.weighted(columns, weights)

    def keep_pairs(self, kept: np.ndarray, weights: np.ndarray | None = None) -> EdgeTable:
        """The sparse table: see :meth:`EdgeTable.keep_pairs`."""
        return self.table.keep_pairs(self.edges, kept, weights)


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
