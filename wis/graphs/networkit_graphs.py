"""NetworKit graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from wis.extras import needed_for
from wis.graphs.edge_list import EdgeList, LoadedGraph


def load(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read a ``networkit.Graph``; the sparse one keeps its vertices."""
    size = graph.upperNodeIdBound()
    if num_nodes is not None and num_nodes != size:
        raise ValueError(f"num_nodes={num_nodes}, but the graph has vertices 0 to {size - 1}; leave num_nodes out")
    if directed and not graph.isDirected():
        raise ValueError("directed=True, but graph is an undirected NetworKit graph; convert it with graphtools")
    listed = list(graph.iterEdgesWeights())
    columns = np.array([edge[:2] for edge in listed], dtype=np.int64).reshape(-1, 2).T
    edges = EdgeList.from_columns(columns, size, graph.isDirected() if directed is None else directed)
    own = np.array([edge[2] for edge in listed], dtype=np.float64) if graph.isWeighted() else None

    def rebuild(kept: np.ndarray, factors: np.ndarray | None) -> Any:
        with needed_for("a sparse NetworKit graph"):
            import networkit

        is_weighted = graph.isWeighted() or factors is not None
        sparse = networkit.graphtools.copyNodes(graph)
        if is_weighted and not sparse.isWeighted():
            sparse = networkit.graphtools.toWeighted(sparse)
        stated = [weight for _, _, weight in listed] if factors is None else factors * (1 if own is None else own)
        for (u, v, _), stays, weight in zip(listed, kept.tolist(), stated, strict=True):
            if stays:
                sparse.addEdge(u, v, float(weight) if is_weighted else 1.0)
        return sparse

    return LoadedGraph(columns, edges, None, rebuild, own)
