"""Graph prediction by levels (depth 2 and 3, undirected) against the oracle, and the general loop on larger graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive
from tests.strategies import FAMILIES, edge_list, edge_lists, family, task
from wis.engine.graph_walks import cpu as graph_walks
from wis.engine.walks import greedy
from wis.engine.walks.levels import loop
from wis.graphs.edge_list import EdgeList

DEPTHS = (2, 3)


def order_of(edges: EdgeList, depth: int, **options: Any) -> np.ndarray:
    return graph_walks.removal_order(task(edges, depth, **options))


def assert_as_oracle(edges: EdgeList, depth: int, *, is_target: np.ndarray | None = None, **options: Any) -> None:
    found = order_of(edges, depth, is_target=is_target, **options)
    targets = None if is_target is None else list(np.flatnonzero(is_target))
    expected = naive.removal_order(edges.num_nodes, edges.pairs, depth, objective="graph", targets=targets, **options)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, expected)


def assert_as_general_loop(monkeypatch: pytest.MonkeyPatch, edges: EdgeList, depth: int, **options: Any) -> None:
    found = order_of(edges, depth, **options)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "greedy_order", greedy.greedy_order)
        expected = order_of(edges, depth, **options)
    np.testing.assert_array_equal(found, expected)


def hubs(num_hubs: int, num_leaves: int, seed: int) -> EdgeList:
    """Vertices of high degree, whose other ends are joined at random."""
    rng = np.random.default_rng(seed)
    leaves = np.arange(num_hubs, num_hubs + num_leaves)
    columns = [np.stack([rng.integers(num_hubs, size=num_leaves), leaves]) for _ in range(2)]
    columns.append(rng.integers(num_hubs, num_hubs + num_leaves, size=(2, num_leaves // 2)))
    columns.append(np.array(np.triu_indices(num_hubs, 1)))
    return edge_list(num_hubs + num_leaves, np.concatenate(columns, axis=1))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(edges=edge_lists(max_nodes=9, max_edges=22), depth=st.sampled_from(DEPTHS), data=st.data())
def test_all_options(edges: EdgeList, depth: int, data: st.DataObject) -> None:
    n, m = edges.num_nodes, edges.num_pairs
    is_target = data.draw(st.none() | st.lists(st.booleans(), min_size=n, max_size=n).filter(any))
    ranks = data.draw(st.none() | st.permutations(range(m)))
    assert_as_oracle(
        edges,
        depth,
        is_target=None if is_target is None else np.array(is_target),
        priority=None if ranks is None else np.array(ranks, dtype=np.int64),
        chunk=data.draw(st.sampled_from([1, 1, 2, 5, 100])),
        limit=data.draw(st.integers(0, m)),
    )


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family(name: str, depth: int) -> None:
    rng = np.random.default_rng(0)
    for num_nodes in (4, 8, 12):
        edges = family(name, num_nodes)
        limit = min(edges.num_pairs, 20)
        is_target = rng.random(num_nodes) < 0.5
        is_target[0] = True
        assert_as_oracle(edges, depth, limit=limit)
        assert_as_oracle(edges, depth, limit=limit, chunk=3, priority=rng.permutation(edges.num_pairs))
        assert_as_oracle(edges, depth, limit=limit, is_target=is_target)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("seed", range(10))
def test_sparse_graphs_with_targets_in_chunks(seed: int, depth: int) -> None:
    """Keys get better here when a vertex loses walks with an edge no longer."""
    rng = np.random.default_rng(seed)
    for name in ("tree", "sparse", "hub", "cycle", "scattered"):
        edges = family(name, 20, seed)
        is_target = rng.random(20) < 0.4
        is_target[0] = True
        assert_as_oracle(edges, depth, is_target=is_target, chunk=1 + seed % 4)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", ["medium", "dense", "hub", "tree", "bipartite", "two cliques"])
def test_larger_graphs(name: str, depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(2):
        # The general loop goes through all within two steps for every edge.
        edges = family(name, 60 if depth == 2 else 40, seed)
        rng = np.random.default_rng(seed)
        assert_as_general_loop(monkeypatch, edges, depth)
        assert_as_general_loop(monkeypatch, edges, depth, priority=rng.permutation(edges.num_pairs))


@pytest.mark.parametrize("depth", DEPTHS)
def test_vertices_of_high_degree(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts that do not fit into the fields of a word, and degrees that come down to where they do."""
    for seed, (num_hubs, num_leaves) in enumerate([(1, 130), (2, 260)]):
        edges = hubs(num_hubs, num_leaves, seed)
        is_target = np.random.default_rng(seed).random(edges.num_nodes) < 0.7
        assert_as_general_loop(monkeypatch, edges, depth)
        assert_as_general_loop(monkeypatch, edges, depth, is_target=is_target)


@pytest.mark.parametrize("depth", DEPTHS)
def test_stars_whose_counts_are_full(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 200 leaves fall to one value; some of the stars differ only there."""
    columns, first = [], 0
    for size in (230, 260, 230, 240):
        columns += [(first, first + i) for i in range(1, size + 1)]
        first += size + 1
    edges = edge_list(first, np.array(columns).T)
    assert_as_general_loop(monkeypatch, edges, depth, limit=40)
    # Centers that do not count, so that these are not just stars that go by their size.
    is_target = np.ones(first, dtype=bool)
    is_target[[0, 231]] = False
    assert_as_general_loop(monkeypatch, edges, depth, limit=30, is_target=is_target)
    assert_as_general_loop(monkeypatch, edges, depth, limit=40, chunk=3)


@pytest.mark.parametrize("depth", DEPTHS)
def test_ties_beyond_the_words(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of one graph, of which one differs far from the smallest values."""
    one = family("dense", 40, 1).pairs
    copies = [one + 40 * i for i in range(3)]
    edges = edge_list(122, np.concatenate([*copies, [[120, 0], [121, 120]]], axis=1))
    assert_as_general_loop(monkeypatch, edges, depth, limit=60)
    assert_as_general_loop(
        monkeypatch, edges, depth, limit=60, priority=np.random.default_rng(0).permutation(edges.num_pairs)
    )


@pytest.mark.parametrize("depth", DEPTHS)
def test_slices_do_not_change_the_order(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    edges = family("hub", 60)
    whole = order_of(edges, depth)
    monkeypatch.setattr(loop, "_SLICE", 3)
    np.testing.assert_array_equal(order_of(edges, depth), whole)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("edges", [edge_list(1, []), edge_list(4, []), edge_list(2, [[0], [1]])])
def test_trivial_graphs(edges: EdgeList, depth: int) -> None:
    assert list(order_of(edges, depth)) == list(range(edges.num_pairs))


@pytest.mark.parametrize("depth", DEPTHS)
def test_edges_far_from_every_target_go_first(depth: int) -> None:
    path = edge_list(9, [range(8), range(1, 9)])
    is_target = np.arange(9) == 0
    order = order_of(path, depth, is_target=is_target)
    assert list(order[: 8 - depth]) == list(range(depth, 8))


@pytest.mark.parametrize("seed", [2, 10, 27, 33])
def test_general_loop_looks_below_an_edge_whose_bound_fell(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    # Two dense clusters, in chunks: a witness is lost, and the bound without one is smaller than the stale one was.
    rng = np.random.default_rng(seed)
    part = rng.integers(0, 2, 25)
    u, v = np.triu_indices(25, 1)
    kept = (part[u] == part[v]) | (rng.random(len(u)) < 0.02)
    assert_as_general_loop(monkeypatch, EdgeList(25, np.stack([u[kept], v[kept]])), 3, chunk=2)
