"""The exact greedy loop, level by level, of undirected graphs: depth 4, and graph prediction at depth 2 and 3.

See docs/engine.md, sections 9 and 10.

The level of an edge, the smallest value that its removal leaves behind, never rises (``state``), and neither does
the highest level of all. So edges are filed by an upper bound of their level; when the work comes down to it, the bound
is looked at again, and those that still are at the level go into a heap, by the beginning of their keys. Both are upper
bounds of the truth at all times: what has fallen meanwhile is seen when it comes to the top.
"""

from __future__ import annotations

import numpy as np

from wis.engine.task import Task
from wis.engine.walks.levels import near_arcs, quadrangles, three_steps, two_steps, value_rows
from wis.engine.walks.levels.radix_queue import file_edge, make_queue, next_level
from wis.engine.walks.levels.stars import order_of_stars
from wis.engine.walks.levels.state import (
    BASE,
    CHOSEN,
    DONE,
    FREE,
    FULL,
    HORIZON,
    IS_WHOLE,
    LEAST_HORIZON,
    NUM_COUNTERS,
    ROUND,
    SIZE,
    SPAN,
    Quadrangles,
    State,
    ThreeSteps,
    TwoSteps,
    make_near,
)
from wis.engine.walks.levels.tie_keys import compare_with_held, hold, make_tie_keys
from wis.engine.walks.levels.value_rows import SMALL
from wis.engine.walks.levels.wedges import make_wedges, no_wedges
from wis.engine.walks.levels.word_heap import WORDS, agree, append, heapify, is_worse, make_heap, sift_down, store, take
from wis.engine.walks.levels.words import make_units
from wis.graphs.csr import build_csr
from wis.kernels import chosen_by_class, inlined, kernel
from wis.progress import track

# The horizon lies so far beyond the words at least.
_FAR = 1024

# Vertices visited in one slice of the loop: some hundredths of a second, so that Ctrl-C and progress come through.
_SLICE = 1_000_000


