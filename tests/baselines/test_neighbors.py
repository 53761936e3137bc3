"""K-Neighbor: every sparse graph is the union of what the vertices keep."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from wis.baselines.neighbors import k_neighbor

from tests.baselines.test_structural import edge_list
from wis.graphs.edge_list import EdgeList


@pytest.mark.parametrize("seed", range(5))
def test_every_vertex_keeps_k_edges(seed):
    graph = nx.powerlaw_cluster_graph(40, 3, 0.5, seed=seed)
    graph.add_nodes_from([40, 41])
    edges = edge_list(graph)
    order = k_neighbor(edges, seed=seed)
    assert sorted(order.tolist()) == list(range(edges.num_pairs))
    full = np.array([graph.degree(v) for v in sorted(graph)])
    degree, k = full.copy(), full.max()
    for e in order:
        degree[edges.pairs[:, e]] -= 1
        # k is the most that all vertices can still have; it never takes more than k edges a vertex to get there.
        while (degree < np.minimum(full, k)).any():
            k -= 1
        assert degree.sum() // 2 <= np.minimum(full, k + 1).sum()


def test_last_edges_cover_every_vertex():
    graph = nx.star_graph(10)
    graph.add_edges_from([(1, 2), (3, 4)])
    edges = edge_list(graph)
    order = k_neighbor(edges, seed=0)
    kept = edges.pairs[:, order[-graph.number_of_nodes() + 1 :]]
    assert set(kept.ravel().tolist()) == set(graph)


def test_choices_are_uniform():
    edges = edge_list(nx.star_graph(4))  # centre 0: its single favourite is any leaf alike, all leaves keep theirs
    last = [int(k_neighbor(edges, seed=seed)[-1]) for seed in range(4000)]
    counts = np.bincount(last, minlength=4)
    assert (np.abs(counts - 1000) < 4.5 * np.sqrt(4000 * 0.25 * 0.75)).all()


def test_seeds_and_bad_input():
    edges = edge_list(nx.cycle_graph(30))
    np.testing.assert_array_equal(k_neighbor(edges, seed=1), k_neighbor(edges, seed=1))
    assert (k_neighbor(edges, seed=1) != k_neighbor(edges, seed=2)).any()
    assert k_neighbor(edge_list(nx.empty_graph(3))).tolist() == []
    with pytest.raises(ValueError, match="'k-neighbor' is defined for undirected graphs only"):
        k_neighbor(EdgeList(30, edges.pairs, directed=True))
