"""2-WIS (depth 3) of a dense undirected graph, exact: the removals for which rows of bits beat lists of triangles.

What is computed is that of `cpu`; what differs is how. Where edges have hundreds of triangles, nearly every
removal changes the key of nearly every edge that comes into question, and all that counts is how fast keys are
computed: here by 64 vertices at a time. `dense_keys` computes and compares them.
"""

from __future__ import annotations

import numpy as np

from wis.engine.task import Task
from wis.engine.triangles.bit_rows import BITS, ONE, bit_of, count_triangles, fill_rows, lowest_bit, num_words, word_of
from wis.engine.triangles.dense_keys import (
    ALL,
    COUNTERS,
    DONE,
    FLOOR,
    IDLE,
    MASKS,
    MOST_NODES,
    OPEN,
    ROUND,
    SUMS,
    TRIANGLES,
    State,
    choose,
    fill_buckets,
    lower,
    relocate,
)
from wis.engine.triangles.edge_table import BUCKET, COUNT, FREE, GONE, HEAD, LOWEST, TAIL, edge_table, fallen
from wis.engine.triangles.listing import walk_indices
from wis.engine.triangles.memory import bytes_for_triangles, list_bytes, lists_fit, most_triangles
from wis.kernels import inlined, kernel
from wis.progress import track

# Removals between two checks for Ctrl-C and of whether rows still pay.
_SLICE = 1 << 10

# Rows pay while edges have this many triangles a word of a row, measured with `benchmarks.engine`.
_TRIANGLES_PER_WORD = 0.25

# With fewer pairs all is done before more kernels could be compiled.
_FEWEST_PAIRS = 1 << 12

# Bytes that rows may take in any case, and how many times those of lists, for the gain in time.
_SMALL = 1 << 26
_TIMES_LISTS = 3

# Rows also stop to pay once so many passes a removal, and an edge at the start, found what was known already: keys then
# change so rarely that they had better be kept sorted.
_IDLE = 256
_IDLE_AT_START = 4


def first_removals(task: Task) -> np.ndarray:
    """The first edges of the order of 2-WIS: as many as are found faster by rows of bits, which may be none.

    Returns
    -------
    np.ndarray
        int64 ``[k]``: positions of pairs; ``k`` is ``limit`` or a multiple of ``chunk``.

    Notes
    -----
    Memory: 4 n**2 bytes and some 70 a pair; rows do not pay where this is three times what lists of triangles take, but
    are also used where lists may not take so much (``task.memory``, or what is free) and rows may. Time: a pass over
    n / 64 words for each key that comes into question, and constant time for each triangle when it goes.
    """
    if not _may_pay(task):
        return np.empty(0, dtype=np.int64)
    state = _prepare(task)
    if state is None:
        return np.empty(0, dtype=np.int64)
    limit = task.limit
    order = np.empty(limit, dtype=np.int64)
    with track(limit, f"{task.name}, while dense", enabled=task.progress) as advance:
        while (done := int(state.counters[DONE])) < limit:
            most_idle = _most_idle(task, state)
            if state.counters[IDLE] > most_idle:
                break
            _remove_best(state, order, min(done + _SLICE, limit), task.chunk, most_idle)
            advance(int(state.counters[DONE]) - done)
    return order[:done]


def _fewest_triangles(num_nodes: int, num_pairs: int) -> float:
    """Triangles of all pairs, each counted at three of them, from which on rows pay."""
    return _TRIANGLES_PER_WORD * num_pairs * num_words(num_nodes)


def _may_pay(task: Task) -> bool:
    """Whether rows may pay, as far as is known before triangles are counted."""
    edges = task.edges
    if edges.num_pairs < _FEWEST_PAIRS or edges.num_nodes > MOST_NODES:
        return False
    if 4 * edges.num_nodes**2 > bytes_for_triangles(task):
        return False
    most = most_triangles(edges)
    return 3 * most >= _fewest_triangles(edges.num_nodes, edges.num_pairs) or not lists_fit(task, most, edges.num_nodes)


