"""The simulated cluster finds the order of the engine, however the vertices are split."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.cluster import DEGREE_BYTES, PROPOSAL_BYTES, RECORD_BYTES, simulate, split
from tests.strategies import edge_list, every_family, task
from wis.engine.degrees import cpu


@pytest.mark.parametrize("num_ranges", [None, 1, 2, 3, 8, 64])
def test_finds_the_order_of_the_engine(num_ranges: int | None) -> None:
    for edges in every_family((9, 40)):
        expected = cpu.removal_order(task(edges, 2))
        np.testing.assert_array_equal(simulate(edges, num_ranges).order, expected)


def test_finds_the_order_of_random_graphs() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        n = int(rng.integers(2, 50))
        edges = edge_list(n, (n * rng.random((2, int(rng.integers(1, 8 * n)))) ** rng.integers(1, 4)).astype(np.int64))
        expected = cpu.removal_order(task(edges, 2))
        for num_ranges in (None, int(rng.integers(1, 9))):
            np.testing.assert_array_equal(simulate(edges, num_ranges).order, expected)


def test_one_range_sends_nothing() -> None:
    for edges in every_family((40,)):
        found = simulate(edges, 1)
        assert found.supersteps <= 1
        assert (found.messages, found.round_bytes, found.sort_bytes) == (0, 0, 0)


def test_counts_what_is_sent() -> None:
    """A path 0-1-2, ranges {0, 1} and {2}: 1-2 waits for 0-1, which has the same degrees and comes first."""
    edges = edge_list(3, np.array([[0, 1], [1, 2]]))
    np.testing.assert_array_equal(split(edges, 2), [0, 0, 1])
    found = simulate(edges, 2)
    # First 2 proposes its only edge; 1 prefers the one to 0, which goes. Then 1 tells its degree, and both propose 1-2.
    assert found.supersteps == 2
    assert found.proposals == 3
    assert found.degrees == 1
    assert found.round_bytes == 3 * PROPOSAL_BYTES + DEGREE_BYTES
    assert found.messages == 4
    # Places 0 and 1 are those of ranges 0 and 1; both edges are with range 0, that of their smaller ends.
    assert found.sort_bytes == RECORD_BYTES


def test_ranges_have_about_as_many_ends() -> None:
    for edges in every_family((40,)):
        ends = np.bincount(split(edges, 4), edges.degrees(), minlength=4)
        assert ends.max() <= edges.num_pairs / 2 + edges.degrees().max(initial=0)
