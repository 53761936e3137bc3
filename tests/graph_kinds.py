"""One graph as every type that `wis.sparsify` takes: made from columns, and read back as columns."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import wis


@dataclass(frozen=True)
class Kind:
    """How a graph becomes one of a type, and how the edges of that are read.

    Attributes
    ----------
    make
        ``make(columns, num_nodes)``: a graph with these columns, int64 ``[2, E]``.
    read
        Its columns, in its own order.
    form
        ``"columns"``: any columns in their order. ``"matrix"``: an entry for each ordered pair, in another order.
        ``"directed"``: an arc for each ordered pair. ``"undirected"``: one edge for both directions.
    states_size
        Whether the graph knows its number of vertices; otherwise it is an argument.
    needs
        The library of the type.
    """

    make: Callable[[np.ndarray, int], Any]
    read: Callable[[Any], Any]
    form: str
    states_size: bool = True
    needs: str = "numpy"

    @property
    def is_installed(self) -> bool:
        """Whether its library is there."""
        return importlib.util.find_spec(self.needs) is not None


def _pairs(columns: np.ndarray) -> list[tuple[int, int]]:
    return [(int(u), int(v)) for u, v in columns.T]


def _tensor(columns: np.ndarray, num_nodes: int) -> Any:
    import torch

    return torch.from_numpy(columns.copy())


def _data(columns: np.ndarray, num_nodes: int) -> Any:
    from torch_geometric.data import Data

    edge_index = _tensor(columns, num_nodes)
    return Data(edge_index=edge_index, edge_attr=edge_index.T.clone(), num_nodes=num_nodes)


def _read_data(data: Any) -> Any:
    if not (data.edge_index == data.edge_attr.T).all():
        raise AssertionError("edge_attr does not follow its edges")
    return data.edge_index


def _adj_t(columns: np.ndarray, num_nodes: int) -> Any:
    from torch_geometric.data import Data

    return Data(adj_t=_sparse_tensor(columns[::-1], num_nodes).to_sparse_csr(), num_nodes=num_nodes)


def _sparse_tensor(columns: np.ndarray, num_nodes: int) -> Any:
    import torch

    indices = torch.from_numpy(columns.copy())
    return torch.sparse_coo_tensor(indices, torch.ones(indices.shape[1]), (num_nodes, num_nodes)).coalesce()


def _read_sparse_tensor(matrix: Any) -> Any:
    return matrix.to_sparse_coo().coalesce().indices()


def _scipy(form: str) -> Callable[[np.ndarray, int], Any]:
    def make(columns: np.ndarray, num_nodes: int) -> Any:
        import scipy.sparse

        return getattr(scipy.sparse, form)((np.ones(columns.shape[1]), columns), shape=(num_nodes, num_nodes))

    return make


def _networkx(form: str) -> Callable[[np.ndarray, int], Any]:
    def make(columns: np.ndarray, num_nodes: int) -> Any:
        import networkx

        graph = getattr(networkx, form)()
        graph.add_nodes_from(range(num_nodes))
        graph.add_edges_from(_pairs(columns))
        return graph

    return make


def _read_edges(graph: Any) -> np.ndarray:
    return np.array([edge[:2] for edge in graph.edges()], dtype=np.int64).reshape(-1, 2).T


def _igraph(directed: bool) -> Callable[[np.ndarray, int], Any]:
    def make(columns: np.ndarray, num_nodes: int) -> Any:
        import igraph

        return igraph.Graph(n=num_nodes, edges=_pairs(columns), directed=directed)

    return make


def _networkit(directed: bool) -> Callable[[np.ndarray, int], Any]:
    def make(columns: np.ndarray, num_nodes: int) -> Any:
        import networkit

        graph = networkit.Graph(num_nodes, directed=directed)
        for u, v in _pairs(columns):
            graph.addEdge(u, v)
        return graph

    return make


def _pandas(columns: np.ndarray, num_nodes: int) -> Any:
    import pandas as pd

    return pd.DataFrame({"source": columns[0], "target": columns[1]})


def _polars(columns: np.ndarray, num_nodes: int) -> Any:
    import polars

    return polars.DataFrame({"source": columns[0], "target": columns[1]})


def _rows(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.int64).reshape(-1, 2).T


KINDS = {
    "NumPy": Kind(lambda columns, n: columns.copy(), np.asarray, "columns", states_size=False),
    "NumPy, other strides": Kind(
        lambda columns, n: np.asfortranarray(columns), np.asarray, "columns", states_size=False
    ),
    "NumPy, int32": Kind(lambda columns, n: columns.astype(np.int32), np.asarray, "columns", states_size=False),
    "torch": Kind(_tensor, np.asarray, "columns", states_size=False, needs="torch"),
    "Data": Kind(_data, _read_data, "columns", needs="torch_geometric"),
    "SciPy coo_matrix": Kind(_scipy("coo_matrix"), lambda a: np.stack([a.row, a.col]), "columns"),
    "SciPy csr_array": Kind(_scipy("csr_array"), lambda a: np.stack(a.nonzero()), "matrix"),
    "SciPy csc_matrix": Kind(_scipy("csc_matrix"), lambda a: np.stack(a.nonzero()), "matrix"),
    "NetworkX Graph": Kind(_networkx("Graph"), _read_edges, "undirected", needs="networkx"),
    "NetworkX DiGraph": Kind(_networkx("DiGraph"), _read_edges, "directed", needs="networkx"),
    "pairs": Kind(lambda columns, n: _pairs(columns), _rows, "columns", states_size=False),
    "pandas": Kind(_pandas, lambda t: _rows(t.to_numpy()), "columns", states_size=False, needs="pandas"),
    "polars": Kind(_polars, lambda t: _rows(t.to_numpy()), "columns", states_size=False, needs="polars"),
    "torch COO": Kind(_sparse_tensor, _read_sparse_tensor, "matrix", needs="torch"),
    "torch CSR": Kind(
        lambda columns, n: _sparse_tensor(columns, n).to_sparse_csr(), _read_sparse_tensor, "matrix", needs="torch"
    ),
    "Data, adj_t": Kind(
        _adj_t, lambda data: _read_sparse_tensor(data.adj_t).flip(0), "matrix", needs="torch_geometric"
    ),
    "igraph": Kind(_igraph(False), lambda g: _rows(g.get_edgelist()), "undirected", needs="igraph"),
    "igraph, directed": Kind(_igraph(True), lambda g: _rows(g.get_edgelist()), "directed", needs="igraph"),
    "NetworKit": Kind(_networkit(False), lambda g: _rows(list(g.iterEdges())), "undirected", needs="networkit"),
    "NetworKit, directed": Kind(_networkit(True), lambda g: _rows(list(g.iterEdges())), "directed", needs="networkit"),
}


def write_file(columns: np.ndarray, folder: Path, suffix: str) -> Path:
    """An edge table ``folder/graph.suffix`` with these columns."""
    path = folder / f"graph.{suffix}"
    if suffix == "npy":
        np.save(path, columns)
    elif suffix == "npz":
        np.savez(path, edge_index=columns)
    elif suffix == "parquet":
        _pandas(columns, 0).to_parquet(path)
    else:
        _pandas(columns, 0).to_csv(path, index=False, sep="," if suffix == "csv" else "\t")
    return path


def read_file(path: Path) -> np.ndarray:
    """The columns of an edge table."""
    return wis.read_graph(path).edge_index


FILES = ("csv", "tsv", "npy", "npz", "parquet")


def columns_of_form(columns: np.ndarray, form: str) -> np.ndarray:
    """The columns as a type of this form holds them, each edge once unless any columns are fine."""
    if form == "columns":
        return columns
    seen = sorted({(min(u, v), max(u, v)) if form == "undirected" else (u, v) for u, v in _pairs(columns)})
    return _rows(seen)


def same_edges(found: Any, expected: np.ndarray, form: str) -> bool:
    """Whether two graphs have the same columns: in the same order if their form has one."""
    found = np.asarray(found)
    if form == "columns":
        return np.array_equal(found, expected)
    ends = [
        sorted(map(tuple, np.sort(part.T, axis=1) if form == "undirected" else part.T)) for part in (found, expected)
    ]
    return all(np.array_equal(a, b) for a, b in itertools.zip_longest(*ends))
