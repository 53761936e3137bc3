"""The exact greedy loop for any depth, both objectives, directed or not.

A lazy queue over upper bounds (docs/engine.md, sections 5, 6 and 9). One walk over an edge and the vertex that gives
its key the first value proves that this value still is a bound: the edges of the walk are kept as the *witness*, and
only when one of them is removed the bound is given up. Entries after the first can also get better when an edge that
shares a walk is removed, so those of all such edges are forgotten. Everything else that is stale is an upper bound
still, and is brought up to date when it reaches the top of the queue.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.keys import UNHARMFUL, compare_keys, make_key
from wis.engine.task import Task
from wis.engine.walks.losses import (
    CLOSED,
    REACH,
    Around,
    Graph,
    clear,
    closed_losses,
    collect_values,
    drop_arcs,
    find_ahead,
    make_around,
    make_graph,
    reach_loss,
    reach_losses,
)
from wis.engine.walks.queue import Queue, make_queue, may_differ, move_down, move_up, remove, second_bound
from wis.engine.walks.witness import find_witness
from wis.kernels import kernel
from wis.progress import track

# Vertices visited in one slice of the loop: some hundredths of a second, so that Ctrl-C and progress come through.
_SLICE = 1_000_000


class State(NamedTuple):
    """What the loop knows beside the graph and the queue.

    Attributes
    ----------
    kind
        int64 ``[1]``: ``CLOSED`` or ``REACH``.
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
        int32 ``[limit]``: the result.
    clock, removed, chosen, loaded
        int64 ``[1]``: number of evaluations of the whole graph so far (one a chunk); edges removed; edges chosen;
        the edge whose losses are in the scratch space, -1 if none.
    old, new
        int64 ``[n]``: scratch for values before and after a removal.
    tied
        int32 ``[m]``: scratch for edges with equal keys.
    key_values, key_counts
        int64 and int32 ``[2, 2 n]``: scratch for two whole keys.
    """

    kind: np.ndarray
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


def greedy_order(task: Task, value: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Run the loop from the values and the reach (see :class:`State`) of the whole graph."""
    edges, depth, limit = task.edges, task.depth, task.limit
    if limit == 0:
        return np.empty(0, dtype=np.int64)
    n, m = edges.num_nodes, edges.num_pairs
    graph = make_graph(edges)
    kind = REACH if len(reach) else CLOSED
    around = make_around(n, depth)
    state = State(
        kind=np.array([kind]),
        value=value,
        reach=reach,
        is_target=task.targets(),
        witness=np.full((m, depth - 1), -1, dtype=np.int32),
        checked=np.full(m, -1, dtype=np.int64),
        order=np.empty(limit, dtype=np.int32),
        clock=np.zeros(1, dtype=np.int64),
        removed=np.zeros(1, dtype=np.int64),
        chosen=np.zeros(1, dtype=np.int64),
        loaded=np.full(1, -1, dtype=np.int64),
        old=np.empty(n, dtype=np.int64),
        new=np.empty(n, dtype=np.int64),
        tied=np.empty(m, dtype=np.int32),
        key_values=np.empty((2, 2 * n), dtype=np.int64),
        key_counts=np.empty((2, 2 * n), dtype=np.int32),
    )
    # No evaluation yet: bounds that need none are enough to begin with.
    bound = np.empty(m, dtype=np.int64)
    _fill_bounds(graph, state, bound)
    queue = make_queue(bound, task.priorities())
    with track(limit, task.name, enabled=task.progress) as advance:
        while state.removed[0] < limit:
            before = state.removed[0]
            _run(graph, queue, around, state, task.chunk, _SLICE)
            advance(int(state.removed[0] - before))
    return state.order.astype(np.int64)


@kernel
def _run(graph: Graph, queue: Queue, around: Around, state: State, chunk: int, budget: int) -> None:
    """Go on until all is done or the budget is spent."""
    limit = len(state.order)
    while budget > 0 and state.removed[0] < limit:
        if state.chosen[0] == min(state.removed[0] + chunk, limit):
            budget -= _remove_chosen(graph, queue, around, state)
            continue
        e = queue.heap[0]
        second = second_bound(queue)
        # The top goes if its key is of this round, and either its bound is alone or its entries are stored, which have
        # put it before all others with that bound.
        if state.checked[e] == state.clock[0] and (queue.ranked[e] or queue.bound[e] > second):
            if queue.bound[e] == second and _is_undecided(queue, e):
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


@kernel
def _load(graph: Graph, around: Around, state: State, e: int) -> None:
    """Put the losses of edge e into the scratch space."""
    # The edge that was evaluated last is mostly the one that is removed next.
    if state.loaded[0] == e:
        return
    clear(around)
    if state.kind[0] == REACH:
        reach_losses(graph, e, state.reach, around)
    else:
        closed_losses(graph, e, state.value, around)
    state.loaded[0] = e


