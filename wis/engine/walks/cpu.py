"""Vertex prediction at any depth, directed or not: the tuple of closed walks of length L."""

from __future__ import annotations

import numpy as np

from wis.engine.task import Task
from wis.engine.walk_counts import closed_walks
from wis.engine.walks import greedy
from wis.engine.walks.levels import loop
from wis.engine.walks.levels.wedges import fits


def removal_order(task: Task) -> np.ndarray:
    """Exact greedy (L-1)-WIS for vertex prediction, by way of closed walks.

    Depth 4 of undirected graphs, unless the squares of the degrees add up to more than 2^27: see
    :mod:`wis.engine.walks.levels.quadrangles`. Otherwise one evaluation visits the edges within distance
    ``(L - 1) / 2`` of an edge; memory O(L (n + m)). Razin, Verbin, Cohen (NeurIPS 2023), Algorithm 1.
    """
    by_levels = task.depth == 4 and not task.edges.directed and fits(task.edges)
    return (loop if by_levels else greedy).greedy_order(
        task, closed_walks(task.edges, task.depth), np.empty((0, 0), dtype=np.int64)
    )
