"""How 1-WIS numbers vertices, and the edges that it removes before all others."""

from __future__ import annotations

import numpy as np

from wis.kernels import compiled


def free_edges(pairs: np.ndarray, is_target: np.ndarray, edge_of_pair: np.ndarray) -> np.ndarray:
    """The edges that touch no target, in rising order."""
    if is_target.all():
        return np.empty(0, dtype=np.int64)
    free = np.flatnonzero(~(is_target[pairs[0]] | is_target[pairs[1]]))
    return np.sort(edge_of_pair[free]) if len(edge_of_pair) else free


@compiled
def number_vertices(pairs: np.ndarray, is_target: np.ndarray, number: np.ndarray, degree: np.ndarray) -> np.ndarray:
    """Number vertices by falling degree, those that are no target first: their degree is infinite.

    Fills ``number`` and ``degree``, and returns how many vertices have at least each degree.
    """
    n = len(is_target)
    count = np.zeros(n, dtype=np.int32)
    for i in range(2):
        for x in pairs[i]:
            count[x] += 1
    infinite = 1
    for x in range(n):
        if is_target[x]:
            infinite = max(infinite, count[x] + 1)
    cut = np.zeros(infinite + 2, dtype=np.int32)
    for x in range(n):
        if not is_target[x]:
            count[x] = infinite
        cut[count[x]] += 1
    for d in range(infinite, -1, -1):
        cut[d] += cut[d + 1]
    # Vertices of degree d get the numbers from cut[d + 1] up to cut[d].
    following = cut[1:].copy()
    for x in range(n):
        number[x] = following[count[x]]
        degree[number[x]] = count[x]
        following[count[x]] += 1
    return cut