def _most_idle(task: Task, s: State) -> int:
    """Passes that may have found nothing new while rows pay: any where lists do not fit, none in sparse graphs."""
    n, m, done, triangles = len(s.value), len(s.edge), int(s.counters[DONE]), int(s.counters[TRIANGLES])
    if not lists_fit(task, triangles // 3, n):
        return np.iinfo(np.int64).max
    return _IDLE_AT_START * m + _IDLE * done if triangles >= _fewest_triangles(n, m - done) else -1


def _prepare(task: Task) -> State | None:
    """The state at the start; None if rows do not pay."""
    n, m = task.edges.num_nodes, task.edges.num_pairs
    tail, head = task.edges.pairs
    rows = np.zeros((n, num_words(n)), dtype=np.uint64)
    fill_rows(tail, head, rows)
    count = np.empty(m, dtype=np.int32)
    count_triangles(tail, head, rows, count)
    triangles = int(count.sum(dtype=np.int64))
    value = walk_indices(n, tail, head, count)
    largest = int(value.max(initial=0))
    need = 4 * (n * n + largest)
    pays = triangles >= _fewest_triangles(n, m) and need <= max(_SMALL, _TIMES_LISTS * list_bytes(triangles // 3, n))
    if need > bytes_for_triangles(task) or (lists_fit(task, triangles // 3, n) and not pays):
        return None
    pair = np.empty((n, n), dtype=np.int32)
    pair[tail, head] = pair[head, tail] = np.arange(m)
    value[~task.targets()] = FREE
    mask = np.zeros((MASKS, rows.shape[1]), dtype=np.uint64)
    mask[ALL] = ~np.uint64(0)
    state = State(
        free=FREE,
        value=value,
        rows=rows,
        mask=mask,
        pair=pair,
        edge=edge_table(task, count),
        first=np.full(largest + 2, -1, dtype=np.int32),
        open_edge=np.empty(m, dtype=np.int32),
        open_key=np.empty(m, dtype=np.int64),
        tied=np.empty(m, dtype=np.int32),
        counters=np.zeros(COUNTERS, dtype=np.int64),
    )
    state.counters[TRIANGLES] = triangles
    fill_buckets(state)
    return state


@kernel
def _remove_best(s: State, order: np.ndarray, until: int, chunk: int, most_idle: int) -> None:
    """Remove edges until so many are gone or too many passes found nothing new, ``chunk`` at a time."""
    while s.counters[DONE] < until and s.counters[IDLE] <= most_idle:
        begin = s.counters[DONE]
        end = min(begin + chunk, len(order))
        for i in range(begin, end):
            order[i] = choose(s)
        for i in range(begin, end):
            _remove(s, order[i])
        s.counters[DONE] = end
        s.counters[ROUND] += 1


@kernel
def _remove(s: State, e: int) -> None:
    """Take an edge out of the graph."""
    u, v = np.uint64(s.edge[e, TAIL]), np.uint64(s.edge[e, HEAD])
    old_u, old_v = s.value[u], s.value[v]
    # Each triangle that goes was counted at all of its edges.
    s.counters[TRIANGLES] -= 3 * s.edge[e, COUNT]
    if old_u != s.free:
        lower(s, u, fallen(s, u, s.edge[e, COUNT]))
    if old_v != s.free:
        lower(s, v, fallen(s, v, s.edge[e, COUNT]))
    s.rows[u, word_of(v)] &= ~bit_of(v)
    s.rows[v, word_of(u)] &= ~bit_of(u)
    for i in range(np.uint64(s.rows.shape[1])):
        apexes = s.rows[u, i] & s.rows[v, i]
        while apexes != 0:
            w = i * BITS + lowest_bit(apexes)
            apexes &= apexes - ONE
            if s.value[w] != s.free:
                lower(s, w, s.value[w] - 2)
            s.edge[s.pair[u, w], COUNT] -= 1
            s.edge[s.pair[v, w], COUNT] -= 1
    for i in range(np.uint64(s.rows.shape[1])):
        apexes = s.rows[u, i] & s.rows[v, i]
        while apexes != 0:
            w = i * BITS + lowest_bit(apexes)
            apexes &= apexes - ONE
            # In a second pass, as levels are right only when all values have changed.
            _refresh(s, s.pair[u, w], w, v, old_v)
            _refresh(s, s.pair[v, w], w, u, old_u)


@inlined
def _refresh(s: State, e: int, other: int, lost: int, old_lost: int) -> None:
    """Keep what is stored of an edge an upper bound, after it lost the triangle with the apex ``lost``.

    Its level can rise only if ``lost`` was its lowest apex. The rest of its key can become better only from the smaller
    of the values to which ``lost`` and the ``other`` endpoint would have fallen, because these contributed to it.
    """
    bucket = s.edge[e, BUCKET]
    if bucket == GONE:
        return
    if bucket == OPEN:
        old_other = s.value[other]
        if old_other != s.free:
            old_other += 2
        # What can get better only beyond the stored sums leaves these as they are.
        if min(old_lost, old_other) - 2 < s.counters[FLOOR] + SUMS:
            relocate(s, e)
    elif s.edge[e, LOWEST] == lost:
        relocate(s, e)
