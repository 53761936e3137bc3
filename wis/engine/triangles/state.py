"""What the kernels of 2-WIS work on, where triangles are listed or searched for.

The key of an edge is stored as its first ``WIDTH`` *tokens* (`keys`), upper bounds of what it is now. Where these do
not tell two edges apart, the edge has a *snapshot* for the rest (`snapshots`). Its triangles come from `apexes`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.triangles.edge_table import COUNT, HEAD, LOWEST, TAIL, fallen
from wis.kernels import inlined

# Tokens stored for an edge.
WIDTH = 5

# Distinct apex values from which they are computed.
NEAR = 6

# Columns of a key: where the entries of the edge begin, and its tokens.
START, TOKENS, KEY_COLUMNS = 0, 1, 1 + WIDTH

# Of an edge without triangles, in place of the start: its children in its group (see `groups`).
CHILDREN = START

# Columns of an entry, a triangle at an edge: which arc of the tail leads to its third vertex, which one of the head.
AT_TAIL, AT_HEAD, ENTRY_COLUMNS = range(3)

# Columns of a triangle of the edge that goes: its third vertex, and its edges to the tail and to the head.
APEX, TAIL_EDGE, HEAD_EDGE, GOING_COLUMNS = range(4)

# Columns of a run of equal apex values: the value, and how many apexes have it.
VALUE, TIMES, RUN_COLUMNS = range(3)

# Columns of a vertex: where its arcs begin and end, and how many of them are of removed edges.
BEGIN, END_OF, DEAD, PLACE_COLUMNS = range(4)

# The bucket of an edge that is in the heap.
IN_HEAP = -1

# Counters: edges in the heap, the lowest bucket that was opened, rounds so far, edges chosen so far, triangles left,
# numbers of the pool of snapshots that are used, and WIDTH tokens just computed.
SIZE, FLOOR, ROUND, DONE, TRIANGLES, USED, FRESH = range(7)
COUNTERS = FRESH + WIDTH


class State(NamedTuple):
    """Everything the kernels work on: ``n`` vertices, ``m`` edges, ``t`` triangles, up to ``k`` of them at an edge."""

    free: int  # the value of a vertex that does not count (no target); larger than all others
    shift: int  # a bucket is a value without this many of its low bits
    searched: bool  # whether triangles are searched for; else all of them are listed
    value: np.ndarray  # int64 [n]: 1 + 3 * degree + 2 * triangles
    edge: np.ndarray  # int32 [m, COLUMNS]: see `edge_table`
    key: np.ndarray  # int64 [m, KEY_COLUMNS]: see above
    entries: np.ndarray  # of `entry_type`, [., ENTRY_COLUMNS]: listed, 3 t; searched, k: of the edge last looked at
    going: np.ndarray  # int32 [k, GOING_COLUMNS]: triangles of the edge that goes
    place: np.ndarray  # int64 [n, PLACE_COLUMNS]: see above
    arcs: np.ndarray  # uint32 [2 m]: neighbours, sorted for each vertex: 2 * vertex, and 1 more if removed
    arc_edge: np.ndarray  # int32 [2 m]: edges of the arcs
    snapshot: np.ndarray  # int64: see `snapshots`
    pool: int  # how much of it is for edges that wait
    runs: np.ndarray  # int64 [k + NEAR, RUN_COLUMNS]: for evaluation, see above
    first: np.ndarray  # int32 [buckets]: first edge of each bucket, -1 for none
    group: np.ndarray  # int32 [n]: the edge that stands for the group of a vertex, -1 for none
    group_value: np.ndarray  # int64 [n]: the value of the other ends of its edges when they came
    heap: np.ndarray  # int32 [m]
    counters: np.ndarray  # int64 [COUNTERS]: see above


def entry_type(most_neighbours: int) -> np.dtype:
    """The type of entries where no vertex has more neighbours: the smaller one that tells so many arcs apart."""
    return np.dtype(np.uint16 if most_neighbours <= 1 << 16 else np.uint32)


@inlined
def upper_bound(s: State, e: int) -> int:
    """No smaller than the first value of the key, in constant time."""
    bound = min(fallen(s, s.edge[e, TAIL], s.edge[e, COUNT]), fallen(s, s.edge[e, HEAD], s.edge[e, COUNT]))
    if s.edge[e, LOWEST] >= 0:
        x = s.value[s.edge[e, LOWEST]]
        if x != s.free:
            bound = min(bound, x - 2)
    return bound
