"""Any graph in, and the same kind of graph out: the door to one reader a kind."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from typing import Any

import numpy as np

from wis.checks import check_count
from wis.graphs import edge_index, graph_lists, scipy_matrices
from wis.graphs.edge_attributes import EDGES_ALONE, check_edge_attrs
from wis.graphs.edge_list import LoadedGraph
from wis.graphs.parts import LoadedParts

SERVED = (
    "a PyG Data, HeteroData, TemporalData or Batch, an edge_index [2, E] (torch tensor or NumPy array), a sparse "
    "matrix (SciPy, torch), a NetworkX, igraph, NetworKit or DGL graph, a pandas or polars table, a list of pairs or "
    "of graphs, or what wis.read_graph gives"
)

_ONE_OF_THEM = (
    "only wis.sparsify takes them together: pass one graph (of a Batch: batch.to_data_list()), or homogeneous=True for "
    "all edge types of a HeteroData as one graph"
)

# Class, by its name and the library that it, or one of its base classes, is from; and the function that reads it.
_READERS = (
    ("networkx", "Graph", "networkx_graphs", "load"),
    ("pandas", "DataFrame", "tables", "load_pandas"),
    ("polars", "DataFrame", "tables", "load_polars"),
    ("igraph", "Graph", "igraph_graphs", "load"),
    ("networkit", "Graph", "networkit_graphs", "load"),
    ("dgl", "DGLGraph", "dgl_graphs", "load"),
    ("torch_sparse", "SparseTensor", "torch_matrices", "load"),
)


def load_graph(
    graph: Any,
    num_nodes: int | None = None,
    directed: bool | None = None,
    *,
    edge_attrs: Collection[str] | None = None,
    homogeneous: bool = False,
) -> LoadedGraph:
    """Read one graph, as :func:`load_any` does.

    Raises
    ------
    TypeError
        If the graph is several, as a ``Batch``, or as there.
    ValueError, MemoryError
        As there.
    """
    loaded = load_any(graph, num_nodes, directed, edge_attrs=edge_attrs, homogeneous=homogeneous)
    if isinstance(loaded, LoadedParts):
        raise TypeError(f"graph is {loaded.what}, each with a budget of its own; {_ONE_OF_THEM}")
    return loaded


def load_edges(
    graph: Any, num_nodes: int | None = None, directed: bool | None = None, *, homogeneous: bool = False
) -> LoadedGraph:
    """Read one graph for its edges alone, so that it does not matter which attributes follow them; as there else."""
    edge_attrs = EDGES_ALONE if _is_pyg(graph) else None
    return load_graph(graph, num_nodes, directed, edge_attrs=edge_attrs, homogeneous=homogeneous)


def counts_its_vertices(graph: Any) -> bool:
    """Whether a graph knows its number of vertices; an ``edge_index``, a list of pairs and an edge table do not."""
    if isinstance(graph, (list, tuple)):
        return bool(graph) and not isinstance(graph[0], (list, tuple))
    if isinstance(graph, np.ndarray) or hasattr(graph, "load_pairs"):
        return False
    if _is_of(graph, "torch", "Tensor"):
        return str(graph.layout) != "torch.strided"
    tables = (("pandas", "DataFrame"), ("polars", "DataFrame"), ("torch_geometric", "TemporalData"))
    return not any(_is_of(graph, library, kind) for library, kind in tables)


def load_any(
    graph: Any,
    num_nodes: int | None = None,
    directed: bool | None = None,
    *,
    edge_attrs: Collection[str] | None = None,
    homogeneous: bool = False,
) -> LoadedGraph | LoadedParts:
    """Read a graph of any supported type; the graph itself is never changed.

    Parameters
    ----------
    graph
        Of a type in the table of ``docs/graphs.md``, or an object with a method ``load_pairs(num_nodes, directed)``, as
        an edge table from a file has.
    num_nodes
        Number of vertices. Only for an ``edge_index``, a list of pairs or a table; the largest entry plus one if not
        given.
    directed
        None: as the type says (NetworkX, igraph, NetworKit), else undirected, and then the graph must be symmetric.
    edge_attrs
        Attributes of a PyG graph that follow its edges where name and length leave it open; see
        :mod:`wis.graphs.edge_attributes`.
    homogeneous
        Whether all edge types of a ``HeteroData`` are one graph.

    Returns
    -------
    LoadedGraph or LoadedParts
        Parts where the graph is several: a ``Batch``, a ``HeteroData``, a list of graphs.

    Raises
    ------
    TypeError
        If the type or a dtype is not supported.
    ValueError
        If a shape, an index, a weight, ``directed`` or ``edge_attrs`` does not fit.
    MemoryError
        If the columns are too many for the memory.
    """
    if directed is not None and not isinstance(directed, (bool, np.bool_)):
        raise TypeError(f"directed must be None, True or False, got {directed!r}")
    if num_nodes is not None:
        num_nodes = check_count("num_nodes", num_nodes)
    names = check_edge_attrs(edge_attrs)
    if _is_pyg(graph):
        from wis.graphs import pyg_graphs

        loaded = pyg_graphs.load(graph, num_nodes, directed, names, homogeneous=homogeneous)
        return loaded if loaded is not None else _refuse(graph)
    if isinstance(graph, (list, tuple)) and graph and not isinstance(graph[0], (list, tuple)):
        return graph_lists.load_graphs(
            graph, lambda one: load_any(one, num_nodes, directed, edge_attrs=names, homogeneous=homogeneous)
        )
    if names is not None or homogeneous:
        option = "edge_attrs" if names is not None else "homogeneous"
        raise TypeError(f"{option} is for graphs of PyG, got {type(graph).__module__}.{type(graph).__qualname__}")
    return _load_plain(graph, num_nodes, directed)


def _is_pyg(graph: Any) -> bool:
    return _is_of(graph, "torch_geometric") and not _is_of(graph, "torch", "Tensor")  # an EdgeIndex is a tensor


def _load_plain(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read a graph that is one, and has no attributes to ask about."""
    if hasattr(graph, "load_pairs"):
        return graph.load_pairs(num_nodes, directed)
    if isinstance(graph, np.ndarray):
        return edge_index.load(graph, num_nodes, directed)
    if isinstance(graph, (list, tuple)):
        return graph_lists.load_pairs(graph, num_nodes, directed)
    if _is_of(graph, "torch", "Tensor"):
        return _load_tensor(graph, num_nodes, directed)
    if _is_of(graph, "scipy") and _is_matrix(graph):
        return scipy_matrices.load(graph, num_nodes, directed)
    for library, kind, module, function in _READERS:
        if _is_of(graph, library, kind):
            return getattr(importlib.import_module(f"wis.graphs.{module}"), function)(graph, num_nodes, directed)
    return _refuse(graph)


def _load_tensor(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    from wis.graphs import torch_graphs, torch_matrices

    reader = torch_matrices if torch_matrices.is_matrix(graph) else torch_graphs
    return reader.load(graph, num_nodes, directed)


def _is_matrix(graph: Any) -> bool:
    import scipy.sparse

    return bool(scipy.sparse.issparse(graph))


def _is_of(graph: Any, library: str, kind: str | None = None) -> bool:
    """Whether a class of the graph is from a library, and of a name; the library need not be there."""
    return any(
        base.__module__.partition(".")[0] == library and kind in (None, base.__name__) for base in type(graph).__mro__
    )


def _refuse(graph: Any) -> Any:
    hint = ""
    if any(base.__name__ == "Dataset" for base in type(graph).__mro__):
        hint = "; of a data set pass one graph, dataset[0], or list(dataset)"
    raise TypeError(f"graph must be {SERVED}, got {type(graph).__module__}.{type(graph).__qualname__}{hint}")
