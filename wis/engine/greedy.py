"""The exact greedy loop for any depth, both objectives, directed or not.

A lazy queue over upper bounds. The first value of an edge's key is the smallest new value among the vertices that lose
walks with it. New values never rise when other edges go, so a bound from an earlier evaluation stands as long as the
vertex that gave it still loses walks with the edge. One walk over the vertex and the edge proves that: its edges are
kept as the *witness* of the bound, and only when one of them is removed the bound is given up. Entries after the first
can also get better when an edge that shares a walk is removed, so those of all such edges are forgotten. Everything
else that is stale is an upper bound still, and is brought up to date when it reaches the top of the queue.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from wis.engine.losses import (
    Graph,
    clear,
    closed_losses,
    drop_arcs,
    find_ahead,
    in_degree,
    make_around,
    make_graph,
    open_loss,
    open_losses,
)
from wis.engine.quadrangles import (
    Wedges,
    drop_wedges,
    make_wedges,
    no_wedges,
    num_block_entries,
    square_losses,
)
from wis.engine.queue import (
    UNHARMFUL,
    compare_keys,
    make_queue,
    may_differ,
    move_down,
    move_up,
    remove,
    second_bound,
)
from wis.graphs import EdgeList
from wis.progress import track

# The losses that the loop works with.
_CLOSED, _SQUARES, _OPEN = 0, 1, 2

# Blocks of common neighbours take 4 to 6 bytes an entry: at most 768 MiB.
_MAX_BLOCK_ENTRIES = 1 << 27

# Vertices visited in one slice of the loop: some hundredths of a second, so that Ctrl-C and progress come through.
_SLICE = 1_000_000


class State(NamedTuple):
    """What the loop knows beside the graph and the queue.

    Attributes
    ----------
    kind
        int64 ``[1]``: which losses, see above.
    wedges
        Common neighbours, empty unless they are used.
    value
        int64 ``[n]``: the walk index of every vertex in the graph that is left.
    reach
        int64 ``[n, L + 1]``: walks of every length from every vertex; ``[0, 0]`` for closed walks.
    is_target
        bool ``[n]``: whether the value counts.
    witness
        int32 ``[m, L - 1]``: edges of a walk that proves the bound, -1 where there are fewer.
    checked
        int64 ``[m]``: the clock at the last evaluation.
    order
        int64 ``[limit]``: the result.
    clock, removed, chosen, loaded
        int64 ``[1]``: number of evaluations of the whole graph so far (one a chunk); edges removed; edges chosen;
        the edge whose losses are in the scratch space, -1 if none.
    old, new
        int64 ``[n]``: scratch for values before and after a removal.
    tied
        int32 ``[m]``: scratch for edges with equal keys.
    key_values, key_counts
        int64 ``[2, 2 n]``: scratch for two whole keys.
    """

    kind: np.ndarray
    wedges: Wedges
    value: np.ndarray
    reach: np.ndarray
    is_target: np.ndarray
    witness: np.ndarray
    checked: np.ndarray
    order: np.ndarray
    clock: np.ndarray
    removed: np.ndarray
    chosen: np.ndarray
    loaded: np.ndarray
    old: np.ndarray
    new: np.ndarray
    tied: np.ndarray
    key_values: np.ndarray
    key_counts: np.ndarray


def greedy_order(
    edges: EdgeList,
    value: np.ndarray,
    reach: np.ndarray,
    *,
    depth: int,
    is_target: np.ndarray | None,
    priority: np.ndarray | None,
    chunk: int,
    limit: int,
    progress: bool,
) -> np.ndarray:
    """Run the loop from the values of the whole graph; the other arguments are those of every engine module."""
    if limit == 0:
        return np.empty(0, dtype=np.int64)
    n, m = edges.num_nodes, edges.num_pairs
    graph = make_graph(edges)
    kind = _OPEN if len(reach) else _SQUARES if _is_square(edges, graph, depth) else _CLOSED
    wedges = no_wedges()
    if kind == _SQUARES:
        wedges = make_wedges(graph)
    around = make_around(n, depth, with_walks=kind != _SQUARES)
    targets = np.ones(n, dtype=np.bool_) if is_target is None else is_target
    state = State(
        kind=np.array([kind]),
        wedges=wedges,
        value=value,
        reach=reach,
        is_target=targets,
        witness=np.full((m, depth - 1), -1, dtype=np.int32),
        checked=np.full(m, -1, dtype=np.int64),
        order=np.empty(limit, dtype=np.int64),
        clock=np.zeros(1, dtype=np.int64),
        removed=np.zeros(1, dtype=np.int64),
        chosen=np.zeros(1, dtype=np.int64),
        loaded=np.full(1, -1, dtype=np.int64),
        old=np.empty(n, dtype=np.int64),
        new=np.empty(n, dtype=np.int64),
        tied=np.empty(m, dtype=np.int32),
        key_values=np.empty((2, 2 * n), dtype=np.int64),
        key_counts=np.empty((2, 2 * n), dtype=np.int64),
    )
    bound = np.empty(m, dtype=np.int64)
    _fill_bounds(graph, state, bound)
    queue = make_queue(bound, priority)
    with track(limit, f"{depth - 1}-WIS", enabled=progress) as advance:
        while state.removed[0] < limit:
            before = state.removed[0]
            _run(graph, queue, around, state, chunk, _SLICE)
            advance(int(state.removed[0] - before))
    return state.order


def _is_square(edges: EdgeList, graph: Graph, depth: int) -> bool:
    """Whether the faster losses for closed walks of length 4 apply and fit into memory."""
    small = num_block_entries(graph.stop - graph.start) <= _MAX_BLOCK_ENTRIES
    return depth == 4 and not edges.directed and small


@njit(cache=True, nogil=True)
def _run(graph, queue, around, state, chunk, budget):
    """Go on until all is done or the budget is spent."""
    limit = len(state.order)
    while budget > 0 and state.removed[0] < limit:
        if state.chosen[0] == min(state.removed[0] + chunk, limit):
            budget -= _remove_chosen(graph, queue, around, state)
            continue
        e = queue.heap[0]
        second = second_bound(queue)
        if state.checked[e] == state.clock[0] and (queue.ranked[e] or queue.bound[e] > second):
            if queue.bound[e] == second and _is_open_tie(queue, e):
                e, cost = _settle_tie(graph, queue, around, state, e)
                budget -= cost
            if e >= 0:
                remove(queue, e)
                state.order[state.chosen[0]] = e
                state.chosen[0] += 1
            continue
        _load(graph, around, state, e)
        budget -= around.size[0]
        _update(graph, queue, around, state, e, second)
        move_down(queue, e)


@njit(cache=True, nogil=True)
def _load(graph, around, state, e):
    """Put the losses of edge e into the scratch space."""
    if state.loaded[0] == e:
        return
    if state.kind[0] == _SQUARES:
        square_losses(graph, state.wedges, e, state.value, around)
    else:
        clear(around)
        if state.kind[0] == _OPEN:
            open_losses(graph, e, state.reach, around)
        else:
            closed_losses(graph, e, state.value, around)
    state.loaded[0] = e


@njit(cache=True, nogil=True)
def _update(graph, queue, around, state, e, rival):
    """Set bound and witness of the loaded edge, and its entries if the bound equals the rival's."""
    affected, first, nearest = _collect(around, state)
    queue.bound[e] = first
    state.checked[e] = state.clock[0]
    _find_witness(graph, around, state, e, nearest)
    queue.ranked[e] = first == rival
    if queue.ranked[e]:
        width, whole = _make_key(state, affected, queue.values[e], queue.counts[e])
        queue.width[e] = width
        queue.whole[e] = whole


