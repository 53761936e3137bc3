"""Structure-preserving sparsifiers (Hamann et al. 2016), scored by NetworKit.

Hamann, Lindner, Meyerhenke, Staudt and Wagner, *Structure-preserving sparsification methods for social networks*
(Social Network Analysis and Mining 6, 2016, arXiv:1601.00286) give every edge a score and keep the edges with the
highest. NetworKit computes the scores. The order is made here, by a stable sort, because NetworKit's own
``getSparsifiedGraphOfSize`` searches for a threshold and misses the size wherever scores tie: with a sort budgets are
exact, and among scores that are equal floats the edge that comes first in canonical order is removed first. (The two
local methods rank neighbourhoods; equal neighbours within one are ranked by NetworKit.)

NetworKit gets every pair once, as an undirected graph: both directions of an ``edge_index`` would become parallel edges
and change the scores. Of these scores only the algebraic distance uses weights; the others are counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from wis.baselines.networkit_graph import import_networkit, index_edges, one_thread, to_networkit
from wis.baselines.weights import summable

from wis.checks import check_count, check_number
from wis.graphs.edge_list import EdgeList, require_undirected
from wis.registry import method

_PAPER = "Hamann et al., Structure-preserving sparsification methods (2016, arXiv:1601.00286), by NetworKit"


@method(source=_PAPER)
def local_degree(edges: EdgeList) -> np.ndarray:
    """Keep, at every vertex, the edges to its neighbours of highest degree.

    The score of an edge is the largest ``1 - a`` such that it is among the ``d ** a`` edges to the highest-degree
    neighbours of one of its ends, ``d`` being the degree of that end.
    """
    return _order(edges, "local-degree", "LocalDegreeSparsifier")


@method(source=_PAPER + "; after Satuluri et al. (SIGMOD 2011)")
def local_similarity(edges: EdgeList) -> np.ndarray:
    """Keep, at every vertex, the edges to the neighbours whose neighbourhoods are most like its own.

    L-Spar of Satuluri, Parthasarathy and Ruan with exact Jaccard coefficients: as ``local-degree``, with the similarity
    of the two ends in place of the neighbour's degree.
    """
    return _order(edges, "local-similarity", "LocalSimilaritySparsifier")


@method(source=_PAPER + "; after Satuluri et al. (SIGMOD 2011)")
def jaccard(edges: EdgeList) -> np.ndarray:
    """Keep the edges whose ends have the most similar neighbourhoods (Jaccard coefficient).

    G-Spar of Satuluri, Parthasarathy and Ruan with exact coefficients: one threshold for the whole graph.
    """
    return _order(edges, "jaccard", "JaccardSimilaritySparsifier")


@method(source=_PAPER + "; after Xu et al. (KDD 2007)")
def scan(edges: EdgeList) -> np.ndarray:
    """Keep the edges of highest structural similarity, as the clustering algorithm SCAN defines it.

    The score of ``{u, v}`` with ``c`` common neighbours is ``(c + 1) / sqrt((d_u + 1) * (d_v + 1))``. That is
    NetworKit's; Xu et al. count both ends, and so have ``c + 2``.
    """
    return _order(edges, "scan", "SCANSparsifier")


def _check_fires(burn_probability: float, burnt_ratio: float) -> None:
    if not 0 < check_number("burn_probability", burn_probability) < 1:
        raise ValueError(f"burn_probability must be in (0, 1), got {burn_probability!r}")
    if not 0 < check_number("burnt_ratio", burnt_ratio) < float("inf"):
        raise ValueError(f"burnt_ratio must be positive and finite, got {burnt_ratio!r}")


@method(source=_PAPER + "; after Leskovec et al. (KDD 2005)", seeded=True, check=_check_fires)
def forest_fire(
    edges: EdgeList, *, seed: int | None = None, burn_probability: float = 0.6, burnt_ratio: float = 5.0
) -> np.ndarray:
    """Keep the edges that fires, started at random vertices, burn through most often.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.
    seed
        Seed of the fires; None for fresh ones.
    burn_probability
        Probability that a neighbour of a burning vertex catches fire too, in ``(0, 1)``. At 0 no edge would ever burn.
    burnt_ratio
        Fires are lit until ``burnt_ratio * m`` edges have burnt, repetitions counted. Positive.

    Raises
    ------
    ValueError
        If an option is out of its range, or the graph is directed.
    TypeError
        If an option is no number.
    """
    _check_fires(burn_probability, burnt_ratio)
    return _order(edges, "forest-fire", "ForestFireSparsifier", burn_probability, burnt_ratio, seed=seed)


@method(source=_PAPER + "; after Nick et al. (ASONAM 2013)")
def simmelian(edges: EdgeList) -> np.ndarray:
    """Keep the edges whose ends share their strongest neighbours, strength being the number of triangles.

    The non-parametric variant: the score is the largest Jaccard coefficient of two equally long prefixes of the ends'
    ranked neighbourhoods.
    """
    return _order(edges, "simmelian", "SimmelianSparsifierNonParametric")


@method(source=_PAPER + "; after Nocaj et al. (GD 2014)")
def quadrilateral_simmelian(edges: EdgeList) -> np.ndarray:
    """Keep the edges whose ends share their strongest neighbours, strength being the number of quadrangles.

    As ``simmelian``, with the quadrangles of an edge, divided by the geometric mean of those at its ends, for strength.
    """
    return _order(edges, "quadrilateral-simmelian", "QuadrilateralSimmelianSparsifier")


def _check_relaxation(systems: int, iterations: int) -> None:
    check_count("systems", systems, at_least=1)
    check_count("iterations", iterations, at_least=1)


@method(source=_PAPER + "; after Chen and Safro (2011)", seeded=True, reads_weights=True, check=_check_relaxation)
def algebraic_distance(
    edges: EdgeList, *, seed: int | None = None, systems: int = 10, iterations: int = 30
) -> np.ndarray:
    """Keep the edges with ends close to each other under a few smoothed random vectors.

    A vertex moves to the mean of its neighbours, weighted as the edges are.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.
    seed
        Seed of the random vectors; None for fresh ones.
    systems
        Number of random vectors, at least 1.
    iterations
        Steps of Jacobi over-relaxation on each, at least 1.

    Raises
    ------
    ValueError
        If an option is out of its range, or the graph is directed.
    TypeError
        If an option is no integer.
    """
    _check_relaxation(systems, iterations)
    arguments = (systems, iterations)
    weights = None if edges.weights is None else summable(edges.weights)
    return _order(edges, "algebraic-distance", "AlgebraicDistanceSparsifier", *arguments, seed=seed, weights=weights)


@method(source=_PAPER)
def triangles(edges: EdgeList) -> np.ndarray:
    """Keep the edges that lie in the most triangles."""
    return _order(edges, "triangles", "TriangleSparsifier")


def _order(
    edges: EdgeList,
    name: str,
    sparsifier: str,
    *arguments: Any,
    seed: int | None = None,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Ascending scores of a NetworKit sparsifier, ties in canonical order: int64 ``[m]``.

    One thread, because NetworKit's threads would draw from the random stream, and add floats, in an order of their own.
    """
    require_undirected(edges, name)
    networkit = import_networkit(f"method {name!r}")
    if edges.num_pairs == 0:  # some of NetworKit's scores crash on a graph without edges
        return np.empty(0, dtype=np.int64)
    with one_thread(networkit):
        networkit.setSeed(np.random.default_rng(seed).integers(2**63).item(), False)
        graph = to_networkit(networkit, edges, weights)
        ids = index_edges(graph, edges)
        scores = np.asarray(getattr(networkit.sparsification, sparsifier)(*arguments).scores(graph))
    return np.argsort(scores[ids], kind="stable")
