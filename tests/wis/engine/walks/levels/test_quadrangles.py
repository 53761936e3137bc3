"""3-WIS by common neighbours and levels against the oracle, and the general loop on larger graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive
from tests.strategies import FAMILIES, edge_list, edge_lists, family, task
from wis.engine.walks import cpu as walks
from wis.engine.walks.levels import loop, wedges
from wis.graphs.edge_list import EdgeList


def order_of(edges: EdgeList, **options: Any) -> np.ndarray:
    return walks.removal_order(task(edges, 4, **options))


def assert_as_oracle(edges: EdgeList, *, is_target: np.ndarray | None = None, **options: Any) -> None:
    found = order_of(edges, is_target=is_target, **options)
    targets = None if is_target is None else list(np.flatnonzero(is_target))
    expected = naive.removal_order(edges.num_nodes, edges.pairs, 4, objective="vertex", targets=targets, **options)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, expected)


def assert_as_general_loop(monkeypatch: pytest.MonkeyPatch, edges: EdgeList, **options: Any) -> None:
    found = order_of(edges, **options)
    with monkeypatch.context() as patch:
        patch.setattr(wedges, "_MAX_BLOCK_ENTRIES", -1)
        expected = order_of(edges, **options)
    np.testing.assert_array_equal(found, expected)


def drawn_options(rng: np.random.Generator, seed: int, edges: EdgeList) -> dict[str, Any]:
    """Targets, priorities and chunks, each for some seeds only."""
    is_target = rng.random(edges.num_nodes) < 0.5
    is_target[0] = True
    return {
        "is_target": is_target if seed % 4 == 1 else None,
        "priority": rng.permutation(edges.num_pairs) if seed % 5 == 2 else None,
        "chunk": int(rng.integers(2, 12)) if seed % 7 == 3 else 1,
    }


@settings(max_examples=200, deadline=None, derandomize=True)
@given(edges=edge_lists(max_nodes=9, max_edges=22), data=st.data())
def test_all_options(edges: EdgeList, data: st.DataObject) -> None:
    n, m = edges.num_nodes, edges.num_pairs
    is_target = data.draw(st.none() | st.lists(st.booleans(), min_size=n, max_size=n).filter(any))
    ranks = data.draw(st.none() | st.permutations(range(m)))
    assert_as_oracle(
        edges,
        is_target=None if is_target is None else np.array(is_target),
        priority=None if ranks is None else np.array(ranks, dtype=np.int64),
        chunk=data.draw(st.sampled_from([1, 1, 2, 5, 100])),
        limit=data.draw(st.integers(0, m)),
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family(name: str) -> None:
    rng = np.random.default_rng(0)
    for num_nodes in (4, 8, 12):
        edges = family(name, num_nodes)
        limit = min(edges.num_pairs, 20)
        is_target = rng.random(num_nodes) < 0.5
        is_target[0] = True
        assert_as_oracle(edges, limit=limit)
        assert_as_oracle(edges, limit=limit, chunk=3, priority=rng.permutation(edges.num_pairs))
        assert_as_oracle(edges, limit=limit, is_target=is_target)


def test_random_graphs_with_targets_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also graphs with a few vertices of high degree, whose edges meet in many cycles."""
    for seed in range(400):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(3, 60))
        columns = rng.integers(0, n, (2, int(rng.integers(1, 4 * n))))
        if seed % 3 == 0:
            weight = rng.pareto(1.2, n) + 0.05
            columns = rng.choice(n, columns.shape, p=weight / weight.sum())
        edges = edge_list(n, columns)
        assert_as_general_loop(monkeypatch, edges, **drawn_options(rng, seed, edges))


def test_vertices_far_above_the_level_are_left_out_without_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """With little counted behind the words, so that hubs of small graphs are far."""
    monkeypatch.setattr(loop, "_FAR", 1)
    states = []
    prepare = loop._prepare
    monkeypatch.setattr(loop, "_prepare", lambda *given: states.append(prepare(*given)) or states[-1])
    num_far = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(30, 150))
        weight = rng.pareto(1.0, n) + 0.02
        columns = rng.choice(n, (2, int(rng.integers(2 * n, 6 * n))), p=weight / weight.sum())
        edges = edge_list(n, columns)
        limit = edges.num_pairs // 2 if seed % 2 else edges.num_pairs
        assert_as_general_loop(monkeypatch, edges, limit=limit, **drawn_options(rng, seed, edges))
        num_far += not states[-1].near.holds.all()
    assert num_far > 50


@pytest.mark.parametrize("name", ["medium", "dense", "hub", "tree", "bipartite", "two cliques"])
def test_larger_graphs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    edges = family(name, 60)
    assert_as_general_loop(monkeypatch, edges)
    assert_as_general_loop(monkeypatch, edges, priority=np.random.default_rng(0).permutation(edges.num_pairs))


def test_an_end_whose_losses_all_went_over_the_other_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of two edges of a cycle of four with one vertex in common, one goes; the far end of the other one has lost all
    # its walks over both, more than one, by way of the other: its key got better.
    rng = np.random.default_rng(797)
    n, m = int(rng.integers(3, 60)), int(rng.integers(1, 4 * 59))
    columns = rng.integers(0, n, (2, m))
    is_target = rng.random(n) < 0.5
    assert_as_general_loop(monkeypatch, edge_list(n, columns), is_target=is_target)


def test_stars_whose_counts_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 200 leaves fall to one value."""
    columns, first = [], 0
    for size in (230, 260, 230, 240):
        columns += [(first, first + i) for i in range(1, size + 1)]
        first += size + 1
    edges = edge_list(first, np.array(columns).T)
    assert_as_general_loop(monkeypatch, edges, limit=40)
    # Centers that do not count, so that these are not just stars that go by their size.
    is_target = np.ones(first, dtype=bool)
    is_target[[0, 231]] = False
    assert_as_general_loop(monkeypatch, edges, limit=30, is_target=is_target)


def test_slices_do_not_change_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = family("hub", 60)
    whole = order_of(edges)
    monkeypatch.setattr(loop, "_SLICE", 3)
    np.testing.assert_array_equal(order_of(edges), whole)
