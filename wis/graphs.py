"""Any graph in, an edge list of candidate pairs, and the same kind of graph out.

A graph is read once into its *columns* (every stored edge, in its own order) and an :class:`EdgeList` (every pair that
a method may remove, once, in canonical order). A method works on the edge list only. To build the sparse graph, each
column follows its pair; self-loops are no pair and always stay.
"""

from __future__ import annotations

import copy
import hashlib
import numbers
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# Columns looked up at a time when they follow their pair: bounds the memory for temporary keys to 8 MiB.
_CHUNK = 1 << 20


@dataclass(frozen=True, eq=False)
class EdgeList:
    """The candidate pairs of a graph, each once, in canonical order.

    Attributes
    ----------
    num_nodes
        Number of vertices ``n``.
    pairs
        int64 ``[2, m]``. Undirected: ``u < v``, sorted by ``(u, v)``. Directed: sorted by ``(source, target)``,
        ``u != v``. No pair occurs twice. Read-only.
    directed
        Whether pairs are ordered.
    """

    num_nodes: int
    pairs: np.ndarray
    directed: bool = False

    def __post_init__(self) -> None:
        # A view that cannot be written, so that compiled kernels see one type of array wherever the pairs are from.
        pairs = self.pairs.view()
        pairs.flags.writeable = False
        object.__setattr__(self, "pairs", pairs)

    @property
    def num_pairs(self) -> int:
        """Number of pairs ``m``."""
        return self.pairs.shape[1]

    def fingerprint(self) -> str:
        """A SHA-256 over the vertices and pairs: equal for equal graphs, whatever they were read from."""
        digest = hashlib.sha256(f"{self.num_nodes},{self.num_pairs},{self.directed}".encode())
        digest.update(np.ascontiguousarray(self.pairs).data)
        return digest.hexdigest()

    @classmethod
    def from_columns(cls, columns: np.ndarray, num_nodes: int, directed: bool | None = False) -> EdgeList:
        """Collect the pairs of a graph given by its columns.

        Parameters
        ----------
        columns
            integer ``[2, E]``, every entry in ``[0, num_nodes)``. Duplicates and self-loops are fine.
        num_nodes
            Number of vertices.
        directed
            True: ordered pairs. False: a pair is there if either direction is. None: undirected, and both directions
            of every pair must be there.

        Raises
        ------
        ValueError
            If ``directed`` is None and the columns are not symmetric.

        Notes
        -----
        O(E log E) time for one sort; O(E) memory.
        """
        keys = _pair_keys(columns, num_nodes, directed=directed is not False)
        keys = _forward_half(keys, num_nodes) if directed is None else _sorted_unique(keys)
        pairs = np.empty((2, len(keys)), dtype=np.int64)
        np.floor_divide(keys, max(num_nodes, 1), out=pairs[0])
        np.remainder(keys, max(num_nodes, 1), out=pairs[1])
        return cls(num_nodes, pairs, bool(directed))

    def pair_of_columns(self, columns: np.ndarray) -> np.ndarray:
        """For every column the position of its pair: int64 ``[E]``, -1 for self-loops. O(E log m) time."""
        keys = self.pairs[0] * self.num_nodes + self.pairs[1]
        positions = np.empty(columns.shape[1], dtype=np.int64)
        for start in range(0, columns.shape[1], _CHUNK):
            part = columns[:, start : start + _CHUNK].astype(np.int64, copy=False)
            tail, head = part if self.directed else (np.minimum(*part), np.maximum(*part))
            found = np.searchsorted(keys, tail * self.num_nodes + head)
            positions[start : start + _CHUNK] = np.where(part[0] == part[1], -1, found)
        return positions


def _pair_keys(columns: np.ndarray, num_nodes: int, *, directed: bool) -> np.ndarray:
    """One int64 key a column, self-loops left out; keys sort as the canonical order does."""
    if num_nodes > 3_037_000_499:  # its square is the largest below 2**63
        raise ValueError(
            f"num_nodes must be at most 3037000499, got {num_nodes} (the largest index plus one, if not given); "
            "number the vertices from 0 without large gaps"
        )
    rows, cols = columns
    tail, head = (rows, cols) if directed else (np.minimum(rows, cols), np.maximum(rows, cols))
    keys = tail.astype(np.int64)
    keys *= num_nodes
    keys += head.astype(np.int64, copy=False)
    loops = rows == cols
    return keys[~loops] if loops.any() else keys


def _sorted_unique(keys: np.ndarray) -> np.ndarray:
    """Sort in place and drop repeats; needs no second array where there are none."""
    keys.sort()
    if len(keys) == 0:
        return keys
    first = np.empty(len(keys), dtype=bool)
    first[0] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys if first.all() else keys[first]


