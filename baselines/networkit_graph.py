"""An edge list as a NetworKit graph."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from wis.extras import needed_for
from wis.graphs.edge_list import EdgeList


def import_networkit(what: str) -> ModuleType:
    """Import NetworKit, or raise an ``ImportError`` that says what needs it and how to get it."""
    with needed_for(what):
        import networkit
    return networkit


@contextlib.contextmanager
def one_thread(networkit: ModuleType) -> Iterator[None]:
    """Let NetworKit use one thread inside the block, and as many as before after it."""
    threads = networkit.getMaxNumberOfThreads()
    networkit.setNumberOfThreads(1)
    try:
        yield
    finally:
        networkit.setNumberOfThreads(threads)


def to_networkit(networkit: ModuleType, edges: EdgeList, weights: np.ndarray | None = None) -> Any:
    """Build an undirected networkit.Graph with every pair once, and the weights float64 ``[m]`` if they are given."""
    tail, head = np.ascontiguousarray(edges.pairs, dtype=np.uint64)
    columns = (tail, head) if weights is None else (np.ascontiguousarray(weights), (tail, head))
    return networkit.GraphFromCoo(columns, n=edges.num_nodes, directed=False, weighted=weights is not None)


def index_edges(graph: Any, edges: EdgeList) -> np.ndarray:
    """Have NetworKit number the edges of a graph that was built from these.

    Returns
    -------
    ids
        int64 ``[m]``: for every pair the id of its edge, which is not its position in the list.
    """
    graph.indexEdges()
    numbered: list[tuple[int, int, int]] = []
    graph.forEdges(lambda u, v, weight, number: numbered.append((u, v, number)))
    u, v, number = np.array(numbered, dtype=np.int64).reshape(-1, 3).T
    ids = np.empty(edges.num_pairs, dtype=np.int64)
    ids[edges.pair_of_columns(np.stack([u, v]))] = number
    return ids