def greedy_order(task: Task, value: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Run the loop on an undirected graph.

    Parameters
    ----------
    task
        What is asked for: depth 4 for vertex prediction, 2 or 3 for graph prediction.
    value, reach
        int64 ``[n]`` and ``[n, L + 1]``: the walk index of every vertex; walks of every length from it, or ``[0, 0]``
        for vertex prediction.

    Notes
    -----
    Memory O(n + m), and for vertex prediction that of the wedges. Time: what a removal changes is looked at a few
    times for each removal, plus, for each edge, once for every level that it stays at.
    """
    limit = task.limit
    state = _prepare(task, value, reach[:, 2].copy() if len(reach) else value)
    _fill(state)
    # Where all vertices count, only stars are left at level 0.
    stars_last = task.is_target is None and task.chunk == 1
    done = 0
    with track(limit, task.name, enabled=task.progress) as advance:
        while True:
            advance(int(state.counters[DONE]) - done)
            done = int(state.counters[DONE])
            if done == limit:
                break
            if stars_last and state.queue.level[0] == 0:
                state.order[done:] = order_of_stars(task, state.order[:done])[: limit - done]
                state.counters[DONE] = limit
            else:
                _run(state, task.chunk, _SLICE, stars_last)
    return state.order.astype(np.int64)


def _prepare(task: Task, value: np.ndarray, sums: np.ndarray) -> State:
    edges, depth = task.edges, task.depth
    n, m = edges.num_nodes, edges.num_pairs
    start, to, pair = build_csr(edges)
    degree = np.diff(start)
    squares = depth == 4
    wedges = make_wedges(edges) if squares else no_wedges()
    value = np.append(value, FREE)
    value[:n][~task.targets()] = FREE
    tail, head = edges.pairs.astype(np.int32)
    unit, ones = make_units()
    counters = np.zeros(NUM_COUNTERS, dtype=np.int64)
    counters[LEAST_HORIZON] = SPAN + _FAR
    return {2: TwoSteps, 3: ThreeSteps, 4: Quadrangles}[depth](
        depth=depth,
        start=start[:-1],
        stop=start[1:].copy(),
        to=to,
        pair=pair,
        tail=tail,
        head=head,
        degree=degree,
        sums=sums,
        value=value,
        lowest=np.empty(n, dtype=np.int32),
        path=np.empty((n if depth == 3 else 0, 2), dtype=np.int32),
        wedges=wedges,
        near=make_near(n, m) if squares else make_near(0, 0),
        witness=np.full(m if squares else 0, -1, dtype=np.int32),
        queue=make_queue(m),
        heap=make_heap(task.priorities()),
        checked=np.full(m, -1, dtype=np.int64),
        row=np.zeros((n, WORDS), dtype=np.uint64),
        below=np.zeros(n, dtype=np.int32),
        is_small=degree <= SMALL,
        is_stale=degree > SMALL,
        unit=unit,
        ones=ones,
        words=np.empty(WORDS, dtype=np.uint64),
        lanes=np.empty((2, WORDS), dtype=np.uint64),
        fields=np.empty(SPAN, dtype=np.int64),
        mark=np.zeros(n, dtype=np.int64),
        ball=np.empty(n + 1, dtype=np.int32),
        loss=np.zeros(n, dtype=np.int64),
        old=np.empty(n, dtype=np.int64),
        new=np.empty(n, dtype=np.int64),
        tie_keys=make_tie_keys(min(n, 2 * int((degree + sums if depth == 3 else degree).max(initial=0)) + 2)),
        tied=np.empty(m, dtype=np.int32),
        order=np.empty(task.limit, dtype=np.int32),
        counters=counters,
    )


# What each depth does in its own way. A kernel is compiled with the functions of its own depth only.
_begin = chosen_by_class({TwoSteps: two_steps.begin, ThreeSteps: three_steps.begin, Quadrangles: quadrangles.begin})
_first_bound = chosen_by_class(
    {TwoSteps: two_steps.first_bound, ThreeSteps: three_steps.quick_bound, Quadrangles: quadrangles.quick_bound}
)
_quick_words = chosen_by_class(
    {TwoSteps: two_steps.quick_words, ThreeSteps: three_steps.likely_words, Quadrangles: quadrangles.exact_words}
)
_exact_words = chosen_by_class(
    {TwoSteps: two_steps.exact_words, ThreeSteps: three_steps.exact_words, Quadrangles: quadrangles.exact_words}
)
_collect = chosen_by_class(
    {TwoSteps: two_steps.collect, ThreeSteps: three_steps.collect, Quadrangles: quadrangles.collect}
)
_remove = chosen_by_class({TwoSteps: two_steps.remove, ThreeSteps: three_steps.remove, Quadrangles: quadrangles.remove})
_follow_level = chosen_by_class(
    {TwoSteps: value_rows.follow_level, ThreeSteps: value_rows.follow_level, Quadrangles: near_arcs.follow_level}
)


@kernel
def _fill(s: State) -> None:
    """File all edges by their first bounds."""
    _begin(s)
    # Backwards, so that the first edge comes out first.
    for e in range(len(s.tail) - 1, -1, -1):
        file_edge(s.queue, e, _first_bound(s, e))


@kernel
def _run(s: State, chunk: int, budget: int, stars_last: bool) -> None:
    """Go on until all is done, the budget is spent, or only stars are left, if these are to be left."""
    limit = len(s.order)
    while budget > 0 and s.counters[DONE] < limit:
        end = min(s.counters[DONE] + chunk, limit)
        while s.counters[CHOSEN] < end:
            while s.heap.size[0] == 0:
                budget -= _open_level(s)
                if stars_last and s.queue.level[0] == 0:
                    return
            e, cost = _take_next(s)
            # At depth 3, every edge that was looked at took a pass over vertices.
            budget -= cost * (1 + s.counters[SIZE])
            if e >= 0:
                s.order[s.counters[CHOSEN]] = e
                s.counters[CHOSEN] += 1
        # Chosen first, removed afterwards: keys of one chunk are all relative to the graph at its beginning.
        for i in range(s.counters[DONE], end):
            budget -= _remove(s, s.order[i])
        s.counters[DONE] = end
        s.counters[ROUND] += 1


@kernel
def _open_level(s: State) -> int:
    """Go down to the next level; its edges go into the heap or to lower levels. Returns how many were looked at."""
    e = next_level(s.queue)
    level = s.queue.level[0]
    cost = _follow_level(s, level)
    while e >= 0:
        following = s.queue.following[e]
        # Edges that change no value that counts: all their keys are empty, and priority decides.
        if level == FREE:
            s.words[:] = np.uint64(0)
        else:
            # Filed long ago, most have fallen since, which is found out here before they enter the heap.
            bound = _quick_words(s, e)
            cost += 1
            if bound < level:
                file_edge(s.queue, e, bound)
                e = following
                continue
        store(s.heap, e, s.words)
        append(s.heap, e)
        # At depth 4 these words are exact.
        s.checked[e] = s.counters[ROUND] if s.depth == 4 else -1
        e = following
    heapify(s.heap)
    return cost


@inlined
def _take_next(s: State) -> tuple[int, int]:
    """Bring the edge at the top up to date; take it out if it goes next.

    Returns the edge, or -1 if it is not the next one, and the number of edges looked at.
    """
    e = s.heap.edge[0]
    cost = 1
    if s.queue.level[0] < FREE:
        # What comes to the top is exact, or is made so and may sink.
        if s.checked[e] != s.counters[ROUND] and not _bring_up_to_date(s, e):
            return -1, cost
        if _has_equal(s, e):
            e, cost = _settle(s, e)
    if e >= 0:
        take(s.heap, e)
    return e, cost


@inlined
def _bring_up_to_date(s: State, e: int) -> bool:
    """Bring an edge of the heap up to date, moving it where it belongs; return whether it stayed where it is."""
    level = _quick_words(s, e)
    if level >= s.queue.level[0]:
        # At depth 3 exact words take much longer.
        if s.depth == 3 and is_worse(s.heap, s.words, e):
            store(s.heap, e, s.words)
            sift_down(s.heap, s.heap.at[e])
            return False
        if s.depth < 4:
            level = _exact_words(s, e)
    if level < s.queue.level[0]:
        take(s.heap, e)
        file_edge(s.queue, e, level)
        return False
    s.checked[e] = s.counters[ROUND]
    # Equal words: all of them were upper bounds, so it is still the best.
    if not store(s.heap, e, s.words):
        return True
    sift_down(s.heap, s.heap.at[e])
    return False


@inlined
def _has_equal(s: State, e: int) -> bool:
    """Whether an edge behind the top has the same words."""
    for at in range(1, min(3, s.heap.size[0])):  # noqa: SIM110
        if agree(s.heap, e, s.heap.edge[at]):
            return True
    return False


@kernel
def _settle(s: State, e: int) -> tuple[int, int]:
    """Compare whole keys of all edges with the words of the edge at the top.

    Returns the best of them, or -1 if one was found out of date, and how many were looked at.
    """
    affected = _collect(s, e, False)
    is_whole = s.counters[IS_WHOLE] == 1
    # The words reach to the end of the key: equal words are equal keys, of which the heap has the first by priority on
    # top.
    if is_whole and affected < FULL and _largest(s.old, affected) <= s.counters[BASE] + SPAN:
        return e, 1
    hold(s.tie_keys, s.old, s.new, affected)
    s.tied[0] = e
    size = 1
    i = 0
    while i < size:
        at = s.heap.at[s.tied[i]]
        i += 1
        # Edges with the words of the top hang together below it in the heap.
        for child in range(2 * at + 1, min(2 * at + 3, s.heap.size[0])):
            f = s.heap.edge[child]
            if not agree(s.heap, e, f):
                continue
            if s.checked[f] != s.counters[ROUND] and not _bring_up_to_date(s, f):
                return -1, size
            s.tied[size] = f
            size += 1
    best, cost = e, size
    for i in range(1, size):
        f = s.tied[i]
        order = 0
        # In stars most ties are between twins: they need no look at their keys.
        if not _are_twins(s, best, f):
            cost += 1
            affected = _collect(s, f, False)
            order, are_all = compare_with_held(s.tie_keys, s.old, s.new, affected, s.counters[HORIZON])
            if order == 0 and not (are_all and is_whole and s.counters[IS_WHOLE] == 1):
                order, affected = _compare_whole(s, f, best, is_whole)
                is_whole = True
        if order > 0:
            hold(s.tie_keys, s.old, s.new, affected)
            is_whole = s.counters[IS_WHOLE] == 1
        if order > 0 or (order == 0 and s.heap.priority[f] < s.heap.priority[best]):
            best = f
    return best, cost


@kernel
def _compare_whole(s: State, f: int, best: int, is_whole: bool) -> tuple[int, int]:
    """1 if the key of the first edge is better, -1 if that of the best is, 0 if they are equal.

    Also returns how many vertices lose walks with the first edge: their values are in ``old`` and ``new``.
    """
    if not is_whole:
        hold(s.tie_keys, s.old, s.new, _collect(s, best, True))
    affected = _collect(s, f, True)
    order, _ = compare_with_held(s.tie_keys, s.old, s.new, affected, np.int64(FREE))
    return order, affected


@kernel
def _largest(values: np.ndarray, size: int) -> np.int64:
    largest = np.int64(0)
    for i in range(size):
        largest = max(largest, values[i])
    return largest


@inlined
def _are_twins(s: State, e: int, f: int) -> bool:
    """Whether two edges lead from one vertex to leaves that both count or both do not: their keys are equal."""
    a, b = s.tail[e], s.head[e]
    c, d = s.tail[f], s.head[f]
    if a == d or b == d:
        c, d = d, c
    if b == c:
        a, b = b, a
    return a == c and s.degree[b] == 1 and s.degree[d] == 1 and s.value[b] == s.value[d]
