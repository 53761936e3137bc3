"""The local filter: every vertex keeps its own best edges, by the score of another method."""

from __future__ import annotations

from typing import Any

import numpy as np

from wis.calls import check_call, rank_pairs
from wis.graphs.edge_list import EdgeList, require_undirected
from wis.registry import Method, find_method, method, parse_method


def _check(score: str) -> tuple[Method, dict[str, Any]]:
    """The method that scores, and its options."""
    if not isinstance(score, str):
        raise TypeError(f"score must be the name of a method, got {score!r}")
    name, options = parse_method(score)
    if find_method(name).kind == "select":
        raise ValueError(f"score must be a method that has an order; {name!r} chooses edges for one budget at a time")
    return find_method(name), options


@method(
    source="Hamann et al., Structure-preserving sparsification methods (2016, arXiv:1601.00286), local filtering; "
    "after Satuluri et al. (SIGMOD 2011)",
    seeded=False,
    check=_check,
    devices=("cpu", "cuda"),
    scored_by="score",
)
def rank(
    edges: EdgeList,
    *,
    data: Any = None,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
    score: str = "jaccard",
) -> np.ndarray:
    """Every vertex keeps its best ``d ** a`` edges by the score of another method, for falling ``a``.

    A score that is compared over the whole graph keeps dense parts and empties sparse ones; compared among the edges of
    a vertex it keeps a share of every neighbourhood, and the graph connected for longer. An edge stays as long as
    either end keeps it, so the smallest ``a`` of its two ends ranks it. Where these are equal floats, and for the ranks
    at a vertex, the order of the other method decides.

    Parameters
    ----------
    edges
        The pairs of an undirected graph; their weights matter where they do to the score.
    data, seed, device, progress
        For the other method.
    score
        A method that has an order, with its options if need be: ``"jaccard"``, ``"threshold"``, ``"wis:depth=2"``. An
        edge that it removes later has the higher score.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first. O(m log m) time beside the other method.

    Raises
    ------
    ValueError
        If the graph is directed, or ``score`` names no method, or one without an order.
    TypeError
        If ``score`` is no string, or its method learns and there is no data to learn from.
    """
    require_undirected(edges, "local")
    scores = np.empty(edges.num_pairs, dtype=np.int64)
    scores[_order(edges, score, data, seed, device, progress)] = np.arange(edges.num_pairs)
    return np.lexsort((scores, -_exponents(edges, scores).min(axis=0)))


def _order(edges: EdgeList, score: str, data: Any, seed: int | None, device: str, progress: bool) -> np.ndarray:
    """The removal order of the other method."""
    scorer, options = _check(score)
    check_call(scorer.name, options, device, seed)
    return rank_pairs(scorer, edges, options, data=data, seed=seed, device=device, progress=progress)


def _exponents(edges: EdgeList, scores: np.ndarray) -> np.ndarray:
    """At both ends the ``a`` from which on an edge is among the best ``d ** a``: float64 ``[2, m]``."""
    ends = edges.pairs.ravel()
    by_end = np.lexsort((-np.tile(scores, 2), ends))
    degree = edges.degrees()
    first = np.cumsum(degree) - degree
    place = np.empty(len(ends), dtype=np.int64)
    place[by_end] = np.arange(len(ends)) - first[ends[by_end]]
    return (np.log(place + 1) / np.log(np.maximum(degree, 2))[ends]).reshape(2, -1)
