from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive, strategies
from tests.strategies import task
from wis.engine.degrees import cpu as degrees
from wis.graphs.edge_list import EdgeList


def by_the_rule(edges, *, is_target=None, priority=None, chunk=1, limit=None):
    """The rule of the module's docstring with a scan over all edges per step: an oracle for graphs of some size."""
    m = edges.num_pairs
    limit = m if limit is None else limit
    degree = np.bincount(edges.pairs.ravel(), minlength=edges.num_nodes).astype(float)
    if is_target is not None:
        degree[~is_target] = np.inf
    priority = np.arange(m) if priority is None else priority
    left = np.arange(m)
    order = []
    while len(order) < limit:
        ends = np.sort(degree[edges.pairs[:, left]], axis=0)
        best = np.lexsort((priority[left], -ends[1], -ends[0]))[: min(chunk, limit - len(order))]
        order += left[best].tolist()
        np.subtract.at(degree, edges.pairs[:, left[best]], 1)
        left = np.delete(left, best)
    return np.array(order, dtype=np.int64)


def random_graph(rng, num_nodes, num_columns, exponent):
    weight = np.arange(1, num_nodes + 1.0) ** -exponent
    columns = rng.choice(num_nodes, size=(2, num_columns), p=weight / weight.sum())
    return EdgeList.from_columns(rng.permutation(num_nodes)[columns], num_nodes)


@pytest.mark.parametrize("name", strategies.FAMILIES)
@pytest.mark.parametrize("num_nodes", [4, 7, 9])
def test_families_equal_the_definition(name, num_nodes):
    edges = strategies.family(name, num_nodes)
    order = degrees.removal_order(task(edges, 2))
    assert order.dtype == np.int64
    np.testing.assert_array_equal(order, naive.removal_order(num_nodes, edges.pairs, 2))


@settings(max_examples=200, deadline=None)
@given(strategies.edge_lists(max_nodes=8, max_edges=16), st.data())
def test_any_graph_and_option_equals_the_definition(edges, data):
    n, m = edges.num_nodes, edges.num_pairs
    targets = data.draw(st.one_of(st.none(), st.sets(st.integers(0, n - 1), min_size=1)))
    priority = data.draw(st.one_of(st.none(), st.permutations(range(m)).map(lambda p: np.array(p, dtype=np.int64))))
    chunk = data.draw(st.sampled_from([1, 2, 3, 5, 100]))
    limit = data.draw(st.integers(0, m))
    is_target = None if targets is None else np.isin(np.arange(n), list(targets))
    order = degrees.removal_order(task(edges, 2, is_target=is_target, priority=priority, chunk=chunk, limit=limit))
    chosen = None if targets is None else sorted(targets)
    expected = naive.removal_order(n, edges.pairs, 2, priority=priority, chunk=chunk, limit=limit, targets=chosen)
    np.testing.assert_array_equal(order, expected)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("exponent", [0.0, 0.8, 1.3])
def test_larger_graphs_equal_the_rule(seed, exponent):
    rng = np.random.default_rng(seed)
    edges = random_graph(rng, 60, int(rng.integers(30, 700)), exponent)
    m = edges.num_pairs
    is_target = rng.random(60) < 0.7
    priority = rng.permutation(m)
    for options in (
        {},
        {"priority": priority},
        {"is_target": is_target},
        {"chunk": 3},
        {"chunk": 50, "priority": priority, "is_target": is_target},
        {"chunk": m + 1},
        {"limit": m // 3, "chunk": 7},
    ):
        order = degrees.removal_order(task(edges, 2, **options))
        np.testing.assert_array_equal(order, by_the_rule(edges, **options))


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        # A star: leaves tie, canonical order decides.
        ([[0, 0, 0, 0], [1, 2, 3, 4]], [0, 1, 2, 3]),
        # A path 0-1-2-3: the middle edge leaves every vertex a neighbour.
        ([[0, 1, 2], [1, 2, 3]], [1, 0, 2]),
        # A triangle with a tail 2-3: 0-2 and 1-2 have degrees (2, 3), 0-1 has (2, 2), the tail has (1, 3).
        ([[0, 0, 1, 2], [1, 2, 2, 3]], [1, 2, 0, 3]),
    ],
)
def test_by_hand(pairs, expected):
    edges = EdgeList(5, np.array(pairs, dtype=np.int64))
    assert degrees.removal_order(task(edges, 2)).tolist() == expected


def test_edges_without_a_target_go_first():
    edges = EdgeList(4, np.array([[0, 0, 1, 2], [1, 2, 3, 3]], dtype=np.int64))
    is_target = np.array([True, False, False, False])
    assert degrees.removal_order(task(edges, 2, is_target=is_target)).tolist() == [2, 3, 0, 1]
    assert degrees.removal_order(task(edges, 2, is_target=is_target, limit=1)).tolist() == [2]


@pytest.mark.parametrize("num_nodes", [0, 1, 5])
def test_no_edges(num_nodes):
    edges = EdgeList(num_nodes, np.empty((2, 0), dtype=np.int64))
    assert degrees.removal_order(task(edges, 2)).shape == (0,)


def test_a_limit_gives_the_beginning_of_the_full_order(monkeypatch):
    monkeypatch.setattr(degrees, "_SLICE", 5)
    rng = np.random.default_rng(0)
    edges = random_graph(rng, 50, 400, 1.0)
    full = degrees.removal_order(task(edges, 2))
    assert sorted(full.tolist()) == list(range(edges.num_pairs))
    for limit in (1, 4, 5, 6, 100):
        np.testing.assert_array_equal(degrees.removal_order(task(edges, 2, limit=limit)), full[:limit])


def test_only_depth_two_of_undirected_graphs():
    edges = EdgeList(2, np.array([[0], [1]], dtype=np.int64))
    with pytest.raises(ValueError, match="only depth 2 of undirected graphs, got depth 3"):
        degrees.removal_order(task(edges, 3))
    with pytest.raises(ValueError, match="directed=True"):
        degrees.removal_order(task(EdgeList(2, edges.pairs, directed=True), 2))
