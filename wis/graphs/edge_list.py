"""The edge list that methods work on, and a graph that was read into it.

A graph is read once into its *columns* (every stored edge, in its own order) and an :class:`EdgeList` (every pair that
a method may remove, once, in canonical order). A method works on the edge list only. To build the sparse graph, each
column follows its pair; self-loops are no pair and always stay.
"""

from __future__ import annotations

import hashlib
import numbers
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wis.checks import check_count
from wis.machine import free_memory

# Columns from which on it is worth asking whether their keys fit into memory.
_MANY_COLUMNS = 1 << 26

# Columns looked up at a time when they follow their pair, and pairs in a block: bounds the memory for temporary arrays
# to 8 MiB each.
_CHUNK = 1 << 20

# Arrays over so many vertices take no room worth saving.
_FEW_NODES = 1 << 16


@dataclass(frozen=True, eq=False)
class EdgeList:
    """The candidate pairs of a graph, each once, in canonical order.

    Attributes
    ----------
    num_nodes
        Number of vertices ``n``.
    pairs
        int64 ``[2, m]``. Undirected: ``u < v``, sorted by ``(u, v)``. Directed: sorted by ``(source, target)``,
        ``u != v``. No pair occurs twice. Read-only.
    directed
        Whether pairs are ordered.
    weights
        float64 ``[m]``, positive and finite, for methods that read weights; None where all pairs weigh the same.
    """

    num_nodes: int
    pairs: np.ndarray
    directed: bool = False
    weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        # A view that cannot be written, so that compiled kernels see one type of array wherever the pairs are from.
        pairs = self.pairs.view()
        pairs.flags.writeable = False
        object.__setattr__(self, "pairs", pairs)

    @property
    def num_pairs(self) -> int:
        """Number of pairs ``m``."""
        return self.pairs.shape[1]

    def degrees(self) -> np.ndarray:
        """Number of pairs at every vertex, of either direction if directed: int64 ``[n]``."""
        return np.bincount(self.pairs.ravel(), minlength=self.num_nodes)

    def pair_blocks(self) -> Iterator[np.ndarray]:
        """The pairs, some at a time, in canonical order: int64 ``[2, block]``."""
        for start in range(0, self.num_pairs, _CHUNK):
            yield self.pairs[:, start : start + _CHUNK]

    def fingerprint(self) -> str:
        """A SHA-256 over the vertices and pairs: equal for equal graphs, whatever they were read from."""
        digest = hashlib.sha256(f"{self.num_nodes},{self.num_pairs},{self.directed}".encode())
        digest.update(np.ascontiguousarray(self.pairs).data)
        return digest.hexdigest()

    @classmethod
    def from_columns(cls, columns: np.ndarray, num_nodes: int, directed: bool | None = False) -> EdgeList:
        """Collect the pairs of a graph given by its columns.

        Parameters
        ----------
        columns
            integer ``[2, E]``, every entry in ``[0, num_nodes)``. Duplicates and self-loops are fine.
        num_nodes
            Number of vertices.
        directed
            True: ordered pairs. False: a pair is there if either direction is. None: undirected, and both directions
            of every pair must be there.

        Raises
        ------
        ValueError
            If ``directed`` is None and the columns are not symmetric, or a column is out of range.
        TypeError
            If ``num_nodes`` or the columns are not integers.
        MemoryError
            If the columns are too many for the memory.

        Notes
        -----
        O(E log E) time for one sort; O(E) memory.
        """
        check_columns(columns, check_count("num_nodes", num_nodes), "columns")
        keys = _pair_keys(columns, num_nodes, directed=directed is not False)
        keys = _forward_half(keys, num_nodes) if directed is None else _sorted_unique(keys)
        pairs = np.empty((2, len(keys)), dtype=np.int64)
        np.floor_divide(keys, max(num_nodes, 1), out=pairs[0])
        np.remainder(keys, max(num_nodes, 1), out=pairs[1])
        return cls(num_nodes, pairs, bool(directed))

    def weighted(self, columns: np.ndarray, weights: np.ndarray) -> EdgeList:
        """The same pairs with the weights of the columns that they were collected from.

        Parallel copies of an edge add up, as conductances in parallel do. The two directions of an undirected pair are
        two records of one edge: where both are there, their mean counts. Weights of self-loops do not matter.

        Parameters
        ----------
        columns
            integer ``[2, E]``, as given to :meth:`from_columns`.
        weights
            ``[E]``, checked by :func:`check_weights`.

        Raises
        ------
        ValueError
            If the copies of an edge add up to more than float64 holds.

        Notes
        -----
        O(E log m) time.
        """
        pair = self.pair_of_columns(columns)
        is_pair = pair >= 0
        pair, forward = pair[is_pair], (columns[0] < columns[1])[is_pair]
        weights = weights[is_pair].astype(np.float64)
        # Counts of nothing are integers, whatever the weights.
        total: np.ndarray = np.bincount(pair, weights, minlength=self.num_pairs).astype(np.float64, copy=False)
        if not self.directed:
            there = np.zeros((2, self.num_pairs), dtype=bool)
            there[forward.astype(np.int8), pair] = True
            records = np.maximum(there.sum(axis=0), 1)
            total /= records
            if np.isinf(total).any():  # the sum does not fit, the mean may
                total = np.where(np.isinf(total), np.bincount(pair, weights / records[pair], self.num_pairs), total)
        if np.isinf(total).any():
            tail, head = self.pairs[:, int(np.flatnonzero(np.isinf(total))[0])]
            raise ValueError(
                f"the weights of the edges between {tail} and {head} add up to more than float64 holds (1.8e308): "
                "divide all weights by the same number"
            )
        return EdgeList(self.num_nodes, self.pairs, self.directed, total)

    def without_gaps(self) -> EdgeList:
        """The vertices that have an edge numbered one after another, where most others have none.

        Methods keep arrays over all vertices from 0 to the largest one, which may be 10^9 in a file with ten rows. What
        they return are positions of pairs, and these are the same: the new numbers are in the order of the old ones.
        The list itself where there are at most four vertices a pair, or few. O(m log m) time.
        """
        if self.num_nodes <= max(4 * self.num_pairs, _FEW_NODES):
            return self
        vertices = np.unique(self.pairs)
        return EdgeList(len(vertices), np.searchsorted(vertices, self.pairs), self.directed, self.weights)

    def pair_of_columns(self, columns: Any) -> Any:
        """For every column the position of its pair: int64 ``[E]``, -1 for self-loops. O(E log m) time."""
        keys = self.pairs[0] * self.num_nodes + self.pairs[1]
        positions = np.empty(columns.shape[1], dtype=np.int64)
        for start in range(0, columns.shape[1], _CHUNK):
            part = columns[:, start : start + _CHUNK].astype(np.int64, copy=False)
            tail, head = part if self.directed else (np.minimum(*part), np.maximum(*part))
            found = np.searchsorted(keys, tail * self.num_nodes + head)
            positions[start : start + _CHUNK] = np.where(part[0] == part[1], -1, found)
        return positions


