from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive
from tests.strategies import edge_lists, family
from wis.engine.rank import rank
from wis.graphs.edge_list import EdgeList


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    edges=edge_lists(max_nodes=6, max_edges=10, directed=None),
    depth=st.integers(2, 4),
    objective=st.sampled_from(["vertex", "graph"]),
    chunk=st.sampled_from([1, 3]),
    data=st.data(),
)
def test_any_subsets(edges: EdgeList, depth: int, objective: str, chunk: int, data: st.DataObject) -> None:
    vertices = st.integers(0, edges.num_nodes - 1)
    subsets = data.draw(st.lists(st.lists(vertices, min_size=1, unique=True), min_size=1, max_size=3))
    found = rank(edges, depth=depth, partitions=subsets, objective=objective, chunk=chunk)
    expected = naive.removal_order(
        edges.num_nodes, edges.pairs, depth,
        partitions=subsets, objective=objective, chunk=chunk, directed=edges.directed,
    )  # fmt: skip
    assert list(found) == list(expected)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(edges=edge_lists(max_nodes=6, max_edges=10, directed=None), depth=st.integers(2, 4), data=st.data())
def test_subsets_with_a_target(edges: EdgeList, depth: int, data: st.DataObject) -> None:
    vertices = st.integers(0, edges.num_nodes - 1)
    pairs = st.tuples(st.lists(vertices, min_size=1, unique=True), vertices)
    partitions = data.draw(st.lists(pairs, min_size=1, max_size=3))
    expected = naive.removal_order(
        edges.num_nodes, edges.pairs, depth, partitions=partitions, directed=edges.directed
    )  # fmt: skip
    assert list(rank(edges, depth=depth, partitions=partitions)) == list(expected)


def test_a_subset_of_one_vertex_with_itself_as_target_is_the_default() -> None:
    edges = family("sparse", 9)
    pairs = [([t], t) for t in range(9)]
    assert np.array_equal(rank(edges, partitions=pairs), rank(edges))


@pytest.mark.parametrize("objective", ["vertex", "graph"])
@pytest.mark.parametrize("ties", ["first", "random"])
def test_single_vertices_are_the_default(objective: str, ties: str) -> None:
    edges = family("medium", 8)
    single = [[t] for t in range(8)]
    options = {"depth": 4, "objective": objective, "ties": ties, "seed": 5}
    assert np.array_equal(rank(edges, partitions=single, **options), rank(edges, **options))
