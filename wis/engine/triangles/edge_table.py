"""What both ways of 2-WIS, by lists and by rows of bits, store of an edge, and the buckets that edges wait in.

The columns of an edge stand in one row of one table: whatever comes up is an edge, and a row is one line of the cache.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wis.engine.task import Task
from wis.kernels import inlined

# Value 4 = 1 + 3 * 1: a vertex with a single neighbour, which falls to 0.
_LEAF = 4

# The value of a vertex that does not count; larger than all that fit into memory, and tokens hold no more.
FREE = 1 << 37

# Columns of an edge: endpoints, the smaller first; priority, the smaller wins a tie; number of its triangles; entries
# stored, those of removed triangles included; the apex with the lowest value if that bounds the key, -1 if an endpoint
# does; the round in which the key was last computed; where the snapshot for the rest of it is, -1 for none; which
# bucket it is in, or a negative number if none; the previous edge of the bucket, or the position elsewhere; the next
# edge of the bucket, -1 for none.
TAIL, HEAD, PRIORITY, COUNT, LENGTH, LOWEST, STAMP, SNAPSHOT, BUCKET, BEFORE, AFTER, COLUMNS = range(12)

# Of an edge without triangles, which needs no length: the vertex whose group it is in (see `groups`), -1 for none.
HUB = LENGTH

# The bucket of an edge that was chosen.
GONE = -2


class State(Protocol):
    """What the states of both ways have in common."""

    @property
    def free(self) -> int:
        """``FREE``."""

    @property
    def value(self) -> np.ndarray:
        """The walk index of every vertex, int64 ``[n]``; ``free`` if it does not count."""

    @property
    def edge(self) -> np.ndarray:
        """int32 ``[m, COLUMNS]``."""

    @property
    def first(self) -> np.ndarray:
        """The first edge of every bucket, int32; -1 for none."""


def edge_table(task: Task, count: np.ndarray) -> np.ndarray:
    """The columns of edges of which nothing is known but their triangles: int32 ``[m, COLUMNS]``."""
    edge = np.empty((len(count), COLUMNS), dtype=np.int32)
    edge[:, TAIL], edge[:, HEAD] = task.edges.pairs
    edge[:, PRIORITY] = task.priorities()
    edge[:, COUNT] = edge[:, LENGTH] = count
    edge[:, LOWEST] = edge[:, STAMP] = edge[:, SNAPSHOT] = -1
    return edge


@inlined
def fallen(s: State, vertex: int, count: int) -> np.int64:
    """Value of an endpoint once its edge with ``count`` triangles is gone."""
    x = s.value[vertex]
    if x == s.free:
        return x
    return np.int64(0) if x == _LEAF else x - 3 - 2 * np.int64(count)


@inlined
def into_bucket(s: State, e: int, bucket: int) -> None:
    """Put an edge that is nowhere into a bucket."""
    other = s.first[bucket]
    s.edge[e, BUCKET] = bucket
    s.edge[e, BEFORE] = -1
    s.edge[e, AFTER] = other
    s.first[bucket] = e
    if other >= 0:
        s.edge[other, BEFORE] = e


@inlined
def out_of_bucket(s: State, e: int) -> None:
    """Take an edge out of its bucket."""
    before, after = s.edge[e, BEFORE], s.edge[e, AFTER]
    if before >= 0:
        s.edge[before, AFTER] = after
    else:
        s.first[s.edge[e, BUCKET]] = after
    if after >= 0:
        s.edge[after, BEFORE] = before
