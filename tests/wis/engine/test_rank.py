"""The method "wis": its options, the overflow bound and the dispatch."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
import torch

from tests import naive
from tests.strategies import edge_list, family
from wis.engine.options import check_options
from wis.engine.rank import rank
from wis.engine.walk_counts import check_overflow, closed_walks


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"depth": 1}, ValueError, "depth must be at least 2, got 1"),
        ({"depth": 2.0}, TypeError, "depth must be an integer"),
        ({"depth": True}, TypeError, "depth must be an integer"),
        ({"chunk": 0}, ValueError, "chunk must be at least 1, got 0"),
        ({"ties": "last"}, ValueError, "ties must be 'first' or 'random', got 'last'"),
        ({"objective": "edge"}, ValueError, "objective must be 'vertex' or 'graph', got 'edge'"),
        ({"targets": [0, 8]}, ValueError, "targets has vertex 8; vertices are numbered from 0 to 7"),
        ({"targets": [-1]}, ValueError, "targets has vertex -1"),
        ({"targets": [0.5]}, TypeError, "targets must hold vertex indices"),
        ({"targets": [True, False]}, ValueError, "targets is a mask over 2 vertices, but the graph has 8"),
        ({"targets": [[0, 1]]}, ValueError, "targets must be one-dimensional"),
        ({"targets": np.ma.array([0, 1], mask=[0, 1])}, ValueError, "targets is a masked array"),
        ({"partitions": [np.ma.array([0, 1], mask=[0, 1])]}, ValueError, r"partitions\[0\] is a masked array"),
        ({"targets": []}, ValueError, "targets names no vertex"),
        ({"targets": [[0], [1, 2]]}, TypeError, "targets must be one-dimensional"),
        ({"partitions": []}, ValueError, "partitions is empty"),
        ({"partitions": [[0], []]}, ValueError, r"partitions\[1\] is empty"),
        ({"partitions": [[0], [9]]}, ValueError, r"partitions\[1\] has vertex 9"),
        ({"partitions": [[0]], "targets": [0]}, ValueError, "targets or partitions, not both"),
        ({"partitions": [([0], 9)]}, ValueError, r"partitions\[0\] has vertex 9"),
        ({"partitions": [([0], 1.5)]}, TypeError, r"partitions\[0\] must hold vertex indices, got dtype float64"),
        ({"partitions": [([0], 1)], "objective": "graph"}, ValueError, r"partitions\[0\] has a target, which"),
        ({"memory": -1}, ValueError, "memory must not be negative, got -1"),
        ({"memory": 1.5}, TypeError, "memory must be an integer, got 1.5"),
        (
            {"memory": "2 GX"},
            ValueError,
            "memory must be bytes, an integer or a text such as '4G', '500MiB' or '2GB', got '2 GX'",
        ),
        ({"memory": "-2GB"}, ValueError, "memory must be bytes"),
        ({"memory": "2GB", "depth": 2}, ValueError, "memory is for triangles, which only depth=3"),
        ({"memory": 10, "objective": "graph"}, ValueError, "memory is for triangles, which only depth=3"),
        ({"memory": 10, "partitions": [[0]]}, ValueError, "memory is for triangles, which only depth=3"),
        ({"partitions": 3}, TypeError, "partitions must be a list of vertex subsets"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_options(num_nodes=8, **options)
    with pytest.raises(error, match=message):
        rank(family("hub", 8), **options)


@pytest.mark.parametrize(
    "targets",
    [
        [1, 4, 4],
        (1, 4),
        {1, 4},
        np.array([4, 1], dtype=np.int32),
        torch.tensor([1, 4]),
        torch.tensor([False, True, False, False, True, False]),
        [False, True, False, False, True, False],
    ],
)
def test_targets_in_any_form(targets: Any) -> None:
    options = check_options(num_nodes=6, targets=targets)
    assert options.is_target is not None
    assert list(options.is_target) == [False, True, False, False, True, False]


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("objective", ["vertex", "graph"])
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_every_dispatch_is_the_oracle(depth: int, objective: str, directed: bool) -> None:
    edges = family("medium", 8, directed=directed)
    for targets, chunk in ((None, 1), ([0, 3, 5], 1), (None, 3)):
        found = rank(edges, depth=depth, objective=objective, targets=targets, chunk=chunk)
        expected = naive.removal_order(
            8, edges.pairs, depth, objective=objective, targets=targets, chunk=chunk, directed=directed
        )
        assert list(found) == list(expected)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_random_ties_are_one_permutation(depth: int) -> None:
    edges = family("cycle", 9)
    priority = np.random.default_rng(7).permutation(9)
    expected = naive.removal_order(9, edges.pairs, depth, priority=priority)
    assert list(rank(edges, depth=depth, ties="random", seed=7)) == list(expected)
    assert list(rank(edges, depth=depth, ties="random", seed=8)) != list(expected)
    assert list(rank(edges, depth=depth, ties="first", seed=7)) != list(expected)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_limit_fills_up_in_canonical_order(depth: int) -> None:
    edges = family("medium", 9)
    m = edges.num_pairs
    whole = list(rank(edges, depth=depth))
    for limit in (0, 1, m // 2, m, m + 5):
        removed = whole[:limit]
        assert list(rank(edges, depth=depth, limit=limit)) == removed + sorted(set(range(m)) - set(removed))


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("num_nodes", [0, 1, 3])
def test_graphs_without_edges(num_nodes: int, depth: int) -> None:
    found = rank(edge_list(num_nodes, []), depth=depth)
    assert found.dtype == np.int64
    assert len(found) == 0


def test_overflow_bound_at_its_edge() -> None:
    # From any vertex of an n-clique there are n^(L-1) walks of length L-1: 2^62 for n = 4 and L = 32.
    clique = family("clique", 4)
    check_overflow(clique, 32)
    with pytest.raises(OverflowError, match=r"depth=33 .* degree 3"):
        check_overflow(clique, 33)
    check_overflow(clique, 31, "graph")
    with pytest.raises(OverflowError, match=r"depth=32 .* length 32"):
        check_overflow(clique, 32, "graph")


def test_counts_are_exact_just_below_the_bound() -> None:
    """Closed walks on a 4-clique: (4^L)/4 at every vertex, 2^60 for depth 31."""
    assert list(closed_walks(family("clique", 4), 31)) == [1 << 60] * 4
    assert sorted(rank(family("clique", 4), depth=31)) == list(range(6))
    with pytest.raises(OverflowError, match="depth=33"):
        rank(family("clique", 4), depth=33)


def test_a_star_is_bounded_by_its_walks_not_by_its_degree() -> None:
    """The hub's degree to the power of the depth is far beyond 2^62, its walks are not."""
    star = edge_list(100_001, [[0] * 100_000, range(1, 100_001)])
    check_overflow(star, 6)
    with pytest.raises(OverflowError, match=r"from vertex 0, of degree 100000"):
        check_overflow(star, 9)


def test_cuda_is_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "numba_cuda" else found(name))
    edges = family("path", 5)
    with pytest.raises(RuntimeError, match="device='cuda'"):
        rank(edges, device="cuda")
    assert list(rank(edges, device="auto")) == list(rank(edges, device="cpu"))
    with pytest.raises(RuntimeError, match="partitions are computed on the CPU only"):
        rank(edges, partitions=[[0]], device="cuda")
