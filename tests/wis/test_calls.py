"""``keep_connected``: a spanning forest goes last, for methods of either kind."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import wis
from tests.strategies import edge_list
from wis.calls import choose_pairs, rank_pairs
from wis.graphs.edge_list import EdgeList
from wis.registry import find_method, format_method, parse_method

GRAPH = nx.connected_caveman_graph(5, 6)
EDGES = edge_list(30, np.array(GRAPH.edges).T)


def test_an_order_with_the_forest_last() -> None:
    plain = rank_pairs(find_method("jaccard"), EDGES, {})
    order = rank_pairs(find_method("jaccard"), EDGES, {"keep_connected": True})
    forest = nx.Graph(EDGES.pairs[:, order[-29:]].T.tolist())
    assert nx.is_tree(forest)
    place = np.argsort(plain)
    assert (np.diff(place[order[:-29]]) > 0).all()
    assert (np.diff(place[order[-29:]]) > 0).all()
    np.testing.assert_array_equal(rank_pairs(find_method("jaccard"), EDGES, {"keep_connected": False}), plain)


@pytest.mark.parametrize("method", ["wis", "jaccard", "random", "spanner", "spectral-reweighted"])
@pytest.mark.parametrize("num_edges", [10, 29, 40])
def test_on_graphs(method: str, num_edges: int) -> None:
    sparse = wis.sparsify(GRAPH, num_edges=num_edges, method=method, seed=1, keep_connected=True)
    assert sparse.number_of_edges() == num_edges
    assert nx.number_connected_components(sparse) == max(30 - num_edges, 1)


def test_order_and_sparsify_agree_and_the_order_remembers() -> None:
    order = wis.removal_order(GRAPH, "wis", depth=2, keep_connected=True)
    assert order.options == {"depth": 2, "keep_connected": True}
    for num_edges in (12, 29, 50):
        once = wis.sparsify(GRAPH, num_edges=num_edges, depth=2, keep_connected=True)
        assert set(order.apply(GRAPH, num_edges=num_edges).edges) == set(once.edges)


def test_a_selection_gets_what_the_forest_leaves() -> None:
    weights = np.random.default_rng(0).uniform(0.1, 5, EDGES.num_pairs)
    edges = EdgeList(30, EDGES.pairs, weights=weights)
    method, options = find_method("spectral-reweighted"), {"keep_connected": True}
    kept, factors = choose_pairs(method, edges, 50, options, seed=3)
    graph = nx.Graph()
    graph.add_weighted_edges_from((*pair, w) for pair, w in zip(edges.pairs.T.tolist(), weights, strict=True))
    forest = edges.pair_of_columns(np.array(list(nx.maximum_spanning_edges(graph, data=False))).T)
    assert kept[forest].all()
    assert (factors[forest] == 1).all()
    rest = np.setdiff1d(np.arange(edges.num_pairs), forest)
    others = EdgeList(30, edges.pairs[:, rest], weights=weights[rest])
    chosen, of_others = choose_pairs(method, others, 50 - 29, {}, seed=3)
    np.testing.assert_array_equal(kept[rest], chosen)
    np.testing.assert_array_equal(factors[rest], of_others)
    small, ones = choose_pairs(method, edges, 7, options, seed=3)
    heaviest = forest[np.argsort(weights[forest])[-7:]]
    assert set(np.flatnonzero(small)) == set(heaviest)
    assert ones.tolist() == small.astype(float).tolist()


def test_directed_components_are_those_without_directions() -> None:
    columns = torch.tensor([[0, 1, 2, 3, 0, 1], [1, 0, 1, 2, 2, 3]])
    data = Data(edge_index=columns, num_nodes=5)
    for seed in range(10):
        sparse = wis.sparsify(data, num_edges=3, method="random", directed=True, seed=seed, keep_connected=True)
        assert nx.is_tree(nx.Graph(sparse.edge_index.T.tolist()))


def test_written_as_text_and_checked() -> None:
    name, options = parse_method("wis:depth=3,keep_connected=True")
    assert (name, options) == ("wis", {"depth": 3, "keep_connected": True})
    assert format_method(name, options) == "wis:depth=3,keep_connected=True"
    with pytest.raises(TypeError, match="keep_connected must be True or False, got 'yes'"):
        wis.sparsify(GRAPH, 0.5, keep_connected="yes")
    with pytest.raises(ValueError, match="keep_connected must be True or False, got 1"):
        parse_method("random:keep_connected=1")
