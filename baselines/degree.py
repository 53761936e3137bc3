"""Scores that need nothing but degrees: TEDDY's and DSpar's.

Both keep edges between vertices of low degree: such an edge is one of few ways to reach its ends.
"""

from __future__ import annotations

import numpy as np
from wis.baselines.draws import draw_order, draw_until

from wis.graphs.edge_list import EdgeList, require_undirected
from wis.registry import method

_DSPAR = "Liu et al., DSpar (TMLR 2023, arXiv:2307.02947), Algorithm 1"
_WEIGHTS = "; with weights after Lovász, Random walks on graphs (1993), Corollary 3.3"


@method(source="Seo, Yun and Yang, TEDDY (ICLR 2024, arXiv:2402.01261), the edge score of its published code")
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
        int64 permutation of ``range(edges.num_pairs)``, first removed first; equal scores in canonical order.
        O(m log m) time.

    Raises
    ------
    ValueError
        If the graph is directed.
    """
    require_undirected(edges, "teddy")
    u, v = edges.pairs
    degree = edges.degrees()
    inverse_root = 1 / np.sqrt(np.maximum(degree, 1))
    around = np.bincount(u, inverse_root[v], edges.num_nodes) + np.bincount(v, inverse_root[u], edges.num_nodes)
    vertex_score = around / np.maximum(degree, 1) ** 2
    return np.argsort(vertex_score[u] * vertex_score[v], kind="stable")


@method(source=_DSPAR + ", drawn without replacement" + _WEIGHTS, seeded=True, reads_weights=True)
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
    return draw_order(_dspar_scores(edges), np.random.default_rng(seed))


@method(source=_DSPAR + _WEIGHTS, seeded=True, reads_weights=True)
def dspar_reweighted(edges: EdgeList, num_keep: int, *, seed: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """DSpar as published: draws with replacement, weighted so that the graph's Laplacian is estimated.

    Edges are drawn with replacement, with probability ``p`` proportional to ``1 / d_u + 1 / d_v``, times the weight if
    there are weights (see ``dspar``), until ``num_keep`` different ones have come up (the paper fixes the number ``q``
    of draws instead, so its budget varies). The weight of an edge drawn ``c`` times is multiplied by ``c / (q * p)``.

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
        float64 ``[m]``: what multiplies the weights, 0 for the pairs not kept. O(m log m) time, however many draws it
        takes.

    Raises
    ------
    ValueError
        If the graph is directed.
    """
    require_undirected(edges, "dspar-reweighted")
    return draw_until(_dspar_scores(edges), num_keep, np.random.default_rng(seed))


def _dspar_scores(edges: EdgeList) -> np.ndarray:
    if edges.weights is None:
        inverse = 1 / np.maximum(edges.degrees(), 1)
        return inverse[edges.pairs[0]] + inverse[edges.pairs[1]]
    degree = np.bincount(edges.pairs.ravel(), np.tile(edges.weights, 2), edges.num_nodes)
    return edges.weights / degree[edges.pairs[0]] + edges.weights / degree[edges.pairs[1]]
