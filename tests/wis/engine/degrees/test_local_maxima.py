"""Local maxima give the order of levels, whatever threads do meanwhile."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive, strategies
from tests.strategies import task
from tests.wis.engine.degrees.test_cpu import random_graph
from wis.engine.degrees import cpu, local_maxima
from wis.graphs.edge_list import EdgeList


@settings(max_examples=60, deadline=None)
@given(strategies.edge_lists(max_nodes=8, max_edges=16), st.data())
def test_any_graph_and_option_equals_the_definition(edges, data):
    n, m = edges.num_nodes, edges.num_pairs
    targets = data.draw(st.one_of(st.none(), st.sets(st.integers(0, n - 1), min_size=1)))
    priority = data.draw(st.one_of(st.none(), st.permutations(range(m)).map(lambda p: np.array(p, dtype=np.int64))))
    limit = data.draw(st.integers(0, m))
    is_target = None if targets is None else np.isin(np.arange(n), list(targets))
    given = task(edges, 2, is_target=is_target, priority=priority, limit=limit)
    chosen = None if targets is None else sorted(targets)
    expected = naive.removal_order(n, edges.pairs, 2, priority=priority, limit=limit, targets=chosen)
    for threads in (1, 2, 3, 5):
        order = local_maxima.removal_order(given, threads)
        assert order.dtype == np.int64
        np.testing.assert_array_equal(order, expected)


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("exponent", [0.0, 0.8, 1.3])
def test_larger_graphs_equal_levels(threads, exponent, monkeypatch):
    """Slices and queues so short that threads stop, put seeds back and go on all the time."""
    monkeypatch.setattr(local_maxima, "_SLICE", 50)
    monkeypatch.setattr(local_maxima, "_PUT_BACK", 2)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        edges = random_graph(rng, 400, int(rng.integers(500, 6000)), exponent)
        m = edges.num_pairs
        is_target, priority = rng.random(400) < 0.7, rng.permutation(m)
        for options in (
            {},
            {"priority": priority},
            {"is_target": is_target},
            {"priority": priority, "is_target": is_target, "limit": m // 2},
            {"limit": m // 10},
        ):
            given = task(edges, 2, **options)
            np.testing.assert_array_equal(local_maxima.removal_order(given, threads), cpu.by_levels(given))


@pytest.mark.parametrize("threads", [1, 2])
def test_long_chains_take_no_longer_than_short_ones(threads):
    """On a path in canonical order every walk goes to its beginning: found anew each time, it would never end."""
    n = 100_000
    path = EdgeList(n, np.stack([np.arange(n - 1), np.arange(1, n)]))
    star = EdgeList(n, np.stack([np.zeros(n - 1, dtype=np.int64), np.arange(1, n)]))
    for edges in (path, star):
        given = task(edges, 2)
        np.testing.assert_array_equal(local_maxima.removal_order(given, threads), cpu.by_levels(given))


@pytest.mark.parametrize(
    ("nodes", "columns", "options", "threads"),
    [
        (100, 5000, {}, 1),  # dense: one thread
        (300, 900, {}, 2),
        (300, 900, {"chunk": 2}, 0),
        (300, 900, {"limit": 100}, 0),
    ],
)
def test_which_way_is_taken(nodes, columns, options, threads, monkeypatch):
    monkeypatch.setattr(cpu, "_MANY", 0)
    monkeypatch.setattr(cpu, "num_threads", lambda: 2)
    edges = random_graph(np.random.default_rng(0), nodes, columns, 0.0)
    given = task(edges, 2, **options)
    assert cpu._threads_for_local_maxima(given) == threads
    np.testing.assert_array_equal(cpu.removal_order(given), cpu.by_levels(given))


@pytest.mark.parametrize(("many", "cores"), [(0, 1), (10**6, 2)])
def test_one_core_and_small_graphs_take_one_thread(many, cores, monkeypatch):
    monkeypatch.setattr(cpu, "_MANY", many)
    monkeypatch.setattr(cpu, "num_threads", lambda: cores)
    edges = random_graph(np.random.default_rng(0), 300, 900, 0.0)
    assert cpu._threads_for_local_maxima(task(edges, 2)) == 1


def test_arcs_are_the_same_on_any_number_of_threads():
    """On more of them than may have a copy of the vertices as well."""
    edges = random_graph(np.random.default_rng(0), 300, 3000, 0.8)
    rng = np.random.default_rng(1)
    for options in ({}, {"priority": rng.permutation(edges.num_pairs), "is_target": rng.random(300) < 0.5}):
        given = task(edges, 2, **options)
        expected = local_maxima._prepare(given, 1)
        for threads in (2, 3, 5, 20):
            state = local_maxima._prepare(given, threads)
            for name in ("vertex", "head", "edge", "degree"):
                np.testing.assert_array_equal(getattr(state, name), getattr(expected, name))


def test_interrupted_threads_end(monkeypatch):
    """Whatever the caller's thread raises, no other one goes on."""
    monkeypatch.setattr(local_maxima, "_SLICE", 10)
    calls = []

    @contextlib.contextmanager
    def track(*_, **__):
        def advance(_):
            calls.append(1)
            if len(calls) > 1:
                raise KeyboardInterrupt

        yield advance

    monkeypatch.setattr(local_maxima, "track", track)
    edges = random_graph(np.random.default_rng(0), 5000, 50_000, 0.8)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        local_maxima.removal_order(task(edges, 2), 2)
    assert threading.active_count() == before


def test_two_callers_at_once_and_a_forked_process():
    """What ends the process in Numba's own pools."""
    edges = random_graph(np.random.default_rng(0), 2000, 20_000, 0.8)
    given = task(edges, 2)
    expected = cpu.by_levels(given)
    with ThreadPoolExecutor(2) as pool:
        for order in pool.map(lambda _: local_maxima.removal_order(given, 2), range(4)):
            np.testing.assert_array_equal(order, expected)
    if not hasattr(os, "fork"):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(local_maxima.removal_order(given, 2), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
