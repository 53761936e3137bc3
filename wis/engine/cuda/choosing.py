"""Which pairs a round looks at, and which of them it removes: steps 1 and 3 of :mod:`rounds <wis.engine.cuda.rounds>`.

All of this is the first block's, and all of its threads take part where nothing else is said.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, int32

from wis.engine.cuda.graph import Graph
from wis.engine.cuda.keys import compare
from wis.engine.cuda.pool import (
    CHOSEN,
    CURSOR,
    DONE,
    FINISHED,
    POOL,
    POOL_IS_FULL,
    REMOVED,
    RISEN,
    RIVAL,
    ROUND,
    RUNNING,
    SORTED,
    STATUS,
    Queue,
    beats,
    best_of_block,
    best_of_pool,
    push,
    push_with,
)

# Facts about a candidate: its stored key still holds; it changes the values of its own ends only, so that no other key
# can rise, and is known to its end; its stored key equals that of the candidate before it; a pair in the pool beats it.
STANDS, SIMPLE, SAME, _BEATEN = 1, 2, 4, 8


@cuda.jit(device=True)
def _waits_in_order(graph: Graph, queue: Queue, e: int) -> bool:
    return graph.alive[e] and queue.slot[e] < 0


@cuda.jit(device=True)
def choose(graph: Graph, queue: Queue, max_pool: int, lanes: Any) -> None:
    """Step 1. For the first block."""
    counters = queue.counters
    rival = best_of_pool(queue, lanes)
    if cuda.threadIdx.x == 0:
        counters[ROUND] += 1
        counters[REMOVED] = counters[RISEN] = 0
        counters[RIVAL] = rival
        if counters[DONE] == len(queue.removed):
            counters[STATUS] = FINISHED
        elif counters[POOL] > max_pool:
            counters[STATUS] = POOL_IS_FULL
    cuda.syncthreads()
    if counters[STATUS] != RUNNING:
        return
    size = _choose_in_order(graph, queue, lanes)
    head = int32(-1)
    if size > 0:
        head = queue.chosen[0]
    cuda.syncthreads()
    # All know the head before the best of the pool may take its place.
    if rival >= 0 and (head < 0 or beats(queue, rival, head)):
        _choose_from_pool(queue, rival, head)
    elif cuda.threadIdx.x == 0:
        counters[CHOSEN] = size


@cuda.jit(device=True)
def _choose_in_order(graph: Graph, queue: Queue, lanes: Any) -> int:
    """The next pairs in sorted order; how many they are. The cursor moves on to the first of them."""
    size = 0
    at = queue.counters[CURSOR]
    cuda.syncthreads()
    # All have read the cursor before one of them moves it.
    while size < len(queue.chosen) and at < queue.counters[SORTED]:
        i = at + cuda.threadIdx.x
        waits = i < queue.counters[SORTED] and _waits_in_order(graph, queue, queue.in_order[i])
        lanes[cuda.threadIdx.x] = 1 if waits else 0
        cuda.syncthreads()
        # Every thread counts for itself how many before it wait: one barrier, where a sum in steps takes many.
        before, total = 0, 0
        for lane in range(cuda.blockDim.x):
            total += lanes[lane]
            before += lanes[lane] if lane < cuda.threadIdx.x else 0
        place = size + before
        if waits and place < len(queue.chosen):
            queue.chosen[place] = queue.in_order[i]
            if place == 0:
                queue.counters[CURSOR] = i
        size += total
        at += cuda.blockDim.x
        cuda.syncthreads()
    if size == 0 and cuda.threadIdx.x == 0:
        queue.counters[CURSOR] = queue.counters[SORTED]
    return min(size, len(queue.chosen))


@cuda.jit(device=True)
def _choose_from_pool(queue: Queue, rival: int, head: int) -> None:
    """The best pair of the pool leads; the best of other shares of it that beat the sorted ones come along."""
    counters = queue.counters
    if cuda.threadIdx.x == 0:
        queue.chosen[0] = rival
        counters[CHOSEN] = 1
    cuda.syncthreads()
    for i in range(cuda.threadIdx.x, cuda.gridDim.x, cuda.blockDim.x):
        e = queue.bests[i]
        if e >= 0 and e != rival and (head < 0 or beats(queue, e, head)):
            # Places are drawn first, and who draws one too many is left out: these are extras.
            at = cuda.atomic.add(counters, CHOSEN, 1)
            if at < len(queue.chosen):
                queue.chosen[at] = e
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        counters[CHOSEN] = min(counters[CHOSEN], len(queue.chosen))


@cuda.jit(device=True)
def _is_touched(graph: Graph, queue: Queue, t: int) -> bool:
    """Whether this round has changed a value that counts."""
    return graph.is_target[t] and queue.touched[t] == queue.counters[ROUND]


@cuda.jit(device=True)
def _settle_fallen(queue: Queue, lanes: Any) -> int:
    """Keys that fell go to the pool; the best of them and of those that were in the pool. For a block."""
    mine = int32(-1)
    for i in range(cuda.threadIdx.x, queue.counters[CHOSEN], cuda.blockDim.x):
        if not queue.facts[i] & STANDS:
            e = queue.chosen[i]
            push_with(queue, e, queue.fresh[i])
            if mine < 0 or beats(queue, e, mine):
                mine = e
    fallen = best_of_block(queue, mine, lanes)
    rival = int32(queue.counters[RIVAL])
    if fallen >= 0 and (rival < 0 or beats(queue, fallen, rival)):
        return fallen
    return rival


@cuda.jit(device=True)
def select(graph: Graph, queue: Queue, lanes: Any) -> None:
    """Step 3: write the pairs to remove from position ``DONE`` of the order on. For the first block."""
    counters = queue.counters
    from_pool = queue.slot[queue.chosen[0]] >= 0
    # Asked before those that fell enter the pool.
    cuda.syncthreads()
    rival = _settle_fallen(queue, lanes)
    if from_pool:
        # The others are the best of their shares, not the next best of all: only the first may go.
        if cuda.threadIdx.x == 0 and queue.facts[0] & STANDS:
            queue.removed[counters[DONE]] = queue.chosen[0]
            counters[REMOVED] = 1
    else:
        for i in range(cuda.threadIdx.x, counters[CHOSEN], cuda.blockDim.x):
            is_beaten = rival >= 0 and beats(queue, rival, queue.chosen[i])
            lanes[i] = queue.facts[i] | (_BEATEN if is_beaten else 0)
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            _select_in_order(graph, queue, lanes)
    cuda.syncthreads()


@cuda.jit(device=True)
def _select_in_order(graph: Graph, queue: Queue, lanes: Any) -> None:
    """The walk along the candidates. For one thread."""
    counters = queue.counters
    room = len(queue.removed) - counters[DONE]
    removed = 0
    has_passed, is_equal = False, False
    for i in range(counters[CHOSEN]):
        facts = lanes[i]
        is_equal = is_equal and facts & SAME != 0
        # Fallen: it is in the pool, and one of those that may beat the next.
        if not facts & STANDS:
            continue
        is_simple = facts & SIMPLE != 0
        # No room; a better pair in the pool; one passed over that may be better; or a removal that may make keys rise,
        # which must be the only one of its round.
        if removed == room or facts & _BEATEN or (has_passed and not is_equal) or (removed > 0 and not is_simple):
            break
        e = queue.chosen[i]
        u, v = graph.ends[e, 0], graph.ends[e, 1]
        # An earlier removal of this round has lowered its key. It waits in the pool; those that equal what it was are
        # now better.
        if _is_touched(graph, queue, u) or _is_touched(graph, queue, v):
            push(queue, e)
            has_passed, is_equal = True, True
            continue
        queue.touched[u] = counters[ROUND]
        queue.touched[v] = counters[ROUND]
        queue.removed[counters[DONE] + removed] = e
        removed += 1
        if not is_simple:
            break
    counters[REMOVED] = removed


@cuda.jit(device=True)
def list_tied(graph: Graph, queue: Queue, first: int, lanes: Any) -> None:
    """List all other pairs whose stored keys equal that of the first in ``risen``. For the first block."""
    counters = queue.counters
    at = counters[CURSOR]
    is_over = False
    while at < counters[SORTED] and not is_over:
        i = at + cuda.threadIdx.x
        differs = 0
        if i < counters[SORTED]:
            e = queue.in_order[i]
            if e != first and _waits_in_order(graph, queue, e):
                if compare(queue.keys[e], queue.keys[first]) == 0:
                    queue.risen[cuda.atomic.add(counters, RISEN, 1)] = e
                else:
                    differs = 1
        lanes[cuda.threadIdx.x] = differs
        cuda.syncthreads()
        # Equal keys stand together in sorted order: the first other one ends the search.
        for lane in range(cuda.blockDim.x):
            is_over = is_over or lanes[lane] != 0
        at += cuda.blockDim.x
        cuda.syncthreads()
    for i in range(cuda.threadIdx.x, counters[POOL], cuda.blockDim.x):
        e = queue.pool[i]
        if e != first and compare(queue.keys[e], queue.keys[first]) == 0:
            queue.risen[cuda.atomic.add(counters, RISEN, 1)] = e
    cuda.syncthreads()
