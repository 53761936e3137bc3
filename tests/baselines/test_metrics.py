"""Every measure against NetworkX, SciPy or its definition."""

from __future__ import annotations

import importlib.util
import math

import networkx as nx
import numpy as np
import pytest
import scipy.stats
from wis.baselines import metrics

from tests.baselines.test_structural import edge_list
from wis.graphs.edge_list import EdgeList


@pytest.fixture
def graph() -> nx.Graph:
    graph = nx.powerlaw_cluster_graph(30, 3, 0.6, seed=5)
    graph.add_edges_from([(30, 31), (31, 32), (30, 32), (33, 34)])
    graph.add_node(35)
    return graph


@pytest.fixture
def sparse(graph) -> nx.Graph:
    sparse = graph.copy()
    edges = np.array(sorted(tuple(sorted(edge)) for edge in graph.edges()))
    gone = np.random.default_rng(1).permutation(len(edges))[: len(edges) // 3]
    sparse.remove_edges_from(edges[gone].tolist())
    return sparse


@pytest.fixture
def results(graph, sparse) -> dict[str, float]:
    return metrics.compare(edge_list(graph), edge_list(sparse), labels=np.arange(36) % 2)


def test_all_keys(results):
    assert list(results) == list(metrics.METRICS)
    assert all(type(value) is float for value in results.values())
    assert [name for name, value in results.items() if math.isnan(value)] == ["weight_kept"]


def test_counts_and_clustering(sparse, results):
    assert results["components"] == nx.number_connected_components(sparse)
    assert results["isolated"] == nx.number_of_isolates(sparse)
    assert results["clustering_local"] == pytest.approx(nx.average_clustering(sparse))
    assert results["clustering_global"] == pytest.approx(nx.transitivity(sparse))


def test_homophily(sparse, results):
    same = [(u - v) % 2 == 0 for u, v in sparse.edges()]
    assert results["homophily"] == pytest.approx(sum(same) / len(same))


def test_homophily_leaves_out_vertices_without_a_label():
    edges = edge_list(nx.path_graph(4))
    assert metrics.compare(edges, edges, labels=np.array([1, 1, 2, -1]))["homophily"] == 0.5
    assert math.isnan(metrics.compare(edges, edges, labels=np.array([1, -1, 2, -1]))["homophily"])


def test_degrees(graph, sparse, results):
    old, new = ([g.degree(v) for v in range(36)] for g in (graph, sparse))
    assert results["degree_distance"] == pytest.approx(scipy.stats.ks_2samp(old, new).statistic)
    assert results["degree_correlation"] == pytest.approx(scipy.stats.spearmanr(old, new).statistic)


def test_pagerank(graph, sparse, results):
    old, new = (nx.pagerank(g, tol=1e-13, max_iter=1000) for g in (graph, sparse))
    old, new = ([round(rank[v], 9) for v in range(36)] for rank in (old, new))
    assert results["pagerank_correlation"] == pytest.approx(scipy.stats.spearmanr(old, new).statistic)


def test_paths_from_all_vertices(graph, sparse, monkeypatch):
    monkeypatch.setattr(metrics, "_NUM_SOURCES", 36)
    results = metrics.compare(edge_list(graph), edge_list(sparse))
    old, new = (dict(nx.all_pairs_shortest_path_length(g)) for g in (graph, sparse))
    pairs = [(s, t) for s in old for t in old[s] if s != t]
    assert results["stretch"] == pytest.approx(np.mean([new[s][t] / old[s][t] for s, t in pairs if t in new[s]]))
    assert results["unreachable"] == pytest.approx(np.mean([t not in new[s] for s, t in pairs]))
    old, new = (nx.harmonic_centrality(g) for g in (graph, sparse))
    old, new = ([round(rank[v], 9) for v in range(36)] for rank in (old, new))
    assert results["closeness_correlation"] == pytest.approx(scipy.stats.spearmanr(old, new).statistic)


def test_laplacian_error_is_the_share_removed_where_it_is_the_same_everywhere():
    graph = nx.disjoint_union(nx.complete_graph(4), nx.complete_graph(4))
    before = edge_list(graph)
    doubled = metrics.compare(before, before, weights=np.full(before.num_pairs, 2.0))
    assert doubled["laplacian_error"] == pytest.approx(1)
    assert metrics.compare(before, before)["laplacian_error"] == 0


def test_weights_of_the_graph(graph, sparse):
    before, after = edge_list(graph), edge_list(sparse)
    weights = np.random.default_rng(0).uniform(0.1, 9, before.num_pairs)
    of_after = weights[before.pair_of_columns(after.pairs)]
    heavy, light = EdgeList(36, before.pairs, weights=weights), EdgeList(36, after.pairs, weights=of_after)
    found = metrics.compare(heavy, light)
    assert found["weight_kept"] == pytest.approx(of_after.sum() / weights.sum())
    assert metrics.compare(heavy, after, weights=of_after) == pytest.approx(found, nan_ok=True)
    assert metrics.compare(heavy, heavy)["laplacian_error"] == 0
    assert metrics.compare(heavy, light, weights=3 * of_after)["weight_kept"] == pytest.approx(3 * found["weight_kept"])
    # Twice every weight is twice every quadratic form.
    assert metrics.compare(heavy, heavy, weights=2 * weights)["laplacian_error"] == pytest.approx(1)
    in_grams = metrics.compare(
        EdgeList(36, before.pairs, weights=1000 * weights), EdgeList(36, after.pairs, weights=1000 * of_after)
    )
    assert in_grams["laplacian_error"] == pytest.approx(found["laplacian_error"])
    with pytest.raises(ValueError, match="before has edge weights and after has none"):
        metrics.compare(heavy, after)


def test_laplacian_error_by_matrices(graph, sparse, results):
    rng = np.random.default_rng(0)
    matrix = nx.to_numpy_array(graph, nodelist=range(36))
    old, new = (np.diag(a.sum(axis=0)) - a for a in (matrix, nx.to_numpy_array(sparse, nodelist=range(36))))
    rng.choice(35, 32, replace=False)  # the sources are drawn first
    walk = matrix / np.maximum(matrix.sum(axis=0), 1)[:, None]
    vectors = np.linalg.matrix_power((np.eye(36) + walk) / 2, 3) @ rng.standard_normal((36, 32))
    errors = [abs(x @ new @ x / (x @ old @ x) - 1) for x in vectors.T]
    assert results["laplacian_error"] == pytest.approx(np.mean(errors))


def test_one_reference_serves_several_sparsifications(graph, sparse):
    reference = metrics.Reference(edge_list(graph), depth=2, seed=3)
    for other in (sparse, graph, nx.empty_graph(36), sparse):
        alone = metrics.compare(edge_list(graph), edge_list(other), depth=2, seed=3)
        assert reference.compare(edge_list(other)) == pytest.approx(alone, abs=0, rel=0, nan_ok=True)
    with pytest.raises(ValueError, match="before has 36 vertices, after has 3"):
        reference.compare(edge_list(nx.empty_graph(3)))


def test_communities():
    pytest.importorskip("networkit")
    graph = nx.connected_caveman_graph(6, 8)
    before, within = edge_list(graph), graph.copy()
    within.remove_edges_from([(u, v) for u, v in graph.edges() if u // 8 != v // 8])
    assert metrics.compare(before, edge_list(within))["community_agreement"] == 1
    assert metrics.compare(before, edge_list(nx.empty_graph(48)))["community_agreement"] == 0


def test_communities_need_networkit(graph, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    edges = edge_list(graph)
    assert math.isnan(metrics.compare(edges, edges)["community_agreement"])


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_walk_index(graph, sparse, depth):
    old, new = (nx.to_numpy_array(g, nodelist=range(36)) for g in (graph, sparse))
    values = []
    for matrix in (old, new):
        closed = np.diag(np.linalg.matrix_power(matrix + np.eye(36), depth))
        values.append(np.where(matrix.any(axis=0), closed, 0))
    results = metrics.compare(edge_list(graph), edge_list(sparse), depth=depth)
    assert results["walk_index_kept"] == pytest.approx(values[1].sum() / values[0].sum())
    some = values[0] > 0
    assert results["walk_index_worst"] == pytest.approx((values[1][some] / values[0][some]).min())


def test_graph_against_itself(graph):
    edges = edge_list(graph)
    results = metrics.compare(edges, edges)
    ones = ("degree_correlation", "pagerank_correlation", "closeness_correlation", "stretch")
    assert [results[name] for name in ones] == pytest.approx([1] * 4)
    assert results["walk_index_kept"] == results["walk_index_worst"] == 1
    assert results["degree_distance"] == results["unreachable"] == results["laplacian_error"] == 0


def test_nothing_left(graph):
    before = edge_list(graph)
    results = metrics.compare(before, EdgeList(36, before.pairs[:, :0]))
    assert results["components"] == results["isolated"] == 36
    assert results["unreachable"] == results["laplacian_error"] == 1
    assert results["walk_index_kept"] == results["walk_index_worst"] == results["clustering_local"] == 0
    undefined = ("clustering_global", "homophily", "stretch", "degree_correlation", "pagerank_correlation")
    assert all(math.isnan(results[name]) for name in undefined)


@pytest.mark.parametrize("num_nodes", [0, 1, 4])
def test_no_edges_at_all(num_nodes):
    edges = edge_list(nx.empty_graph(num_nodes))
    results = metrics.compare(edges, edges)
    assert list(results) == list(metrics.METRICS)
    assert results["components"] == num_nodes
    assert math.isnan(results["walk_index_kept"])
    assert math.isnan(results["laplacian_error"])


def test_directed_counts_as_undirected_but_for_the_walk_index():
    pairs = np.array([[0, 0, 1, 1, 2], [1, 2, 0, 2, 0]])
    before = EdgeList.from_columns(pairs, 4, directed=True)
    after = EdgeList.from_columns(pairs[:, [0, 1, 3]], 4, directed=True)
    results = metrics.compare(before, after)
    assert results["components"] == 2
    assert results["clustering_global"] == 1
    assert results["degree_distance"] == results["unreachable"] == 0
    assert results["walk_index_kept"] < 1


def test_seeded(graph, sparse):
    before, after = edge_list(graph), edge_list(sparse)
    assert metrics.compare(before, after, labels=np.zeros(36, int), seed=3) == metrics.compare(
        before, after, labels=np.zeros(36, int), seed=3
    )
    assert (
        metrics.compare(before, after, seed=3)["laplacian_error"] != metrics.compare(before, after)["laplacian_error"]
    )


def test_two_classes_may_be_bool(graph):
    edges, labels = edge_list(graph), np.arange(36) % 3 == 0
    assert metrics.compare(edges, edges, labels=labels) == metrics.compare(edges, edges, labels=labels.astype(int))


def test_bad_input(graph):
    edges = edge_list(graph)
    with pytest.raises(ValueError, match="before has 36 vertices, after has 3"):
        metrics.compare(edges, edge_list(nx.path_graph(3)))
    with pytest.raises(ValueError, match="both be directed"):
        metrics.compare(edges, EdgeList(36, edges.pairs, directed=True))
    with pytest.raises(ValueError, match=r"labels must have shape \[36\], got \[2\]"):
        metrics.compare(edges, edges, labels=np.zeros(2, int))
    with pytest.raises(TypeError, match="labels must be integers or bool, got float64"):
        metrics.compare(edges, edges, labels=np.zeros(36))
    with pytest.raises(ValueError, match="weights must have shape"):
        metrics.compare(edges, edges, weights=np.ones(3))


@pytest.mark.parametrize("power", [-1060, 1021])
def test_the_unit_of_weights_decides_nothing(power):
    pairs, weights = np.array([[0, 0, 1, 2], [1, 2, 2, 3]]), np.array([1.0, 2.0, 3.0, 4.0])
    found = [
        metrics.compare(EdgeList(4, pairs, weights=w), EdgeList(4, pairs[:, 1:], weights=w[1:]))
        for w in (weights, np.ldexp(weights, power))
    ]
    assert found[0]["weight_kept"] == found[1]["weight_kept"] == 0.9
    assert found[0]["laplacian_error"] == found[1]["laplacian_error"] > 0
