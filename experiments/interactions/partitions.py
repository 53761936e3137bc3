"""Which partitions and targets of a graph to look at: all that differ, or a sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import networkx as nx

# Of larger graphs a sample is drawn: this one has at most 5,040 automorphisms and 126 partitions.
MOST_VERTICES_WHOLE = 7


def small_graphs(most_vertices: int) -> dict[str, nx.Graph]:
    """All connected graphs of 2 to ``most_vertices`` (at most 7) vertices, by their number in NetworkX's atlas."""
    import networkx as nx

    graphs = {f"atlas {i}": graph for i, graph in enumerate(nx.graph_atlas_g())}
    return {
        name: graph for name, graph in graphs.items() if 2 <= len(graph) <= most_vertices and nx.is_connected(graph)
    }


def orbits(graph: nx.Graph) -> Iterator[tuple[int | None, list[int]]]:
    """Every target, or None, with every partition, once up to symmetry.

    Two of them are the same if an automorphism of the graph takes one to the other, or to the other's complement: the
    separation rank is the same then. The subset given is the first in binary order.
    """
    symmetries = [*_automorphisms(graph)]
    full = (1 << len(graph)) - 1
    images = [[sum(1 << name[v] for v in graph if mask >> v & 1) for mask in range(full + 1)] for name in symmetries]
    for target in (None, *graph):
        seen: set[int] = set()
        fixing = [
            image for name, image in zip(symmetries, images, strict=True) if target is None or name[target] == target
        ]
        if target is not None and any(name[target] < target for name in symmetries):
            continue
        for mask in range(1, full):
            if mask in seen:
                continue
            for image in fixing:
                seen |= {image[mask], full ^ image[mask]}
            yield target, [v for v in graph if mask >> v & 1]


def _automorphisms(graph: nx.Graph) -> Iterator[dict[int, int]]:
    from networkx.algorithms.isomorphism import GraphMatcher

    return GraphMatcher(graph, graph).isomorphisms_iter()


def sampled(num_nodes: int, count: int, seed: int) -> Iterator[tuple[int | None, list[int]]]:
    """So many random partitions, every other one with a target; subsets of every size are as likely."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        subset = rng.permutation(num_nodes)[: rng.integers(1, num_nodes)]
        yield (int(rng.integers(num_nodes)) if i % 2 else None), sorted(subset.tolist())
