"""Witnesses: the edges of one walk that proves that a vertex loses walks with an edge.

As long as none of them is removed, the vertex goes on losing walks with that edge.
"""

from __future__ import annotations

import numpy as np

from wis.engine.walks.losses import REACH, Around, Graph, in_degree
from wis.kernels import kernel


@kernel
def find_witness(graph: Graph, around: Around, kind: int, e: int, i: int, witness: np.ndarray) -> None:
    """Fill ``witness``, int32 ``[L - 1]``, with the edges of one walk over e and the i-th vertex of the ball.

    Edge e itself is left out, as it is of no use; the rest is filled up with -1. Position -1 is no vertex.
    """
    witness[:] = -1
    if i < 0:
        return
    t = around.ball[i]
    if _always_affected(graph, e, t):
        return
    steps = around.walks.shape[0] - 1
    if kind == REACH:
        for side in range(2):
            if _trace(graph, around.walks, t, steps, side, witness, 0) >= 0:
                return
        return
    if not graph.directed[0]:
        # There and back again; at the far side of an odd closed walk, there by one way and back by the other.
        nearest = around.distance[t] - 1
        used = _trace(graph, around.walks, t, nearest, 0, witness, 0)
        if used < 0 or 2 * nearest == steps:
            _trace(graph, around.walks, t, nearest, 1, witness, max(used, 0))
        return
    # The first k steps lead to u, over the edge, and the rest back from v.
    for k in range(steps + 1):
        if around.walks[k, t, 0] > 0:
            if around.walks[steps - k, t, 1] > 0:
                used = _trace(graph, around.walks, t, k, 0, witness, 0)
                _trace_back(graph, around.walks, t, steps - k, witness, used)
            return


@kernel
def _always_affected(graph: Graph, e: int, t: int) -> bool:
    """Whether vertex t loses walks with edge e whatever else is removed."""
    if graph.directed[0]:
        return t == graph.head[e] and in_degree(graph, t) == 1
    return t == graph.tail[e] or t == graph.head[e]


@kernel
def _trace(graph: Graph, walks: np.ndarray, t: int, length: int, side: int, witness: np.ndarray, used: int) -> int:
    """Append the edges of a shortest of the walks from t; return how many are used, -1 if there is no walk."""
    if walks[length, t, side] == 0:
        return -1
    for k in range(length, 0, -1):
        # A walk that is one step shorter leads there as well: the first step stays at t, and uses no edge.
        if walks[k - 1, t, side] > 0:
            continue
        for at in range(graph.start[t], graph.stop[t]):
            if walks[k - 1, graph.to[at], side] > 0:
                witness[used] = graph.pair[at]
                used += 1
                t = graph.to[at]
                break
    return used


@kernel
def _trace_back(graph: Graph, walks: np.ndarray, t: int, length: int, witness: np.ndarray, used: int) -> None:
    """Append the edges of a shortest of the walks from v to t, backwards (directed graphs)."""
    for k in range(length, 0, -1):
        if walks[k - 1, t, 1] > 0:
            continue
        for at in range(graph.back_start[t], graph.back_stop[t]):
            if walks[k - 1, graph.back_to[at], 1] > 0:
                witness[used] = graph.back_pair[at]
                used += 1
                t = graph.back_to[at]
                break
