"""The question that a separation rank answers: which GNN, on which graph, across which partition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from wis.checks import check_count
from wis.engine.walk_counts import check_vertex, members
from wis.graphs.edge_list import EdgeList
from wis.graphs.labels import check_numbered
from wis.graphs.load import load_edges
from wis.interactions.modular import MODULUS


@dataclass(frozen=True, eq=False)
class Setting:
    """A product-aggregation GNN on a graph and a partition of its vertices.

    Attributes
    ----------
    edges
        The graph; every vertex counts as its own neighbour.
    inside
        bool ``[n]``: the vertices of ``I``.
    depth
        ``L >= 1`` layers.
    target
        Vertex of the prediction; None: graph prediction.
    width, input_width
        ``D_h`` and ``D_x``.
    """

    edges: EdgeList
    inside: np.ndarray
    depth: int
    target: int | None
    width: int
    input_width: int

    @property
    def subset(self) -> list[int]:
        """The vertices of ``I``, ascending."""
        return [int(v) for v in np.flatnonzero(self.inside)]

    @property
    def is_partition(self) -> bool:
        """Whether both sides have a vertex."""
        return bool(self.inside.any()) and not bool(self.inside.all())

    def degree(self) -> int:
        """Degree of the GNN's output as a polynomial in its weights and inputs together.

        ``W^(l)`` takes part once for every walk of length ``L - l + 1`` to the target, and the inputs for every walk of
        length L.

        Raises
        ------
        OverflowError
            If it reaches 2**31 - 1: modulo that prime the powers of a number wrap (``x^p = x``).
        """
        degree = 1
        for walks in islice(walks_to(self.edges, self.target), 1, self.depth + 1):
            degree += (count := int(walks.sum()))
            if degree + count >= MODULUS:
                raise OverflowError(
                    f"depth={self.depth} is too large for this graph: the GNN is a polynomial of degree 2**31 - 1 or "
                    "more, whose powers wrap modulo 2**31 - 1; use a smaller depth or a sparser graph"
                )
        return degree + count


def find_setting(
    graph: Any,
    subset: Any,
    depth: int,
    target: int | None,
    width: int,
    input_width: int | None,
    num_nodes: int | None,
    directed: bool | None,
) -> Setting:
    """Check the arguments that :func:`~wis.interactions.rank.separation_rank` and the bounds have in common."""
    loaded = load_edges(graph, num_nodes, directed)
    check_numbered(loaded.labels, "subset")
    edges = loaded.edges
    depth = check_count("depth", depth, at_least=1)
    width = check_count("width", width, at_least=1)
    input_width = width if input_width is None else check_count("input_width", input_width, at_least=1)
    inside = members("subset", subset, edges.num_nodes)
    if target is not None:
        target = check_vertex("target", target, edges.num_nodes)
    return Setting(edges, inside, depth, target, width, input_width)


def walks_to(edges: EdgeList, target: int | None) -> Iterator[np.ndarray]:
    """Walks of length 0, 1, … from every vertex to the target, or to anywhere: Python ints, object ``[n]``.

    Staying at a vertex is a step. Endless; O(m) time a length.
    """
    tail, head = edges.pairs
    walks = np.array([int(target is None or v == target) for v in range(edges.num_nodes)], dtype=object)
    while True:
        yield walks
        longer = walks.copy()
        np.add.at(longer, tail, walks[head])
        if not edges.directed:
            np.add.at(longer, head, walks[tail])
        walks = longer
