"""Walk Index Sparsification for vertex subsets, by the definition (docs/engine.md, section 1); for small graphs."""

from __future__ import annotations

import numpy as np

from wis.engine.task import Task
from wis.kernels import compiled
from wis.progress import track


def removal_order(task: Task) -> np.ndarray:
    """Exact greedy removal that keeps up the walk indices of vertex subsets.

    General version of Algorithm 1 of Razin, Verbin, Cohen (NeurIPS 2023). Every candidate of every step is evaluated
    anew: O(m) time for each, length and subset, so O(L * subsets * m^3) for a whole order.
    """
    partitions = task.partitions or []
    (tail, head), m, limit = task.edges.pairs, task.edges.num_pairs, task.limit
    inside, is_target = np.zeros((2, len(partitions), task.edges.num_nodes), dtype=np.bool_)
    for i, (subset, targets) in enumerate(partitions):
        inside[i, subset] = True
        is_target[i, targets] = True
    by_target = task.objective == "vertex"
    size = int(is_target.sum()) if by_target else len(partitions)
    left = np.argsort(task.priorities())
    alive = np.ones(m, dtype=np.bool_)
    order = np.empty(limit, dtype=np.int64)
    done = 0
    with track(limit, "WIS of partitions", enabled=task.progress) as advance:
        while done < limit:
            keys = np.empty((len(left), size), dtype=np.int64)
            for key, e in zip(keys, left, strict=True):
                alive[e] = False
                _walk_indices(tail, head, alive, task.edges.directed, inside, is_target, task.depth, by_target, key)
                alive[e] = True
            keys.sort(axis=1)
            # The last key of lexsort is the first to decide; it is stable, so ties stay in the order of `left`.
            best = np.lexsort(-keys.T[::-1])[: min(task.chunk, limit - done)]
            order[done : done + len(best)] = left[best]
            alive[left[best]] = False
            left = np.delete(left, best)
            done += len(best)
            advance(len(best))
    return order


@compiled
def _walk_indices(
    tail: np.ndarray,
    head: np.ndarray,
    alive: np.ndarray,
    directed: bool,
    inside: np.ndarray,
    is_target: np.ndarray,
    depth: int,
    by_target: bool,
    result: np.ndarray,
) -> None:
    """Fill ``result`` with the walk indices of all subsets, subset by subset and target by target."""
    n = inside.shape[1]
    size = 0
    for i in range(len(inside)):
        subset = inside[i]
        walks = np.zeros(n, dtype=np.int64)
        for e in range(len(tail)):
            if alive[e] and subset[tail[e]] != subset[head[e]]:
                walks[head[e]] = 1
                if not directed:
                    walks[tail[e]] = 1
        for _ in range(depth - 1):
            longer = walks.copy()
            for e in range(len(tail)):
                if alive[e]:
                    longer[head[e]] += walks[tail[e]]
                    if not directed:
                        longer[tail[e]] += walks[head[e]]
            walks = longer
        if not by_target:
            result[size] = walks.sum()
            size += 1
            continue
        for t in range(n):
            if is_target[i, t]:
                result[size] = walks[t]
                size += 1
