"""Spanners: few edges that keep all distances within a factor.

Baswana and Sen, *A simple and linear time randomized algorithm for computing sparse spanners in weighted graphs*
(Random Structures and Algorithms 30, 2007), for edges of length 1. A subgraph is a ``t``-spanner if the ends of every
edge of the graph are at most ``t`` apart in it; the algorithm makes ``(2k - 1)``-spanners of ``O(k n^(1 + 1/k))``
edges.
"""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import scipy.sparse as sp
from wis.baselines.resistance.bridges import adjacency

from wis.checks import check_count
from wis.graphs.edge_list import EdgeList, require_undirected
from wis.kernels import compiled
from wis.progress import track
from wis.registry import method

IMPLEMENTATIONS = ("numba", "networkx")


@method(source="Baswana and Sen (2007)", seeded=True)
def select(
    edges: EdgeList,
    num_keep: int,
    *,
    seed: int | None = None,
    progress: bool = False,
    implementation: str = "numba",
) -> tuple[np.ndarray, None]:
    """Keep a spanner: the smallest stretch whose spanner fits the budget.

    The larger the stretch (1 for all edges, then 3, 5, …), the smaller the spanner. A bisection finds two stretches in
    a row such that the spanner of the smaller one has more than ``num_keep`` edges and that of the larger one has not.
    The latter is kept, and what is left of the budget is filled with edges of the former, in random order.

    After the last spanner of ``O(n log n)`` edges comes a spanning forest of it, whose stretch has no bound. Below its
    size no spanner exists: then edges of the forest are kept at random.

    Parameters
    ----------
    edges
        An undirected graph.
    num_keep
        Number of pairs to keep.
    seed
        Seed of the spanners and of the filling.
    progress
        Whether to show progress.
    implementation
        ``"numba"``, or ``"networkx"`` for :func:`networkx.spanner`, which is far slower.

    Returns
    -------
    tuple
        bool ``[m]``, the pairs kept, and None: no weights.

    Raises
    ------
    ValueError
        If the graph is directed or ``implementation`` unknown.

    Notes
    -----
    O(m log n log log n) time: O(log log n) spanners, each in O(k m) with ``k <= log2 n``.
    """
    require_undirected(edges, "spanner")
    _check_implementation(implementation)
    if num_keep >= edges.num_pairs:
        return np.ones(edges.num_pairs, dtype=bool), None
    entropy: Any = np.random.SeedSequence(seed).entropy
    levels = _Levels(edges, entropy, implementation)
    denser, sparser = 1, levels.count
    with track(levels.count.bit_length(), "spanners", unit="stretches", enabled=progress) as advance:
        while sparser - denser > 1:
            middle = (denser + sparser) // 2
            if levels[middle].sum() <= num_keep:
                sparser = middle
            else:
                denser = middle
            advance(1)
    return _fill(levels[sparser], levels[denser], num_keep, np.random.default_rng([entropy, 0])), None


class _Levels:
    """Ever sparser subgraphs, each with its own seed: spanners of stretch 1, 3, 5, …, a spanning forest, nothing."""

    def __init__(self, edges: EdgeList, entropy: Any, implementation: str) -> None:
        self._edges = edges
        self._entropy = entropy
        self._implementation = implementation
        self._spanners = max(1, math.ceil(math.log2(max(edges.num_nodes, 2))))
        self._made: dict[int, np.ndarray] = {}
        self.count = self._spanners + 2

    def __getitem__(self, level: int) -> np.ndarray:
        if level not in self._made:
            self._made[level] = self._make(level)
        return self._made[level]

    def _make(self, level: int) -> np.ndarray:
        random = np.random.default_rng([self._entropy, level])
        if level == self.count:
            return np.zeros(self._edges.num_pairs, dtype=bool)
        if level > self._spanners:
            return _spanning_forest(self._edges, self[self._spanners], random)
        return _spanner(self._edges, 2 * level - 1, random, self._implementation)


def spanner(edges: EdgeList, stretch: int, seed: int | None = None, implementation: str = "numba") -> np.ndarray:
    """Make one spanner.

    Parameters
    ----------
    edges
        An undirected graph.
    stretch
        Largest distance in the spanner between the ends of an edge, at least 1. Even numbers are rounded down.
    seed
        Seed of the clusters.
    implementation
        ``"numba"`` or ``"networkx"``.

    Returns
    -------
    numpy.ndarray
        bool ``[m]``: the pairs of the spanner. O(stretch * m) time.

    Raises
    ------
    ValueError
        If the graph is directed, ``stretch`` below 1, or ``implementation`` unknown.
    """
    require_undirected(edges, "spanner")
    _check_implementation(implementation)
    if check_count("stretch", stretch) == 0:
        raise ValueError("stretch must be at least 1, got 0")
    return _spanner(edges, stretch, np.random.default_rng(seed), implementation)


def _check_implementation(implementation: str) -> None:
    if implementation not in IMPLEMENTATIONS:
        allowed = ", ".join(map(repr, IMPLEMENTATIONS))
        raise ValueError(f"implementation must be one of {allowed}, got {implementation!r}")


