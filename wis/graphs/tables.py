"""Edge tables in memory: pandas and polars frames with one edge a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from wis.graphs.edge_list import EdgeList, LoadedGraph
from wis.graphs.labels import number_vertices

ENDS = (
    ("source", "target"),
    ("src", "dst"),
    ("from", "to"),
    ("u", "v"),
    ("head", "tail"),
    ("subject", "object"),
    ("node1", "node2"),
    ("id1", "id2"),
    ("sourceid", "targetid"),
    ("srcid", "dstid"),
    ("fromid", "toid"),
    ("fromnode", "tonode"),
    ("fromnodeid", "tonodeid"),
    ("startid", "endid"),
)
_WEIGHTS = ("weight", "edge_weight")


def load_pandas(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read a ``pandas.DataFrame``; the sparse one has the rows that stay, with their index."""
    columns, loaded, weight = _load(graph, list(graph.columns), num_nodes, directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> Any:
        sparse = graph[kept]
        if weights is None:
            return sparse
        old = 1.0 if weight is None else sparse[weight]
        return sparse.assign(**{weight or _WEIGHTS[0]: old * weights[kept]})

    return LoadedGraph(columns, loaded.edges, None, rebuild, loaded.column_weights, loaded.labels)


def load_polars(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read a ``polars.DataFrame``; the sparse one has the rows that stay."""
    columns, loaded, weight = _load(graph, list(graph.columns), num_nodes, directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> Any:
        import polars

        sparse = graph.filter(polars.Series(kept))
        if weights is None:
            return sparse
        old = 1.0 if weight is None else sparse[weight].to_numpy()
        return sparse.with_columns(polars.Series(weight or _WEIGHTS[0], old * weights[kept]))

    return LoadedGraph(columns, loaded.edges, None, rebuild, loaded.column_weights, loaded.labels)


def find_ends(names: Sequence[Any]) -> tuple[int, int] | None:
    """Positions of the columns that are called as ends of edges are, or None if there are none.

    Upper or lower case, with or without ``_``, ``:`` and blanks between the words.
    """
    plain = [re.sub(r"[\W_]", "", str(name)).lower() for name in names]
    for tail, head in ENDS:
        if plain.count(tail) == plain.count(head) == 1:
            return plain.index(tail), plain.index(head)
    return None


def find_weight(names: Sequence[Any]) -> int | None:
    """Position of the column that is called as a weight is, or None."""
    return next((i for i, name in enumerate(names) if str(name).strip().lower() in _WEIGHTS), None)


def _load(
    graph: Any, names: list[Any], num_nodes: int | None, directed: bool | None
) -> tuple[np.ndarray, LoadedGraph, str | None]:
    tail, head = _ends(names)
    ends = [np.asarray(graph[names[i]].to_numpy()) for i in (tail, head)]
    if any(end.dtype.kind not in "iu" for end in ends):
        ends = [end.astype(object) for end in ends]
    elif ends[0].dtype != ends[1].dtype:
        ends = [_as_signed(end, names[i]) for end, i in zip(ends, (tail, head), strict=True)]
    columns, size, labels = number_vertices(np.stack(ends), num_nodes, f"graph (columns {names[tail]}, {names[head]})")
    edges = EdgeList.from_columns(columns, size, directed)
    weight_column = find_weight(names)
    weight = None if weight_column is None else names[weight_column]
    weights = None if weight is None else np.asarray(graph[weight].to_numpy())
    return columns, LoadedGraph(columns, edges, None, lambda *_: None, weights, labels), weight


def _as_signed(numbers: np.ndarray, name: Any) -> np.ndarray:
    """Vertices as int64: of int64 and uint64 NumPy makes floats."""
    largest = int(numbers.max()) if len(numbers) else 0
    if largest >= 1 << 63:
        raise ValueError(f"graph (column {name}) has vertex {largest}, of more than 63 bits; have such as strings")
    return numbers.astype(np.int64)


def _ends(names: list[Any]) -> tuple[int, int]:
    found = find_ends(names)
    if found is None and len(names) == 2:
        return 0, 1
    if found is None:
        raise ValueError(
            f"graph has the columns {[str(name) for name in names]}, none of them called source and target; rename the "
            "two columns that hold the ends of the edges"
        )
    return found