@kernel
def _update(graph: Graph, queue: Queue, around: Around, state: State, e: int, rival: int) -> None:
    """Set bound and witness of the loaded edge, and its entries if the bound equals the rival's."""
    affected, first, nearest = collect_values(around, state.value, state.is_target, state.old, state.new)
    queue.bound[e] = first
    state.checked[e] = state.clock[0]
    find_witness(graph, around, state.kind[0], e, nearest, state.witness[e])
    # Entries take a sort: they are made only where the first value ties.
    queue.ranked[e] = first == rival
    if queue.ranked[e]:
        width, whole = make_key(state.old[:affected], state.new[:affected], queue.values[e], queue.counts[e])
        queue.width[e] = width
        queue.whole[e] = whole


@kernel
def _is_undecided(queue: Queue, e: int) -> bool:
    """Whether the first edge and one behind it agree in all stored entries, and these are not the whole keys."""
    for at in range(1, min(3, queue.size[0])):
        f = queue.heap[at]
        if queue.bound[f] == queue.bound[e] and queue.ranked[f] and may_differ(queue, e, f):
            return True
    return False


@kernel
def _settle_tie(graph: Graph, queue: Queue, around: Around, state: State, e: int) -> tuple[int, int]:
    """Compare whole keys of all edges that agree with e in the stored entries.

    Returns the best of them, or -1 if one was found out of date and moved in the queue; and the vertices visited.
    """
    tied = state.tied
    tied[0] = e
    size = 1
    cost = 0
    i = 0
    # Edges that tie hang together below the top of the heap: what is between two of them ties as well.
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
    # The best key so far stays in its slot, and the next one goes into the other.
    slot = 0
    for i in range(size):
        f = tied[i]
        _load(graph, around, state, f)
        cost += around.size[0]
        affected, _, _ = collect_values(around, state.value, state.is_target, state.old, state.new)
        width, _ = make_key(state.old[:affected], state.new[:affected], state.key_values[slot], state.key_counts[slot])
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


@kernel
def _remove_chosen(graph: Graph, queue: Queue, around: Around, state: State) -> int:
    """Remove the chosen edges from the graph; return the vertices visited."""
    cost = 0
    for i in range(state.removed[0], state.chosen[0]):
        e = state.order[i]
        _load(graph, around, state, e)
        cost += around.size[0]
        # Losses are those of the graph with the edge, so values go first, then the arcs; and with the edge gone, only
        # others are forgotten.
        _lower_values(graph, around, state, e)
        drop_arcs(graph, e)
        _forget_around(graph, queue, around, state, e)
        # What is loaded is of the graph before.
        state.loaded[0] = -1
    state.removed[0] = state.chosen[0]
    state.clock[0] += 1
    return cost


@kernel
def _lower_values(graph: Graph, around: Around, state: State, e: int) -> None:
    for i in range(around.size[0]):
        x = around.ball[i]
        state.value[x] -= around.loss[x]
    # Longest walks first: their losses are made of the shorter walks before the removal.
    for length in range(state.reach.shape[1] - 1, 0, -1):
        for i in range(around.size[0]):
            x = around.ball[i]
            state.reach[x, length] -= reach_loss(graph, e, state.reach, around, x, length)


@kernel
def _forget_around(graph: Graph, queue: Queue, around: Around, state: State, e: int) -> None:
    """Give up what the removal of edge e may have made too low: see the top of this file."""
    if state.kind[0] == CLOSED:
        # Two edges on one closed walk each have both ends in the ball of the other.
        for i in range(around.size[0]):
            x = around.ball[i]
            for at in range(graph.start[x], graph.stop[x]):
                if around.distance[graph.to[at]] > 0:
                    _forget(graph, queue, state, graph.pair[at], e)
        return
    # A walk of length L over both edges has L - 2 steps at most between them.
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


@kernel
def _forget(graph: Graph, queue: Queue, state: State, f: int, e: int) -> None:
    changed = queue.ranked[f]
    # Entries may now be better than stored: without them the edge comes before all others of its bound.
    queue.ranked[f] = False
    for i in range(state.witness.shape[1]):
        if state.witness[f, i] < 0:
            break
        if state.witness[f, i] == e:
            # The vertex may have no other walk over the edge.
            queue.bound[f] = _easy_bound(graph, state, f)
            state.witness[f, 0] = -1
            changed = True
    if changed and queue.position[f] >= 0:
        # The bound that needs no witness may be smaller than a stale one.
        move_up(queue, f)
        move_down(queue, f)


@kernel
def _easy_bound(graph: Graph, state: State, e: int) -> int:
    """An upper bound of the first value of the key that needs no witness: both ends of a pair always lose walks."""
    bound = UNHARMFUL
    if not graph.directed[0]:
        u, v = graph.tail[e], graph.head[e]
        if state.is_target[u]:
            bound = state.value[u] - 1
        if state.is_target[v]:
            bound = min(bound, state.value[v] - 1)
    return bound


@kernel
def _fill_bounds(graph: Graph, state: State, bound: np.ndarray) -> None:
    for e in range(len(bound)):
        bound[e] = _easy_bound(graph, state, e)
