"""SciPy sparse matrices and arrays: the entry ``(u, v)`` is an edge from ``u`` to ``v``, its value the weight."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from wis.graphs.edge_list import EdgeList, LoadedGraph, check_columns, check_room


def load(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read a matrix of any format; the sparse one has the same format and type of values."""
    if graph.ndim != 2 or graph.shape[0] != graph.shape[1]:
        raise ValueError(f"graph (a SciPy sparse matrix) must be square, got shape {tuple(graph.shape)}")
    if num_nodes is not None and num_nodes != graph.shape[0]:
        raise ValueError(f"num_nodes={num_nodes}, but the matrix has {graph.shape[0]} rows; leave num_nodes out")
    coo = checked(graph).tocoo()
    if graph.format == "bsr":
        coo.eliminate_zeros()  # what fills a block is no edge
    columns = np.stack([coo.row, coo.col]).astype(np.int64)
    check_columns(columns, graph.shape[0], "graph (a SciPy sparse matrix)")
    edges = EdgeList.from_columns(columns, graph.shape[0], directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> Any:
        values = coo.data[kept]
        if weights is not None:
            values = (values * weights[kept]).astype(values.dtype if values.dtype.kind in "fc" else np.float64)
        sparse = type(coo)((values, (coo.row[kept], coo.col[kept])), shape=graph.shape)
        return sparse.tobsr(graph.blocksize) if graph.format == "bsr" else sparse.asformat(graph.format)

    return LoadedGraph(columns, edges, None, rebuild, coo.data)


def checked(graph: Any) -> Any:
    """The matrix after a check of its index arrays, before compiled code follows them.

    Arrays longer than the matrix has entries, which SciPy allows, are trimmed: those of a copy, which shares them.

    Raises
    ------
    ValueError
        If they do not fit together, as in a damaged file; the message says how.
    MemoryError
        If the matrix claims more entries than fit into memory.
    """
    check_room(graph.data.size if graph.format in ("coo", "csr", "csc", "bsr") else 0, "graph (a SciPy sparse matrix)")
    try:
        if graph.format in ("csr", "csc", "bsr"):
            graph = copy.copy(graph)
            graph.check_format(full_check=True)
        elif graph.format == "coo" and not (len(graph.row) == len(graph.col) == len(graph.data)):
            raise ValueError("row, column and data array should have the same length")
    except (ValueError, IndexError, TypeError) as error:
        raise ValueError(f"graph (a SciPy sparse matrix) is damaged: {error}") from error
    return graph
