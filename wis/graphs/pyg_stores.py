"""One store of PyG, that of a ``Data`` or of an edge type of a ``HeteroData``: its edges, and what follows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from wis.graphs.edge_attributes import EDGES_ALONE, check_are_there, fitting_levels, follows_edges, says_edges
from wis.graphs.edge_list import EdgeList, check_columns, check_shape
from wis.graphs.pyg_values import (
    Path,
    attributes,
    dotted,
    is_text,
    kind_of,
    length,
    look_up,
    measure,
    replaced,
    select,
    sizes,
)
from wis.graphs.torch_graphs import host_weights, multiply
from wis.graphs.torch_matrices import entries, is_matrix, keeps_gradient, with_entries

_EDGES = ("edge_index", "adj_t", "adj")

# Called almost as weights are; the first as `from_networkx` names them.
_MAYBE_WEIGHTS = ("weight", "weights", "edge_weights", "edge_attr")


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
    def weights_note(self) -> str:
        """That there is an attribute that may be meant as weights where there are none, as ``edge_attr`` of floats."""
        for key in _MAYBE_WEIGHTS:
            values = self.store.get(key)
            is_number = isinstance(values, torch.Tensor) and (key != "edge_attr" or values.is_floating_point())
            if self.weights is None and is_number and sizes(values) in ([self.num_edges], [self.num_edges, 1]):
                return (
                    f"{self.name}.{key} has one number an edge, which it does not take for one; if it holds them, set "
                    f"edge_weight = {key}.flatten()"
                )
        return ""

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
        if not keeps_gradient(value):
            raise ValueError(f"{name}.{source} needs a gradient and is not coalesced; store {source}.coalesce() in it")
        rows, cols, weights = entries(value, f"{name}.{source}")
        value = torch.stack([cols, rows] if source == "adj_t" else [rows, cols])
    elif not isinstance(value, torch.Tensor) or value.layout != torch.strided:
        raise TypeError(f"{name}.edge_index must be a dense integer torch tensor [2, E], got a {kind_of(value)}")
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
    TypeError
        If one follows, and is of a type that cannot be cut.
    """
    if edge_attrs is EDGES_ALONE:
        return []
    names = list(edges.store.keys())
    paths = []
    for path, value in attributes(edges.store):
        if path[0] in _EDGES:
            continue
        name, is_of_edges = dotted(path), only_edges or path[0] in of_edges
        by_name = is_of_edges or says_edges(name) or name in (edge_attrs or ())
        if slices is not None and path[0] in slices:
            starts = look_up(slices, path)
            fits, served = _fits_of_graphs(parent, edges.store, path, value, starts, (num_nodes, num_edges), by_name)
        else:
            levels = (num_nodes, num_edges, num_graphs)
            fits, served = _fits_of_whole(parent, edges.store, path, value, levels, by_name)
        if only_edges or ("edges" in fits and is_of_edges):
            fits &= {"edges"}
        if follows_edges(name, fits, names, edge_attrs, is_text=is_text(value)):
            if not served:
                raise TypeError(
                    f"{name} follows the edges, and its type, {kind_of(value)}, cannot be cut to those that stay; make "
                    "it a tensor, a NumPy array or a list with one entry for each edge"
                )
            paths.append(path)
    return paths


def check_names(edge_attrs: Collection[str] | None, stores: Collection[Any]) -> None:
    """Raise ``ValueError`` if ``edge_attrs`` names what no store has."""
    check_are_there(edge_attrs, {dotted(path) for store in stores for path, _ in attributes(store)})


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
    restrict_values(parent, target, store, paths, kept, slices)
    if weights is not None and (edges.source == "edge_index" or "edge_weight" in store):
        factor = torch.as_tensor(weights)[kept].to(edges.columns.device)
        target["edge_weight"] = _times(target.get("edge_weight"), factor)
    _recount(target, store, kept)


def restrict_values(
    parent: Any, target: Any, store: Any, paths: list[Path], kept: torch.Tensor, slices: Mapping[str, Any] | None = None
) -> None:
    """Set the attributes at ``paths`` of ``target``, a copy of the store, to those of the kept columns."""
    for path in paths:
        value = select(parent, store, path, kept, slices)
        target[path[0]] = replaced(target[path[0]], path[1:], value)


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
    found = {path: length(graph, graph, path, value) for path, value in attributes(graph.stores[0])}
    return {dotted(path): count for path, count in found.items() if count is not None and path[0] not in _EDGES}


def _fits_of_whole(
    parent: Any, store: Any, path: Path, value: Any, levels: tuple[Any, Any, int], by_name: bool
) -> tuple[set[str], bool]:
    """What an attribute can belong to, by its length: see :func:`fitting_levels`; and whether it can be cut."""
    num_nodes, num_edges, num_graphs = int(np.sum(levels[0])), int(np.sum(levels[1])), levels[2]
    count, served = measure(parent, store, path, value, num_edges, by_name=by_name)
    return (set() if count is None else fitting_levels(count, num_nodes, num_edges, num_graphs)), served


def _fits_of_graphs(
    parent: Any, store: Any, path: Path, value: Any, starts: Any, levels: tuple[Any, Any], by_name: bool
) -> tuple[set[str], bool]:
    """The same for an attribute of a batch, by its length in each of the graphs.

    PyG joins tensors, so that each graph begins at one of ``starts``. Of another type it makes a list with what each
    graph has; of lists of tensors one of joined tensors, which have ``starts`` each.
    """
    num_edges = levels[1]
    if isinstance(starts, (list, tuple)):
        fits = [
            _fits_of_graphs(parent, store, path, item, begin, levels, by_name)[0]
            for item, begin in zip(value, starts, strict=True)
        ]
        is_of_edges = by_name and (any("edges" in one for one in fits) or bool(np.all(num_edges == len(value))))
        return ({"edges"} if is_of_edges else set()), False
    if isinstance(value, (list, tuple)):
        if len(value) != len(num_edges):
            return set(), True
        found = [
            measure(parent, store, path, part, int(count), by_name=by_name)
            for part, count in zip(value, num_edges, strict=True)
        ]
        counts, served = zip(*found, strict=True) if found else ((), ())
        return (set() if None in counts else fitting_levels(np.array(counts), *levels)), all(served)
    count, is_served = measure(parent, store, path, value, int(np.sum(num_edges)), by_name=by_name)
    if count is None:
        return set(), True
    firsts = starts.reshape(len(starts), -1)[:, 0]  # of a sparse tensor one for each of its dimensions that grow
    return fitting_levels(firsts.diff().cpu().numpy(), *levels), is_served


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
    shape = sizes(values)
    if isinstance(values, Mapping) or (not shape and not isinstance(values, (torch.Tensor, np.ndarray))):
        return
    if shape[:1] != list(columns.shape[1:]):
        raise ValueError(
            f"{name} must have one entry for each of the {columns.shape[1]} columns of edge_index, got shape {shape}"
        )
