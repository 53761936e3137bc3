"""The end of an order by levels: a graph of stars, whose edges all isolate a vertex."""

from __future__ import annotations

import numpy as np

from wis.engine.walks.levels.state import DONE, State


def order_of_stars(s: State) -> np.ndarray:
    """The order of the edges of a graph of stars, where all vertices count.

    The larger the star, the better the key of its edges, which are equal. So of all stars with the most edges, the edge
    that is first by priority goes; then those stars are one edge smaller.
    """
    left = np.ones(len(s.tail), dtype=bool)
    left[s.order[: s.counters[DONE]]] = False
    left = np.flatnonzero(left)
    ends = np.stack([s.tail[left], s.head[left]])
    degrees = s.degree[ends]
    hub = np.where(degrees[0] >= degrees[1], ends[0], ends[1])
    priority = s.heap.priority[left]
    grouped = np.lexsort((priority, hub))
    begins = np.flatnonzero(np.diff(hub[grouped], prepend=-1))
    place = np.arange(len(left)) - np.repeat(begins, np.diff(begins, append=len(left)))
    size = np.empty(len(left), dtype=np.int64)
    # The edge at place i of its star goes when i others have gone, from a star that much smaller.
    size[grouped] = degrees.max(axis=0)[grouped] - place
    return left[np.lexsort((priority, -size))]
