"""The random order is a permutation, seeded and uniform."""

from __future__ import annotations

import numpy as np
from wis.baselines import random

from tests.strategies import edge_list

PATH = edge_list(4, [[0, 1, 2], [1, 2, 3]])


def test_seeded_permutation():
    first = random.rank(PATH, seed=5)
    assert first.dtype == np.int64
    assert sorted(first.tolist()) == [0, 1, 2]
    assert first.tolist() == random.rank(PATH, seed=5).tolist()


def test_every_order_is_equally_likely():
    counts: dict[tuple[int, ...], int] = {}
    for seed in range(6000):
        order = tuple(random.rank(PATH, seed=seed).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    # Binomial(6000, 1/6) has standard deviation 29.
    assert all(abs(count - 1000) < 150 for count in counts.values())
