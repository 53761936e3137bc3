"""Vertex prediction at any depth, directed or not: the tuple of closed walks of length L."""

from __future__ import annotations

import numpy as np

from wis.engine.task import Task
from wis.engine.walk_counts import closed_walks
from wis.engine.walks.greedy import greedy_order


def removal_order(task: Task) -> np.ndarray:
    """Exact greedy (L-1)-WIS for vertex prediction, by way of closed walks.

    One evaluation visits the edges within distance ``(L - 1) / 2`` of an edge; memory O(L (n + m)). Razin, Verbin,
    Cohen (NeurIPS 2023), Algorithm 1.
    """
    return greedy_order(task, closed_walks(task.edges, task.depth), np.empty((0, 0), dtype=np.int64))
