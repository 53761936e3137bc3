"""2-WIS on undirected graphs against the oracle, edge by edge, with every option and on every internal path."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import naive
from tests.strategies import FAMILIES, edge_list, edge_lists, family, task
from wis.engine.degrees.cpu import by_degrees
from wis.engine.degrees.cpu import removal_order as degrees_order
from wis.engine.task import Task
from wis.engine.triangles import cpu as triangles
from wis.engine.triangles import dense as dense_triangles
from wis.engine.triangles import listing as triangle_listing
from wis.engine.triangles.apexes import make_arcs
from wis.engine.triangles.cpu import removal_order
from wis.engine.triangles.state import BEGIN
from wis.graphs.edge_list import EdgeList


def check(edges: EdgeList, *, is_target=None, priority=None, chunk=1, limit=None) -> None:
    limit = edges.num_pairs if limit is None else limit
    order = removal_order(task(edges, 3, is_target=is_target, priority=priority, chunk=chunk, limit=limit))
    assert order.dtype == np.int64
    targets = None if is_target is None else np.flatnonzero(is_target)
    expected = naive.removal_order(
        edges.num_nodes, edges.pairs, 3, targets=targets, priority=priority, chunk=chunk, limit=limit
    )
    np.testing.assert_array_equal(order, expected)


def union(*parts: EdgeList) -> EdgeList:
    """The disjoint union."""
    columns, shift = [], 0
    for part in parts:
        columns.append(part.pairs + shift)
        shift += part.num_nodes
    return edge_list(shift, np.concatenate(columns, axis=1))


@pytest.fixture(params=["lists", "lists to the end", "search", "search to the end", "rows"])
def engine(request, monkeypatch):
    """Small graphs are left to lists of triangles and then to degrees, or searched, or rows are used."""
    if "to the end" in request.param:
        monkeypatch.setattr(triangles, "_are_gone", lambda _: False)
    if "search" in request.param:
        monkeypatch.setattr(triangles, "lists_fit", lambda *_: False)
        monkeypatch.setattr(triangles, "by_lists", no_lists)
    if request.param == "rows":
        monkeypatch.setattr(dense_triangles, "_FEWEST_PAIRS", 0)
        monkeypatch.setattr(dense_triangles, "_TRIANGLES_PER_WORD", 0)
        monkeypatch.setattr(dense_triangles, "_IDLE", 1 << 40)
        monkeypatch.setattr(triangles, "by_lists", no_lists)


def no_lists(rest: Task) -> np.ndarray:
    assert not triangle_listing.count_triangles(rest.edges).any()
    return np.empty(0, dtype=np.int64)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edge_lists(max_nodes=9, max_edges=30), st.data())
def test_small_graphs_with_all_options(engine, edges, data):
    n, m = edges.num_nodes, edges.num_pairs
    mask = data.draw(st.none() | st.lists(st.booleans(), min_size=n, max_size=n), label="is_target")
    check(
        edges,
        is_target=None if mask is None else np.array(mask),
        priority=data.draw(st.none() | st.permutations(range(m)).map(np.array), label="priority"),
        chunk=data.draw(st.integers(1, 5), label="chunk"),
        limit=data.draw(st.integers(0, m), label="limit"),
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family(engine, name):
    rng = np.random.default_rng(0)
    for num_nodes in (4, 7, 11):
        edges = family(name, num_nodes)
        check(edges)
        check(edges, priority=rng.permutation(edges.num_pairs))
        check(edges, is_target=rng.random(num_nodes) < 0.5)
        check(edges, chunk=3)


@pytest.mark.parametrize("seed", range(3))
def test_dense_graphs(seed):
    edges = family("dense", 20, seed)
    check(edges, limit=15)
    rng = np.random.default_rng(seed)
    check(edges, limit=10, priority=rng.permutation(edges.num_pairs), is_target=rng.random(20) < 0.8)


def test_ties_of_long_keys_go_by_priority():
    # Edges of the copies have equal keys of many entries, and after a removal keys that differ late.
    copy = family("dense", 11, seed=3)
    edges = union(copy, copy, copy)
    check(edges, limit=16)
    check(edges, limit=12, priority=np.random.default_rng(0).permutation(edges.num_pairs))
    check(edges, limit=24, chunk=4)


def test_twins():
    # Vertices with the same neighbours: many edges that tie to the last entry.
    base = family("medium", 9, seed=1).pairs
    first, second = np.array([[9], [0]]), np.array([[0], [9]])
    edges = edge_list(18, np.concatenate([base, base + first, base + second, base + 9], axis=1))
    check(edges, limit=30)


@pytest.mark.parametrize("name", ["sparse", "medium", "hub"])
def test_without_triangles_the_rest_goes_by_degrees(monkeypatch, name):
    monkeypatch.setattr(triangles, "_SLICE", 1)
    rests = []
    monkeypatch.setattr(triangles, "by_degrees", lambda rest: rests.append(rest) or by_degrees(rest))
    rng = np.random.default_rng(0)
    for seed in range(5):
        edges = union(family(name, 12, seed), edge_list(7, [[0, 0, 0, 4], [1, 2, 3, 5]]))
        check(edges, priority=rng.permutation(edges.num_pairs))
        check(edges, is_target=rng.random(edges.num_nodes) < 0.5, chunk=seed + 1)
    assert len(rests) >= 8
    for rest in rests:
        assert not triangle_listing.count_triangles(rest.edges).any()


@pytest.mark.parametrize("memory", [None, 0])
def test_bipartite_graphs_are_ranked_as_by_their_degrees(memory):
    rng = np.random.default_rng(1)
    edges = EdgeList.from_columns(np.stack([rng.integers(0, 60, 900), 60 + rng.integers(0, 90, 900)]), 150)
    given = task(edges, 3, priority=rng.permutation(edges.num_pairs), is_target=rng.random(150) < 0.8)
    order = removal_order(dataclasses.replace(given, memory=memory))
    np.testing.assert_array_equal(order, degrees_order(dataclasses.replace(given, depth=2)))


@pytest.mark.parametrize("chunk", [1, 3])
def test_leaves_of_hubs_that_tie(engine, chunk):
    # Groups of edges without triangles, which join, fall, and are left one by one.
    rng = np.random.default_rng(0)
    for seed in range(6):
        core = family("medium", 7, seed)
        leaves = np.arange(7, 19)
        columns = [core.pairs, np.stack([rng.integers(0, 2, 12), leaves]), np.stack([rng.integers(0, 4, 12), leaves])]
        edges = edge_list(19, np.unique(np.concatenate(columns, axis=1), axis=1))
        check(edges, priority=rng.permutation(edges.num_pairs), chunk=chunk)
        check(edges, is_target=rng.random(19) < 0.7, chunk=chunk)


def test_many_leaves_of_one_hub_beside_triangles():
    # Were every leaf's edge in the heap, each of 60,000 removals would make all others stale.
    core = family("dense", 30)
    count = 60_000
    leaves = np.arange(31, 31 + count)
    hub, other = np.full(count, 30), np.arange(count) % 30
    edges = EdgeList.from_columns(np.concatenate([core.pairs, [hub, leaves], [other, leaves]], axis=1), 31 + count)
    order = removal_order(task(edges, 3))
    # The same graph with its edges in another order, and ties as before.
    shuffled = np.random.default_rng(0).permutation(edges.num_nodes)
    again = EdgeList.from_columns(shuffled[edges.pairs], edges.num_nodes)
    position = {tuple(sorted(pair)): e for e, pair in enumerate(shuffled[edges.pairs].T.tolist())}
    priority = np.array([position[tuple(pair)] for pair in again.pairs.T.tolist()])
    np.testing.assert_array_equal(priority[removal_order(task(again, 3, priority=priority))], order)


def test_a_large_star():
    # Every removal changes the keys of all other edges: 10^10 of them.
    edges = edge_list(100_001, [np.zeros(100_000, dtype=np.int64), np.arange(1, 100_001)])
    priority = np.random.default_rng(0).permutation(100_000)
    order = removal_order(task(edges, 3, priority=priority))
    np.testing.assert_array_equal(priority[order], np.arange(100_000))


@pytest.mark.parametrize("num_nodes", [0, 1, 5])
def test_no_edges(num_nodes):
    order = removal_order(task(edge_list(num_nodes, []), 3))
    assert order.shape == (0,)


def test_coarse_buckets(monkeypatch):
    monkeypatch.setattr(triangles, "_MOST_BUCKETS", 4)
    rng = np.random.default_rng(0)
    for name in ("medium", "dense", "hub", "clique"):
        edges = family(name, 11)
        check(edges)
        check(edges, is_target=rng.random(11) < 0.6, chunk=2)


def test_slices_do_not_change_the_order(monkeypatch):
    edges = family("medium", 40)
    whole = removal_order(task(edges, 3))
    monkeypatch.setattr(triangles, "_SLICE", 3)
    monkeypatch.setattr(triangle_listing, "_SLICE", 50)
    np.testing.assert_array_equal(removal_order(task(edges, 3)), whole)


def test_limit_is_a_prefix():
    edges = family("hub", 40)
    whole = removal_order(task(edges, 3))
    np.testing.assert_array_equal(removal_order(task(edges, 3, limit=17)), whole[:17])


@pytest.mark.parametrize("name", FAMILIES)
def test_triangles_are_listed_at_each_edge(name):
    edges = family(name, 12)
    place, arcs, arc_edge, _ = listed_arcs = make_arcs(edges)
    start, entries = triangle_listing.list_triangles(edges, listed_arcs)
    position = {tuple(pair): e for e, pair in enumerate(edges.pairs.T.tolist())}
    for (u, v), e in position.items():
        expected = []
        for w in range(edges.num_nodes):
            uw, vw = position.get((min(u, w), max(u, w))), position.get((min(v, w), max(v, w)))
            if uw is not None and vw is not None:
                expected.append((w, uw, vw))
        at_u, at_v = (place[[u, v], BEGIN] + entries[start[e] : start[e + 1]]).T
        np.testing.assert_array_equal(arcs[at_u], arcs[at_v])
        assert sorted(zip(arcs[at_u] // 2, arc_edge[at_u], arc_edge[at_v], strict=True)) == expected


def test_triangles_at_one_edge_are_bounded(monkeypatch):
    monkeypatch.setattr(triangles, "_MOST_COUNT", 5)
    with pytest.raises(OverflowError, match="a pair is in 5 triangles"):
        removal_order(task(family("clique", 7), 3))
