"""PyG's ``Data``."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

import numpy as np
import torch

from wis.graphs.edge_list import EdgeList, LoadedGraph
from wis.graphs.pyg_stores import check_names, following, matrix_pairs, restrict, restrict_matrices, stored_edges
from wis.graphs.torch_graphs import read_columns


def load(
    graph: Any, num_nodes: int | None, directed: bool | None, edge_attrs: Collection[str] | None = None
) -> LoadedGraph:
    """Read a ``Data``; the sparse one is a copy that shares what does not change."""
    edges = stored_edges(graph.stores[0], "graph")
    size = check_num_nodes(graph, num_nodes, edges.num_edges)
    check_names(edge_attrs, graph.stores)
    columns, pairs = read_columns(edges.columns, size, directed, "graph.edge_index")
    beside = matrix_pairs(edges, pairs)
    paths = following(graph, edges, pairs.num_nodes, edges.num_edges, edge_attrs)

    def rebuild(kept: Any, weights: Any) -> Any:
        sparse = copy.copy(graph)
        store = sparse.stores[0]
        restrict(graph, store, edges, paths, torch.as_tensor(kept), weights)
        if beside:
            restrict_matrices(store, edges.store, beside, *of_pairs(pairs, columns, kept, weights))
        keep_num_nodes(sparse, size)
        return sparse

    return LoadedGraph(columns, pairs, graph, rebuild, edges.weights, weights_note=edges.weights_note)


def check_num_nodes(graph: Any, num_nodes: int | None, num_edges: int) -> int | None:
    """The number of vertices that the graph states, 0 if it has nothing at all."""
    stated = graph.num_nodes
    if num_nodes is not None and num_nodes != stated:
        raise ValueError(f"num_nodes={num_nodes}, but graph.num_nodes is {stated}; leave num_nodes out")
    return stated if num_edges or stated is not None else 0


def keep_num_nodes(sparse: Any, num_nodes: int | None) -> None:
    """State the number of vertices where PyG would infer it from the largest index, which may be gone now."""
    if sparse.num_nodes != num_nodes:
        sparse.num_nodes = num_nodes


def of_pairs(pairs: EdgeList, columns: Any, kept: Any, weights: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Masks and factors ``[E]`` of columns as those of the pairs ``[m]``."""
    pair = _host(pairs.pair_of_columns(columns))
    stays = np.zeros(pairs.num_pairs + 1, dtype=bool)  # self-loops, pair -1, write into the last one
    stays[pair] = _host(kept)
    if weights is None:
        return stays[:-1], None
    factors = np.ones(pairs.num_pairs + 1)
    factors[pair] = _host(weights)
    return stays[:-1], factors[:-1]


def _host(values: Any) -> np.ndarray:
    return values.cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
