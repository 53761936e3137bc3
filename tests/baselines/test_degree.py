"""TEDDY and DSpar against their formulas, and the laws of DSpar's draws."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from wis.baselines import degree

from tests.baselines.test_structural import edge_list
from wis.graphs.edge_list import EdgeList


def test_teddy_by_matrices():
    graph = nx.powerlaw_cluster_graph(60, 3, 0.5, seed=1)
    graph.add_edge(3, 60)
    edges = edge_list(graph)
    matrix = nx.to_scipy_sparse_array(graph, nodelist=sorted(graph), dtype=float)
    degrees = matrix.sum(axis=1)
    vertex = sp.diags_array(degrees**-2.0) @ matrix @ degrees**-0.5
    score = np.outer(vertex, vertex)[tuple(edges.pairs)]
    order = degree.teddy(edges)
    assert sorted(order.tolist()) == list(range(edges.num_pairs))
    assert (np.diff(score[order]) > -1e-15).all()


def test_teddy_by_blocks_is_teddy_at_once(monkeypatch):
    monkeypatch.setattr("wis.graphs.edge_list._CHUNK", 7)
    edges = edge_list(nx.powerlaw_cluster_graph(60, 3, 0.5, seed=2))
    u, v = edges.pairs
    inverse_root = 1 / np.sqrt(edges.degrees())
    around = np.bincount(u, inverse_root[v], edges.num_nodes) + np.bincount(v, inverse_root[u], edges.num_nodes)
    vertex = around / edges.degrees() ** 2
    assert np.array_equal(degree.teddy(edges), np.argsort(vertex[u] * vertex[v], kind="stable"))


def test_dspar_by_blocks_draws_what_it_draws_at_once(monkeypatch):
    monkeypatch.setattr("wis.graphs.edge_list._CHUNK", 7)
    edges = edge_list(nx.powerlaw_cluster_graph(60, 3, 0.5, seed=2))
    inverse = 1 / edges.degrees()
    arrivals = np.random.default_rng(4).standard_exponential(edges.num_pairs) / inverse[edges.pairs].sum(axis=0)
    assert np.array_equal(degree.dspar(edges, seed=4), np.argsort(-arrivals, kind="stable"))


def test_teddy_removes_the_edge_between_hubs_first():
    graph = nx.Graph([(0, 1)] + [(i % 2, i) for i in range(2, 12)])
    edges = edge_list(graph)
    order = degree.teddy(edges)
    assert edges.pairs[:, order[0]].tolist() == [0, 1]
    assert order[1:].tolist() == list(range(1, 11))  # all alike: canonical order


@pytest.mark.parametrize("num_nodes", [0, 4])
def test_graph_without_edges(num_nodes):
    edges = edge_list(nx.empty_graph(num_nodes))
    assert degree.teddy(edges).tolist() == []
    assert degree.dspar(edges).tolist() == []
    kept, weights = degree.dspar_reweighted(edges, 0)
    assert kept.shape == weights.shape == (0,)


PAW = nx.Graph([(0, 1), (0, 2), (1, 2), (2, 3)])
PAW_SCORES = np.array([1 / 2 + 1 / 2, 1 / 2 + 1 / 3, 1 / 2 + 1 / 3, 1 / 3 + 1])


def test_dspar_draws_without_replacement():
    """The probability of every possible order, from the definition, against 40,000 orders."""
    draws = 40_000
    counts: dict[tuple[int, ...], int] = {}
    edges = edge_list(PAW)
    for seed in range(draws):
        drawn = tuple(degree.dspar(edges, seed=seed)[::-1].tolist())
        counts[drawn] = counts.get(drawn, 0) + 1
    for drawn in itertools.permutations(range(4)):
        left = PAW_SCORES[list(drawn)]
        probability = np.prod(left / np.cumsum(left[::-1])[::-1])
        expected, spread = probability * draws, np.sqrt(draws * probability * (1 - probability))
        assert abs(counts.get(drawn, 0) - expected) < 4.5 * spread


@pytest.mark.parametrize("num_keep", [1, 2, 3, 4])
def test_dspar_weights_are_1_on_average(num_keep):
    factors = np.array([degree.dspar_reweighted(edge_list(PAW), num_keep, seed=seed)[1] for seed in range(10_000)])
    spread = factors.std(axis=0) / np.sqrt(len(factors))
    assert (np.abs(factors.mean(axis=0) - 1) <= 4.5 * spread).all()


def test_dspar_with_weights():
    weights = np.array([1.0, 2.0, 5.0, 0.5])
    edges = EdgeList(4, edge_list(PAW).pairs, weights=weights)
    strength = np.array([3.0, 6.0, 7.5, 0.5])
    rates = np.array(
        [w * (1 / strength[u] + 1 / strength[v]) for w, (u, v) in zip(weights, edges.pairs.T, strict=True)]
    )
    counts = np.bincount([degree.dspar(edges, seed=seed)[-1] for seed in range(4000)], minlength=4)
    share = rates / rates.sum()
    assert (np.abs(counts - 4000 * share) < 4.5 * np.sqrt(4000 * share)).all()
    assert degree.dspar_reweighted(edges, 4, seed=1)[1].tolist() == [1.0] * 4


def test_dspar_selection_fits_its_order():
    edges = edge_list(nx.powerlaw_cluster_graph(50, 4, 0.3, seed=0))
    order = degree.dspar(edges, seed=7)
    for num_keep in (0, 1, 20, edges.num_pairs):
        kept, weights = degree.dspar_reweighted(edges, num_keep, seed=7)
        assert set(np.flatnonzero(kept)) == set(order[edges.num_pairs - num_keep :].tolist())
        assert (weights[kept] > 0).all()
        assert (weights[~kept] == 0).all()


def test_seeds():
    edges = edge_list(nx.cycle_graph(30))
    np.testing.assert_array_equal(degree.dspar(edges, seed=1), degree.dspar(edges, seed=1))
    assert (degree.dspar(edges, seed=1) != degree.dspar(edges, seed=2)).any()


def test_directed_is_refused():
    edges = EdgeList(3, np.array([[0, 1], [1, 2]]), directed=True)
    with pytest.raises(ValueError, match="'teddy' is defined for undirected graphs only"):
        degree.teddy(edges)
    with pytest.raises(ValueError, match="'dspar' is defined for undirected graphs only"):
        degree.dspar(edges)
    with pytest.raises(ValueError, match="'dspar-reweighted' is defined for undirected graphs only"):
        degree.dspar_reweighted(edges, 1)
