"""Graph prediction at any depth, directed or not: the tuple of walks of length L to anywhere."""

from __future__ import annotations

import numpy as np

from wis.engine.task import Task
from wis.engine.walk_counts import walks_by_length
from wis.engine.walks import greedy
from wis.engine.walks.levels import loop


def removal_order(task: Task) -> np.ndarray:
    """Exact greedy (L-1)-WIS for graph prediction.

    The walk index of ``{t}`` is the number of walks of length L from t, or, where t has no (in-)neighbour and is not in
    its own boundary, of those that leave t in their first step.

    Depth 2 and 3 of undirected graphs: see :mod:`wis.engine.walks.levels.loop`. Otherwise one evaluation visits the
    edges within distance ``L - 2`` of an edge; memory O(L (n + m)).
    """
    edges, depth = task.edges, task.depth
    reach = walks_by_length(edges, depth)
    ends = edges.pairs[1] if edges.directed else edges.pairs
    alone = np.bincount(ends.ravel(), minlength=edges.num_nodes) == 0
    value = reach[:, depth] - np.where(alone, reach[:, depth - 1], 0)
    by_levels = not edges.directed and depth in (2, 3)
    return (loop if by_levels else greedy).greedy_order(task, value, reach)
