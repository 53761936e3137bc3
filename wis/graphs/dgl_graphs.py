"""DGL graphs with one type of vertices and edges."""

from __future__ import annotations

from typing import Any

import torch

from wis.graphs.edge_list import LoadedGraph
from wis.graphs.torch_graphs import host_weights, multiply, read_columns

_WEIGHTS = ("edge_weight", "weight", "w")


def load(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read a ``dgl.DGLGraph``; the sparse one keeps its vertices and the features of both."""
    if not graph.is_homogeneous:
        raise TypeError(
            "graph is a heterogeneous DGL graph; pass dgl.to_homogeneous(graph), or one edge type at a time"
        )
    if num_nodes is not None and num_nodes != graph.num_nodes():
        raise ValueError(f"num_nodes={num_nodes}, but the graph has {graph.num_nodes()} nodes; leave num_nodes out")
    tails, heads = graph.edges(order="eid")
    columns, edges = read_columns(torch.stack([tails, heads]), graph.num_nodes(), directed, "graph")
    name = next((name for name in _WEIGHTS if name in graph.edata), None)

    def rebuild(kept: Any, factors: Any) -> Any:
        import dgl

        ids = torch.as_tensor(kept, device=graph.device).nonzero()[:, 0]
        sparse = dgl.edge_subgraph(graph, ids.to(graph.idtype), relabel_nodes=False, store_ids=False)
        if factors is not None:
            factor = torch.as_tensor(factors, device=graph.device)[ids]
            sparse.edata[name or _WEIGHTS[0]] = multiply(sparse.edata[name] if name else None, factor)
        return sparse

    return LoadedGraph(columns, edges, None, rebuild, host_weights(graph.edata[name]) if name else None)
