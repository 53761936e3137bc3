"""Generated graphs have the pairs asked for, whatever the seed, and are refused where they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.graphs import clustered, power_law


@pytest.mark.parametrize("make", [clustered, power_law])
@pytest.mark.parametrize("seed", [0, 1])
def test_exactly_so_many_pairs(make, seed) -> None:
    edges = make(5_000, seed=seed)
    u, v = edges.pairs
    assert edges.num_pairs == 5_000 == len(np.unique(u.astype(np.int64) * edges.num_nodes + v))
    assert (u < v).all()
    assert v.max() < edges.num_nodes
    np.testing.assert_array_equal(edges.pairs, make(5_000, seed=seed).pairs)


def test_too_few_pairs_for_the_mean_degree() -> None:
    with pytest.raises(ValueError, match=r"num_pairs must be at least about mean_degree squared, 2663, got 1000"):
        clustered(1_000)
