"""Spanners: few edges that keep all distances within a factor.

Baswana and Sen, *A simple and linear time randomized algorithm for computing sparse spanners in weighted graphs*
(Random Structures and Algorithms 30, 2007). A subgraph is a ``t``-spanner if the ends of every edge of the graph are at
most ``t`` times its length apart in it; the algorithm makes ``(2k - 1)``-spanners of ``O(k n^(1 + 1/k))`` edges.
Without weights all edges have length 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wis.checks import check_choice, check_count
from wis.graphs.csr import build_csr
from wis.graphs.edge_list import EdgeList, require_undirected
from wis.graphs.forest import spanning_forest
from wis.kernels import compiled
from wis.progress import track
from wis.registry import method

_LENGTHS = ("inverse", "weight")


def _check(lengths: str) -> None:
    check_choice("lengths", lengths, _LENGTHS)


@method(source="Baswana and Sen (2007)", seeded=True, reads_weights=True, check=_check)
def select(
    edges: EdgeList, num_keep: int, *, seed: int | None = None, progress: bool = False, lengths: str = "inverse"
) -> tuple[np.ndarray, None]:
    """Keep a spanner: the smallest stretch whose spanner fits the budget.

    The larger the stretch (1 for all edges, then 3, 5, …), the smaller the spanner. A bisection finds two stretches in
    a row such that the spanner of the smaller one has more than ``num_keep`` edges and that of the larger one has not.
    The latter is kept, and what is left of the budget is filled with edges of the former, in random order.

    After the last spanner of ``O(n log n)`` edges comes a spanning forest of it, random and as short as possible, whose
    stretch has no bound. Below its size no spanner exists: then edges of the forest are kept at random.

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
    lengths
        What a weight means: ``"inverse"`` if heavy edges are close (similarities, conductances, strengths), so that the
        length is one over the weight; ``"weight"`` if the weight is a length itself.

    Returns
    -------
    tuple
        bool ``[m]``, the pairs kept, and None: no weights.

    Raises
    ------
    ValueError
        If the graph is directed, or ``lengths`` is another word.

    Notes
    -----
    O(m log n log log n) time: O(log log n) spanners, each in O(k m) with ``k <= log2 n``.
    """
    _check(lengths)
    entropy: Any = np.random.SeedSequence(seed).entropy
    levels = _Levels(edges, entropy, lengths)
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

    def __init__(self, edges: EdgeList, entropy: Any, lengths: str) -> None:
        self._edges = edges
        self._lengths = lengths
        self._entropy = entropy
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
            return _random_forest(self._edges, self[self._spanners], random, _lengths(self._edges, self._lengths))
        return spanner(self._edges, 2 * level - 1, random, self._lengths)


def spanner(
    edges: EdgeList, stretch: int, seed: int | np.random.Generator | None = None, lengths: str = "inverse"
) -> np.ndarray:
    """Make one spanner.

    Parameters
    ----------
    edges
        An undirected graph.
    stretch
        Largest distance in the spanner between the ends of an edge of length 1, at least 1; in proportion for others.
        Even numbers are rounded down.
    seed
        Seed of the clusters, or where to draw them from.
    lengths
        How a weight becomes a length, as for ``select``.

    Returns
    -------
    numpy.ndarray
        bool ``[m]``: the pairs of the spanner. O(stretch * m) time, and O(m log m) to sort by length if there are
        weights.

    Raises
    ------
    ValueError
        If the graph is directed, ``stretch`` below 1, or ``lengths`` another word.
    """
    require_undirected(edges, "spanner")
    check_count("stretch", stretch, at_least=1)
    _check(lengths)
    random = np.random.default_rng(seed)
    num_nodes, k = edges.num_nodes, (stretch + 1) // 2
    length = _lengths(edges, lengths)
    indptr, neighbour, edge = build_csr(edges)
    if edges.weights is not None:
        tail = np.repeat(np.arange(num_nodes), np.diff(indptr))
        shortest_first = np.lexsort((length[edge], tail))
        neighbour, edge = neighbour[shortest_first], edge[shortest_first]
    alive = np.ones(edges.num_pairs, dtype=bool)
    kept = np.zeros(edges.num_pairs, dtype=bool)
    cluster = np.arange(num_nodes, dtype=np.int64)
    share = float(num_nodes) ** (-1.0 / k) if num_nodes else 0.0
    for _ in range(k - 1):
        sampled = random.random(num_nodes) < share
        cluster = _grow(indptr, neighbour, edge, length, cluster, sampled, alive, kept)
    _join(indptr, neighbour, edge, cluster, alive, kept)
    return kept


def _lengths(edges: EdgeList, lengths: str) -> np.ndarray:
    """Numbers in the order of the lengths, which are compared and never added: float64 ``[m]``."""
    if edges.weights is None:
        return np.ones(edges.num_pairs)
    # One over a weight would be infinite where that is below 6e-309.
    return -edges.weights if lengths == "inverse" else edges.weights


def _random_forest(edges: EdgeList, within: np.ndarray, random: np.random.Generator, length: np.ndarray) -> np.ndarray:
    """A spanning forest of the graph made of edges of a spanner, the shortest and else random."""
    chosen = np.flatnonzero(within)
    order = np.empty_like(chosen)
    order[random.permutation(len(chosen))] = chosen
    order = order[np.argsort(length[order], kind="stable")]
    mask = np.zeros(edges.num_pairs, dtype=bool)
    mask[order[spanning_forest(edges, order)]] = True
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
    length: np.ndarray,
    cluster: np.ndarray,
    sampled: np.ndarray,
    alive: np.ndarray,
    kept: np.ndarray,
) -> np.ndarray:
    """One step of phase 1: sampled clusters grow by their neighbours; return the cluster of every vertex, -1 for none.

    The arcs of every vertex are sorted by length, so the first to a cluster is the shortest. A vertex beside sampled
    clusters joins the nearest over one edge, and keeps one edge to every cluster that is nearer still. A vertex beside
    none keeps one edge to every cluster around it and leaves. Edges that are settled so, and edges within a cluster,
    die.
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
        joined_at = np.inf
        for t in range(indptr[v], indptr[v + 1]):
            if alive[edge[t]] and sampled[cluster[neighbour[t]]]:
                grown[v] = cluster[neighbour[t]]
                joined_at = length[edge[t]]
                kept[edge[t]] = True
                break
        for t in range(indptr[v], indptr[v + 1]):
            if not alive[edge[t]]:
                continue
            near = cluster[neighbour[t]]
            if near == grown[v] or seen_by[near] == v:
                alive[edge[t]] = False
            elif length[edge[t]] < joined_at:
                alive[edge[t]] = False
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
    """Phase 2: every vertex keeps the shortest edge to every cluster around it."""
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
