"""Spanning forest first: components and small cuts survive as long as they can."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from wis.baselines.forest import rank

from tests.baselines.test_structural import edge_list
from wis.graphs.edge_list import EdgeList


def kept_graph(edges: EdgeList, order: np.ndarray, num_keep: int) -> nx.Graph:
    graph = nx.empty_graph(edges.num_nodes)
    graph.add_edges_from(edges.pairs[:, order[edges.num_pairs - num_keep :]].T.tolist())
    return graph


@pytest.mark.parametrize("forests", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_components_survive(seed, forests):
    graph = nx.gnm_random_graph(40, 50, seed=seed)
    edges = edge_list(graph)
    order = rank(edges, seed=seed, forests=forests)
    assert sorted(order.tolist()) == list(range(edges.num_pairs))
    parts = {frozenset(part) for part in nx.connected_components(graph)}
    smallest = graph.number_of_nodes() - len(parts)
    for num_keep in range(smallest, edges.num_pairs + 1):
        assert {frozenset(p) for p in nx.connected_components(kept_graph(edges, order, num_keep))} == parts
    assert nx.number_connected_components(kept_graph(edges, order, smallest - 1)) == len(parts) + 1


def test_forests_keep_small_cuts():
    graph = nx.gnp_random_graph(20, 0.5, seed=4)
    edges = edge_list(graph)
    order = rank(edges, seed=0, forests=3)
    certificate = kept_graph(edges, order, 3 * 19)
    for v in range(1, 20):
        assert nx.edge_connectivity(certificate, 0, v) >= min(3, nx.edge_connectivity(graph, 0, v))


def test_more_forests_than_there_are():
    edges = edge_list(nx.complete_graph(4))
    assert sorted(rank(edges, seed=0, forests=9).tolist()) == list(range(6))


def test_forest_edges_vary():
    edges = edge_list(nx.complete_graph(5))
    last = np.bincount([rank(edges, seed=seed)[-1] for seed in range(4000)], minlength=10)
    assert (np.abs(last - 400) < 4.5 * np.sqrt(4000 * 0.1 * 0.9)).all()


@pytest.mark.parametrize("seed", range(3))
def test_maximum_forest_goes_last_and_light_edges_first(seed):
    graph = nx.gnm_random_graph(30, 90, seed=seed)
    unweighted = edge_list(graph)
    weights = np.random.default_rng(seed).choice([0.25, 1.0, 3.0, 8.0], unweighted.num_pairs)
    edges = EdgeList(30, unweighted.pairs, weights=weights)
    order = rank(edges, seed=seed)
    for (u, v), weight in zip(edges.pairs.T.tolist(), weights.tolist(), strict=True):
        graph[u][v]["weight"] = weight
    heaviest = nx.maximum_spanning_tree(graph)
    size = heaviest.number_of_edges()
    assert weights[order[-size:]].sum() == heaviest.size("weight")
    for part in (order[:-size], order[-size:]):
        assert (np.diff(weights[part]) >= 0).all()
    assert (rank(edges, seed=seed + 1) != order).any()  # chance among equal weights


def test_equal_weights_are_no_weights():
    edges = edge_list(nx.gnm_random_graph(30, 90, seed=1))
    weighted = EdgeList(30, edges.pairs, weights=np.full(90, 2.5))
    np.testing.assert_array_equal(rank(weighted, seed=4), rank(edges, seed=4))


def test_seeds_and_bad_input():
    edges = edge_list(nx.cycle_graph(30))
    np.testing.assert_array_equal(rank(edges, seed=1), rank(edges, seed=1))
    assert rank(edge_list(nx.empty_graph(3))).tolist() == []
    assert rank(edge_list(nx.empty_graph(0))).tolist() == []
    with pytest.raises(ValueError, match="forests must be at least 1, got 0"):
        rank(edges, forests=0)
    with pytest.raises(ValueError, match="'spanning-forest' is defined for undirected graphs only"):
        rank(EdgeList(30, edges.pairs, directed=True))
    with pytest.raises(TypeError, match="forests must be an integer, got 1.5"):
        rank(edges, forests=1.5)