@njit(cache=True, nogil=True)
def _collect(around, state):
    """Collect old and new values of the targets that lose walks.

    Returns how many there are, the smallest new one, and where in the ball the first vertex with it is (-1: none).
    """
    affected = 0
    first = UNHARMFUL
    nearest = -1
    for i in range(around.size[0]):
        t = around.ball[i]
        loss = around.loss[t]
        if loss > 0 and state.is_target[t]:
            new = state.value[t] - loss
            state.old[affected] = state.value[t]
            state.new[affected] = new
            affected += 1
            if new < first:
                first = new
                nearest = i
    return affected, first, nearest


@njit(cache=True, nogil=True)
def _make_key(state, affected, values, counts):
    """The entries of the key as far as there is room; how many; whether these are all."""
    old = state.old[:affected]
    new = state.new[:affected]
    _sort(old)
    _sort(new)
    width = 0
    i, j = 0, 0
    while i < affected or j < affected:
        x = old[i] if j == affected or (i < affected and old[i] < new[j]) else new[j]
        count = 0
        while j < affected and new[j] == x:
            count += 1
            j += 1
        while i < affected and old[i] == x:
            count -= 1
            i += 1
        if count == 0:
            continue
        if width == len(values):
            return width, False
        values[width] = x
        counts[width] = count
        width += 1
    return width, True


