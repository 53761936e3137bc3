"""igraph graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from wis.graphs.edge_list import EdgeList, LoadedGraph, stated_weights


def load(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read an ``igraph.Graph``; the sparse one keeps its vertices and all attributes."""
    if num_nodes is not None and num_nodes != graph.vcount():
        raise ValueError(f"num_nodes={num_nodes}, but the graph has {graph.vcount()} vertices; leave num_nodes out")
    if directed and not graph.is_directed():
        raise ValueError("directed=True, but graph is an undirected igraph graph; convert it with as_directed()")
    columns = np.array(graph.get_edgelist(), dtype=np.int64).reshape(-1, 2).T
    edges = EdgeList.from_columns(columns, graph.vcount(), graph.is_directed() if directed is None else directed)
    weights = stated_weights(graph.es["weight"]) if "weight" in graph.es.attributes() else None

    def rebuild(kept: np.ndarray, factors: np.ndarray | None) -> Any:
        sparse = graph.copy()
        sparse.delete_edges(np.flatnonzero(~kept).tolist())
        if factors is not None:
            sparse.es["weight"] = (factors if weights is None else factors * weights)[kept].tolist()
        return sparse

    labels = graph.vs["name"] if "name" in graph.vs.attributes() else None
    return LoadedGraph(columns, edges, None, rebuild, weights, labels)
