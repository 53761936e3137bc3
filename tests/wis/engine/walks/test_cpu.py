"""The general engine (any depth, directed or not, both objectives) against the oracle."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive
from tests.strategies import FAMILIES, edge_list, edge_lists, every_family, family, task
from wis.engine import walk_counts as counts
from wis.engine.graph_walks import cpu as graph_walks
from wis.engine.walks import cpu as walks
from wis.engine.walks import losses
from wis.graphs.edge_list import EdgeList

MODULES = {"vertex": walks, "graph": graph_walks}


def engine_order(module: ModuleType, edges: EdgeList, depth: int, **options: Any) -> list[int]:
    return list(module.removal_order(task(edges, depth, **options)))


def assert_as_oracle(
    edges: EdgeList,
    depth: int,
    objective: str,
    targets: list[int] | None = None,
    priority: np.ndarray | None = None,
    chunk: int = 1,
    limit: int | None = None,
) -> None:
    limit = edges.num_pairs if limit is None else limit
    is_target = None if targets is None else np.isin(np.arange(edges.num_nodes), targets)
    found = engine_order(
        MODULES[objective], edges, depth, is_target=is_target, priority=priority, chunk=chunk, limit=limit
    )
    expected = naive.removal_order(
        edges.num_nodes, edges.pairs, depth,
        objective=objective, targets=targets, priority=priority, chunk=chunk, limit=limit, directed=edges.directed,
    )  # fmt: skip
    assert found == list(expected)


@pytest.mark.parametrize("objective", MODULES)
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("depth", [2, 3, 4, 5, 6])
def test_families(depth: int, directed: bool, objective: str) -> None:
    for edges in every_family((2, 5, 7), directed):
        assert_as_oracle(edges, depth, objective)


@pytest.mark.parametrize("name", FAMILIES)
def test_depth_four_on_larger_graphs(name: str) -> None:
    edges = family(name, 10)
    assert_as_oracle(edges, 4, "vertex", limit=min(edges.num_pairs, 12))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    edges=edge_lists(max_nodes=7, max_edges=14, directed=None),
    depth=st.integers(2, 6),
    objective=st.sampled_from(["vertex", "graph"]),
    chunk=st.sampled_from([1, 1, 2, 5, 100]),
    data=st.data(),
)
def test_options(edges: EdgeList, depth: int, objective: str, chunk: int, data: st.DataObject) -> None:
    vertices = st.integers(0, edges.num_nodes - 1)
    targets = data.draw(st.none() | st.lists(vertices, min_size=1, unique=True))
    ranks = data.draw(st.none() | st.permutations(range(edges.num_pairs)))
    limit = data.draw(st.integers(0, edges.num_pairs))
    assert_as_oracle(
        edges, depth, objective, targets, None if ranks is None else np.array(ranks, dtype=np.int64), chunk, limit
    )


@pytest.mark.parametrize("objective", MODULES)
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("depth", [2, 3, 4, 5, 6])
def test_losses_are_differences_of_values(depth: int, directed: bool, objective: str) -> None:
    for edges in every_family((5, 7), directed):
        graph, around = losses.make_graph(edges), losses.make_around(edges.num_nodes, depth)
        value = _values(edges, np.arange(edges.num_pairs), depth, objective)
        reach = counts.walks_by_length(edges, depth)
        # int32, as in the engine: kernels are compiled once for each type.
        for e in np.arange(0, edges.num_pairs, 3, dtype=np.int32):
            if objective == "vertex":
                losses.closed_losses(graph, e, value, around)
            else:
                losses.reach_losses(graph, e, reach, around)
            without = np.delete(np.arange(edges.num_pairs), e)
            assert list(around.loss) == list(value - _values(edges, without, depth, objective))
            losses.clear(around)
            assert not any(scratch.any() for scratch in (around.loss, around.walks, around.distance))


def _values(edges: EdgeList, left: np.ndarray, depth: int, objective: str) -> np.ndarray:
    indices = naive.walk_indices(
        edges.num_nodes, edges.pairs[:, np.sort(left)], depth, objective=objective, directed=edges.directed
    )
    return np.array(indices)


def test_leaves_of_a_star_go_in_canonical_order() -> None:
    star = edge_list(41, [[0] * 40, range(1, 41)])
    assert engine_order(walks, star, 4) == list(range(40))


def test_keys_longer_than_what_is_stored() -> None:
    """Long equal beginnings: two copies of one graph, of which only the last differs far from the first values."""
    one = family("hub", 14).pairs
    twice = edge_list(30, np.concatenate([one, one + 14, [[28], [29]]], axis=1))
    assert_as_oracle(twice, 4, "vertex", limit=8)
    assert_as_oracle(twice, 5, "vertex", limit=4)


@pytest.mark.parametrize("objective", MODULES)
def test_keys_of_which_one_entry_is_stored(objective: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wis.engine.walks.queue.WIDTH", 1)
    for edges in every_family((7,)):
        assert_as_oracle(edges, 4, objective)


@pytest.mark.parametrize("edges", [edge_list(1, []), edge_list(4, []), edge_list(2, [[0], [1]])])
@pytest.mark.parametrize("objective", MODULES)
def test_trivial_graphs(edges: EdgeList, objective: str) -> None:
    assert engine_order(MODULES[objective], edges, 4) == list(range(edges.num_pairs))
