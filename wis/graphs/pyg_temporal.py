"""PyG's ``TemporalData``: the static graph of its events is made sparse, and the events of its pairs are kept."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

import torch

from wis.graphs.edge_list import LoadedGraph
from wis.graphs.pyg_stores import StoredEdges, check_names, following, restrict_values
from wis.graphs.torch_graphs import read_columns

_OF_EVENTS = ("src", "dst", "t", "msg", "y")


def load(
    graph: Any, num_nodes: int | None, directed: bool | None, edge_attrs: Collection[str] | None = None
) -> LoadedGraph:
    """Read a stream of events; a pair is there if an event joins its vertices, undirected unless ``directed=True``."""
    check_names(edge_attrs, graph.stores)
    if "src" not in graph or "dst" not in graph:
        raise ValueError("graph (a TemporalData) has no src or no dst; there are no events to choose from")
    events = torch.stack([graph.src, graph.dst])
    columns, pairs = read_columns(events, num_nodes, bool(directed), "graph (the src and dst of its events)")
    edges = StoredEdges(graph.stores[0], "graph", "src", events, None)
    paths = following(graph, edges, pairs.num_nodes, edges.num_edges, edge_attrs, of_edges=_OF_EVENTS)

    def rebuild(kept: Any, weights: Any) -> Any:
        if weights is not None:
            raise TypeError("this method returns edge weights, which events cannot carry; use one that returns none")
        sparse = copy.copy(graph)
        restrict_values(graph, sparse, edges.store, paths, torch.as_tensor(kept))
        return sparse

    return LoadedGraph(columns, pairs, None, rebuild)