def stated_weights(values: Sequence[Any]) -> np.ndarray:
    """Weights as a graph states them one by one: float64 ``[E]``; objects where some are no numbers, to be told of."""
    if all(isinstance(value, numbers.Real) for value in values):
        return np.array(values, dtype=np.float64)
    weights = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):  # all at once, NumPy would look into lists and arrays
        weights[i] = value
    return weights


def check_weights(columns: np.ndarray, weights: np.ndarray, *, positive: bool = True) -> np.ndarray:
    """Raise an error that names the edge, unless the weights ``[E]`` of all pairs are positive, finite, real numbers.

    ``positive=False`` allows all real numbers, for methods that multiply weights and do not read them. Returns the
    weights, as numbers where they are objects.
    """
    if weights.ndim != 1 and not positive:
        return weights  # several weights an edge are multiplied alike
    if weights.ndim != 1:
        raise TypeError(f"this method uses edge weights, which must be one number an edge, got {list(weights.shape)}")
    if weights.dtype.kind == "O":
        weights = stated_weights(weights.tolist())
    numeric = weights.dtype.kind in "fiub"
    if numeric:
        wrong = ~((weights > 0) & (weights < np.inf)) if positive else weights != weights  # NaN is not itself
        wrong &= columns[0] != columns[1]
    else:
        wrong = np.array([not isinstance(value, numbers.Real) for value in weights], dtype=bool)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        tail, head = (int(end) for end in columns[:, at])
        shown = str(weights[at]) if numeric else repr(weights[at])
        raise (ValueError if numeric else TypeError)(
            f"the weight of the edge from {tail} to {head} (position {at}) is {shown}; this method uses edge "
            f"weights, which must be {'positive, finite ' if positive else ''}numbers: drop such edges, or the weights"
        )
    return weights


