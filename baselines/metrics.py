"""What a sparsifier kept: measures of a graph and its sparsification, side by side.

The list follows Chen et al., *Demystifying graph sparsification algorithms in graph properties preservation* (VLDB
2024, arXiv:2311.12314), whose finding is that no sparsifier is best at all of them; the walk index is added.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from wis.baselines.networkit_graph import import_networkit, one_thread, to_networkit
from wis.baselines.weights import unit_shift

from wis.engine.walk_counts import closed_walks
from wis.graphs.edge_list import EdgeList

METRICS: Mapping[str, str] = MappingProxyType(
    {
        "components": "connected components",
        "isolated": "vertices without an edge",
        "clustering_local": "mean local clustering coefficient",
        "clustering_global": "share of the paths of two edges that a third edge closes",
        "homophily": "share of the edges between vertices of the same label",
        "degree_distance": "Kolmogorov-Smirnov distance of the degree distributions",
        "laplacian_error": "mean relative error of the Laplacian quadratic form on smooth random vectors",
        "weight_kept": "share of the sum of the weights kept, where edges have weights",
        "stretch": "mean factor by which shortest paths grew, where there still are any",
        "unreachable": "share of the connected pairs of vertices that are connected no more",
        "degree_correlation": "Spearman correlation of degrees",
        "pagerank_correlation": "Spearman correlation of PageRank",
        "closeness_correlation": "Spearman correlation of harmonic closeness",
        "community_agreement": "adjusted Rand index of the Louvain communities; needs NetworKit",
        "walk_index_kept": "share of the walk index kept, summed over all vertices",
        "walk_index_worst": "share of the walk index kept at the vertex that lost most",
    }
)

_NUM_VECTORS = 32
_SMOOTHING_STEPS = 3
_NUM_SOURCES = 32
_DAMPING = 0.85


def compare(
    before: EdgeList,
    after: EdgeList,
    *,
    labels: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    depth: int = 3,
    seed: int = 0,
) -> dict[str, float]:
    """Measure a sparsification against its graph.

    The keys are those of :data:`METRICS`, always all of them. The first five measure ``after`` alone
    (``compare(before, before)`` measures ``before``), the others compare the two. What is undefined is NaN: the
    homophily without labels, the stretch where no path is left, the correlation with a constant, and so on.

    Parameters
    ----------
    before
        The graph. Directed pairs count as undirected, except for the walk index. If its pairs have weights, the
        quadratic form and ``weight_kept`` use them; all else counts edges.
    after
        Its sparsification, on the same vertices.
    labels
        integer or bool ``[n]``, or None. A negative label means none, and the edges of its vertex do not count.
    weights
        float ``[m]``, the weights of the pairs of ``after``, if a method sets any, instead of ``after.weights``.
    depth
        The depth ``L`` of the walk index ``(A^L)_tt``.
    seed
        Seed of the random vectors, of the sampled sources of shortest paths (32 of each) and of Louvain's method.

    Returns
    -------
    dict of str to float

    Raises
    ------
    ValueError
        If the graphs have different vertices or one is directed and the other is not, a shape does not fit, or only
        ``before`` has weights.
    TypeError
        If labels are not integers.
    OverflowError
        If the walk index at this depth does not fit 64 bits.

    Notes
    -----
    O(32 (n + m)) time for the paths and the quadratic form, plus the triangles and closed walks. White random vectors
    would see little of a Laplacian but its trace, which is the number of edges; three steps of a lazy random walk on
    ``before`` make them smooth.
    """
    return Reference(before, depth=depth, seed=seed).compare(after, labels=labels, weights=weights)


class Reference:
    """A graph that several sparsifications are compared with: what they are compared with is computed once.

    Parameters
    ----------
    before, depth, seed
        As those of :func:`compare`. The edges must not be changed afterwards.
    """

    def __init__(self, before: EdgeList, *, depth: int = 3, seed: int = 0) -> None:
        self._before, self._depth = before, depth
        self._edges = _undirected(before)
        self._degree = self._edges.degrees()
        rng = np.random.default_rng(seed)
        sources = np.flatnonzero(self._degree)
        self._sources = rng.choice(sources, min(_NUM_SOURCES, len(sources)), replace=False)
        self._noise = rng.standard_normal((before.num_nodes, _NUM_VECTORS))
        self._seed = int(rng.integers(2**63))
        self._shift = None if before.weights is None else unit_shift(before.weights)

    def compare(
        self, after: EdgeList, *, labels: np.ndarray | None = None, weights: np.ndarray | None = None
    ) -> dict[str, float]:
        """Measure a sparsification, as :func:`compare` does, which says what is returned and raised."""
        before = self._before
        weights = after.weights if weights is None else weights
        _check(before, after, labels, weights)
        new = _undirected(after)
        degree, matrix = new.degrees(), _matrix(new)
        hops = self._hops_in(matrix)
        results = {
            "components": float(_num_components(matrix)),
            "isolated": float(np.count_nonzero(degree == 0)),
            **_clustering(new, degree),
            "homophily": _homophily(new, labels),
            "degree_distance": _degree_distance(self._degree, degree),
            "laplacian_error": _relative_error(
                self._forms, _quadratic_forms(after, self._in_units(weights), self._vectors)
            ),
            "weight_kept": _weight_kept(self._in_units(before.weights), self._in_units(weights)),
            **_stretch(self._hops, hops),
            "degree_correlation": _rank_correlation(self._degree, degree),
            "pagerank_correlation": _rank_correlation(self._pagerank, _pagerank(matrix)),
            "closeness_correlation": _rank_correlation(_closeness(self._hops), _closeness(hops)),
            "community_agreement": self._community_agreement(new),
            **_walk_index(self._walks, closed_walks(after, self._depth)),
        }
        return {name: float(results[name]) for name in METRICS}

    def _in_units(self, weights: np.ndarray | None) -> np.ndarray | None:
        """Weights in a unit in which those of the graph have finite sums; all that is compared is quotients."""
        return weights if self._shift is None or weights is None else np.ldexp(weights, self._shift)

    def _hops_in(self, matrix: sp.csr_array) -> np.ndarray:
        """Distances from the sources count edges, each found once a source; what is out of reach is infinitely far."""
        return sp.csgraph.dijkstra(matrix, unweighted=True, indices=self._sources)

    def _community_agreement(self, new: EdgeList) -> float:
        if new.num_nodes == 0 or importlib.util.find_spec("networkit") is None:
            return np.nan
        from sklearn.metrics import adjusted_rand_score

        return float(adjusted_rand_score(self._communities, _communities(new, self._seed)))

    @cached_property
    def _matrix(self) -> sp.csr_array:
        return _matrix(self._edges)

    @cached_property
    def _hops(self) -> np.ndarray:
        return self._hops_in(self._matrix)

    @cached_property
    def _pagerank(self) -> np.ndarray:
        return _pagerank(self._matrix)

    @cached_property
    def _communities(self) -> np.ndarray:
        return _communities(self._edges, self._seed)

    @cached_property
    def _walks(self) -> np.ndarray:
        return closed_walks(self._before, self._depth)

    @cached_property
    def _vectors(self) -> np.ndarray:
        matrix = _matrix(self._before, self._in_units(self._before.weights))
        strength = matrix.sum(axis=1)[:, None]
        strength[strength == 0] = 1
        vectors = self._noise
        for _ in range(_SMOOTHING_STEPS):
            vectors = (vectors + matrix @ vectors / strength) / 2
        return vectors

    @cached_property
    def _forms(self) -> np.ndarray:
        return _quadratic_forms(self._before, self._in_units(self._before.weights), self._vectors)


def _check(before: EdgeList, after: EdgeList, labels: np.ndarray | None, weights: np.ndarray | None) -> None:
    if before.num_nodes != after.num_nodes:
        raise ValueError(f"before has {before.num_nodes} vertices, after has {after.num_nodes}; they must be the same")
    if before.directed != after.directed:
        raise ValueError("before and after must both be directed or both be undirected")
    if labels is not None and np.shape(labels) != (before.num_nodes,):
        raise ValueError(f"labels must have shape [{before.num_nodes}], got {list(np.shape(labels))}")
    if labels is not None and np.asarray(labels).dtype.kind not in "iub":
        raise TypeError(f"labels must be integers or bool, got {np.asarray(labels).dtype}")
    if weights is not None and np.shape(weights) != (after.num_pairs,):
        raise ValueError(f"weights must have shape [{after.num_pairs}], got {list(np.shape(weights))}")
    if before.weights is not None and weights is None:
        raise ValueError("before has edge weights and after has none; pass those of the pairs of after as weights")


def _undirected(edges: EdgeList) -> EdgeList:
    return EdgeList.from_columns(edges.pairs, edges.num_nodes, directed=False) if edges.directed else edges


def _matrix(edges: EdgeList, weights: np.ndarray | None = None) -> sp.csr_array:
    """The symmetric adjacency matrix; parallel pairs add up."""
    shape = (edges.num_nodes, edges.num_nodes)
    values = np.ones(edges.num_pairs) if weights is None else weights
    half = sp.coo_array((values, tuple(edges.pairs)), shape=shape).tocsr()
    return half + half.T


def _num_components(matrix: sp.csr_array) -> int:
    count, _ = sp.csgraph.connected_components(matrix, directed=False)
    return int(count)


def _clustering(edges: EdgeList, degree: np.ndarray) -> dict[str, float]:
    triangles = (closed_walks(edges, 3) - 1 - 3 * degree) / 2  # where there are edges
    paths = degree * (degree - 1) / 2
    local = np.divide(triangles, paths, out=np.zeros(len(degree)), where=paths > 0)
    return {
        "clustering_local": _mean(local),
        "clustering_global": _ratio(triangles[paths > 0].sum(), paths.sum()),
    }


def _homophily(edges: EdgeList, labels: np.ndarray | None) -> float:
    if labels is None:
        return np.nan
    ends = np.asarray(labels)[edges.pairs]
    return _mean((ends[0] == ends[1])[(ends >= 0).all(axis=0)])


def _degree_distance(old: np.ndarray, new: np.ndarray) -> float:
    if len(old) == 0:
        return np.nan
    from scipy.stats import ecdf

    # ks_2samp gives the same number, and a p-value, which takes its time and warns where the graph is small.
    degrees = np.union1d(old, new)
    return float(np.abs(ecdf(old).cdf.evaluate(degrees) - ecdf(new).cdf.evaluate(degrees)).max())


def _relative_error(old: np.ndarray, new: np.ndarray) -> float:
    return _mean(np.abs(new[old > 0] / old[old > 0] - 1))


def _quadratic_forms(edges: EdgeList, weights: np.ndarray | None, vectors: np.ndarray) -> np.ndarray:
    """``x^T L x``, the sum over the edges of ``w (x_u - x_v)^2``, for every column ``x``."""
    squares = (vectors[edges.pairs[0]] - vectors[edges.pairs[1]]) ** 2
    return squares.sum(axis=0) if weights is None else np.asarray(weights) @ squares


def _weight_kept(old: np.ndarray | None, new: np.ndarray | None) -> float:
    return np.nan if old is None or new is None else _ratio(np.sum(new), np.sum(old))


def _stretch(old: np.ndarray, new: np.ndarray) -> dict[str, float]:
    connected = np.isfinite(old) & (old > 0)
    both = connected & np.isfinite(new)
    return {
        "stretch": _mean(new[both] / old[both]),
        "unreachable": _mean(np.isinf(new[connected])),
    }


def _closeness(hops: np.ndarray) -> np.ndarray:
    """Harmonic closeness estimated from the sampled sources: the sum of one over the distance from each."""
    return _drop_rounding_errors(np.divide(1, hops, out=np.zeros_like(hops), where=hops > 0).sum(axis=0))


def _pagerank(matrix: sp.csr_array) -> np.ndarray:
    """PageRank times ``n``.

    It is what ``x = d A D^-1 x + c`` says for some number ``c``, in which a walker starts again anywhere. With
    ``x = D y`` the system is positive definite and well conditioned, ``(D - d A) y = c``.
    """
    n = matrix.shape[0]
    degree = np.maximum(matrix.sum(axis=1), 1)
    system = sp.diags_array(degree) - _DAMPING * matrix
    solution, _ = spla.cg(system, np.ones(n), rtol=1e-12, M=sp.diags_array(1 / degree))
    rank = degree * solution
    return _drop_rounding_errors(rank * (n / max(rank.sum(), 1)))  # the sum is at least n


def _drop_rounding_errors(values: np.ndarray) -> np.ndarray:
    """Make equal what is equal but for rounding, which must not rank vertices that are alike."""
    return np.round(values, 8)


def _rank_correlation(old: np.ndarray, new: np.ndarray) -> float:
    from scipy.stats import spearmanr

    if len(old) < 2 or np.ptp(old) == 0 or np.ptp(new) == 0:
        return np.nan
    return float(spearmanr(old, new).statistic)


def _communities(edges: EdgeList, seed: int) -> np.ndarray:
    """Communities by Louvain's method, which maximises modularity."""
    if edges.num_pairs == 0:
        return np.arange(edges.num_nodes)
    networkit = import_networkit("community_agreement")
    with one_thread(networkit):
        networkit.setSeed(seed, False)
        graph = to_networkit(networkit, edges)
        return np.array(networkit.community.PLM(graph).run().getPartition().getVector())


def _walk_index(old: np.ndarray, new: np.ndarray) -> dict[str, float]:
    some = old > 0
    return {
        "walk_index_kept": _ratio(new.sum(dtype=np.float64), old.sum(dtype=np.float64)),
        "walk_index_worst": float((new[some] / old[some]).min()) if some.any() else np.nan,
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else np.nan


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan
