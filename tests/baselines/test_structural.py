"""The NetworKit methods against scores computed here, from their definitions."""

from __future__ import annotations

import math
import sys

import networkx as nx
import numpy as np
import pytest
from wis.baselines import structural

from wis.graphs.edge_list import EdgeList

METHODS = (
    structural.local_degree,
    structural.local_similarity,
    structural.jaccard,
    structural.scan,
    structural.forest_fire,
    structural.simmelian,
    structural.quadrilateral_simmelian,
    structural.algebraic_distance,
    structural.triangles,
)


def edge_list(graph: nx.Graph) -> EdgeList:
    columns = np.array(graph.edges(), dtype=np.int64).reshape(-1, 2).T
    return EdgeList.from_columns(columns, graph.number_of_nodes(), False)


@pytest.fixture
def graph() -> nx.Graph:
    """Clustered, with a bridge, a pendant path, an isolated pair and isolated vertices."""
    graph = nx.powerlaw_cluster_graph(40, 4, 0.7, seed=2)
    graph.add_edges_from([(3, 40), (40, 41), (42, 43)])
    graph.add_nodes_from([44, 45])
    return graph


def ascending(edges: EdgeList, score: dict[tuple[int, int], float]) -> list[int]:
    """Pairs by score, ties in canonical order. Rounding keeps scores that are equal on paper equal."""
    values = [round(score[u, v], 9) for u, v in edges.pairs.T.tolist()]
    return sorted(range(len(values)), key=lambda e: (values[e], e))


@pytest.mark.parametrize("rank", METHODS, ids=lambda rank: rank.__name__)
def test_an_order_of_all_pairs(graph, rank):
    edges = edge_list(graph)
    order = rank(edges)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(edges.num_pairs))


@pytest.mark.parametrize("num_nodes", [0, 3])
@pytest.mark.parametrize("rank", METHODS, ids=lambda rank: rank.__name__)
def test_graph_without_edges(rank, num_nodes):
    assert rank(edge_list(nx.empty_graph(num_nodes))).tolist() == []


@pytest.mark.parametrize(
    "rank",
    [
        structural.jaccard,
        structural.scan,
        structural.simmelian,
        structural.quadrilateral_simmelian,
        structural.triangles,
    ],
)
def test_ties_in_canonical_order(rank):
    edges = edge_list(nx.cycle_graph(9))
    assert rank(edges).tolist() == list(range(9))


def test_triangles(graph):
    edges = edge_list(graph)
    score = {(u, v): len(list(nx.common_neighbors(graph, u, v))) for u, v in edges.pairs.T.tolist()}
    assert structural.triangles(edges).tolist() == ascending(edges, score)


def test_jaccard(graph):
    edges = edge_list(graph)
    score = {(u, v): s for u, v, s in nx.jaccard_coefficient(graph, edges.pairs.T.tolist())}
    assert structural.jaccard(edges).tolist() == ascending(edges, score)


def test_scan(graph):
    edges = edge_list(graph)
    score = {}
    for u, v in edges.pairs.T.tolist():
        closed_u, closed_v = {u, *graph[u]}, {v, *graph[v]}
        score[u, v] = (len(closed_u & closed_v) - 1) / math.sqrt(len(closed_u) * len(closed_v))
    order = structural.scan(edges)
    values = np.array([score[u, v] for u, v in edges.pairs[:, order].T.tolist()])
    assert (np.diff(values) > -1e-12).all()


def local_score(graph, similarity):
    """The largest ``1 - a`` with an edge among the top ``d ** a`` of a neighbourhood; equal neighbours rank equal."""
    score = {}
    for v in graph:
        for w in graph[v]:
            above = sum(similarity(v, x) > similarity(v, w) for x in graph[v])
            a = math.log(above + 1) / math.log(len(graph[v])) if above else 0.0
            pair = (min(v, w), max(v, w))
            score[pair] = max(score.get(pair, 0.0), 1 - a)
    return score


def test_local_degree_where_degrees_differ():
    graph = nx.Graph([(0, i) for i in range(1, 6)] + [(1, 2), (1, 3), (1, 4), (2, 3)])
    graph.remove_edge(0, 4)  # degrees 4, 4, 3, 3, 1, 1
    edges = edge_list(graph)
    order = structural.local_degree(edges).tolist()
    score = local_score(graph, lambda v, w: graph.degree(w))
    first, last = edges.pairs[:, order[0]].tolist(), edges.pairs[:, order[-1]].tolist()
    assert score[tuple(first)] == min(score.values())
    assert score[tuple(last)] == max(score.values())


