"""2-WIS by rows of bits against lists of triangles, and the hand-over; `test_triangles` has both against the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.strategies import FAMILIES, edge_list, edge_lists, family, task
from wis.engine.triangles import cpu as triangles
from wis.engine.triangles import dense as dense_triangles
from wis.engine.triangles.apexes import make_arcs
from wis.engine.triangles.bit_rows import count_triangles, fill_rows, num_words
from wis.engine.triangles.dense import first_removals
from wis.engine.triangles.listing import list_triangles
from wis.graphs.edge_list import EdgeList

pytestmark = pytest.mark.usefixtures("to_the_end")


@pytest.fixture
def rows_only(monkeypatch):
    """Rows are used for every graph, and to its last edge."""
    monkeypatch.setattr(dense_triangles, "_FEWEST_PAIRS", 0)
    monkeypatch.setattr(dense_triangles, "_TRIANGLES_PER_WORD", 0)
    monkeypatch.setattr(dense_triangles, "_IDLE", 1 << 40)


def by_rows(edges: EdgeList, **options) -> np.ndarray:
    request = task(edges, 3, **options)
    order = first_removals(request)
    assert order.shape == (request.limit,)
    assert order.dtype == np.int64
    return order


def by_lists(edges: EdgeList, **options) -> np.ndarray:
    return triangles.by_lists(task(edges, 3, **options))


def options(draw, edges: EdgeList) -> dict:
    n, m = edges.num_nodes, edges.num_pairs
    mask = draw(st.none() | st.lists(st.booleans(), min_size=n, max_size=n), label="is_target")
    return {
        "is_target": None if mask is None else np.array(mask),
        "priority": draw(st.none() | st.permutations(range(m)).map(np.array), label="priority"),
        "chunk": draw(st.integers(1, 5), label="chunk"),
        "limit": draw(st.integers(0, m), label="limit"),
    }


@pytest.mark.parametrize("name", ["dense", "medium", "hub", "clique"])
@pytest.mark.parametrize("seed", range(3))
def test_rows_of_several_words_give_what_lists_give(rows_only, name, seed):
    edges = family(name, 75 + 10 * seed, seed)
    rng = np.random.default_rng(seed)
    for chosen in (
        {},
        {"chunk": 7},
        {"priority": rng.permutation(edges.num_pairs), "is_target": rng.random(edges.num_nodes) < 0.7},
    ):
        np.testing.assert_array_equal(by_rows(edges, **chosen), by_lists(edges, **chosen))


def test_many_ties_go_by_priority(rows_only):
    # Copies of a graph: edges that tie in all of their keys, and many more than are compared in pairs.
    copy = family("dense", 9, seed=3)
    edges = edge_list(9 * 40, np.concatenate([copy.pairs + 9 * i for i in range(40)], axis=1))
    np.testing.assert_array_equal(by_rows(edges), by_lists(edges))
    priority = np.random.default_rng(0).permutation(edges.num_pairs)
    np.testing.assert_array_equal(by_rows(edges, priority=priority), by_lists(edges, priority=priority))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edge_lists(max_nodes=9, max_edges=30), st.data())
def test_lists_go_on_where_rows_stop_to_pay(monkeypatch, edges, data):
    monkeypatch.setattr(dense_triangles, "_FEWEST_PAIRS", 0)
    monkeypatch.setattr(dense_triangles, "_SLICE", data.draw(st.integers(1, 4), label="slice"))
    monkeypatch.setattr(dense_triangles, "_TRIANGLES_PER_WORD", data.draw(st.floats(0, 0.3), label="per word"))
    monkeypatch.setattr(dense_triangles, "_IDLE", data.draw(st.integers(0, 4), label="idle"))
    chosen = options(data.draw, edges)
    order = triangles.removal_order(task(edges, 3, **chosen))
    np.testing.assert_array_equal(order, by_lists(edges, **chosen))


def num_by_rows(edges: EdgeList) -> int:
    """How many removals rows are used for."""
    return len(first_removals(task(edges, 3)))


def test_rows_stop_where_the_graph_is_no_longer_dense(monkeypatch):
    monkeypatch.setattr(dense_triangles, "_SLICE", 64)
    edges = family("dense", 120)
    assert 64 < num_by_rows(edges) < edges.num_pairs


def test_rows_stop_where_most_keys_do_not_change(monkeypatch):
    clique = family("clique", 20).pairs
    edges = edge_list(800, np.concatenate([clique + 20 * i for i in range(40)], axis=1))
    monkeypatch.setattr(dense_triangles, "_TRIANGLES_PER_WORD", 0.1)
    assert 0 < num_by_rows(edges) < 50


@pytest.mark.parametrize(
    ("name", "value", "graph"),
    [
        ("_FEWEST_PAIRS", 10_000, "dense"),
        ("MOST_NODES", 119, "dense"),
        ("_TRIANGLES_PER_WORD", 1000, "dense"),
        ("_SMALL", 0, "path"),
    ],
)
def test_where_rows_do_not_pay_at_all(monkeypatch, name, value, graph):
    monkeypatch.setattr(dense_triangles, "_FEWEST_PAIRS", 0)
    if graph == "path":
        monkeypatch.setattr(dense_triangles, "_TRIANGLES_PER_WORD", 0)
    edges = family(graph, 120)
    assert num_by_rows(edges) > 0
    monkeypatch.setattr(dense_triangles, name, value)
    assert num_by_rows(edges) == 0


def test_rows_go_on_while_lists_do_not_fit_into_memory(monkeypatch):
    monkeypatch.setattr(dense_triangles, "_FEWEST_PAIRS", 0)
    monkeypatch.setattr(dense_triangles, "_SLICE", 64)
    monkeypatch.setattr(dense_triangles, "_TRIANGLES_PER_WORD", 1000)
    edges = family("dense", 120)
    whole = by_lists(edges)
    # Beside what the pairs themselves take.
    monkeypatch.setattr("wis.machine._memory", lambda *_: 200_000 + 170 * edges.num_pairs)
    done = num_by_rows(edges)
    rest = EdgeList(120, np.delete(edges.pairs, whole[:done], axis=1))
    left = 12 * int(np.diff(list_triangles(rest, make_arcs(rest)).start).sum()) // 3
    assert 0 < left <= 200_000
    np.testing.assert_array_equal(triangles.removal_order(task(edges, 3)), whole)


def test_memory_too_small_for_rows_is_left_to_lists(monkeypatch):
    edges = family("dense", 120)
    assert num_by_rows(edges) > 0
    monkeypatch.setattr("wis.machine._memory", lambda *_: 1000)
    assert num_by_rows(edges) == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_triangles_are_counted_at_each_edge(name):
    edges = family(name, 80)
    rows = np.zeros((80, num_words(80)), dtype=np.uint64)
    count = np.empty(edges.num_pairs, dtype=np.int32)
    fill_rows(*edges.pairs, rows)
    count_triangles(*edges.pairs, rows, count)
    np.testing.assert_array_equal(count, np.diff(list_triangles(edges, make_arcs(edges)).start))
