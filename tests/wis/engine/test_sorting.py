from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wis.engine.sorting import NUM_DIGITS, falling_order, shell_sort, sort_arcs


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=60) | st.lists(st.integers(0, 3), max_size=60))
def test_shell_sort(values: list[int]) -> None:
    array = np.array(values, dtype=np.int64)
    shell_sort(array)
    assert array.tolist() == sorted(values)


@pytest.mark.parametrize("num_arcs", [0, 1, 23, 24, 200])
@pytest.mark.parametrize("num_nodes", [2, 100, 128, 129, 5000, 1 << 14, 1 << 20, (1 << 31) - 1])
def test_arcs_are_sorted_by_neighbour(num_nodes: int, num_arcs: int) -> None:
    rng = np.random.default_rng(num_nodes)
    neighbours = rng.permutation(min(num_nodes, num_arcs)) * (num_nodes // max(num_arcs, 1) or 1)
    arcs = neighbours << 32 | rng.permutation(len(neighbours))
    expected = np.sort(arcs)
    room, digits = np.empty(len(arcs), dtype=np.int64), np.empty(NUM_DIGITS, dtype=np.int32)
    sort_arcs(arcs, room, digits, num_nodes)
    np.testing.assert_array_equal(arcs, expected)


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("largest", [0, 3, (1 << 11) - 1, 1 << 11, (1 << 40) + 5])
def test_falling_order_is_stable_on_any_number_of_threads(largest: int, threads: int) -> None:
    rng = np.random.default_rng(largest % 1000)
    for size in (0, 1, 2, 500):
        keys = rng.integers(0, largest, size, endpoint=True)
        before = keys.copy()
        order = falling_order(keys, threads)
        assert order.dtype == np.int32
        np.testing.assert_array_equal(order, np.argsort(-keys, kind="stable"))
        np.testing.assert_array_equal(keys, before)
