"""The end of an order: a graph of stars, whose edges all isolate a vertex."""

from __future__ import annotations

import numpy as np

from wis.engine.task import Task


def order_of_stars(task: Task, order: np.ndarray) -> np.ndarray:
    """What follows the beginning of an order that leaves only stars, where all vertices count.

    The larger the star, the better the key of its edges, which are equal. So of all stars with the most edges, the edge
    that is first by priority goes; then those stars are one edge smaller.

    Parameters
    ----------
    task
        At any depth, undirected, with ``chunk`` 1 and no targets.
    order
        int64: positions of the pairs that are gone.

    Returns
    -------
    np.ndarray
        int64, positions of all other pairs, first removed first. O(m log m) time.
    """
    left = np.delete(np.arange(task.edges.num_pairs), order)
    ends = task.edges.pairs[:, left]
    degrees = np.bincount(ends.ravel(), minlength=task.edges.num_nodes)[ends]
    hub = np.where(degrees[0] >= degrees[1], ends[0], ends[1])
    priority = task.priorities()[left]
    grouped = np.lexsort((priority, hub))
    begins = np.flatnonzero(np.diff(hub[grouped], prepend=-1))
    place = np.arange(len(left)) - np.repeat(begins, np.diff(begins, append=len(left)))
    size = np.empty(len(left), dtype=np.int64)
    # The edge at place i of its star goes when i others have gone, from a star that much smaller.
    size[grouped] = degrees.max(axis=0)[grouped] - place
    return left[np.lexsort((priority, -size))]