@njit(cache=True, nogil=True)
def _sort(values):
    if len(values) > 32:
        values.sort()
        return
    for i in range(1, len(values)):
        x = values[i]
        j = i - 1
        while j >= 0 and values[j] > x:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = x


@njit(cache=True, nogil=True)
def _find_witness(graph, around, state, e, i):
    """Edges, other than e, of one walk over e and the i-th vertex of the ball (see the top of this file)."""
    witness = state.witness[e]
    witness[:] = -1
    if i < 0:
        return
    t = around.ball[i]
    if state.kind[0] == _SQUARES:
        witness[0] = around.ahead[i]
        return
    if _always_affected(graph, e, t):
        return
    steps = around.walks.shape[0] - 1
    if state.kind[0] == _OPEN:
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
    for k in range(steps + 1):
        if around.walks[k, t, 0] > 0:
            if around.walks[steps - k, t, 1] > 0:
                used = _trace(graph, around.walks, t, k, 0, witness, 0)
                _trace_back(graph, around.walks, t, steps - k, witness, used)
            return


@njit(cache=True, nogil=True)
def _always_affected(graph, e, t):
    """Whether vertex t loses walks with edge e whatever else is removed."""
    if graph.directed[0]:
        return t == graph.head[e] and in_degree(graph, t) == 1
    return t == graph.tail[e] or t == graph.head[e]


@njit(cache=True, nogil=True)
def _trace(graph, walks, t, length, side, witness, used):
    """Append the edges of a shortest of the walks from t; return how many are used, -1 if there is no walk."""
    if walks[length, t, side] == 0:
        return -1
    for k in range(length, 0, -1):
        if walks[k - 1, t, side] > 0:
            continue
        for at in range(graph.start[t], graph.stop[t]):
            if walks[k - 1, graph.to[at], side] > 0:
                witness[used] = graph.pair[at]
                used += 1
                t = graph.to[at]
                break
    return used


@njit(cache=True, nogil=True)
def _trace_back(graph, walks, t, length, witness, used):
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


@njit(cache=True, nogil=True)
def _is_open_tie(queue, e):
    """Whether the first edge and one behind it agree in all stored entries, and these are not the whole keys."""
    for at in range(1, min(3, queue.size[0])):
        f = queue.heap[at]
        if queue.bound[f] == queue.bound[e] and queue.ranked[f] and may_differ(queue, e, f):
            return True
    return False


@njit(cache=True, nogil=True)
def _settle_tie(graph, queue, around, state, e):
    """Compare whole keys of all edges that agree with e in the stored entries.

    Returns the best of them, or -1 if one was found out of date and moved in the queue; and the vertices visited.
    """
    tied = state.tied
    tied[0] = e
    size = 1
    cost = 0
    i = 0
    while i < size:
        at = queue.position[tied[i]]
        i += 1
        for child in range(2 * at + 1, min(2 * at + 3, queue.size[0])):
            f = queue.heap[child]
            if queue.bound[f] == queue.bound[e] and queue.ranked[f] and may_differ(queue, e, f):
                if state.checked[f] != state.clock[0]:
                    _load(graph, around, state, f)
                    _update(graph, queue, around, state, f, queue.bound[f])
                    move_down(queue, f)
                    return -1, around.size[0]
                tied[size] = f
                size += 1
    best = -1
    best_width = 0
    slot = 0
    for i in range(size):
        f = tied[i]
        _load(graph, around, state, f)
        cost += around.size[0]
        affected, _, _ = _collect(around, state)
        width, _ = _make_key(state, affected, state.key_values[slot], state.key_counts[slot])
        order = 1
        if best >= 0:
            order = compare_keys(
                state.key_values[slot], state.key_counts[slot], width,
                state.key_values[1 - slot], state.key_counts[1 - slot], best_width,
            )  # fmt: skip
        if order > 0 or (order == 0 and queue.priority[f] < queue.priority[best]):
            best = f
            best_width = width
            slot = 1 - slot
    return best, cost


