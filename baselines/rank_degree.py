"""RankDegree: walk from vertices to their neighbours of highest degree, and keep the edges walked."""

from __future__ import annotations

import numpy as np

from wis.checks import check_number
from wis.graphs.csr import build_csr
from wis.graphs.edge_list import EdgeList, require_undirected
from wis.kernels import compiled
from wis.progress import track
from wis.registry import method

# Edges a call of the kernel: often enough for Ctrl-C and the progress bar.
_SLICE = 1 << 16


def _check(share: float, starts: float) -> None:
    if not 0 <= check_number("share", share) <= 1:
        raise ValueError(f"share must be in [0, 1], got {share!r}")
    if not 0 < check_number("starts", starts) <= 1:
        raise ValueError(f"starts must be in (0, 1], got {starts!r}")


@method(
    source="Voudigari et al., Rank degree: an efficient algorithm for graph sampling (ASONAM 2016)",
    seeded=True,
    check=_check,
)
def rank(
    edges: EdgeList, *, seed: int | None = None, progress: bool = False, share: float = 0.1, starts: float = 0.01
) -> np.ndarray:
    """Keep the edges that a walk from random vertices to neighbours of highest degree crosses first.

    A round: every seed vertex selects the edges to the top ``share`` of its neighbours by degree, at least one; then
    the selected edges are deleted, and the neighbours are the seeds of the next round. Where no seed has an edge left,
    the walk starts again at random vertices. Run to the end this samples every edge once, and the edges sampled last
    are removed first.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.
    seed
        Seed of the random starts; None makes fresh ones.
    progress
        Whether to show progress.
    share
        Share of the neighbours that a vertex selects, in ``[0, 1]``: the paper's rho; 0 selects one, its RD(max).
    starts
        Vertices that the walk starts from, as a share of those with edges, in ``(0, 1]``; at least one of them.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first. O(m log(m) / share) time. Among neighbours
        of equal degree the one with the lower number comes first.

    Raises
    ------
    ValueError
        If an option is out of its range, or the graph is directed.
    TypeError
        If an option is no number.
    """
    require_undirected(edges, "rank-degree")
    _check(share, starts)
    start, neighbour, edge = build_csr(edges)
    rows = (start[:-1], start[1:].copy(), neighbour, edge)
    degree = edges.degrees()
    candidates = np.random.default_rng(seed).permutation(np.flatnonzero(degree))
    at_once = max(1, round(starts * len(candidates)))
    sampled = np.empty(edges.num_pairs, dtype=np.int64)
    position = np.full(edges.num_pairs, edges.num_pairs)
    seeds = np.empty((2, edges.num_nodes), dtype=np.int64)
    state = np.array([0, 0, 0, len(candidates)])
    with track(edges.num_pairs, "RankDegree", enabled=progress) as advance:
        while state[0] < edges.num_pairs:
            before = int(state[0])
            stop = min(before + _SLICE, edges.num_pairs)
            _walk(*rows, edges.pairs, degree, candidates, at_once, share, seeds, position, sampled, state, stop)
            advance(int(state[0]) - before)
    return sampled[::-1].copy()


@compiled
def _walk(
    first: np.ndarray,
    last: np.ndarray,
    neighbour: np.ndarray,
    edge: np.ndarray,
    pairs: np.ndarray,
    degree: np.ndarray,
    candidates: np.ndarray,
    at_once: int,
    share: float,
    seeds: np.ndarray,
    position: np.ndarray,
    sampled: np.ndarray,
    state: np.ndarray,
    stop: int,
) -> None:
    """Run whole rounds until ``stop`` edges are sampled.

    ``state`` is where the walk stands: edges sampled, seeds of the next round (in ``seeds[0]``), and where among how
    many ``candidates`` the next start is looked for. ``position`` is the place of an edge in ``sampled``, m before.
    """
    is_next = np.zeros(len(degree), dtype=np.bool_)
    while state[0] < stop:
        if state[1] == 0:
            _start(candidates, degree, at_once, seeds[0], state)
        begin = filled = state[0]
        num_next = 0
        for vertex in seeds[0, : state[1]]:
            last[vertex] = _drop_deleted(first[vertex], last[vertex], neighbour, edge, position, begin)
            for i in _highest(first[vertex], last[vertex], neighbour, degree, share):
                if position[edge[i]] > filled:
                    position[edge[i]] = filled
                    sampled[filled] = edge[i]
                    filled += 1
                if not is_next[neighbour[i]]:
                    is_next[neighbour[i]] = True
                    seeds[1, num_next] = neighbour[i]
                    num_next += 1
        for e in sampled[begin:filled]:
            degree[pairs[0, e]] -= 1
            degree[pairs[1, e]] -= 1
        state[0], state[1] = filled, 0
        for vertex in seeds[1, :num_next]:
            is_next[vertex] = False
            if degree[vertex] > 0:
                seeds[0, state[1]] = vertex
                state[1] += 1


@compiled
def _start(candidates: np.ndarray, degree: np.ndarray, at_once: int, seeds: np.ndarray, state: np.ndarray) -> None:
    """Seed the next ``at_once`` candidates that have edges, at least one; go round, and drop those without."""
    while state[1] < at_once:
        if state[2] == state[3]:
            if state[1] > 0:
                return
            with_edges = candidates[: state[3]][degree[candidates[: state[3]]] > 0]
            candidates[: len(with_edges)] = with_edges
            state[2], state[3] = 0, len(with_edges)
        vertex = candidates[state[2]]
        state[2] += 1
        if degree[vertex] > 0:
            seeds[state[1]] = vertex
            state[1] += 1


@compiled
def _drop_deleted(
    begin: int, end: int, neighbour: np.ndarray, edge: np.ndarray, position: np.ndarray, deleted: int
) -> int:
    """Pack the row ``begin:end`` without the first ``deleted`` edges that were sampled; return its new end."""
    kept = begin
    for i in range(begin, end):
        if position[edge[i]] >= deleted:
            neighbour[kept], edge[kept] = neighbour[i], edge[i]
            kept += 1
    return kept


@compiled
def _highest(begin: int, end: int, neighbour: np.ndarray, degree: np.ndarray, share: float) -> np.ndarray:
    """Positions in the row ``begin:end`` of its neighbours of highest degree, the lower number first where equal."""
    # Rows keep their neighbours in ascending order, so a stable sort is all it takes.
    by_degree = np.argsort(-degree[neighbour[begin:end]], kind="mergesort")
    # 0.29 of 100 is 29, which a product of floats may miss from below.
    return begin + by_degree[: max(1, int(share * (end - begin) + 1e-9))]
