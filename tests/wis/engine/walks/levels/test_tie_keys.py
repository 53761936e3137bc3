"""Whole keys compared by a hash table, against lists of all their numbers."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wis.engine.walks.levels.tie_keys import compare_with_held, hold, make_tie_keys

# Values before and after, of few numbers, so that keys are often equal up to some of them.
LOSSES = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5)), max_size=8)


def numbers(losses: list[tuple[int, int]]) -> Counter[int]:
    """Every ``x`` with ``new <= x < old``, of all vertices."""
    return Counter(x for new, loss in losses for x in range(new, new + loss))


def better(losses: list[tuple[int, int]], held: list[tuple[int, int]], end: int) -> int:
    first, second = numbers(losses), numbers(held)
    for x in range(end):
        if first[x] != second[x]:
            return 1 if first[x] < second[x] else -1
    return 0


def arrays(losses: list[tuple[int, int]], shift: int) -> tuple[np.ndarray, np.ndarray, int]:
    old = np.array([shift + x + loss for x, loss in losses], dtype=np.int64)
    new = np.array([shift + x for x, _ in losses], dtype=np.int64)
    return old, new, len(losses)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(LOSSES, min_size=2, max_size=5), st.integers(0, 20), st.integers(0, 2**40))
def test_as_lists_of_all_numbers(keys: list[list[tuple[int, int]]], end: int, shift: int) -> None:
    ties = make_tie_keys(8)
    for held, other in pairwise(keys):
        hold(ties, *arrays(held, shift))
        order, are_all = compare_with_held(ties, *arrays(other, shift), np.int64(shift + end))
        assert order == better(other, held, end)
        assert are_all == all(x + loss < end for x, loss in held + other)
        assert compare_with_held(ties, *arrays(held, shift), np.int64(shift + 100)) == (0, True)
