"""The local filter against its definition, vertex by vertex."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from wis.baselines.local import rank

import wis
from tests.strategies import edge_list, edge_lists
from wis.calls import rank_pairs
from wis.graphs.edge_list import EdgeList
from wis.registry import find_method


def kept_by_vertices(edges: EdgeList, scores: np.ndarray, exponent: float) -> set[int]:
    """The edges among the best ``d ** a`` at either of their ends."""
    kept: set[int] = set()
    for v in range(edges.num_nodes):
        own = [e for e in range(edges.num_pairs) if v in edges.pairs[:, e]]
        best = sorted(own, key=lambda e: -scores[e])
        kept |= set(best[: math.floor(len(own) ** exponent + 1e-9)])
    return kept


@given(edge_lists(max_nodes=10, max_edges=35), st.integers(0, 20))
@settings(max_examples=50, deadline=None)
def test_every_vertex_keeps_its_best_edges(edges, seed):
    scores = np.random.default_rng(seed).permutation(edges.num_pairs) + 1.0
    order = rank(EdgeList(edges.num_nodes, edges.pairs, weights=scores), score="threshold")
    for exponent in (0.0, 0.3, 0.5, 0.8, 1.0):
        kept = kept_by_vertices(edges, scores, exponent)
        assert set(order[edges.num_pairs - len(kept) :].tolist()) == kept


def test_local_similarity_is_the_local_filter_of_jaccard():
    # NetworKit's own, on a graph whose vertices tell all their neighbours apart.
    edges = edge_list(40, np.array(nx.gnp_random_graph(40, 0.3, seed=2).edges).T)
    ours, theirs = (rank_pairs(find_method(name), edges, {}, seed=0) for name in ("local", "local-similarity"))
    tail = edges.num_pairs // 2
    assert len(set(ours[tail:].tolist()) & set(theirs[tail:].tolist())) > 0.9 * (edges.num_pairs - tail)


def test_dense_and_sparse_parts_both_keep_edges():
    # Triangles rank every edge of the clique above every edge of the cycle, whose vertices then lose all.
    graph = nx.disjoint_union(nx.complete_graph(20), nx.cycle_graph(20))
    edges = edge_list(40, np.array(graph.edges).T)
    globally = rank_pairs(find_method("triangles"), edges, {})[-100:]
    locally = rank(edges, score="triangles")[-100:]
    assert (edges.pairs[:, globally] < 20).all()
    in_cycle = (edges.pairs[:, locally] >= 20).all(axis=0)
    assert set(edges.pairs[:, locally[in_cycle]].ravel()) == set(range(20, 40))


def test_options_seeds_and_data_reach_the_other_method():
    edges = edge_list(30, np.array(nx.gnm_random_graph(30, 120, seed=0).edges).T)
    deep, shallow = rank(edges, score="wis:depth=3"), rank(edges, score="wis:depth=2")
    assert (deep != shallow).any()
    np.testing.assert_array_equal(rank(edges, score="random", seed=5), rank(edges, score="random", seed=5))
    assert (rank(edges, score="random", seed=5) != rank(edges, score="random", seed=6)).any()
    local = find_method("local")
    assert local.uses_seed({"score": "random"})
    assert not local.uses_seed({"score": "jaccard"})
    with pytest.raises(TypeError, match="'ugs' learns from features"):
        rank(edges, score="ugs")


def test_a_score_that_does_not_read_weights_says_so():
    graph = nx.karate_club_graph()
    with pytest.warns(UserWarning, match="'local:score=jaccard' does not read edge weights") as caught:
        wis.sparsify(graph, 0.5, method="local", score="jaccard")
    assert [warning.filename for warning in caught] == [__file__]
    wis.sparsify(graph, 0.5, method="local", score="threshold")


def test_weights_that_the_score_does_not_read_may_be_anything():
    columns = np.array([[0, 1, 0, 2, 1, 2, 2, 3], [1, 0, 2, 0, 2, 1, 3, 2]])
    weighted = coo_array((np.array([1, 1, -0.5, -0.5, 0, 0, 1, 1]), tuple(columns)), shape=(4, 4))
    with pytest.warns(UserWarning, match="'local' does not read edge weights"):
        sparse = wis.sparsify(weighted, num_edges=2, method="local")
    plain = wis.sparsify(columns, num_edges=2, method="local")
    assert sorted(zip(*sparse.coords, strict=True)) == sorted(map(tuple, plain.T.tolist()))
    with pytest.raises(ValueError, match="this method uses edge weights"):
        wis.sparsify(weighted, num_edges=2, method="local", score="threshold")


def test_targets_of_the_score_are_vertices_of_the_graph():
    # So few of so many vertices are renumbered, unless options name some.
    columns = np.array([[7, 7, 8, 8, 9, 150_000, 150_000], [8, 9, 9, 150_000, 150_001, 150_001, 150_002]])
    score = "wis:depth=3,targets=[150000]"
    edges = EdgeList.from_columns(columns, 150_003)
    for named in (score, f"local:score='{score}'"):
        order = wis.removal_order(columns, "local", score=named, directed=False)
        np.testing.assert_array_equal(order.edges, edges.pairs[:, rank(edges, score=named)])


def test_bad_scores():
    edges = edge_list(3, [[0, 1], [1, 2]])
    with pytest.raises(ValueError, match="score must be a method that has an order; 'spanner' chooses edges for one"):
        rank(edges, score="spanner")
    with pytest.raises(ValueError, match="unknown method 'jacard'"):
        rank(edges, score="jacard")
    with pytest.raises(ValueError, match="method 'wis' has no option 'deep'"):
        rank(edges, score="wis:deep=2")
    with pytest.raises(TypeError, match="score must be the name of a method, got 3"):
        rank(edges, score=3)
    with pytest.raises(ValueError, match="'local' is defined for undirected graphs only; pass directed=False"):
        rank(EdgeList(3, edges.pairs, directed=True))