def test_local_degree_keeps_the_hub_of_every_vertex(graph):
    edges = edge_list(graph)
    order = structural.local_degree(edges)
    hubs = set()
    for v in graph:
        top = max((graph.degree(w) for w in graph[v]), default=None)
        if [graph.degree(w) for w in graph[v]].count(top) == 1:
            hub = next(w for w in graph[v] if graph.degree(w) == top)
            hubs.add((min(v, hub), max(v, hub)))
    kept = {tuple(pair) for pair in edges.pairs[:, order[-2 * len(hubs) :]].T.tolist()}
    assert hubs <= kept


@pytest.mark.parametrize("rank", [structural.forest_fire, structural.algebraic_distance])
def test_seeded(graph, rank):
    edges = edge_list(graph)
    order = rank(edges, seed=3)
    np.testing.assert_array_equal(rank(edges, seed=3), order)
    assert (rank(edges, seed=4) != order).any()
    assert (rank(edges) != rank(edges)).any()


def test_fires_burn_through_a_path_and_around_in_a_clique():
    graph = nx.disjoint_union(nx.complete_graph(12), nx.path_graph(12))
    edges = edge_list(graph)
    last = edges.pairs[:, structural.forest_fire(edges, seed=0)[-11:]]
    assert (last >= 12).all()


def test_close_ends_stay_longest():
    graph = nx.connected_caveman_graph(4, 8)
    edges = edge_list(graph)
    between = {e for e, (u, v) in enumerate(edges.pairs.T.tolist()) if u // 8 != v // 8}
    assert set(structural.algebraic_distance(edges, seed=0)[: len(between)].tolist()) == between


def test_heavy_edges_bring_ends_close():
    edges = edge_list(nx.connected_caveman_graph(4, 8))
    between = edges.pairs[0] // 8 != edges.pairs[1] // 8
    weighted = EdgeList(32, edges.pairs, weights=np.where(between, 1e4, 1.0))
    place, light_place = (np.argsort(structural.algebraic_distance(g, seed=0)) for g in (weighted, edges))
    assert sorted(light_place[between]) == [0, 1, 2, 3]
    assert place[between].min() > edges.num_pairs // 2
    same = EdgeList(32, edges.pairs, weights=np.full(edges.num_pairs, 2.0))
    np.testing.assert_array_equal(
        structural.algebraic_distance(same, seed=0), structural.algebraic_distance(edges, seed=0)
    )


@pytest.mark.parametrize("rank", [structural.simmelian, structural.quadrilateral_simmelian])
def test_bridges_between_groups_go_first(rank):
    graph = nx.disjoint_union(nx.complete_graph(6), nx.complete_graph(6))
    graph.add_edge(5, 6)
    edges = edge_list(graph)
    assert edges.pairs[:, rank(edges)[0]].tolist() == [5, 6]


def test_threads_are_as_before():
    networkit = pytest.importorskip("networkit")
    before = networkit.getMaxNumberOfThreads()
    networkit.setNumberOfThreads(2)
    try:
        structural.triangles(edge_list(nx.complete_graph(4)))
        assert networkit.getMaxNumberOfThreads() == 2
    finally:
        networkit.setNumberOfThreads(before)


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "networkit", None)
    with pytest.raises(ImportError, match=r"'jaccard' needs networkit, .*: pip install 'wis-graph\[networkit\]'"):
        structural.jaccard(edge_list(nx.path_graph(3)))


def test_bad_arguments():
    edges = edge_list(nx.path_graph(3))
    for probability in (0, 1):  # at 0 the fires never end: no edge ever burns
        with pytest.raises(ValueError, match=rf"burn_probability must be in \(0, 1\), got {probability}"):
            structural.forest_fire(edges, burn_probability=probability)
    with pytest.raises(ValueError, match="burnt_ratio must be positive and finite, got -1"):
        structural.forest_fire(edges, burnt_ratio=-1)
    with pytest.raises(ValueError, match="systems must be at least 1, got 0"):
        structural.algebraic_distance(edges, systems=0)
    with pytest.raises(ValueError, match="iterations must be at least 1, got 0"):
        structural.algebraic_distance(edges, iterations=0)
    with pytest.raises(ValueError, match="'triangles' is defined for undirected graphs only"):
        structural.triangles(EdgeList(3, edges.pairs, directed=True))
    with pytest.raises(TypeError, match="burn_probability must be a number, got '0.5'"):
        structural.forest_fire(edges, burn_probability="0.5")
    with pytest.raises(TypeError, match="systems must be an integer, got 1.5"):
        structural.algebraic_distance(edges, systems=1.5)