@njit(cache=True, nogil=True)
def _remove_chosen(graph, queue, around, state):
    """Remove the chosen edges from the graph; return the vertices visited."""
    cost = 0
    for i in range(state.removed[0], state.chosen[0]):
        e = state.order[i]
        _load(graph, around, state, e)
        cost += around.size[0]
        _lower_values(graph, around, state, e)
        if state.kind[0] == _SQUARES:
            drop_wedges(graph, state.wedges, e)
        else:
            drop_arcs(graph, e)
        _forget_around(graph, queue, around, state, e)
        state.loaded[0] = -1
    state.removed[0] = state.chosen[0]
    state.clock[0] += 1
    return cost


@njit(cache=True, nogil=True)
def _lower_values(graph, around, state, e):
    for i in range(around.size[0]):
        x = around.ball[i]
        state.value[x] -= around.loss[x]
    # Longest walks first: their losses are made of the shorter walks before the removal.
    for length in range(state.reach.shape[1] - 1, 0, -1):
        for i in range(around.size[0]):
            x = around.ball[i]
            state.reach[x, length] -= open_loss(graph, e, state.reach, around, x, length)


@njit(cache=True, nogil=True)
def _forget_around(graph, queue, around, state, e):
    """Give up what the removal of edge e may have made too low: see the top of this file."""
    if state.kind[0] == _SQUARES:
        _forget_squares(graph, queue, around, state, e)
        return
    if state.kind[0] == _CLOSED:
        for i in range(around.size[0]):
            x = around.ball[i]
            for at in range(graph.start[x], graph.stop[x]):
                if around.distance[graph.to[at]] > 0:
                    _forget(graph, queue, state, graph.pair[at], e)
        return
    length = around.walks.shape[0]
    for i in range(around.ring_end[length - 2]):
        x = around.ball[i]
        for at in range(graph.back_start[x], graph.back_stop[x]):
            _forget(graph, queue, state, graph.back_pair[at], e)
    if graph.directed[0]:
        for i in range(find_ahead(graph, graph.head[e], length - 2, around)):
            x = around.ahead[i]
            for at in range(graph.start[x], graph.stop[x]):
                _forget(graph, queue, state, graph.pair[at], e)


@njit(cache=True, nogil=True)
def _forget_squares(graph, queue, around, state, e):
    """Edges next to e, and those opposite to it in a cycle of four."""
    u, v = graph.tail[e], graph.head[e]
    work_u, work_v = 0, 0
    for at in range(graph.start[u], graph.stop[u]):
        x = graph.to[at]
        work_u += graph.stop[x] - graph.start[x]
        _forget(graph, queue, state, graph.pair[at], e)
    for at in range(graph.start[v], graph.stop[v]):
        x = graph.to[at]
        work_v += graph.stop[x] - graph.start[x]
        _forget(graph, queue, state, graph.pair[at], e)
    if work_u > work_v:
        u, v = v, u
    marked = around.is_ahead
    for at in range(graph.start[v], graph.stop[v]):
        marked[graph.to[at]] = True
    for at in range(graph.start[u], graph.stop[u]):
        x = graph.to[at]
        for opposite in range(graph.start[x], graph.stop[x]):
            if marked[graph.to[opposite]]:
                _forget(graph, queue, state, graph.pair[opposite], e)
    for at in range(graph.start[v], graph.stop[v]):
        marked[graph.to[at]] = False


@njit(cache=True, nogil=True)
def _forget(graph, queue, state, f, e):
    changed = queue.ranked[f]
    queue.ranked[f] = False
    for i in range(state.witness.shape[1]):
        if state.witness[f, i] < 0:
            break
        if state.witness[f, i] == e:
            queue.bound[f] = _easy_bound(graph, state, f)
            state.witness[f, 0] = -1
            changed = True
    if changed and queue.position[f] >= 0:
        move_up(queue, f)


@njit(cache=True, nogil=True)
def _easy_bound(graph, state, e):
    """An upper bound of the first value of the key that needs no witness: both ends of a pair always lose walks."""
    bound = UNHARMFUL
    if not graph.directed[0]:
        u, v = graph.tail[e], graph.head[e]
        if state.is_target[u]:
            bound = state.value[u] - 1
        if state.is_target[v]:
            bound = min(bound, state.value[v] - 1)
    return bound


@njit(cache=True, nogil=True)
def _fill_bounds(graph, state, bound):
    for e in range(len(bound)):
        bound[e] = _easy_bound(graph, state, e)
