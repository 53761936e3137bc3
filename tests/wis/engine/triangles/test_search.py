"""2-WIS within a limit of memory: triangles searched for against lists of them, and every hand-over."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.graphs import clustered
from tests.strategies import FAMILIES, edge_list, edge_lists, family, task
from wis.engine.rank import rank
from wis.engine.triangles import apexes
from wis.engine.triangles import cpu as triangles
from wis.engine.triangles import dense as dense_triangles
from wis.engine.triangles import memory as triangle_memory
from wis.engine.triangles.cpu import by_lists, by_search, removal_order
from wis.engine.triangles.edge_table import FREE
from wis.engine.triangles.listing import count_triangles, list_triangles
from wis.engine.triangles.state import BEGIN, START
from wis.graphs.edge_list import EdgeList

pytestmark = pytest.mark.usefixtures("to_the_end")


def some_options(rng: np.random.Generator, edges: EdgeList) -> dict:
    n, m = edges.num_nodes, edges.num_pairs
    return {
        "is_target": rng.random(n) < rng.random() if rng.random() < 0.4 else None,
        "priority": rng.permutation(m) if rng.random() < 0.5 else None,
        "chunk": int(rng.choice([1, 1, 2, 5])),
        "limit": int(rng.integers(m + 1)) if rng.random() < 0.3 else m,
    }


@pytest.mark.parametrize("pool", [0.0, 0.7])
@pytest.mark.parametrize("name", FAMILIES)
def test_any_limit_gives_the_order_of_lists(monkeypatch, name, pool):
    rng = np.random.default_rng([int(10 * pool), *name.encode()])
    for _ in range(12):
        edges = family(name, int(rng.integers(2, 60)), int(rng.integers(1000)))
        options = some_options(rng, edges)
        expected = by_lists(task(edges, 3, **options))
        with monkeypatch.context() as patch:
            patch.setattr(triangles, "_POOL", pool)
            patch.setattr(triangles, "_SLICE", int(rng.integers(1, 20)))
            patch.setattr(triangles, "_FEW_TRIANGLES", rng.choice([0, 1]))
            np.testing.assert_array_equal(by_lists(task(edges, 3, **options)), expected)
            for memory in (0, int(rng.integers(12 * 200))):
                order = removal_order(task(edges, 3, memory=memory, **options))
                np.testing.assert_array_equal(order, expected)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edge_lists(max_nodes=12, max_edges=50), st.integers(0, 12 * 30), st.integers(1, 5), st.floats(0, 1))
def test_small_graphs(monkeypatch, edges, memory, chunk, pool):
    monkeypatch.setattr(triangles, "_SLICE", 1)
    monkeypatch.setattr(triangles, "_POOL", pool)
    order = removal_order(task(edges, 3, memory=memory, chunk=chunk))
    np.testing.assert_array_equal(order, by_lists(task(edges, 3, chunk=chunk)))


@pytest.mark.parametrize("source", ["lists", "search"])
def test_ties_of_long_keys_without_room_for_snapshots(monkeypatch, source):
    # Copies of a graph whose edges have many different apex values: all tie beyond what is stored of their keys.
    copy = family("dense", 24, seed=3)
    edges = edge_list(24 * 8, np.concatenate([copy.pairs + 24 * i for i in range(8)], axis=1))
    expected = by_lists(task(edges, 3))
    priority = np.random.default_rng(0).permutation(edges.num_pairs)
    expected_by_priority = by_lists(task(edges, 3, priority=priority))
    run = by_lists if source == "lists" else by_search
    for pool in (0, 0.1, 1):
        monkeypatch.setattr(triangles, "_POOL", pool)
        np.testing.assert_array_equal(run(task(edges, 3, memory=0)), expected)
        np.testing.assert_array_equal(run(task(edges, 3, memory=0, priority=priority)), expected_by_priority)


def test_lists_take_over_when_they_fit(monkeypatch):
    monkeypatch.setattr(triangles, "_SLICE", 16)
    edges = family("dense", 60)
    whole = by_lists(task(edges, 3))
    request = task(edges, 3, memory=12 * 2000)
    done = len(by_search(request))
    assert 0 < done < edges.num_pairs
    rest = EdgeList(60, np.delete(edges.pairs, whole[:done], axis=1))
    before = EdgeList(60, np.delete(edges.pairs, whole[: done - 16], axis=1))
    assert count_triangles(rest).sum() // 3 <= 2000 < count_triangles(before).sum() // 3
    np.testing.assert_array_equal(removal_order(request), whole)


def test_search_where_lists_do_not_fit_into_what_is_free(monkeypatch, caplog):
    edges = family("dense", 60)
    whole = by_lists(task(edges, 3))
    monkeypatch.setattr(triangle_memory, "free_memory", lambda: 170 * edges.num_pairs + 12 * 100)
    with caplog.at_level(logging.INFO, "wis"):
        assert len(by_search(task(edges, 3))) > 0
    total = int(count_triangles(edges).sum()) // 3
    assert f"2-WIS: lists of the {total} triangles would take" in caplog.text
    np.testing.assert_array_equal(removal_order(task(edges, 3)), whole)


def test_a_graph_too_large_for_the_memory_is_told_of(monkeypatch):
    edges = family("dense", 60)
    monkeypatch.setattr(triangle_memory, "free_memory", lambda: 1000)
    with pytest.warns(UserWarning, match=r"2-WIS of \d+ pairs needs 0.0 GiB of memory, 0.0 GiB are free; depth=2"):
        order = removal_order(task(edges, 3, memory=0))
    np.testing.assert_array_equal(order, by_lists(task(edges, 3)))


def test_rows_of_bits_keep_to_the_limit(monkeypatch):
    edges = family("dense", 120)
    monkeypatch.setattr(dense_triangles, "_FEWEST_PAIRS", 0)
    assert len(dense_triangles.first_removals(task(edges, 3))) > 0
    most = 8 * 120**2
    assert len(dense_triangles.first_removals(task(edges, 3, memory=most))) > 0
    assert len(dense_triangles.first_removals(task(edges, 3, memory=3 * 120**2))) == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_arcs_are_the_sorted_neighbours(name):
    edges = family(name, 30)
    place, arcs, arc_edge, numbers = apexes.make_arcs(edges)
    for v in range(edges.num_nodes):
        begin, end = place[v, :2]
        at_v = np.flatnonzero((edges.pairs == v).any(axis=0))
        assert sorted(arc_edge[begin:end].tolist()) == at_v.tolist()
        assert arcs[begin:end].tolist() == sorted((2 * edges.pairs[:, at_v].sum(axis=0) - 2 * v).tolist())
    everything = np.arange(edges.num_pairs)
    for end in (0, 1):
        np.testing.assert_array_equal(arc_edge[place[edges.pairs[end], 0] + numbers[:, end]], everything)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", FAMILIES)
def test_lists_and_searches_find_the_common_neighbours(name, seed):
    rng = np.random.default_rng([seed, *name.encode()])
    edges = family(name, int(rng.integers(3, 30)), seed)
    count = count_triangles(edges)
    request = task(edges, 3)
    searched = triangles._prepare(request, count, apexes.make_arcs(edges))
    arcs = apexes.make_arcs(edges)
    listing = triangles._prepare(request, count, arcs, list_triangles(edges, arcs))
    adjacent = np.zeros((edges.num_nodes, edges.num_nodes), dtype=bool)
    adjacent[edges.pairs[0], edges.pairs[1]] = adjacent[edges.pairs[1], edges.pairs[0]] = True
    left, removed = set(range(edges.num_pairs)), 0
    while left:
        for e in left:
            u, v = edges.pairs[:, e]
            expected = np.flatnonzero(adjacent[u] & adjacent[v])
            values = searched.value[expected]
            for state in (searched, listing):
                if len(expected) > 0 or state is listing:
                    apexes.find_triangles(state, e)
                begin, row = state.key[e, START], state.place[u, BEGIN]
                found = [apexes.apex_of(state, row, i) for i in range(begin, begin + len(expected))]
                assert sorted(found) == expected.tolist()
                for limit in (0, *np.unique(values), FREE):
                    low = apexes.find_triangles_or_low_apex(state, e, int(limit))
                    assert (low < 0) == (not (values < limit).any())
                    assert low < 0 or searched.value[low] < limit
                    assert low < 0 or low in expected
        removed = min(removed + 8, edges.num_pairs)
        order = np.empty(edges.num_pairs, dtype=np.int64)
        for state in (searched, listing):
            triangles._remove_best(state, order, removed, 1)
        gone = edges.pairs[:, order[max(removed - 8, 0) : removed]] if removed < edges.num_pairs else edges.pairs
        adjacent[gone[0], gone[1]] = adjacent[gone[1], gone[0]] = False
        left = {e for e in left if adjacent[edges.pairs[0, e], edges.pairs[1, e]]}


@pytest.mark.parametrize("memory", [0, "0B", "1.5 kB", "20MiB", 10**12])
def test_the_option(memory):
    edges = family("medium", 30)
    np.testing.assert_array_equal(rank(edges, memory=memory), rank(edges))


@pytest.mark.parametrize("run", [by_lists, by_search])
def test_entries_of_32_bits(monkeypatch, run):
    expected = [run(task(family(name, 30), 3, memory=0)) for name in ("dense", "hub")]
    monkeypatch.setattr(apexes, "entry_type", lambda _: np.dtype(np.uint32))
    for name, order in zip(("dense", "hub"), expected, strict=True):
        np.testing.assert_array_equal(run(task(family(name, 30), 3, memory=0)), order)


def test_bytes_of_lists():
    assert triangle_memory.list_bytes(10, 1 << 16) == 120
    assert triangle_memory.list_bytes(10, (1 << 16) + 1) == 240


@pytest.mark.slow
def test_more_neighbours_than_16_bits_count():
    # A hub, and a path through its neighbours: all of its last arcs are in triangles.
    path = np.arange(1, 70_001)
    edges = edge_list(70_001, np.concatenate([[np.zeros_like(path), path], [path[:-1], path[1:]]], axis=1))
    assert apexes.make_arcs(edges).numbers.dtype == np.uint32
    order = by_lists(task(edges, 3, limit=100))
    np.testing.assert_array_equal(order, by_search(task(edges, 3, memory=0, limit=100)))


@pytest.mark.slow
def test_a_clustered_graph():
    edges = clustered(200_000)
    assert edges.num_pairs == 200_000
    assert count_triangles(edges).sum() // 3 > 8 * edges.num_pairs
    expected = by_lists(task(edges, 3))
    np.testing.assert_array_equal(by_search(task(edges, 3, memory=0)), expected)
    np.testing.assert_array_equal(removal_order(task(edges, 3, memory=8_000_000)), expected)
