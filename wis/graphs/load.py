"""Any graph in, and the same kind of graph out."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from wis.checks import check_count
from wis.graphs.edge_list import EdgeList, LoadedGraph, check_columns, is_nan, refuse_weights


def load_graph(graph: Any, num_nodes: int | None = None, directed: bool | None = None) -> LoadedGraph:
    """Read a graph of any supported type; the graph itself is never changed.

    Parameters
    ----------
    graph
        A PyG ``Data``, an ``edge_index`` (integer torch tensor or NumPy array ``[2, E]``), a NetworkX graph, a SciPy
        sparse matrix or array, or an object with a method ``load_pairs(num_nodes, directed)``, as an edge table has.
    num_nodes
        Number of vertices. Only for an ``edge_index`` or an edge table; its largest entry plus one if not given.
    directed
        None: as the type says (NetworkX), else undirected, and then the graph must be symmetric.

    Raises
    ------
    TypeError
        If the type or a dtype is not supported.
    ValueError
        If a shape, an index, a weight, or ``directed`` does not fit.
    """
    if directed is not None and not isinstance(directed, (bool, np.bool_)):
        raise TypeError(f"directed must be None, True or False, got {directed!r}")
    if num_nodes is not None:
        num_nodes = check_count("num_nodes", num_nodes)
    module = type(graph).__module__.partition(".")[0]
    if hasattr(graph, "load_pairs"):
        return graph.load_pairs(num_nodes, directed)
    if isinstance(graph, np.ndarray):
        return _load_edge_index(graph, num_nodes, directed)
    if _is_scipy_sparse(graph):
        return _load_scipy(graph, num_nodes, directed)
    if hasattr(graph, "is_multigraph") and hasattr(graph, "adj"):
        return _load_networkx(graph, num_nodes, directed)
    if module in ("torch", "torch_geometric") or _is_torch_based(graph):
        from wis.graphs.torch_graphs import load_torch

        return load_torch(graph, num_nodes, directed)
    raise TypeError(
        "graph must be a PyG Data, an edge_index [2, E] (torch tensor or NumPy array), a NetworkX graph or a SciPy "
        f"sparse matrix, got {type(graph).__module__}.{type(graph).__qualname__}"
    )


def _is_torch_based(graph: Any) -> bool:
    """Whether it is a subclass of torch's tensor or PyG's data defined elsewhere."""
    return any(base.__module__.partition(".")[0] in ("torch", "torch_geometric") for base in type(graph).__mro__)


def _is_scipy_sparse(graph: Any) -> bool:
    import scipy.sparse

    return bool(scipy.sparse.issparse(graph))


def _check_weights(values: np.ndarray, name: str) -> None:
    if values.dtype.kind in "fc" and np.isnan(values).any():
        raise is_nan(name, int(np.flatnonzero(np.isnan(values))[0]))


def _load_edge_index(graph: np.ndarray, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    size = check_columns(graph, num_nodes, "graph (an edge_index)")
    edges = EdgeList.from_columns(graph, size, directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        refuse_weights(weights)
        return graph[:, kept]

    return LoadedGraph(graph, edges, None, rebuild)


def _load_scipy(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    if graph.ndim != 2 or graph.shape[0] != graph.shape[1]:
        raise ValueError(f"graph (a SciPy sparse matrix) must be square, got shape {tuple(graph.shape)}")
    if num_nodes is not None and num_nodes != graph.shape[0]:
        raise ValueError(f"num_nodes={num_nodes}, but the matrix has {graph.shape[0]} rows; leave num_nodes out")
    coo = graph.tocoo()
    _check_weights(coo.data, "graph (a SciPy sparse matrix)")
    columns = np.stack([coo.row, coo.col]).astype(np.int64)
    edges = EdgeList.from_columns(columns, graph.shape[0], directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> Any:
        values = coo.data[kept] if weights is None else coo.data[kept] * weights[kept]
        sparse = type(coo)((values, (coo.row[kept], coo.col[kept])), shape=graph.shape)
        return sparse.asformat(graph.format)

    return LoadedGraph(columns, edges, None, rebuild)


def _load_networkx(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    if num_nodes is not None and num_nodes != graph.number_of_nodes():
        raise ValueError(f"num_nodes={num_nodes}, but the graph has {graph.number_of_nodes()} nodes; leave it out")
    if directed and not graph.is_directed():
        raise ValueError("directed=True, but graph is an undirected NetworkX graph; convert it with to_directed()")
    position = {node: i for i, node in enumerate(graph)}
    keys = list(graph.edges(keys=True)) if graph.is_multigraph() else list(graph.edges())
    columns = np.array([(position[k[0]], position[k[1]]) for k in keys], dtype=np.int64).reshape(-1, 2).T
    stated = [value for *_, value in graph.edges(data="weight") if value is not None]
    if wrong := [value for value in stated if not isinstance(value, numbers.Real)]:
        raise TypeError(f"the edge attribute 'weight' of graph must be a number or left out, got {wrong[0]!r}")
    _check_weights(np.asarray(stated, dtype=np.float64), "the edge attribute 'weight' of graph")
    edges = EdgeList.from_columns(columns, len(position), graph.is_directed() if directed is None else directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> Any:
        sparse = graph.copy()
        sparse.remove_edges_from([key for key, stays in zip(keys, kept, strict=True) if not stays])
        if weights is not None:
            for key, stays, factor in zip(keys, kept, weights, strict=True):
                if stays:
                    attributes = sparse.edges[key]
                    old = attributes.get("weight")
                    attributes["weight"] = float(factor) if old is None else old * float(factor)
        return sparse

    return LoadedGraph(columns, edges, None, rebuild)