def check_key_range(num_nodes: int) -> None:
    """Raise ``ValueError`` if keys ``u * num_nodes + v`` of pairs do not fit into int64."""
    if num_nodes > 3_037_000_499:  # its square is the largest below 2**63
        raise ValueError(
            f"num_nodes must be at most 3037000499, got {num_nodes} (the largest index plus one, if not given); "
            "number the vertices from 0 without large gaps"
        )


def _pair_keys(columns: np.ndarray, num_nodes: int, *, directed: bool) -> np.ndarray:
    """One int64 key a column, self-loops left out; keys sort as the canonical order does."""
    check_key_range(num_nodes)
    rows, cols = columns
    tail, head = (rows, cols) if directed else (np.minimum(rows, cols), np.maximum(rows, cols))
    keys = tail.astype(np.int64)
    keys *= num_nodes
    keys += head.astype(np.int64, copy=False)
    loops = rows == cols
    return keys[~loops] if loops.any() else keys


def _sorted_unique(keys: np.ndarray) -> np.ndarray:
    """Sort in place and drop repeats; needs no second array where there are none."""
    keys.sort()
    if len(keys) == 0:
        return keys
    first = np.empty(len(keys), dtype=bool)
    first[0] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys if first.all() else keys[first]


def _forward_half(keys: np.ndarray, num_nodes: int) -> np.ndarray:
    """Keys of the pairs ``u < v``, after checking that both directions of each are there."""
    forward_column = keys // num_nodes < keys % num_nodes
    forward = _sorted_unique(keys[forward_column])
    backward = keys[~forward_column]
    backward = _sorted_unique(backward % num_nodes * num_nodes + backward // num_nodes)
    if not np.array_equal(forward, backward):
        one_way = int(np.setxor1d(forward, backward, assume_unique=True)[0])
        raise not_symmetric(*divmod(one_way, num_nodes))
    return forward


def pairs_both_ways(columns: np.ndarray, edges: EdgeList) -> int:
    """How many pairs of an undirected list have columns in both directions.

    Parameters
    ----------
    columns
        integer ``[2, E]``, those that the list was collected from.
    edges
        The pairs.

    Notes
    -----
    O(E) time where no pair has two columns, or all columns run from the smaller end or all from the larger; else
    O(E log E).
    """
    forward, backward = columns[0] < columns[1], columns[0] > columns[1]
    counts = np.count_nonzero(forward), np.count_nonzero(backward)
    if min(counts) == 0 or sum(counts) == edges.num_pairs:
        return 0
    distinct = [
        len(_sorted_unique(_pair_keys(columns[:, way], edges.num_nodes, directed=False))) for way in (forward, backward)
    ]
    return sum(distinct) - edges.num_pairs


def not_symmetric(u: int, v: int) -> ValueError:
    """The error for a graph in which only one direction of a pair is there."""
    return ValueError(
        f"graph is not symmetric: between vertices {u} and {v} only one direction is there. Pass directed=True to "
        "sparsify it as a directed graph, or directed=False to treat every edge as undirected"
    )


def check_shape(columns: Any, name: str) -> None:
    """Raise ``ValueError`` unless the array or tensor has shape ``[2, E]``; ``[2, 2]`` is read as two columns."""
    if columns.ndim != 2 or columns.shape[0] != 2:
        hint = "; pass its transpose" if columns.ndim == 2 and columns.shape[1] == 2 else ""
        raise ValueError(f"{name} must have shape [2, E], got {list(columns.shape)}{hint}")
    check_room(columns.shape[1], name)


def check_room(num_columns: int, name: str) -> None:
    """Raise ``MemoryError`` if the keys of so many columns do not fit into memory, however few bytes they take.

    An array of stride 0 claims any number of columns for the memory of one.
    """
    need = 8 * num_columns
    if num_columns >= _MANY_COLUMNS and need > free_memory():
        raise MemoryError(
            f"{name} has {num_columns} columns, which need {need / 2**30:.0f} GiB of memory beside the graph; "
            f"{free_memory() / 2**30:.0f} GiB are free"
        )


def check_range(low: int, high: int, num_nodes: int | None, name: str) -> int:
    """Check the smallest and largest vertex of columns; return the number of vertices."""
    if low < 0:
        raise ValueError(f"{name} has the negative vertex {low}; vertices are numbered from 0")
    if num_nodes is None:
        return high + 1
    if high >= num_nodes:
        raise ValueError(f"{name} has vertex {high}, but num_nodes={num_nodes} allows only 0 to {num_nodes - 1}")
    return num_nodes


def check_columns(columns: np.ndarray, num_nodes: int | None, name: str) -> int:
    """Check shape, dtype and range of ``[2, E]`` columns; return the number of vertices."""
    check_shape(columns, name)
    if columns.shape[1] == 0:  # of any dtype: without numbers there is none to tell
        return num_nodes or 0
    if columns.dtype.kind not in "iu":
        raise TypeError(f"{name} must have an integer dtype, got {columns.dtype}")
    return check_range(int(columns.min()), int(columns.max()), num_nodes, name)


def refuse_weights(weights: Any) -> None:
    """Raise ``TypeError`` if there are weights: an edge_index has no place for them."""
    if weights is not None:
        raise TypeError(
            "this method returns edge weights, which an edge_index cannot carry; pass a PyG Data, a NetworkX graph or "
            "a SciPy sparse matrix"
        )


def require_undirected(edges: EdgeList, method: str) -> None:
    """Raise ``ValueError`` if the pairs are ordered; the message names the method and what to pass instead."""
    if edges.directed:
        raise ValueError(f"method {method!r} is defined for undirected graphs only; pass directed=False")


@dataclass(frozen=True, eq=False)
class LoadedGraph:
    """A graph of any supported type, read.

    Attributes
    ----------
    columns
        int64 ``[2, E]``: every stored edge in its own order, duplicates, both directions and self-loops included. A
        NumPy array; a torch tensor if the graph is on a GPU.
    edges
        Its candidate pairs.
    data
        The PyG graph if it is one, else None.
    rebuild
        ``rebuild(kept, weights)``: a graph of the same type with the columns of the bool mask ``kept`` (``[E]``), their
        weights multiplied by ``weights`` (float64 ``[E]``) unless None; arrays or tensors, as ``columns``.
    column_weights
        ``[E]``: the weight of every column, a NumPy array of whatever it holds; None where the graph has no weights.
    labels
        What the graph calls its vertices, in the order of their numbers; None where they are numbered.
    weights_note
        What a user of a method that reads weights should know of them, as the end of a sentence; empty for nothing.
    """

    columns: Any
    edges: EdgeList
    data: Any
    rebuild: Callable[[Any, Any], Any]
    column_weights: np.ndarray | None = None
    labels: list[Any] | None = None
    weights_note: str = ""

    def weighted_edges(self) -> EdgeList:
        """The candidate pairs with their weights, if the graph has any.

        Raises
        ------
        TypeError, ValueError
            As :meth:`EdgeList.weighted`.
        """
        if self.column_weights is None:
            return self.edges
        columns = self._host_columns()
        return self.edges.weighted(columns, check_weights(columns, self.column_weights))

    @property
    def has_different_weights(self) -> bool:
        """Whether the graph has weights that are not all the same; what is no number is another."""
        values = self.column_weights
        if values is not None and values.dtype.kind == "O":
            values = stated_weights(values.tolist())
        if values is None or len(values) == 0:
            return False
        return values.dtype.kind == "O" or bool((values != values[0]).any())

    def _host_columns(self) -> np.ndarray:
        return self.columns if isinstance(self.columns, np.ndarray) else self.columns.cpu().numpy()

    def column_mask(self, kept: np.ndarray) -> Any:
        """Which columns stay with the pairs ``kept`` (bool ``[m]``): bool ``[E]``, as ``columns`` array or tensor."""
        return _follow(self.edges.pair_of_columns(self.columns), kept, True)

    def keep_pairs(self, kept: np.ndarray, weights: np.ndarray | None = None) -> Any:
        """Build the sparse graph.

        Parameters
        ----------
        kept
            bool ``[m]``: which pairs stay. Self-loops always do.
        weights
            float64 ``[m]`` factors for the weights of the pairs, or None to leave weights as they are.

        Raises
        ------
        TypeError, ValueError
            If there are factors, and a weight of the graph is no positive, finite number.
        """
        if weights is not None and self.column_weights is not None:
            check_weights(self._host_columns(), self.column_weights, positive=False)
        pair = self.edges.pair_of_columns(self.columns)
        column_weights = None if weights is None else _follow(pair, weights, 1.0)
        return self.rebuild(_follow(pair, kept, True), column_weights)


def _follow(pair: Any, values: np.ndarray, of_loops: float) -> Any:
    """The values ``[m]`` of pairs for every column, where its pair is: position -1, a self-loop, reads the last one."""
    extended = np.append(values, of_loops)
    if isinstance(pair, np.ndarray):
        return extended[pair]
    import torch

    return torch.from_numpy(extended).to(pair.device)[pair]
