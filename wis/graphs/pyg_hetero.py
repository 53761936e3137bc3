"""PyG's ``HeteroData``: a graph an edge type, each with a budget of its own, or one graph of all edge types.

The vertices of all types are numbered one type after the other. An edge type and its reverse (``rev_…``, as
``ToUndirected`` names it) hold the two directions of the same pairs, so they are one graph; so is an edge type between
two types of vertices alone, whose edges are stored in one direction only. Both are read as undirected unless
``directed=True``, which makes every edge type a graph of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

import numpy as np
import torch

from wis.graphs.edge_list import LoadedGraph, check_range, check_shape
from wis.graphs.parts import LoadedParts
from wis.graphs.pyg_data import of_pairs
from wis.graphs.pyg_stores import (
    StoredEdges,
    check_names,
    following,
    matrix_pairs,
    restrict,
    restrict_matrices,
    stored_edges,
)
from wis.graphs.torch_graphs import read_columns

EdgeType = tuple[str, str, str]


def load(
    graph: Any,
    num_nodes: int | None,
    directed: bool | None,
    edge_attrs: Collection[str] | None = None,
    *,
    homogeneous: bool = False,
) -> LoadedGraph | LoadedParts:
    """Read a graph of several types of vertices and edges; vertices and their attributes stay as they are.

    With ``homogeneous=True`` all edge types are one graph with one budget: the two vertices of a pair are joined once,
    by however many types, and the edges of all types follow their pair.
    """
    if num_nodes is not None:
        raise ValueError(f"num_nodes={num_nodes}, but a HeteroData states its numbers of vertices; leave num_nodes out")
    check_names(edge_attrs, graph.edge_stores)
    stored = {kind: stored_edges(graph[kind], f"graph[{kind!r}]") for kind in graph.edge_types}
    groups = [list(stored)] if homogeneous else _groups(list(stored), bool(directed))
    reader = _Reader(graph, stored, edge_attrs)
    if homogeneous:
        whole = reader.read(groups[0], directed)
        return LoadedGraph(
            whole.columns,
            whole.edges,
            None,
            lambda kept, weights: reader.build([whole.rebuild(kept, weights)]),
            whole.column_weights,
            weights_note=whole.weights_note,
        )
    parts = [reader.read(kinds, _direction(kinds, directed)) for kinds in groups]
    return LoadedParts(parts, reader.build, f"a HeteroData of {len(parts)} edge types that are no reverse of others")


def _direction(kinds: list[EdgeType], directed: bool | None) -> bool | None:
    """Whether a graph is directed; one that has no second direction to be asymmetric in is not."""
    one_way = len(kinds) > 1 or kinds[0][0] != kinds[0][2]
    return False if directed is None and one_way else directed


def _groups(kinds: list[EdgeType], directed: bool) -> list[list[EdgeType]]:
    """The edge types of each graph: one, and its reverse."""
    if directed:
        return [[kind] for kind in kinds]
    forward_of = {(head, f"rev_{name}", tail): (tail, name, head) for tail, name, head in kinds}
    groups: dict[EdgeType, list[EdgeType]] = {kind: [kind] for kind in kinds if kind not in forward_of}
    for kind in kinds:
        if kind in forward_of:
            groups.setdefault(forward_of[kind], []).append(kind)
    return list(groups.values())


class _Reader:
    """Reads graphs of some edge types of one ``HeteroData``, and builds the sparse ``HeteroData`` from all of them."""

    def __init__(self, graph: Any, stored: dict[EdgeType, StoredEdges], edge_attrs: Collection[str] | None) -> None:
        self._graph, self._stored = graph, stored
        self._sizes = _numbers_of_vertices(graph, stored)
        self._paths = {
            kind: following(graph, edges, 0, edges.num_edges, edge_attrs, only_edges=True)
            for kind, edges in stored.items()
        }

    def read(self, kinds: list[EdgeType], directed: bool | None) -> LoadedGraph:
        """One graph; its ``rebuild`` gives what :meth:`build` puts together."""
        first, size = self._first_vertices(kinds)
        shifted = [
            self._stored[kind].columns + torch.tensor([[first[kind[0]]], [first[kind[2]]]]).to(self._device)
            for kind in kinds
        ]
        joined = torch.cat(shifted, dim=1) if shifted else torch.empty((2, 0), dtype=torch.long)
        columns, pairs = read_columns(joined, size, directed, "graph")
        beside = {kind: matrix_pairs(self._stored[kind], pairs, (first[kind[0]], first[kind[2]])) for kind in kinds}

        def rebuild(kept: Any, weights: Any) -> Any:
            of_pair = of_pairs(pairs, columns, kept, weights) if any(beside.values()) else None
            return beside, of_pair, kept, weights

        return LoadedGraph(columns, pairs, None, rebuild, self._weights(kinds), weights_note=self._weights_note(kinds))

    def build(self, parts: list[Any]) -> Any:
        """The sparse ``HeteroData``."""
        sparse = copy.copy(self._graph)
        for beside, of_pair, kept, weights in parts:
            ends = np.cumsum([self._stored[kind].num_edges for kind in beside])
            for kind, end in zip(beside, ends, strict=True):
                edges, own = self._stored[kind], slice(end - self._stored[kind].num_edges, end)
                factors = None if weights is None else weights[own]
                restrict(self._graph, sparse[kind], edges, self._paths[kind], torch.as_tensor(kept[own]), factors)
                if of_pair is not None:
                    restrict_matrices(sparse[kind], edges.store, beside[kind], *of_pair)
        return sparse

    @property
    def _device(self) -> torch.device:
        return next(iter(self._stored.values())).columns.device

    def _first_vertices(self, kinds: list[EdgeType]) -> tuple[dict[str, int], int]:
        """The number of the first vertex of each type, and how many there are."""
        first, size = {}, 0
        for name in dict.fromkeys(name for kind in kinds for name in (kind[0], kind[2])):
            first[name] = size
            size += self._sizes[name]
        return first, size

    def _weights_note(self, kinds: list[EdgeType]) -> str:
        """What is unusual about the weights: some types have none, or something that may be meant as such."""
        without = [kind for kind in kinds if self._stored[kind].weights is None]
        if 0 < len(without) < len(kinds):
            return f"graph[{without[0]!r}] has none, as other edge types of the same graph have: its edges weigh 1"
        return next(filter(None, (self._stored[kind].weights_note for kind in kinds)), "")

    def _weights(self, kinds: list[EdgeType]) -> np.ndarray | None:
        """The weights of all columns, 1 in types without; None if there are none at all."""
        weights = [self._stored[kind].weights for kind in kinds]
        if all(values is None for values in weights):
            return None
        return np.concatenate(
            [
                np.ones(self._stored[kind].num_edges) if values is None else values
                for kind, values in zip(kinds, weights, strict=True)
            ]
        )


def _numbers_of_vertices(graph: Any, stored: dict[EdgeType, StoredEdges]) -> dict[str, int]:
    """Vertices of each type, as stated, else the largest index plus one; all edges are checked against them."""
    sizes: dict[str, int] = {}
    for kind, edges in stored.items():
        check_shape(edges.columns, f"{edges.name}.edge_index")
        for name, ends in ((kind[0], edges.columns[0]), (kind[2], edges.columns[1])):
            # Asked for a type that has no store, PyG makes one.
            states = name in graph.node_types and graph[name].can_infer_num_nodes
            stated = graph[name].num_nodes if states else None
            low, high = (int(ends.min()), int(ends.max())) if len(ends) else (0, -1)
            size = check_range(low, high, stated, f"{edges.name}.edge_index ({name!r})")
            sizes[name] = max(sizes.get(name, 0), size or 0)
    return sizes