def _spanner(edges: EdgeList, stretch: int, random: np.random.Generator, implementation: str) -> np.ndarray:
    if implementation == "networkx":
        return _networkx_spanner(edges, stretch, random)
    num_nodes, k = edges.num_nodes, (stretch + 1) // 2
    indptr, neighbour, edge = adjacency(num_nodes, edges.pairs)
    alive = np.ones(edges.num_pairs, dtype=bool)
    kept = np.zeros(edges.num_pairs, dtype=bool)
    cluster = np.arange(num_nodes, dtype=np.int64)
    share = float(num_nodes) ** (-1.0 / k) if num_nodes else 0.0
    for _ in range(k - 1):
        sampled = random.random(num_nodes) < share
        cluster = _grow(indptr, neighbour, edge, cluster, sampled, alive, kept)
    _join(indptr, neighbour, edge, cluster, alive, kept)
    return kept


def _networkx_spanner(edges: EdgeList, stretch: int, random: np.random.Generator) -> np.ndarray:
    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(range(edges.num_nodes))
    graph.add_edges_from(edges.pairs.T.tolist())
    found = nx.spanner(graph, stretch, seed=int(random.integers(1 << 32)))
    kept = np.array(found.edges, dtype=np.int64).reshape(-1, 2).T
    mask = np.zeros(edges.num_pairs, dtype=bool)
    mask[edges.pair_of_columns(kept)] = True
    return mask


def _spanning_forest(edges: EdgeList, within: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A spanning forest of the graph made of edges of a spanner."""
    chosen = np.flatnonzero(within)
    tail, head = edges.pairs[:, chosen]
    # All weights differ and none is zero: the lightest forest is one forest, drawn at random.
    weight = 1.0 + random.permutation(len(chosen))
    graph: sp.coo_array = sp.coo_array((weight, (tail, head)), shape=(edges.num_nodes, edges.num_nodes))
    forest = sp.csgraph.minimum_spanning_tree(graph)
    of_weight = np.empty(len(chosen), dtype=np.int64)
    of_weight[weight.astype(np.int64) - 1] = chosen
    mask = np.zeros(edges.num_pairs, dtype=bool)
    mask[of_weight[forest.data.astype(np.int64) - 1]] = True
    return mask


def _fill(kept: np.ndarray, source: np.ndarray, num_keep: int, random: np.random.Generator) -> np.ndarray:
    """Add random edges of ``source`` until ``num_keep`` are kept."""
    spare = np.flatnonzero(source & ~kept)
    filled = kept.copy()
    filled[random.permutation(spare)[: num_keep - int(kept.sum())]] = True
    return filled


@compiled
def _grow(
    indptr: np.ndarray,
    neighbour: np.ndarray,
    edge: np.ndarray,
    cluster: np.ndarray,
    sampled: np.ndarray,
    alive: np.ndarray,
    kept: np.ndarray,
) -> np.ndarray:
    """One step of phase 1: sampled clusters grow by their neighbours; return the cluster of every vertex, -1 for none.

    A vertex beside a sampled cluster joins it over one edge. A vertex beside none keeps one edge to every cluster
    around it and leaves. Edges that are settled so, and edges within a cluster, die.
    """
    num_nodes = len(cluster)
    grown = np.full(num_nodes, -1, dtype=np.int64)
    seen_by = np.full(num_nodes, -1, dtype=np.int64)
    for v in range(num_nodes):
        if cluster[v] < 0:
            continue
        if sampled[cluster[v]]:
            grown[v] = cluster[v]
            continue
        for t in range(indptr[v], indptr[v + 1]):
            if alive[edge[t]] and sampled[cluster[neighbour[t]]]:
                grown[v] = cluster[neighbour[t]]
                kept[edge[t]] = True
                break
        for t in range(indptr[v], indptr[v + 1]):
            if not alive[edge[t]]:
                continue
            near = cluster[neighbour[t]]
            if grown[v] >= 0:
                alive[edge[t]] = near != grown[v]
                continue
            alive[edge[t]] = False
            if seen_by[near] != v:
                seen_by[near] = v
                kept[edge[t]] = True
    for v in range(num_nodes):
        for t in range(indptr[v], indptr[v + 1]):
            if alive[edge[t]] and grown[v] == grown[neighbour[t]]:
                alive[edge[t]] = False
    return grown


@compiled
def _join(
    indptr: np.ndarray,
    neighbour: np.ndarray,
    edge: np.ndarray,
    cluster: np.ndarray,
    alive: np.ndarray,
    kept: np.ndarray,
) -> None:
    """Phase 2: every vertex keeps one edge to every cluster around it."""
    seen_by = np.full(len(cluster), -1, dtype=np.int64)
    for v in range(len(cluster)):
        for t in range(indptr[v], indptr[v + 1]):
            if not alive[edge[t]]:
                continue
            near = cluster[neighbour[t]]
            alive[edge[t]] = False
            if seen_by[near] != v:
                seen_by[near] = v
                kept[edge[t]] = True
