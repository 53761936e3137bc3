from __future__ import annotations

import numpy as np
import pytest
import torch

from tests import naive
from tests.strategies import edge_list, every_family, family
from wis.engine import walk_counts as counts


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("depth", [2, 3, 4, 5, 6])
def test_closed_walks(depth: int, directed: bool) -> None:
    for edges in every_family((2, 6, 11), directed):
        expected = naive.walk_indices(edges.num_nodes, edges.pairs, depth, directed=directed)
        found = counts.closed_walks(edges, depth)
        assert found.dtype == np.int64
        assert list(found) == expected


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_walk_index_of_any_subset(depth: int, directed: bool) -> None:
    rng = np.random.default_rng(depth)
    for edges in every_family((4, 9), directed):
        subset = np.flatnonzero(rng.random(edges.num_nodes) < 0.4)
        for target in (None, int(rng.integers(edges.num_nodes))):
            expected = naive.walk_index(edges.num_nodes, edges.pairs, subset, depth, target, directed)
            assert counts.walk_index(edges, subset, depth, target) == expected


def test_walk_index_is_exact_beyond_64_bits() -> None:
    clique = family("clique", 30)
    # All rows of the adjacency matrix with self-loops are ones: 30 vertices on the boundary, 30 choices a step.
    assert counts.walk_index(clique, [0], 41) == 30**41
    assert counts.walk_index(clique, [0], 41, target=3) == 30**40


def test_walks_by_length() -> None:
    edges = family("hub", 12)
    found = counts.walks_by_length(edges, 5)
    walks = [naive.num_walks(naive.adjacency(12, edges.pairs), length).sum(axis=1) for length in range(6)]
    assert np.array_equal(found, np.array(walks).T)


def test_saturated_walks_stop_above_the_ceiling() -> None:
    star = edge_list(5, [[0, 0, 0, 0], [1, 2, 3, 4]])
    assert list(counts.saturated_walks(star, 2, 8)) == [9, 7, 7, 7, 7]
    assert list(counts.saturated_walks(star, 2, 100)) == [13, 7, 7, 7, 7]
    assert list(counts.saturated_walks(star, 60, 1 << 62)) == [(1 << 62) + 1] * 5


def test_bad_arguments() -> None:
    edges = family("path", 4)
    with pytest.raises(ValueError, match="subset has vertex 4"):
        counts.walk_index(edges, [4], 2)
    with pytest.raises(TypeError, match="subset must be a collection of vertex indices, got 3"):
        counts.walk_index(edges, 3, 2)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="subset must be a collection of vertex indices, got '01'"):
        counts.walk_index(edges, "01", 2)
    with pytest.raises(TypeError, match="subset must be an integer, got tensor"):  # a mask is no list of indices
        counts.walk_index(edges, torch.tensor([True, False, True, True]), 2)
    with pytest.raises(ValueError, match="target has vertex 9"):
        counts.walk_index(edges, [0], 2, target=9)
    with pytest.raises(ValueError, match="depth must be at least 1"):
        counts.walk_index(edges, [0], 0)
    with pytest.raises(ValueError, match="depth must be at least 2"):
        counts.closed_walks(edges, 1)
