"""RankDegree against a walk written with sets."""

from __future__ import annotations

from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from wis.baselines.rank_degree import rank

from tests.baselines.test_structural import edge_list
from wis.graphs.edge_list import EdgeList


def walk(graph: nx.Graph, seed: int, share: float, starts: float) -> list[tuple[int, int]]:
    """The edges in the order in which the published pseudo-code samples them."""
    graph = graph.copy()
    waiting = np.random.default_rng(seed).permutation([v for v in sorted(graph) if graph[v]]).tolist()
    at_once = max(1, round(starts * len(waiting)))
    seeds: list[int] = []
    sample: list[tuple[int, int]] = []
    turn = list(waiting)
    while graph.number_of_edges():
        if not seeds:
            turn = turn if any(graph[v] for v in turn) else list(waiting)
            seeds = [v for v in turn if graph[v]][:at_once]
            turn = turn[turn.index(seeds[-1]) + 1 :]
        selected: list[tuple[int, int]] = []
        following: list[int] = []
        for vertex in seeds:
            friends = sorted(graph[vertex], key=lambda w: (-graph.degree(w), w))
            for friend in friends[: max(1, int(Fraction(str(share)) * len(friends)))]:
                pair = (min(vertex, friend), max(vertex, friend))
                selected += [pair] if pair not in selected else []
                following += [friend] if friend not in following else []
        sample += selected
        graph.remove_edges_from(selected)
        seeds = [w for w in following if graph[w]]
    return sample


@pytest.mark.parametrize("starts", [0.01, 0.2])
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 1])
@pytest.mark.parametrize("seed", range(3))
def test_against_sets(seed, share, starts):
    graph = nx.powerlaw_cluster_graph(60, 4, 0.5, seed=seed)
    graph.add_edges_from([(60, 61), (62, 63), (63, 64)])
    graph.add_node(65)
    edges = edge_list(graph)
    order = rank(edges, seed=seed, share=share, starts=starts)
    sampled = [tuple(pair) for pair in edges.pairs[:, order[::-1]].T.tolist()]
    assert sampled == walk(graph, seed, share, starts)


def test_shares_are_those_of_the_decimal_number():
    """0.29 * 100 is 28.999999999999996 as a float."""
    graph = nx.star_graph(100)
    edges = edge_list(graph)
    for seed in range(3):
        order = rank(edges, seed=seed, share=0.29, starts=1)
        sampled = [tuple(pair) for pair in edges.pairs[:, order[::-1]].T.tolist()]
        assert sampled == walk(graph, seed, 0.29, 1)


def test_long_walks_are_done_in_slices(monkeypatch):
    edges = edge_list(nx.gnm_random_graph(50, 300, seed=0))
    whole = rank(edges, seed=0)
    monkeypatch.setattr("wis.baselines.rank_degree._SLICE", 7)
    np.testing.assert_array_equal(rank(edges, seed=0), whole)


def test_bad_input():
    edges = edge_list(nx.path_graph(4))
    assert rank(edge_list(nx.empty_graph(3))).tolist() == []
    with pytest.raises(ValueError, match=r"share must be in \[0, 1\], got 2"):
        rank(edges, share=2)
    with pytest.raises(ValueError, match=r"starts must be in \(0, 1\], got 0"):
        rank(edges, starts=0)
    with pytest.raises(ValueError, match="'rank-degree' is defined for undirected graphs only"):
        rank(EdgeList(4, edges.pairs, directed=True))
    with pytest.raises(TypeError, match="share must be a number, got None"):
        rank(edges, share=None)
