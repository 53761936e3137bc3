"""The cheapest cut of the GNN's tensor network that parts the inputs of ``I`` from the others."""

from __future__ import annotations

import math

import numpy as np

from wis.engine.walk_counts import sum_over_neighbours
from wis.interactions.setting import Setting


def cheapest_cut(setting: Setting) -> tuple[int, int]:
    """How many indices of size ``D_h``, and of size ``D_x``, the cheapest cut goes through.

    Unrolled, the GNN is a tree: an input is an index of size ``D_x``, the product at a vertex of a layer is one index
    of size ``D_h`` that its parent and all its children share, and a weight matrix joins two indices. Put every matrix
    and input on one side. Summing over the indices that have something on both sides writes the output as a sum of
    products of a function of either side, with as many terms as these indices take values together. So the separation
    rank is at most ``D_h^a D_x^b``, with a and b as returned here.

    Notes
    -----
    A dynamic programme over layer, vertex and side, with the same subtree of a vertex met once: O(L (n + m)) time. For
    each vertex it keeps what its subtree costs if the matrix above it is on the side of ``I``, on the other side, or
    free, because the index above that is cut already.
    """
    logs = np.log([setting.width, setting.input_width])
    leaf, free = np.array([0, 1]), np.zeros(2, dtype=np.int64)
    of_subset = np.where(setting.inside[:, None], free, leaf)
    of_others = np.where(setting.inside[:, None], leaf, free)
    of_either = np.zeros_like(of_subset)
    cut = np.array([1, 0])
    for _ in range(setting.depth - 1):
        sums = [sum_over_neighbours(setting.edges, costs) for costs in (of_subset, of_others, of_either)]
        of_subset, of_others = (_cheaper(logs, side, cut + sums[2]) for side in sums[:2])
        of_either = _cheaper(logs, of_subset, of_others)
    sums = [sum_over_neighbours(setting.edges, costs) for costs in (of_subset, of_others, of_either)]
    at_root = [costs.sum(0) if setting.target is None else costs[setting.target] for costs in sums]
    best = _cheaper(logs, _cheaper(logs, at_root[0], at_root[1]), cut + at_root[2])
    return int(best[0]), int(best[1])


def _cheaper(logs: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.where((one @ logs <= other @ logs)[..., None], one, other)


def log_size(setting: Setting, cut: tuple[int, int]) -> float:
    """Logarithm of the number of values that the indices of a cut take together."""
    return cut[0] * math.log(setting.width) + cut[1] * math.log(setting.input_width)
