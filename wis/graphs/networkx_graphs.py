"""NetworkX graphs of every class."""

from __future__ import annotations

from typing import Any

import numpy as np

from wis.graphs.edge_list import EdgeList, LoadedGraph, stated_weights


def load(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read a graph; the sparse one has its class, vertices and attributes. Multigraphs keep their keys."""
    if num_nodes is not None and num_nodes != graph.number_of_nodes():
        raise ValueError(f"num_nodes={num_nodes}, but the graph has {graph.number_of_nodes()} nodes; leave it out")
    if directed and not graph.is_directed():
        raise ValueError("directed=True, but graph is an undirected NetworkX graph; convert it with to_directed()")
    position = {node: i for i, node in enumerate(graph)}
    keys = list(graph.edges(keys=True)) if graph.is_multigraph() else list(graph.edges())
    columns = np.array([(position[k[0]], position[k[1]]) for k in keys], dtype=np.int64).reshape(-1, 2).T
    stated = [value for *_, value in graph.edges(data="weight")]
    edges = EdgeList.from_columns(columns, len(position), graph.is_directed() if directed is None else directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> Any:
        sparse = _with_edges(graph, [key for key, stays in zip(keys, kept, strict=True) if stays])
        if weights is not None:
            for key, stays, factor in zip(keys, kept, weights, strict=True):
                if stays:
                    attributes = sparse.edges[key]
                    old = attributes.get("weight")
                    attributes["weight"] = float(factor) if old is None else old * float(factor)
        return sparse

    return LoadedGraph(columns, edges, None, rebuild, _weights(stated), labels=list(position))


def _with_edges(graph: Any, keys: list[tuple[Any, ...]]) -> Any:
    """The graph with some of its edges.

    ``graph.copy()`` calls the constructor of a subclass, which may add edges of its own (networkx#7112): here only
    NetworkX's constructor and methods run.
    """
    base: Any = next(kind for kind in type(graph).__mro__ if kind.__module__.startswith("networkx."))
    own: Any = type(graph)
    sparse = own.__new__(own)
    base.__init__(sparse)
    for name, value in vars(graph).items():
        if not (name.startswith("_") or name in vars(sparse) or hasattr(base, name) or name == "frozen"):
            setattr(sparse, name, value)
    sparse.graph.update(graph.graph)
    base.add_nodes_from(sparse, ((node, dict(attributes)) for node, attributes in graph.nodes(data=True)))
    for key in keys:
        base.add_edge(sparse, *key)
        # Afterwards, since an attribute may be called as an argument of add_edge is.
        base.get_edge_data(sparse, *key).update(graph.get_edge_data(*key))
    return sparse


def _weights(stated: list[Any]) -> np.ndarray | None:
    """The attribute ``weight`` of every edge, 1 where it is left out, as in NetworkX; None if it is always left out."""
    if all(value is None for value in stated):
        return None
    return stated_weights([1 if value is None else value for value in stated])
