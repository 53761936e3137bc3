"""The heaviest edges stay."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from wis.baselines.threshold import rank

import wis
from tests.strategies import edge_list
from wis.graphs.edge_list import EdgeList


def test_light_edges_go_first_and_equal_ones_in_canonical_order():
    edges = edge_list(4, [[0, 0, 1, 2], [1, 2, 2, 3]])
    weights = np.array([2.0, 0.5, 2.0, 1.0])
    assert rank(EdgeList(4, edges.pairs, weights=weights)).tolist() == [1, 3, 0, 2]


def test_directed():
    edges = edge_list(3, [[0, 1, 2], [1, 0, 1]], directed=True)
    assert rank(EdgeList(3, edges.pairs, True, np.array([3.0, 1.0, 2.0]))).tolist() == [1, 2, 0]


def test_on_a_graph():
    graph = nx.Graph()
    graph.add_weighted_edges_from([("a", "b", 0.1), ("b", "c", 9), ("a", "c", 4)])
    sparse = wis.sparsify(graph, num_edges=2, method="threshold")
    assert sorted(map(sorted, sparse.edges)) == [["a", "c"], ["b", "c"]]


def test_without_weights_it_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match="'threshold' ranks edges by their weights, and this graph has none; pass a"):
        rank(edge_list(2, [[0], [1]]))
    assert rank(edge_list(2, [[], []])).tolist() == []
