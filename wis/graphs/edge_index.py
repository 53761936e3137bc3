"""An ``edge_index`` as a NumPy array ``[2, E]``."""

from __future__ import annotations

import numpy as np

from wis.graphs.edge_list import EdgeList, LoadedGraph, check_columns, refuse_weights


def load(graph: np.ndarray, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read an array; the sparse one holds some of its columns."""
    if isinstance(graph, np.ma.MaskedArray):
        raise TypeError("graph (an edge_index) is a masked array; pass graph.compressed() or its columns without gaps")
    columns = np.asarray(graph)  # a row of a np.matrix is a matrix
    size = check_columns(columns, num_nodes, "graph (an edge_index)")
    edges = EdgeList.from_columns(columns, size, directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        refuse_weights(weights)
        return graph[:, kept]

    return LoadedGraph(columns, edges, None, rebuild)
