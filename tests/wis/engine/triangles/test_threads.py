"""2-WIS gives the same lists and the same order on any number of threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive, strategies
from tests.strategies import FAMILIES, edge_list, family, task
from tests.wis.engine.degrees.test_cpu import random_graph
from wis.engine.triangles import listing
from wis.engine.triangles.apexes import make_arcs
from wis.engine.triangles.cpu import by_lists
from wis.engine.triangles.listing import count_triangles, list_triangles

pytestmark = pytest.mark.usefixtures("to_the_end")


@settings(max_examples=60, deadline=None)
@given(strategies.edge_lists(max_nodes=9, max_edges=30), st.data())
def test_any_graph_and_option_equals_the_definition(edges, data):
    n, m = edges.num_nodes, edges.num_pairs
    mask = data.draw(st.none() | st.lists(st.booleans(), min_size=n, max_size=n), label="is_target")
    priority = data.draw(st.none() | st.permutations(range(m)).map(np.array), label="priority")
    chunk, limit = data.draw(st.integers(1, 4), label="chunk"), data.draw(st.integers(0, m), label="limit")
    is_target = None if mask is None else np.array(mask)
    given = task(edges, 3, is_target=is_target, priority=priority, chunk=chunk, limit=limit)
    targets = None if mask is None else np.flatnonzero(is_target)
    expected = naive.removal_order(n, edges.pairs, 3, targets=targets, priority=priority, chunk=chunk, limit=limit)
    for threads in (1, 2, 3, 5):
        np.testing.assert_array_equal(by_lists(given, threads), expected)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("threads", [2, 3, 5])
def test_lists_are_the_same_to_the_byte(name, threads, monkeypatch):
    monkeypatch.setattr(listing, "_SLICE", 50)
    for num_nodes in (4, 40):
        edges = family(name, num_nodes)
        expected, found = (list_triangles(edges, make_arcs(edges), threads=count) for count in (1, threads))
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
        count = count_triangles(edges, threads=threads)
        assert count.dtype == np.int32
        np.testing.assert_array_equal(count, np.diff(expected.start))


@pytest.mark.parametrize("exponent", [0.0, 0.8])
def test_larger_graphs(exponent):
    for seed in range(2):
        rng = np.random.default_rng(seed)
        edges = random_graph(rng, 200, int(rng.integers(500, 2000)), exponent)
        m = edges.num_pairs
        is_target, priority = rng.random(200) < 0.7, rng.permutation(m)
        for options in (
            {},
            {"priority": priority},
            {"is_target": is_target, "limit": m // 2},
            {"priority": priority, "is_target": is_target, "chunk": 7},
        ):
            given = task(edges, 3, **options)
            expected = by_lists(given, 1)
            for threads in (2, 3, 5):
                np.testing.assert_array_equal(by_lists(given, threads), expected)


@pytest.mark.parametrize("num_nodes", [0, 1, 5])
def test_no_edges(num_nodes):
    edges = edge_list(num_nodes, [])
    assert list_triangles(edges, make_arcs(edges), threads=3).start.tolist() == [0]
    assert by_lists(task(edges, 3), 3).shape == (0,)


@pytest.mark.parametrize(("many", "cores", "started"), [(0, 2, 2), (0, 1, 1), (10**6, 2, 1), (0, 100, 8)])
def test_threads_list_large_graphs(many, cores, started, monkeypatch):
    """As many as there are, up to a number that keeps memory small."""
    monkeypatch.setattr(listing, "_MANY", many)
    monkeypatch.setattr(listing, "num_threads", lambda: cores)
    counts = []
    run_threads = listing.run_threads
    monkeypatch.setattr(
        listing, "run_threads", lambda work, count, show: (counts.append(count), run_threads(work, count, show))
    )
    edges = family("medium", 40)
    list_triangles(edges, make_arcs(edges))
    assert counts == [started, started]


def test_an_error_in_one_thread_ends_all(monkeypatch):
    monkeypatch.setattr(listing, "_SLICE", 10)

    def fails(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(listing, "_store", fails)
    before = threading.active_count()
    edges = family("medium", 40)
    with pytest.raises(KeyboardInterrupt):
        list_triangles(edges, make_arcs(edges), threads=3)
    assert threading.active_count() == before
