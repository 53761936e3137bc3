"""Spanners against their definition, by brute force, and against NetworkX."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wis.baselines.spanner import select, spanner

from tests.baselines.test_resistance import from_networkx
from tests.strategies import edge_list, edge_lists, every_family
from wis.graphs.edge_list import EdgeList

DENSE = from_networkx(nx.gnm_random_graph(120, 3000, seed=0))


def as_graph(edges: EdgeList, kept: np.ndarray) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(range(edges.num_nodes))
    graph.add_edges_from(edges.pairs[:, kept].T.tolist())
    return graph


def whole(edges: EdgeList) -> nx.Graph:
    return as_graph(edges, np.ones(edges.num_pairs, dtype=bool))


def worst_stretch(edges: EdgeList, kept: np.ndarray) -> float:
    """Largest distance in the subgraph between the ends of an edge."""
    graph = as_graph(edges, kept)
    distance = dict(nx.all_pairs_shortest_path_length(graph))
    return max((distance[u].get(v, np.inf) for u, v in edges.pairs.T.tolist()), default=0.0)


@given(edges=edge_lists(max_nodes=14, max_edges=60), stretch=st.integers(1, 9), seed=st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_stretch_holds(edges, stretch, seed):
    assert worst_stretch(edges, spanner(edges, stretch, seed)) <= stretch


@pytest.mark.parametrize("stretch", [3, 5, 7])
def test_stretch_holds_on_every_family(stretch):
    for edges in every_family((40,)):
        assert worst_stretch(edges, spanner(edges, stretch, seed=0)) <= stretch


@given(edges=edge_lists(max_nodes=14, max_edges=60), stretch=st.integers(1, 9), seed=st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_stretch_holds_with_weights(edges, stretch, seed):
    # Few weights, so that some are equal, and far apart, so that a wrong choice shows.
    weights = np.random.default_rng(seed).choice([0.01, 1.0, 1.5, 40.0], edges.num_pairs)
    weighted = EdgeList(edges.num_nodes, edges.pairs, weights=weights)
    for word, length in (("inverse", 1 / weights), ("weight", weights)):
        kept = spanner(weighted, stretch, seed, lengths=word)
        graph = nx.empty_graph(edges.num_nodes)
        columns = np.flatnonzero(kept)
        graph.add_weighted_edges_from((*edges.pairs[:, e].tolist(), length[e]) for e in columns)
        for (u, v), edge_length in zip(edges.pairs.T.tolist(), length, strict=True):
            assert nx.dijkstra_path_length(graph, u, v) <= stretch * edge_length * (1 + 1e-12)


@pytest.mark.parametrize("stretch", [3, 5, 7])
def test_as_small_as_those_of_networkx_with_weights(stretch):
    weights = np.random.default_rng(0).uniform(0.1, 10, DENSE.num_pairs)
    weighted = EdgeList(DENSE.num_nodes, DENSE.pairs, weights=weights)
    graph = whole(DENSE)
    for (u, v), weight in zip(DENSE.pairs.T.tolist(), weights.tolist(), strict=True):
        graph[u][v]["weight"] = weight
    ours = np.mean([spanner(weighted, stretch, seed, "weight").sum() for seed in range(40)])
    theirs = [nx.spanner(graph, stretch, weight="weight", seed=seed).number_of_edges() for seed in range(10)]
    assert ours <= 1.15 * np.mean(theirs)  # sizes vary by a tenth from seed to seed


def test_forest_is_the_shortest_and_equal_weights_are_no_weights():
    weights = np.random.default_rng(0).uniform(0.1, 10, DENSE.num_pairs)
    light = select(EdgeList(120, DENSE.pairs, weights=weights), 119, seed=0)[0]
    graph = whole(DENSE)
    for (u, v), weight in zip(DENSE.pairs.T.tolist(), weights.tolist(), strict=True):
        graph[u][v]["weight"] = 1 / weight
    assert nx.number_connected_components(as_graph(DENSE, light)) == 1
    shortest = nx.minimum_spanning_tree(graph).size("weight")
    assert shortest <= (1 / weights[light]).sum() < 1.5 * shortest  # the shortest of a spanner's, not of all
    constant = EdgeList(120, DENSE.pairs, weights=np.full(DENSE.num_pairs, 3.0))
    assert np.array_equal(select(constant, 700, seed=1)[0], select(DENSE, 700, seed=1)[0])


@pytest.mark.parametrize("k", [2, 3, 4])
def test_size(k):
    # O(k n^(1 + 1/k)) expected edges; the paper's proof gives a constant near one.
    sizes = [spanner(DENSE, 2 * k - 1, seed).sum() for seed in range(10)]
    assert np.mean(sizes) <= k * DENSE.num_nodes ** (1 + 1 / k)


@pytest.mark.parametrize("stretch", [3, 5, 7])
def test_no_larger_than_those_of_networkx(stretch):
    ours = np.mean([spanner(DENSE, stretch, seed).sum() for seed in range(10)])
    theirs = np.mean([nx.spanner(whole(DENSE), stretch, seed=seed).number_of_edges() for seed in range(10)])
    assert ours <= theirs


def test_stretch_one_is_the_graph():
    assert spanner(DENSE, 1, seed=0).all()
    assert spanner(DENSE, 2, seed=0).all()


def test_every_budget_is_exact():
    edges = from_networkx(nx.disjoint_union(nx.gnm_random_graph(25, 90, seed=1), nx.path_graph(6)))
    for num_keep in [*range(0, edges.num_pairs, 5), edges.num_pairs]:
        kept, weights = select(edges, num_keep, seed=2)
        assert weights is None
        assert kept.dtype == bool
        assert kept.sum() == num_keep


def test_components_stay_whole_from_the_size_of_a_forest_on():
    edges = from_networkx(nx.disjoint_union(nx.gnm_random_graph(60, 500, seed=1), nx.cycle_graph(7)))
    parts = nx.number_connected_components(whole(edges))
    for num_keep in (edges.num_nodes - parts, 100, 200, 400):
        kept, _ = select(edges, num_keep, seed=0)
        assert nx.number_connected_components(as_graph(edges, kept)) == parts
    kept, _ = select(edges, edges.num_nodes - parts - 10, seed=0)
    assert nx.is_forest(as_graph(edges, kept))


def test_larger_budgets_have_smaller_stretch():
    stretches = [worst_stretch(DENSE, select(DENSE, size, seed=0)[0]) for size in (200, 600, 1500, 3000)]
    assert stretches == sorted(stretches, reverse=True)
    assert stretches[-1] == 1


@pytest.mark.parametrize("num_nodes", [0, 1, 4])
def test_no_edges(num_nodes):
    kept, _ = select(edge_list(num_nodes, [[], []]), 0)
    assert kept.tolist() == []


def test_bad_arguments():
    with pytest.raises(ValueError, match="stretch must be at least 1"):
        spanner(DENSE, 0)
    with pytest.raises(ValueError, match="lengths must be 'inverse' or 'weight', got 'log'"):
        select(DENSE, 3, lengths="log")
    for num_keep in (0, 1, 2):
        with pytest.raises(ValueError, match="'spanner' is defined for undirected graphs only; pass directed=False"):
            select(edge_list(3, [[0, 1], [1, 2]], directed=True), num_keep)


@pytest.mark.parametrize("stretch", [3, 5])
def test_weights_whose_inverse_is_infinite_are_lengths_too(stretch):
    for seed in range(20):
        edges = from_networkx(nx.gnm_random_graph(14, 40, seed=seed))
        weights = np.random.default_rng(seed).choice([1.0, 2.0, 8.0], edges.num_pairs)
        small = EdgeList(14, edges.pairs, weights=1e-310 * weights)
        usual = EdgeList(14, edges.pairs, weights=weights)
        kept = spanner(small, stretch, seed)
        assert np.array_equal(kept, spanner(usual, stretch, seed))
        assert worst_stretch(edges, kept) < np.inf
