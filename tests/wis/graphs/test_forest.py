"""Spanning forests against NetworkX."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import edge_list, edge_lists
from wis.graphs.edge_list import EdgeList
from wis.graphs.forest import forest_last, heaviest_first, spanning_forest


def graph_of(edges: EdgeList, chosen: np.ndarray) -> nx.Graph:
    graph = nx.empty_graph(edges.num_nodes)
    graph.add_edges_from(edges.pairs[:, chosen].T.tolist())
    return graph


@given(edge_lists(directed=None), st.integers(0, 20))
@settings(max_examples=80, deadline=None)
def test_kruskal(edges, seed):
    order = np.random.default_rng(seed).permutation(edges.num_pairs)
    chosen = order[spanning_forest(edges, order)]
    kept: list[int] = []
    for e in order:  # one by one: an edge is taken unless it closes a cycle
        u, v = edges.pairs[:, e]
        if not nx.has_path(graph_of(edges, np.array(kept, dtype=int)), u, v):
            kept.append(int(e))
    assert chosen.tolist() == kept


@given(edge_lists(directed=None), st.integers(0, 20))
@settings(max_examples=80, deadline=None)
def test_forest_goes_last(edges, seed):
    ranking = np.random.default_rng(seed).permutation(edges.num_pairs)
    order = forest_last(edges, ranking)
    components = nx.number_connected_components(graph_of(edges, ranking))
    size = edges.num_nodes - components
    assert sorted(order.tolist()) == list(range(edges.num_pairs))
    for num_keep in range(edges.num_pairs + 1):
        kept = order[edges.num_pairs - num_keep :]
        rank = edges.num_nodes - nx.number_connected_components(graph_of(edges, kept))
        assert rank == min(num_keep, size)
    place = np.argsort(ranking)
    for part in (order[: edges.num_pairs - size], order[edges.num_pairs - size :]):
        assert (np.diff(place[part]) > 0).all()  # as the ranking has them


def test_of_all_forests_the_one_that_is_removed_last():
    triangle = edge_list(3, [[0, 0, 1], [1, 2, 2]])
    assert forest_last(triangle, np.array([2, 0, 1])).tolist() == [2, 0, 1]
    # The triangle 0 1 2 with a tail 2 3, pairs 01 02 12 23: the tail is removed first, but no forest goes without.
    kite = edge_list(4, [[0, 0, 1, 2], [1, 2, 2, 3]])
    assert forest_last(kite, np.array([3, 0, 2, 1])).tolist() == [0, 3, 2, 1]


def test_heaviest_first():
    edges = edge_list(4, [[0, 1, 2], [1, 2, 3]])
    order = np.array([2, 0, 1])
    assert heaviest_first(edges, order).tolist() == [2, 0, 1]
    weighted = EdgeList(4, edges.pairs, weights=np.array([1.0, 5.0, 1.0]))
    assert heaviest_first(weighted, order).tolist() == [1, 2, 0]
