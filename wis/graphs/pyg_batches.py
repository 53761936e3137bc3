"""PyG's ``Batch``: every graph in it has a budget of its own."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from wis.graphs.edge_list import EdgeList, LoadedGraph
from wis.graphs.parts import LoadedParts
from wis.graphs.pyg_data import check_num_nodes, keep_num_nodes, of_pairs
from wis.graphs.pyg_stores import (
    check_names,
    following,
    matrix_pairs,
    restrict,
    restrict_matrices,
    stored_edges,
)
from wis.graphs.pyg_values import Path, look_up, replaced
from wis.graphs.torch_graphs import read_columns
from wis.graphs.torch_matrices import is_matrix

# Edges in a matrix: it begins where the vertices of a graph do, and these stay.
_MATRICES = ("adj_t", "adj")


def load(
    graph: Any, num_nodes: int | None, directed: bool | None, edge_attrs: Collection[str] | None = None
) -> LoadedParts:
    """Read a batch of ``Data``; the sparse one comes apart into the sparse graphs."""
    edges = stored_edges(graph.stores[0], "graph")
    size = check_num_nodes(graph, num_nodes, edges.num_edges)
    check_names(edge_attrs, graph.stores)
    columns, pairs = read_columns(edges.columns, size, directed, "graph.edge_index")
    beside = matrix_pairs(edges, pairs)
    starts = _first_vertices(graph, pairs.num_nodes)
    slices = getattr(graph, "_slice_dict", None)
    graph_of_column = np.searchsorted(starts, _host(columns[0]), side="right") - 1
    num_graphs = len(starts) - 1
    num_edges = np.bincount(graph_of_column, minlength=num_graphs)
    paths = following(graph, edges, np.diff(starts), num_edges, edge_attrs, slices=slices, num_graphs=num_graphs)

    def rebuild(kept: Any, weights: Any) -> Any:
        sparse = copy.copy(graph)
        store, mask = sparse.stores[0], torch.as_tensor(kept)
        restrict(graph, store, edges, paths, mask, weights, slices)
        if beside:
            restrict_matrices(store, edges.store, beside, *of_pairs(pairs, columns, kept, weights))
        _restate_slices(graph, sparse, [*paths, (edges.source,)], mask)
        if isinstance(store.get("num_edges"), torch.Tensor):
            store["num_edges"] = torch.from_numpy(np.bincount(graph_of_column[_host(kept)], minlength=num_graphs))
        keep_num_nodes(sparse, size)
        return sparse

    whole = LoadedGraph(columns, pairs, None, rebuild, edges.weights, weights_note=edges.weights_note)
    return LoadedParts(_parts(whole, starts), _combine(whole), f"a Batch of {num_graphs} graphs")


def load_heterogeneous(graph: Any, load_one: Callable[[Any], LoadedParts | LoadedGraph]) -> LoadedParts:
    """Read a batch of ``HeteroData`` by ``load_one`` for each; the sparse graphs are put together again."""
    from torch_geometric.data import Batch

    if not hasattr(graph, "_slice_dict"):
        raise ValueError("graph is a Batch that cannot be taken apart; make it by Batch.from_data_list")
    added = [key for store in graph.stores for key in store.keys() if key.endswith("_batch")]  # noqa: SIM118
    followed = [key.removesuffix("_batch") for key in added]
    parts = [load_one(part) for part in graph.to_data_list()]
    return LoadedParts(
        parts, lambda sparse: Batch.from_data_list(sparse, follow_batch=followed), f"a Batch of {len(parts)} graphs"
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """One graph of a batch; it answers as :class:`LoadedGraph` does."""

    edges: EdgeList
    first: int
    has_different_weights: bool
    weights_note: str
    weights_of_whole: Callable[[], np.ndarray | None]
    data: None = None
    labels: None = None

    def weighted_edges(self) -> EdgeList:
        weights = self.weights_of_whole()
        own = None if weights is None else weights[self.first : self.first + self.edges.num_pairs]
        return EdgeList(self.edges.num_nodes, self.edges.pairs, self.edges.directed, own)

    def keep_pairs(self, kept: np.ndarray, weights: np.ndarray | None = None) -> Any:
        return kept, weights


def _parts(whole: LoadedGraph, starts: np.ndarray) -> list[Any]:
    """The pairs of each graph, which lie one after the other, as its vertices do."""
    pairs = whole.edges.pairs
    ends = np.searchsorted(pairs[0], starts)
    between = np.searchsorted(starts, pairs[0], side="right") != np.searchsorted(starts, pairs[1], side="right")
    if between.any():
        u, v = pairs[:, between][:, 0].tolist()
        raise ValueError(f"graph is a Batch in which an edge leads from one graph to another, between {u} and {v}")
    unread, differ, weights = (
        whole.weights_note,
        whole.has_different_weights,
        functools.cache(lambda: whole.weighted_edges().weights),
    )
    return [
        _Part(
            EdgeList(int(size), pairs[:, first:last] - start, whole.edges.directed), int(first), differ, unread, weights
        )
        for start, size, first, last in zip(starts[:-1], np.diff(starts), ends[:-1], ends[1:], strict=True)
    ]


def _combine(whole: LoadedGraph) -> Callable[[list[Any]], Any]:
    def combine(parts: list[Any]) -> Any:
        kept = np.concatenate([kept for kept, _ in parts] + [np.zeros(0, dtype=bool)])
        if all(weights is None for _, weights in parts):
            return whole.keep_pairs(kept)
        factors = [np.ones(len(kept)) if weights is None else weights for kept, weights in parts]
        return whole.keep_pairs(kept, np.concatenate(factors))

    return combine


def _first_vertices(graph: Any, num_nodes: int) -> np.ndarray:
    """The first vertex of each graph, and the number of all: int64 ``[graphs + 1]``."""
    if graph.get("ptr") is not None:
        return np.asarray(graph.ptr.cpu(), dtype=np.int64)
    if graph.get("batch") is None:
        raise ValueError("graph is a Batch with neither ptr nor batch; make it by Batch.from_data_list")
    of_vertex = graph.batch.cpu().numpy()
    if np.any(np.diff(of_vertex) < 0):
        raise ValueError("graph.batch must not fall: the vertices of each graph lie one after the other")
    return np.searchsorted(of_vertex, np.arange(graph.num_graphs + 1)) if len(of_vertex) else np.array([0, num_nodes])


def _restate_slices(graph: Any, sparse: Any, paths: list[Path], kept: torch.Tensor) -> None:
    """Say anew where each graph begins in what became shorter, and in PyG's ``…_ptr`` and ``…_batch`` of it."""
    before = torch.cat([torch.zeros(1, dtype=torch.long, device=kept.device), kept.cumsum(0)])
    for name, *_ in paths:
        if f"{name}_ptr" in graph and isinstance(graph[f"{name}_ptr"], torch.Tensor):
            sparse[f"{name}_ptr"] = _look_up(before, graph[f"{name}_ptr"])
        if f"{name}_batch" in graph and isinstance(graph[f"{name}_batch"], torch.Tensor):
            sparse[f"{name}_batch"] = graph[f"{name}_batch"][kept.to(graph[f"{name}_batch"].device)]
    if hasattr(graph, "_slice_dict"):
        slices = dict(graph._slice_dict)
        for path in paths:
            if path[0] in slices:
                slices = _restate(slices, graph, path, before)
        sparse._slice_dict = slices
        if "edge_weight" in sparse and "edge_weight" not in slices and "edge_index" in slices:  # set by a method
            slices["edge_weight"] = slices["edge_index"]
            sparse._inc_dict = {**graph._inc_dict, "edge_weight": None}


def _restate(slices: dict[str, Any], graph: Any, path: Path, before: torch.Tensor) -> dict[str, Any]:
    value = look_up(graph, path)
    if path[0] not in _MATRICES and (isinstance(value, torch.Tensor) or is_matrix(value)):
        return replaced(slices, path, _look_up(before, look_up(slices, path)))
    return slices


def _look_up(values: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Values at positions, on the device of the positions."""
    return values[positions.to(values.device)].to(positions.device)


def _host(values: Any) -> np.ndarray:
    return values.cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
