"""Scores that need nothing but degrees: TEDDY's and DSpar's.

Both keep edges between vertices of low degree: such an edge is one of few ways to reach its ends.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from wis.baselines.draws import draw_order, draw_scores, draw_weighted
from wis.baselines.weights import summable

from wis.graphs.edge_list import EdgeList, require_undirected
from wis.registry import Pairs, Scores, method

_DSPAR = "Liu et al., DSpar (TMLR 2023, arXiv:2307.02947), Algorithm 1"
_WEIGHTS = "; with weights after Lovász, Random walks on graphs (1993), Corollary 3.3"


def _teddy_scores(pairs: Pairs) -> Iterator[np.ndarray]:
    degree = pairs.degrees()
    # Two sums, over the neighbours of higher and of lower number, each in canonical order.
    around, lower = np.zeros(pairs.num_nodes), np.zeros(pairs.num_nodes)
    for u, v in pairs.pair_blocks():
        np.add.at(around, u, 1 / np.sqrt(degree[v]))
        np.add.at(lower, v, 1 / np.sqrt(degree[u]))
    around += lower
    del lower
    square = np.maximum(degree, 1).astype(np.float64)
    del degree
    square *= square
    around /= square
    del square
    for u, v in pairs.pair_blocks():
        yield around[u] * around[v]


@method(
    source="Seo, Yun and Yang, TEDDY (ICLR 2024, arXiv:2402.01261), the edge score of its published code",
    scores=Scores(_teddy_scores, node_bytes=24),
)
def teddy(edges: EdgeList) -> np.ndarray:
    """TEDDY's score: low degrees at the ends of an edge and around them.

    With ``s_v`` the mean of ``d_w ** -0.5`` over the neighbours ``w`` of ``v``, the score of ``{u, v}`` is
    ``(s_u / d_u) * (s_v / d_v)``; the lowest is removed first. TEDDY's distillation and weight pruning are not part of
    this.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first; scores that are equal floats in
        canonical order. O(m log m) time.

    Raises
    ------
    ValueError
        If the graph is directed.
    """
    require_undirected(edges, "teddy")
    return _lowest_first(_teddy_scores(edges))


def _dspar_scores(pairs: Pairs, *, seed: int | None = None) -> Iterator[np.ndarray]:
    random = np.random.default_rng(seed)
    for rates in _dspar_rates(pairs):
        yield draw_scores(rates, random)


@method(
    source=_DSPAR + ", drawn without replacement" + _WEIGHTS,
    seeded=True,
    reads_weights=True,
    scores=Scores(_dspar_scores, node_bytes=4),
)
def dspar(edges: EdgeList, *, seed: int | None = None) -> np.ndarray:
    """Edges drawn one after the other with probability proportional to ``1 / d_u + 1 / d_v``.

    The degrees stand in for effective resistances: ``R_uv`` lies between half of ``1 / d_u + 1 / d_v`` and a multiple
    that depends on the spectral gap (Lovász, *Random walks on graphs: a survey*, 1993, Corollary 3.3). That holds with
    weights too, ``d`` being their sums; the probability of an edge is then its weight times ``1 / d_u + 1 / d_v``, as
    it is the weight times the resistance in spectral sparsification. The edges drawn first are the ones to keep.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.
    seed
        Seed of the draws; None makes fresh ones.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first. O(m log m) time.

    Raises
    ------
    ValueError
        If the graph is directed.
    """
    require_undirected(edges, "dspar")
    if edges.weights is None:
        return _lowest_first(_dspar_scores(edges, seed=seed))
    return draw_order(_weighted_rates(edges, edges.weights), np.random.default_rng(seed))


@method(source=_DSPAR + _WEIGHTS, seeded=True, reads_weights=True)
def dspar_reweighted(edges: EdgeList, num_keep: int, *, seed: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """DSpar with weights that estimate the graph's Laplacian without bias.

    Edges are drawn with probability proportional to ``1 / d_u + 1 / d_v``, times the weight if there are weights (see
    ``dspar``), until ``num_keep`` different ones have come up. The paper fixes the number of draws instead, so that its
    budget varies; to an exact budget belong other factors, see :func:`wis.baselines.draws.draw_weighted`.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.
    num_keep
        Number of pairs to keep.
    seed
        Seed of the draws; None makes fresh ones. The same seed keeps the same pairs as ``dspar``.

    Returns
    -------
    kept
        bool ``[m]``, exactly ``num_keep`` of them True.
    weights
        float64 ``[m]``: what multiplies the weights, 0 for the pairs not kept; on average 1. O(m log m) time.

    Raises
    ------
    ValueError
        If the graph is directed.
    """
    require_undirected(edges, "dspar-reweighted")
    rates = _joined(_dspar_rates(edges)) if edges.weights is None else _weighted_rates(edges, edges.weights)
    return draw_weighted(rates, num_keep, np.random.default_rng(seed))


def _dspar_rates(pairs: Pairs) -> Iterator[np.ndarray]:
    """``1 / d_u + 1 / d_v`` of all pairs, block by block."""
    degree = pairs.degrees()
    for u, v in pairs.pair_blocks():
        yield 1 / degree[u] + 1 / degree[v]


def _weighted_rates(edges: EdgeList, weights: np.ndarray) -> np.ndarray:
    """The same times the weight, with the sums of weights for degrees: float64 ``[m]``."""
    weights = summable(weights)
    degree = np.bincount(edges.pairs.ravel(), np.tile(weights, 2), edges.num_nodes)
    return weights / degree[edges.pairs[0]] + weights / degree[edges.pairs[1]]


def _lowest_first(scores: Iterator[np.ndarray]) -> np.ndarray:
    return np.argsort(_joined(scores), kind="stable")


def _joined(blocks: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0), *blocks])
