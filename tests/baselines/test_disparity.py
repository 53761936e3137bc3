"""The disparity filter against the integral that defines its p-values."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import scipy.integrate
from hypothesis import given, settings
from hypothesis import strategies as st
from wis.baselines.disparity import rank

from tests.strategies import edge_list, edge_lists
from wis.graphs.edge_list import EdgeList


def p_value(share: float, degree: int) -> float:
    """Equation 2: one minus the integral of the density ``(k - 1) (1 - x)^(k - 2)`` from 0 to the share."""
    if degree == 1:
        return 1.0
    return 1 - scipy.integrate.quad(lambda x: (degree - 1) * (1 - x) ** (degree - 2), 0, share)[0]


def p_values(edges: EdgeList) -> np.ndarray:
    """The smaller p-value of both ends; of a directed graph among edges out of the source and into the target."""
    graph = nx.DiGraph() if edges.directed else nx.Graph()
    for (u, v), weight in zip(edges.pairs.T.tolist(), edges.weights.tolist(), strict=True):
        graph.add_edge(u, v, weight=weight)
    at_tail = graph.out_degree if edges.directed else graph.degree
    at_head = graph.in_degree if edges.directed else graph.degree
    found = [
        min(
            p_value(data["weight"] / at_tail(u, "weight"), at_tail(u)),
            p_value(data["weight"] / at_head(v, "weight"), at_head(v)),
        )
        for u, v, data in (((u, v, graph[u][v])) for u, v in edges.pairs.T.tolist())
    ]
    return np.array(found)


@given(edge_lists(max_nodes=9, max_edges=25, directed=None), st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_least_significant_edges_go_first(edges, seed):
    weights = np.random.default_rng(seed).uniform(0.1, 5, edges.num_pairs)
    weighted = EdgeList(edges.num_nodes, edges.pairs, edges.directed, weights)
    order = rank(weighted)
    assert sorted(order.tolist()) == list(range(edges.num_pairs))
    assert (np.diff(p_values(weighted)[order]) < 1e-9).all()


def test_backbone_of_a_star_with_one_heavy_edge():
    # At the hub: (1 - 0.9)^4 for the heavy edge, (1 - 0.025)^4 for the others; the leaves say nothing.
    edges = edge_list(6, [[0, 0, 0, 0, 0], [1, 2, 3, 4, 5]])
    weights = np.array([1.0, 36.0, 1.0, 1.0, 1.0])
    assert rank(EdgeList(6, edges.pairs, weights=weights)).tolist() == [0, 2, 3, 4, 1]


def test_an_edge_on_its_own_is_the_least_significant():
    edges = edge_list(5, [[0, 0, 3], [1, 2, 4]])
    assert rank(EdgeList(5, edges.pairs, weights=np.array([1.0, 2.0, 1e6]))).tolist() == [2, 0, 1]


def test_p_values_too_small_for_numbers_have_an_order():
    # Two hubs of 400 light edges each with one heavy edge: (1e-6)^400 and (1e-5)^400 are 0 in float64.
    leaves = np.arange(2, 802)
    edges = edge_list(804, [np.append(np.repeat([0, 1], 400), [0, 1]), np.append(leaves, [802, 803])])
    weights = np.ones(802)
    heavy = [edges.pair_of_columns(np.array([[hub], [802 + hub]]))[0] for hub in (0, 1)]
    weights[heavy] = [4e7, 4e8]
    assert rank(EdgeList(804, edges.pairs, weights=weights))[-2:].tolist() == heavy


def test_a_weight_that_drowns_the_others_does_not_hide_how_many_they_are():
    """Beside 1e20 one edge of weight 1: p is 1e-20. Beside 1 ten edges of 1e-18: p is (1e-17)^10."""
    tail, head = np.append([0, 0], np.full(11, 3)), np.append([1, 2], np.arange(4, 15))
    weights = np.concatenate([[1e20, 1.0], [1.0], np.full(10, 1e-18)])
    edges = edge_list(15, [tail, head])
    order = rank(EdgeList(15, edges.pairs, weights=weights))
    assert order[-2:].tolist() == [0, 2]


def test_without_weights_it_is_refused():
    with pytest.raises(ValueError, match="'disparity' ranks edges by their weights, and this graph has none"):
        rank(edge_list(2, [[0], [1]]))
    for directed in (False, True):
        assert rank(edge_list(2, [[], []], directed)).tolist() == []
