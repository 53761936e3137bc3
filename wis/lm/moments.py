"""Seven numbers that hold what a tracker needs of an input's rewards, and how they are made and merged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Rewards usually pass through float32: equal ones may come back a few roundings apart.
ROUNDING = 8 * float(np.finfo(np.float32).eps)


def statistics_of(group: NDArray[np.int64], rewards: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """Count, mean, sum of squared deviations, both extremes and how often each occurs, for each group."""
    count = np.bincount(group, minlength=groups).astype(np.float64)
    mean = np.bincount(group, rewards, minlength=groups) / count
    squares = np.bincount(group, (rewards - mean[group]) ** 2, minlength=groups)
    lowest, highest = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(lowest, group, rewards)
    np.maximum.at(highest, group, rewards)
    at_lowest = np.bincount(group, rewards == lowest[group], minlength=groups)
    at_highest = np.bincount(group, rewards == highest[group], minlength=groups)
    return np.stack([count, mean, squares, lowest, highest, at_lowest, at_highest])


def merged(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Statistics of two disjoint sets of samples together (Chan, Golub and LeVeque 1979)."""
    empty = a[0] == 0
    count = a[0] + b[0]
    share = b[0] / np.maximum(count, 1)
    step = b[1] - a[1]
    mean = a[1] + step * share
    squares = a[2] + b[2] + step**2 * a[0] * share
    lowest, highest = np.minimum(a[3], b[3]), np.maximum(a[4], b[4])
    at_lowest = a[5] * (a[3] == lowest) + b[5] * (b[3] == lowest)
    at_highest = a[6] * (a[4] == highest) + b[6] * (b[4] == highest)
    return np.where(empty, b, np.stack([count, mean, squares, lowest, highest, at_lowest, at_highest]))


def all_in(atom: NDArray[np.float64], count: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Probability that `size` samples, drawn without replacement from `count`, all fall on `atom` of them, ≥ `size`."""
    found = np.ones_like(count)
    for step in range(size):
        found *= (atom - step) / (count - step)
    return found
