"""Random graphs for the engine tests: hypothesis strategies, and seeded families for longer runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from wis.engine.task import Task
from wis.graphs.edge_list import EdgeList


def edge_list(num_nodes: int, columns: object, directed: bool = False) -> EdgeList:
    """An edge list from columns ``[2, E]``; self-loops and repeated edges in them are dropped."""
    return EdgeList.from_columns(np.asarray(columns, dtype=np.int64).reshape(2, -1), num_nodes, directed)


def task(edges: EdgeList, depth: int, **options: Any) -> Task:
    """What an engine is asked for; all removals unless ``limit`` is given."""
    return Task(edges, depth, **({"limit": edges.num_pairs} | options))


@st.composite
def edge_lists(draw: st.DrawFn, *, max_nodes: int = 9, max_edges: int = 22, directed: bool | None = False) -> EdgeList:
    """Any small graph, isolated vertices included, drawn as columns with self-loops and repeats.

    ``directed=None`` draws both kinds.
    """
    num_nodes = draw(st.integers(1, max_nodes))
    vertex = st.integers(0, num_nodes - 1)
    columns = draw(st.lists(st.tuples(vertex, vertex), max_size=max_edges))
    kind = draw(st.booleans()) if directed is None else directed
    return edge_list(num_nodes, np.array(columns, dtype=np.int64).reshape(-1, 2).T, kind)


def family(name: str, num_nodes: int, seed: int = 0, directed: bool = False) -> EdgeList:
    """One graph of a named family, its vertices numbered at random: see :data:`FAMILIES`."""
    rng = np.random.default_rng([seed, num_nodes, *name.encode()])
    columns = np.array(FAMILIES[name](num_nodes, rng), dtype=np.int64).reshape(-1, 2).T
    if directed:
        flip = rng.random(columns.shape[1]) < 0.5
        both = rng.random(columns.shape[1]) < 0.4
        columns = np.where(flip, columns[::-1], columns)
        columns = np.concatenate([columns, columns[::-1, both]], axis=1)
    names = rng.permutation(num_nodes)
    return edge_list(num_nodes, names[columns], directed)


def every_family(sizes: tuple[int, ...], directed: bool = False) -> Iterator[EdgeList]:
    """One graph of every family and size."""
    for name in FAMILIES:
        for num_nodes in sizes:
            yield family(name, num_nodes, directed=directed)


def _gnp(share: float) -> Callable[[int, np.random.Generator], list[tuple[int, int]]]:
    def build(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
        return [(i, j) for i in range(n) for j in range(i) if rng.random() < share]

    return build


def _clique(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(i, j) for i in range(n) for j in range(i)]


def _star(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(0, i) for i in range(1, n)]


def _two_stars(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(i % 2, i) for i in range(2, n)] + [(0, 1)]


def _path(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(i, i + 1) for i in range(n - 1)]


def _cycle(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(i, (i + 1) % n) for i in range(n)]


def _wheel(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(0, i) for i in range(1, n)] + [(i, i % (n - 1) + 1) for i in range(1, n)]


def _tree(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(i, int(rng.integers(i))) for i in range(1, n)]


def _bipartite(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(i, j) for i in range(n // 2) for j in range(n // 2, n) if rng.random() < 0.7]


def _two_cliques(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    half = n // 2
    return [(i, j) for i in range(n) for j in range(i) if (i < half) == (j < half)] + [(0, n - 1)]


def _scattered(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Several components and isolated vertices."""
    return [(i, j) for i in range(n) for j in range(i) if i // 4 == j // 4 and i % 4 != 3 and rng.random() < 0.8]


def _hub(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Preferential attachment: a few vertices get most edges."""
    edges = [(0, 1)]
    for i in range(2, n):
        ends = [v for edge in edges for v in edge]
        edges += [(i, int(v)) for v in set(rng.choice(ends, size=2))]
    return edges


FAMILIES = {
    "sparse": _gnp(0.15),
    "medium": _gnp(0.35),
    "dense": _gnp(0.75),
    "clique": _clique,
    "star": _star,
    "two stars": _two_stars,
    "path": _path,
    "cycle": _cycle,
    "wheel": _wheel,
    "tree": _tree,
    "bipartite": _bipartite,
    "two cliques": _two_cliques,
    "scattered": _scattered,
    "hub": _hub,
}