def _forward_half(keys: np.ndarray, num_nodes: int) -> np.ndarray:
    """Keys of the pairs ``u < v``, after checking that both directions of each are there."""
    forward_column = keys // num_nodes < keys % num_nodes
    forward = _sorted_unique(keys[forward_column])
    backward = keys[~forward_column]
    backward = _sorted_unique(backward % num_nodes * num_nodes + backward // num_nodes)
    if not np.array_equal(forward, backward):
        one_way = np.setxor1d(forward, backward, assume_unique=True)[0]
        u, v = one_way // num_nodes, one_way % num_nodes
        raise ValueError(
            f"graph is not symmetric: between vertices {u} and {v} only one direction is there. Pass directed=True to "
            "sparsify it as a directed graph, or directed=False to treat every edge as undirected"
        )
    return forward


@dataclass(frozen=True, eq=False)
class LoadedGraph:
    """A graph of any supported type, read.

    Attributes
    ----------
    columns
        int64 ``[2, E]``: every stored edge in its own order, duplicates, both directions and self-loops included.
    edges
        Its candidate pairs.
    data
        The PyG graph if it is one, else None.
    rebuild
        ``rebuild(kept, weights)``: a graph of the same type with the columns of the bool mask ``kept`` (``[E]``), their
        weights multiplied by ``weights`` (float64 ``[E]``) unless None.
    """

    columns: np.ndarray
    edges: EdgeList
    data: Any
    rebuild: Callable[[np.ndarray, np.ndarray | None], Any]

    def keep_pairs(self, kept: np.ndarray, weights: np.ndarray | None = None) -> Any:
        """Build the sparse graph.

        Parameters
        ----------
        kept
            bool ``[m]``: which pairs stay. Self-loops always do.
        weights
            float64 ``[m]`` factors for the weights of the pairs, or None to leave weights as they are.
        """
        pair = self.edges.pair_of_columns(self.columns)
        # Position -1 (a self-loop) reads the entry appended last.
        column_kept = np.append(kept, True)[pair]
        column_weights = None if weights is None else np.append(weights, 1.0)[pair]
        return self.rebuild(column_kept, column_weights)


def load_graph(graph: Any, num_nodes: int | None = None, directed: bool | None = None) -> LoadedGraph:
    """Read a graph of any supported type; the graph itself is never changed.

    Parameters
    ----------
    graph
        A PyG ``Data``, an ``edge_index`` (integer torch tensor or NumPy array ``[2, E]``), a NetworkX graph, or a SciPy
        sparse matrix or array.
    num_nodes
        Number of vertices. Only for an ``edge_index``; its largest entry plus one if not given.
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
    if isinstance(graph, np.ndarray):
        return _load_edge_index(graph, num_nodes, directed)
    if _is_scipy_sparse(graph):
        return _load_scipy(graph, num_nodes, directed)
    if hasattr(graph, "is_multigraph") and hasattr(graph, "adj"):
        return _load_networkx(graph, num_nodes, directed)
    if module in ("torch", "torch_geometric") or _is_torch_based(graph):
        return _load_torch(graph, num_nodes, directed)
    raise TypeError(
        "graph must be a PyG Data, an edge_index [2, E] (torch tensor or NumPy array), a NetworkX graph or a SciPy "
        f"sparse matrix, got {type(graph).__module__}.{type(graph).__qualname__}"
    )


def check_count(name: str, value: Any) -> int:
    """Return ``value`` as a non-negative int, or raise an error that names the argument."""
    try:
        if isinstance(value, bool) or str(getattr(value, "dtype", "")).endswith("bool"):  # NumPy's or torch's
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if number < 0:
        raise ValueError(f"{name} must not be negative, got {number}")
    return number


def _is_torch_based(graph: Any) -> bool:
    """Whether it is a subclass of torch's tensor or PyG's data defined elsewhere."""
    return any(base.__module__.partition(".")[0] in ("torch", "torch_geometric") for base in type(graph).__mro__)


def _is_scipy_sparse(graph: Any) -> bool:
    import scipy.sparse

    return bool(scipy.sparse.issparse(graph))


def _check_columns(columns: np.ndarray, num_nodes: int | None, name: str) -> int:
    """Check shape, dtype and range of ``[2, E]`` columns; return the number of vertices."""
    if columns.ndim != 2 or columns.shape[0] != 2:
        raise ValueError(f"{name} must have shape [2, E], got {list(columns.shape)}")
    if columns.dtype.kind not in "iu":
        raise TypeError(f"{name} must have an integer dtype, got {columns.dtype}")
    if columns.shape[1] == 0:
        return num_nodes or 0
    low, high = int(columns.min()), int(columns.max())
    if low < 0:
        raise ValueError(f"{name} has the negative vertex {low}; vertices are numbered from 0")
    if num_nodes is None:
        return high + 1
    if high >= num_nodes:
        raise ValueError(f"{name} has vertex {high}, but num_nodes={num_nodes} allows only 0 to {num_nodes - 1}")
    return num_nodes


def _check_weights(values: np.ndarray, name: str) -> None:
    if values.dtype.kind in "fc" and np.isnan(values).any():
        position = int(np.flatnonzero(np.isnan(values))[0])
        raise ValueError(f"{name} is NaN at position {position}; replace or drop such edges first")


def _load_edge_index(graph: np.ndarray, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    size = _check_columns(graph, num_nodes, "graph (an edge_index)")
    edges = EdgeList.from_columns(graph, size, directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        _refuse_weights(weights)
        return graph[:, kept]

    return LoadedGraph(graph, edges, None, rebuild)


def _refuse_weights(weights: np.ndarray | None) -> None:
    if weights is not None:
        raise TypeError(
            "this method returns edge weights, which an edge_index cannot carry; pass a PyG Data, a NetworkX graph or "
            "a SciPy sparse matrix"
        )


def _load_torch(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    import torch
    from torch_geometric.data import Data, HeteroData

    if isinstance(graph, torch.Tensor):
        return _load_tensor(graph, num_nodes, directed)
    if isinstance(graph, HeteroData):
        raise TypeError("graph is heterogeneous (HeteroData); only homogeneous graphs can be sparsified")
    if not isinstance(graph, Data):
        raise TypeError(f"graph must be a torch_geometric.data.Data, got {type(graph).__qualname__}")
    return _load_data(graph, num_nodes, directed)


def _load_tensor(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    import torch

    if graph.layout != torch.strided:
        raise TypeError("graph is a sparse torch tensor; pass its edge_index or a SciPy sparse matrix")
    columns = graph.detach().cpu().numpy()
    size = _check_columns(columns, num_nodes, "graph (an edge_index)")
    edges = EdgeList.from_columns(columns, size, directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> torch.Tensor:
        _refuse_weights(weights)
        return graph[:, torch.from_numpy(kept).to(graph.device)]

    return LoadedGraph(columns, edges, None, rebuild)


def _load_data(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    import torch

    if num_nodes is not None and num_nodes != graph.num_nodes:
        raise ValueError(f"num_nodes={num_nodes}, but graph.num_nodes is {graph.num_nodes}; leave num_nodes out")
    if graph.edge_index is None:
        raise ValueError("graph.edge_index is missing; a PyG Data with adj_t only must be converted first")
    columns = graph.edge_index.detach().cpu().numpy()
    given = graph.num_nodes if columns.size or graph.num_nodes is not None else 0
    size = _check_columns(columns, given, "graph.edge_index")
    for name in ("edge_weight", "edge_attr"):
        value = graph.get(name)
        if isinstance(value, torch.Tensor) and value.shape[:1] != columns.shape[1:]:
            raise ValueError(
                f"graph.{name} must have one entry for each of the {columns.shape[1]} columns of graph.edge_index, "
                f"got shape {list(value.shape)}"
            )
    if isinstance(graph.get("edge_weight"), torch.Tensor):
        _check_weights(graph.edge_weight.detach().cpu().numpy(), "graph.edge_weight")
    edges = EdgeList.from_columns(columns, size, directed)

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> Any:
        return _rebuild_data(graph, torch.from_numpy(kept), weights)

    return LoadedGraph(columns, edges, graph, rebuild)


def _rebuild_data(graph: Any, kept: Any, weights: np.ndarray | None) -> Any:
    """A shallow copy of the PyG graph with every edge-level attribute restricted to the kept columns."""
    import torch

    sparse = copy.copy(graph)
    keys = _edge_level_keys(graph)
    if hasattr(graph, "_slice_dict"):  # a Batch, which knows where the columns of each of its graphs begin
        before = torch.cat([torch.zeros(1, dtype=torch.long), kept.cumsum(0)])
        slices = graph._slice_dict
        sparse._slice_dict = {key: before[slices[key]] if key in keys else slices[key] for key in slices}
    for key in keys:
        value = graph[key]
        if isinstance(value, torch.Tensor):
            dim = graph.__cat_dim__(key, value) % max(value.dim(), 1)
            sparse[key] = value[(slice(None),) * dim + (kept.to(value.device),)]
        else:
            sparse[key] = [item for item, stays in zip(value, kept.tolist(), strict=True) if stays]
    if weights is not None:
        factor = torch.from_numpy(weights)[kept].to(graph.edge_index.device)
        sparse.edge_weight = _multiply(sparse.get("edge_weight"), factor)
    if sparse.num_nodes != graph.num_nodes:
        # Without node features PyG infers the count from the largest index, which may be gone now.
        sparse.num_nodes = graph.num_nodes
    return sparse


def _multiply(old: Any, factor: Any) -> Any:
    """Weights ``[kept, ...]`` times ``factor`` (float64 ``[kept]``); whole numbers become floating point."""
    import torch

    if old is None:
        return factor.to(torch.get_default_dtype())
    dtype = old.dtype if old.is_floating_point() else torch.get_default_dtype()
    return old * factor.to(dtype).reshape(-1, *[1] * (old.dim() - 1))


def _edge_level_keys(graph: Any) -> list[str]:
    """Attributes that follow the edges. ``edge_label*`` are PyG's supervision edges, a list of their own."""
    return [key for key in graph.keys() if graph.is_edge_attr(key) and not key.startswith("edge_label")]  # noqa: SIM118


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
