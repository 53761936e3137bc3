"""One store of PyG, that of a ``Data`` or of an edge type of a ``HeteroData``: its edges, and what follows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from wis.graphs.edge_attributes import check_are_there, fitting_levels, follows_edges
from wis.graphs.edge_list import EdgeList, check_columns, check_shape
from wis.graphs.torch_graphs import host_weights, multiply
from wis.graphs.torch_matrices import entries, is_matrix, with_entries

_EDGES = ("edge_index", "adj_t", "adj")

Path = tuple[str, ...]  # the name of an attribute, and the key inside of one that is a mapping


@dataclass(frozen=True, eq=False)
class StoredEdges:
    """The edges of a store.

    Attributes
    ----------
    store
        The store.
    name
        What errors call it.
    source
        Where the edges are from: ``edge_index``, else ``adj_t`` or ``adj``.
    columns
        integer ``[2, E]``.
    """

    store: Any
    name: str
    source: str
    columns: torch.Tensor
    weights: np.ndarray | None

    @property
    def num_edges(self) -> int:
        """Number of columns ``E``."""
        return self.columns.shape[1]


def stored_edges(store: Any, name: str) -> StoredEdges:
    """Find the edges of a store.

    Raises
    ------
    TypeError
        If ``edge_index`` is no tensor.
    ValueError
        If there are none, or ``edge_weight`` or ``edge_attr`` has not one entry for each.
    """
    source = next((key for key in _EDGES if key in store and (key == "edge_index" or is_matrix(store[key]))), None)
    if source is None:
        raise ValueError(f"{name}.edge_index is missing, and so is a sparse {name}.adj_t; there are no edges to choose")
    value, weights = store[source], None
    if source != "edge_index":
        rows, cols, weights = entries(value, f"{name}.{source}")
        value = torch.stack([cols, rows] if source == "adj_t" else [rows, cols])
    elif not isinstance(value, torch.Tensor) or value.layout != torch.strided:
        raise TypeError(f"{name}.edge_index must be a dense integer torch tensor [2, E], got {_kind(value)}")
    check_shape(value, f"{name}.edge_index")
    for key in ("edge_weight", "edge_attr"):
        _check_length(store.get(key), value, f"{name}.{key}")
    own = host_weights(store.get("edge_weight"))
    return StoredEdges(store, name, source, value, host_weights(weights) if own is None else own)


def following(
    parent: Any,
    edges: StoredEdges,
    num_nodes: int | np.ndarray,
    num_edges: int | np.ndarray,
    edge_attrs: Collection[str] | None,
    *,
    only_edges: bool = False,
    slices: Mapping[str, Any] | None = None,
    num_graphs: int = 1,
    of_edges: Collection[str] = (),
) -> list[Path]:
    """Which attributes of a store follow its edges.

    Parameters
    ----------
    parent
        The PyG object, which knows along which dimension its attributes are stored.
    edges
        The edges of the store.
    num_nodes, num_edges
        Of the store, or of each graph of a batch ``[graphs]`` where there are ``slices``.
    edge_attrs
        As in :func:`wis.graphs.edge_attributes.follows_edges`.
    only_edges
        Whether the store has attributes of edges only, as that of an edge type.
    slices
        Where each graph of a batch begins, for every attribute.
    num_graphs
        Number of graphs in a batch.
    of_edges
        Names of attributes that belong to the edges in a graph of this type.

    Raises
    ------
    ValueError
        If an attribute leaves it open and ``edge_attrs`` is None.
    """
    names = list(edges.store.keys())
    paths = []
    for path, value in _attributes(edges.store):
        if path[0] in _EDGES:
            continue
        if slices is not None and path[0] in slices:
            fits = _fits_of_graphs(parent, edges.store, path, value, slices, (num_nodes, num_edges))
        else:
            fits = _fits_of_whole(parent, edges.store, path, value, (num_nodes, num_edges, num_graphs))
        if only_edges or ("edges" in fits and path[0] in of_edges):
            fits &= {"edges"}
        if follows_edges(".".join(path), fits, names, edge_attrs, is_text=_is_text(value)):
            paths.append(path)
    return paths


def check_names(edge_attrs: Collection[str] | None, stores: Collection[Any]) -> None:
    """Raise ``ValueError`` if ``edge_attrs`` names what no store has."""
    check_are_there(edge_attrs, {".".join(path) for store in stores for path, _ in _attributes(store)})


def restrict(
    parent: Any,
    target: Any,
    edges: StoredEdges,
    paths: list[Path],
    kept: torch.Tensor,
    weights: Any,
    slices: Mapping[str, Any] | None = None,
) -> None:
    """Set the attributes of ``target``, a copy of the store, to those of the kept columns.

    ``kept`` is bool ``[E]``, ``weights`` factors ``[E]`` or None; a matrix beside ``edge_index`` is not touched.
    """
    store = edges.store
    if edges.source == "edge_index":
        target["edge_index"] = store["edge_index"][:, kept.to(store["edge_index"].device)]
    else:
        target[edges.source] = with_entries(store[edges.source], kept, weights)
    for path in paths:
        value = select(parent, store, path, kept, slices)
        if len(path) == 1:
            target[path[0]] = value
        else:
            target[path[0]] = {**target[path[0]], path[1]: value}
    if weights is not None and (edges.source == "edge_index" or "edge_weight" in store):
        factor = torch.as_tensor(weights)[kept].to(edges.columns.device)
        target["edge_weight"] = _times(target.get("edge_weight"), factor)
    _recount(target, store, kept)


def restrict_matrices(
    target: Any, store: Any, beside: Mapping[str, np.ndarray], kept: np.ndarray, weights: np.ndarray | None
) -> None:
    """Restrict the matrices ``beside`` an ``edge_index``, by the pairs that stay: ``kept``, ``weights`` are ``[m]``."""
    for key, pair in beside.items():
        factors = None if weights is None else torch.from_numpy(np.append(weights, 1.0)[pair])
        target[key] = with_entries(store[key], torch.from_numpy(np.append(kept, True)[pair]), factors)


def matrix_pairs(edges: StoredEdges, pairs: EdgeList, shifts: Any = (0, 0)) -> dict[str, np.ndarray]:
    """For every matrix beside ``edge_index``, the pair of each entry: int64 ``[nnz]``, -1 for self-loops.

    Raises
    ------
    ValueError
        If a matrix has an edge that ``edge_index`` does not have.
    """
    found = {}
    for key in _EDGES[1:]:
        if key == edges.source or not is_matrix(edges.store.get(key)):
            continue
        rows, cols, _ = entries(edges.store[key], f"{edges.name}.{key}")
        columns = torch.stack([cols, rows] if key == "adj_t" else [rows, cols]).cpu().numpy().astype(np.int64)
        columns += np.asarray(shifts, dtype=np.int64)[:, None]
        check_columns(columns, pairs.num_nodes, f"{edges.name}.{key}")
        found[key] = _positions(pairs, columns, f"{edges.name}.{key}")
    return found


def _positions(pairs: EdgeList, columns: np.ndarray, name: str) -> np.ndarray:
    """The pairs of columns, after a check that they are there."""
    pair = pairs.pair_of_columns(columns)
    known = np.concatenate([pairs.pairs, [[-1], [-1]]], axis=1)[:, np.minimum(pair, pairs.num_pairs)]
    ends = columns if pairs.directed else np.sort(columns, axis=0)
    if not np.all((known == ends) | (pair == -1)):
        raise ValueError(f"{name} has edges that edge_index does not have; drop one of the two, or make them agree")
    return pair


def lengths(graph: Any) -> dict[str, int]:
    """How many entries each attribute of a ``Data`` has, those that have any."""
    found = {path: _length(graph, graph, path, value) for path, value in _attributes(graph.stores[0])}
    return {".".join(path): length for path, length in found.items() if length is not None and path[0] not in _EDGES}


def _attributes(store: Any) -> Iterator[tuple[Path, Any]]:
    """All attributes, and the items of those that are mappings."""
    for key in store.keys():  # noqa: SIM118  iterating a Data gives pairs
        value = store[key]
        if isinstance(value, Mapping):
            yield from (((key, inner), item) for inner, item in value.items() if isinstance(inner, str))
        else:
            yield (key,), value


def _look_up(root: Any, path: Path) -> Any:
    for key in path:
        root = root[key]
    return root


def _fits_of_whole(parent: Any, store: Any, path: Path, value: Any, sizes: tuple[Any, Any, int]) -> set[str]:
    """What an attribute can belong to, by its length: see :func:`fitting_levels`."""
    num_nodes, num_edges, num_graphs = sizes
    length = _length(parent, store, path, value)
    return set() if length is None else fitting_levels(length, np.sum(num_nodes), np.sum(num_edges), num_graphs)


def _fits_of_graphs(
    parent: Any, store: Any, path: Path, value: Any, slices: Mapping[str, Any], sizes: tuple[Any, Any]
) -> set[str]:
    """The same for an attribute of a batch, by its length in each of the graphs."""
    if isinstance(value, torch.Tensor):
        starts = _look_up(slices, path)
        is_stacked = _dimension(parent, store, path, value) is None or getattr(starts, "ndim", 0) != 1
        return set() if is_stacked else fitting_levels(starts.diff().cpu().numpy(), *sizes)
    if not isinstance(value, (list, tuple)) or not all(isinstance(part, (list, tuple, np.ndarray)) for part in value):
        return set()
    return fitting_levels(np.array([len(part) for part in value]), *sizes)


def _length(parent: Any, store: Any, path: Path, value: Any) -> int | None:
    if isinstance(value, (list, tuple)):
        return len(value)
    dimension = _dimension(parent, store, path, value)
    return None if dimension is None else value.shape[dimension]


def _dimension(parent: Any, store: Any, path: Path, value: Any) -> int | None:
    """Along which dimension the entries of an array or tensor lie; None if there is no such thing."""
    if not isinstance(value, (torch.Tensor, np.ndarray)) or value.ndim == 0 or is_matrix(value):
        return None
    dimension = parent.__cat_dim__(path[-1], value, store)
    return dimension % value.ndim if isinstance(dimension, int) else None


def _is_text(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "US"
    return isinstance(value, (list, tuple)) and all(
        isinstance(item, str) or (isinstance(item, (list, tuple)) and _is_text(item)) for item in value
    )


def select(parent: Any, store: Any, path: Path, kept: torch.Tensor, slices: Mapping[str, Any] | None = None) -> Any:
    """An attribute of the kept columns, of the type that it is of."""
    value = _look_up(store, path)
    if isinstance(value, torch.Tensor):
        dimension = _dimension(parent, store, path, value) or 0
        return value[(slice(None),) * dimension + (kept.to(value.device),)]
    if isinstance(value, np.ndarray):
        return np.compress(kept.cpu().numpy(), value, axis=_dimension(parent, store, path, value))
    if slices is None or path[0] not in slices:
        return _select_items(value, kept.cpu().numpy())
    of_graphs = np.split(kept.cpu().numpy(), np.cumsum([len(part) for part in value])[:-1])
    return type(value)([_select_items(part, stays) for part, stays in zip(value, of_graphs, strict=True)])


def _select_items(values: Any, kept: np.ndarray) -> Any:
    if isinstance(values, np.ndarray):
        return values[kept]
    return type(values)([item for item, stays in zip(values, kept.tolist(), strict=True) if stays])


def _times(old: Any, factor: torch.Tensor) -> Any:
    if isinstance(old, np.ndarray):
        old = old.astype(np.float64) if old.dtype.kind == "O" else old
        return multiply(torch.from_numpy(old), factor.cpu()).numpy()
    if isinstance(old, (list, tuple)):
        return type(old)((np.asarray(old, dtype=np.float64) * factor.cpu().numpy()).tolist())
    return multiply(old, factor)


def _recount(target: Any, store: Any, kept: torch.Tensor) -> None:
    """Set numbers of edges that were stored: ``num_edges``, and PyG's loaders' edges a hop."""
    if isinstance(store.get("num_edges"), int):
        target["num_edges"] = int(kept.sum())
    hops = store.get("num_sampled_edges")
    if isinstance(hops, (list, tuple)) and all(isinstance(hop, int) for hop in hops) and sum(hops) == len(kept):
        target["num_sampled_edges"] = type(hops)([int(part.sum()) for part in kept.split(list(hops))])


def _check_length(values: Any, columns: torch.Tensor, name: str) -> None:
    is_array = isinstance(values, (torch.Tensor, np.ndarray))
    if not is_array and not isinstance(values, (list, tuple)):
        return
    shape = list(values.shape) if is_array else [len(values)]
    if shape[:1] != list(columns.shape[1:]):
        raise ValueError(
            f"{name} must have one entry for each of the {columns.shape[1]} columns of edge_index, got shape {shape}"
        )


def _kind(value: Any) -> str:
    return f"a {value.layout} tensor" if isinstance(value, torch.Tensor) else type(value).__name__
