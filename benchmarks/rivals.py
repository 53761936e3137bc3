"""The best other implementation of each baseline that the registry of Python packages has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.graphs import to_networkit
from wis.graphs.edge_list import EdgeList

Rival = Callable[[EdgeList], Callable[[], Any]]


@dataclass(frozen=True)
class Other:
    """Another implementation.

    Attributes
    ----------
    label
        What it is.
    prepare
        Converts the graph, which is not timed, and returns the call that is.
    max_nodes
        Vertices above which its memory is out of reach, or None.
    """

    label: str
    prepare: Rival
    max_nodes: int | None = None


def _networkit_scores(sparsifier: str, **options: Any) -> Rival:
    def prepare(edges: EdgeList) -> Callable[[], Any]:
        import networkit

        networkit.setNumberOfThreads(1)
        graph = to_networkit(edges)
        return lambda: getattr(networkit.sparsification, sparsifier)(**options).scores(graph)

    return prepare


def _networkit_triangles(edges: EdgeList) -> Callable[[], Any]:
    import networkit

    networkit.setNumberOfThreads(1)
    graph = to_networkit(edges)
    return lambda: networkit.sparsification.TriangleEdgeScore(graph).run()


def _networkit_forest(edges: EdgeList) -> Callable[[], Any]:
    import networkit

    graph = to_networkit(edges)
    return lambda: networkit.graph.UnionMaximumSpanningForest(graph).run()


def _spanning_edge_centrality(edges: EdgeList) -> Callable[[], Any]:
    import networkit

    networkit.setNumberOfThreads(1)
    graph = to_networkit(edges)
    return lambda: networkit.centrality.SpanningEdgeCentrality(graph, 0.1).runApproximation()


def dense_inverse(edges: EdgeList) -> Callable[[], Any]:
    """Resistances by NumPy's pseudo-inverse of the dense Laplacian."""

    def run() -> np.ndarray:
        u, v = edges.pairs
        laplacian = np.zeros((edges.num_nodes, edges.num_nodes))
        laplacian[u, v] = laplacian[v, u] = -1.0
        np.fill_diagonal(laplacian, -laplacian.sum(axis=1))
        inverse = np.linalg.pinv(laplacian)
        return inverse[u, u] + inverse[v, v] - 2 * inverse[u, v]

    return run


def _pygsp(edges: EdgeList) -> Callable[[], Any]:
    import pygsp.utils
    import scipy.sparse as sp

    u, v = edges.pairs
    ones = np.ones(2 * edges.num_pairs)
    adjacency = sp.csr_matrix((ones, (np.r_[u, v], np.r_[v, u])), shape=(edges.num_nodes, edges.num_nodes))
    graph = pygsp.graphs.Graph(adjacency)
    return lambda: pygsp.utils.resistance_distance(graph)


def _networkx_spanner(edges: EdgeList) -> Callable[[], Any]:
    import networkx as nx

    graph: nx.Graph = nx.Graph()
    graph.add_edges_from(edges.pairs.T.tolist())
    return lambda: nx.spanner(graph, 3, seed=0)


OTHERS: dict[str, tuple[Other, ...]] = {
    "random": (Other("NetworKit RandomEdgeSparsifier", _networkit_scores("RandomEdgeSparsifier")),),
    "spectral": (
        Other("NumPy pinv of the dense Laplacian", dense_inverse, 6_000),
        Other("PyGSP resistance_distance (dense)", _pygsp, 6_000),
        Other("NetworKit SpanningEdgeCentrality, approximation", _spanning_edge_centrality),
    ),
    "spanner": (Other("NetworkX spanner, one of stretch 3", _networkx_spanner),),
    "spanning-forest": (Other("NetworKit UnionMaximumSpanningForest", _networkit_forest),),
    "triangles": (Other("NetworKit TriangleEdgeScore alone", _networkit_triangles),),
    "local-degree": (Other("NetworKit scores alone", _networkit_scores("LocalDegreeSparsifier")),),
    "local-similarity": (Other("NetworKit scores alone", _networkit_scores("LocalSimilaritySparsifier")),),
    "jaccard": (Other("NetworKit scores alone", _networkit_scores("JaccardSimilaritySparsifier")),),
    "scan": (Other("NetworKit scores alone", _networkit_scores("SCANSparsifier")),),
    "forest-fire": (
        Other(
            "NetworKit scores alone",
            _networkit_scores("ForestFireSparsifier", burnProbability=0.6, targetBurntRatio=5.0),
        ),
    ),
    "simmelian": (Other("NetworKit scores alone", _networkit_scores("SimmelianSparsifierNonParametric")),),
    "quadrilateral-simmelian": (
        Other("NetworKit scores alone", _networkit_scores("QuadrilateralSimmelianSparsifier")),
    ),
}
