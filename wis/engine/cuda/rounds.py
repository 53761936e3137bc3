"""Exact greedy removal in rounds, on the device.

All pairs left are sorted by their keys, by a library. Keys only fall, but for those that :func:`list_risen` names, so a
stored key is an upper bound and may stay where it is until it comes to the top. Pairs whose stored key is no longer the
one they were sorted by wait in the *pool*. A round, of which one launch runs thousands:

1. *Choose.* The best pair of the pool, of which each block has searched a share, and the next ones in sorted order;
   whichever is better leads the candidates.
2. *Evaluate* the candidates, a block each, all multiprocessors at once. Those that fell go to the pool.
3. *Select* candidates from the first on. A round stops before one that a pair in the pool beats, before one whose key a
   removal of this round may have changed, and after one whose removal may make other keys rise. There is one case where
   a changed key does not matter: without risen keys it has fallen, so that it can be passed over as long as the next
   candidates are equal to what it was.
4. *Remove* them: several that make no key rise by a block each, or a single one, which may make keys rise; those are
   then evaluated by a block each, and go to the pool if they did rise.

So every removal is that of the greedy algorithm. When the pool is large the kernel ends, and all pairs are sorted anew.

The choice and step 3 are the first block's, and all of its threads take part; step 3 ends with one thread that walks
along the candidates in shared memory. Between steps all blocks wait for each other, which also makes what one wrote
known to the rest. Within a block, a barrier stands between a write and the next read of another thread, and between a
read and the next write; every condition around a barrier is the same for all threads of the block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from numba import cuda, int32, int64

from wis.engine.cuda.keys import (
    NUM_WORDS,
    POINTS,
    Graph,
    Scratch,
    compare,
    compare_beyond,
    is_cut,
    last_value,
    new_value,
    write_key,
)

if TYPE_CHECKING:
    import torch

# Positions in the array of counters.
CURSOR, SORTED, POOL, DONE, ROUND, CHOSEN, REMOVED, RISEN, RIVAL, STATUS = range(10)
NUM_COUNTERS = 10

# Values of counters[STATUS].
RUNNING, FINISHED, POOL_IS_FULL = range(3)

# Facts about a candidate: its stored key still holds; it changes the values of its own ends only, so that no other key
# can rise, and is known to its end; its stored key equals that of the candidate before it; a pair in the pool beats it.
_STANDS, _SIMPLE, _SAME, _BEATEN = 1, 2, 4, 8

# Numbers in shared memory, one a thread or a candidate.
MAX_LANES = 1024


class Queue(NamedTuple):
    """The pairs that wait for removal, on the device.

    Attributes
    ----------
    counters
        int64 ``[NUM_COUNTERS]``.
    keys
        int64 ``[m, 2 * POINTS]``: stored keys, upper bounds.
    priority
        int64 ``[m]``: the smaller wins a tie.
    in_order
        int32 ``[m]``: pairs as they were sorted; those before ``CURSOR`` are gone or in the pool.
    pool, slot
        int32 ``[m]``: pairs in the pool, and where in it a pair is, -1 if it is not.
    chosen, facts
        int32 and uint8 ``[w]``, at most ``MAX_LANES``: the candidates of a round, and what is known about them.
    fresh
        int64 ``[w + 1 + blocks, 2 * POINTS]``: the keys of the candidates now, and space for one more key a block.
    bests
        int32, one a block: the best pair of a block's share of the pool, -1 if that is empty.
    risen
        int32 ``[m]``: pairs whose keys may have risen; before that, those that tie with the pair to remove.
    touched
        int64 ``[n]``: the last round in which the value of a vertex changed.
    removed
        int32 ``[limit]``: the order.
    """

    counters: Any
    keys: Any
    priority: Any
    in_order: Any
    pool: Any
    slot: Any
    chosen: Any
    facts: Any
    fresh: Any
    bests: Any
    risen: Any
    touched: Any
    removed: Any


def make_queue(
    keys: torch.Tensor, priority: torch.Tensor, num_nodes: int, limit: int, num_candidates: int, num_blocks: int
) -> Queue:
    """An empty queue for the pairs whose keys are given."""
    import torch

    m, place = len(keys), keys.device

    def empty(*shape: int, dtype: torch.dtype = torch.int32) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype, device=place)

    return Queue(
        counters=torch.zeros(NUM_COUNTERS, dtype=torch.int64, device=place),
        keys=keys,
        priority=priority,
        in_order=empty(m),
        pool=empty(m),
        slot=torch.full((m,), -1, dtype=torch.int32, device=place),
        chosen=empty(num_candidates),
        facts=empty(num_candidates, dtype=torch.uint8),
        fresh=empty(num_candidates + 1 + num_blocks, keys.shape[1], dtype=torch.int64),
        bests=empty(num_blocks),
        risen=empty(m),
        touched=torch.zeros(num_nodes, dtype=torch.int64, device=place),
        removed=empty(limit),
    )


@cuda.jit(device=True)
def _beats(queue: Queue, e: int, f: int) -> bool:
    """Whether pair e goes before pair f, by stored keys."""
    order = compare(queue.keys[e], queue.keys[f])
    return order > 0 or (order == 0 and queue.priority[e] < queue.priority[f])


@cuda.jit(device=True)
def _push(queue: Queue, e: int) -> None:
    """Put pair e into the pool, unless it is there. For one thread, of many with other pairs."""
    if queue.slot[e] < 0:
        at = cuda.atomic.add(queue.counters, POOL, 1)
        queue.slot[e] = at
        queue.pool[at] = e


@cuda.jit(device=True)
def _drop_from_pool(queue: Queue, e: int) -> None:
    """For one thread, while no other one writes to the pool."""
    at = queue.slot[e]
    if at >= 0:
        queue.counters[POOL] -= 1
        last = queue.pool[queue.counters[POOL]]
        queue.pool[at] = last
        queue.slot[last] = at
        queue.slot[e] = -1


@cuda.jit(device=True)
def _best_of_block(queue: Queue, mine: int, lanes: Any) -> int:
    """The best of the pairs that the threads of a block give, -1 for none; the same for all of them."""
    lanes[cuda.threadIdx.x] = mine
    width = cuda.blockDim.x
    while width > 1:
        cuda.syncthreads()
        half = (width + 1) // 2
        other_place = cuda.threadIdx.x + half
        if other_place < width:
            other = lanes[other_place]
            best = lanes[cuda.threadIdx.x]
            if other >= 0 and (best < 0 or _beats(queue, other, best)):
                lanes[cuda.threadIdx.x] = other
        width = half
    cuda.syncthreads()
    winner = lanes[0]
    cuda.syncthreads()
    return winner


@cuda.jit(device=True)
def _search_pool(queue: Queue, lanes: Any) -> None:
    """Find the best pair of a block's share of the pool."""
    mine = int32(-1)
    for i in range(cuda.grid(1), queue.counters[POOL], cuda.gridsize(1)):
        e = queue.pool[i]
        if mine < 0 or _beats(queue, e, mine):
            mine = e
    best = _best_of_block(queue, mine, lanes)
    if cuda.threadIdx.x == 0:
        queue.bests[cuda.blockIdx.x] = best


@cuda.jit(device=True)
def _best_of_pool(queue: Queue, lanes: Any) -> int:
    """The best of what the blocks have found, -1 if the pool is empty. For a block."""
    mine = int32(-1)
    for i in range(cuda.threadIdx.x, cuda.gridDim.x, cuda.blockDim.x):
        e = queue.bests[i]
        if e >= 0 and (mine < 0 or _beats(queue, e, mine)):
            mine = e
    return _best_of_block(queue, mine, lanes)


@cuda.jit(device=True)
def _waits_in_order(graph: Graph, queue: Queue, e: int) -> bool:
    return graph.alive[e] and queue.slot[e] < 0


@cuda.jit(device=True)
def _choose(graph: Graph, queue: Queue, max_pool: int, lanes: Any) -> None:
    """Step 1. For the first block."""
    counters = queue.counters
    rival = _best_of_pool(queue, lanes)
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
    if rival >= 0 and (head < 0 or _beats(queue, rival, head)):
        _choose_from_pool(queue, rival, head)
    elif cuda.threadIdx.x == 0:
        counters[CHOSEN] = size


@cuda.jit(device=True)
def _choose_in_order(graph: Graph, queue: Queue, lanes: Any) -> int:
    """The next pairs in sorted order; how many they are. The cursor moves on to the first of them."""
    size = 0
    at = queue.counters[CURSOR]
    cuda.syncthreads()
    while size < len(queue.chosen) and at < queue.counters[SORTED]:
        i = at + cuda.threadIdx.x
        waits = i < queue.counters[SORTED] and _waits_in_order(graph, queue, queue.in_order[i])
        lanes[cuda.threadIdx.x] = 1 if waits else 0
        cuda.syncthreads()
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
        if e >= 0 and e != rival and (head < 0 or _beats(queue, e, head)):
            at = cuda.atomic.add(counters, CHOSEN, 1)
            if at < len(queue.chosen):
                queue.chosen[at] = e
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        counters[CHOSEN] = min(counters[CHOSEN], len(queue.chosen))


@cuda.jit(device=True)
def _is_touched(graph: Graph, queue: Queue, t: int) -> bool:
    """Whether this round has changed a value that counts."""
    return graph.counts[t] and queue.touched[t] == queue.counters[ROUND]


@cuda.jit(device=True)
def _settle_fallen(queue: Queue, lanes: Any) -> int:
    """Keys that fell go to the pool; the best of them and of those that were in the pool. For a block."""
    mine = int32(-1)
    for i in range(cuda.threadIdx.x, queue.counters[CHOSEN], cuda.blockDim.x):
        if not queue.facts[i] & _STANDS:
            e = queue.chosen[i]
            for j in range(queue.keys.shape[1]):
                queue.keys[e, j] = queue.fresh[i, j]
            _push(queue, e)
            if mine < 0 or _beats(queue, e, mine):
                mine = e
    fallen = _best_of_block(queue, mine, lanes)
    rival = int32(queue.counters[RIVAL])
    if fallen >= 0 and (rival < 0 or _beats(queue, fallen, rival)):
        return fallen
    return rival


@cuda.jit(device=True)
def _select(graph: Graph, queue: Queue, lanes: Any) -> None:
    """Step 3: write the pairs to remove from position ``DONE`` of the order on. For the first block."""
    counters = queue.counters
    from_pool = queue.slot[queue.chosen[0]] >= 0
    cuda.syncthreads()
    rival = _settle_fallen(queue, lanes)
    if from_pool:
        if cuda.threadIdx.x == 0 and queue.facts[0] & _STANDS:
            queue.removed[counters[DONE]] = queue.chosen[0]
            counters[REMOVED] = 1
    else:
        for i in range(cuda.threadIdx.x, counters[CHOSEN], cuda.blockDim.x):
            is_beaten = rival >= 0 and _beats(queue, rival, queue.chosen[i])
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
        is_equal = is_equal and facts & _SAME != 0
        if not facts & _STANDS:
            continue
        is_simple = facts & _SIMPLE != 0
        if removed == room or facts & _BEATEN or (has_passed and not is_equal) or (removed > 0 and not is_simple):
            break
        e = queue.chosen[i]
        u, v = graph.ends[e, 0], graph.ends[e, 1]
        if _is_touched(graph, queue, u) or _is_touched(graph, queue, v):
            _push(queue, e)
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
def _list_tied(graph: Graph, queue: Queue, first: int, lanes: Any) -> None:
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
        for lane in range(cuda.blockDim.x):
            is_over = is_over or lanes[lane] != 0
        at += cuda.blockDim.x
        cuda.syncthreads()
    for i in range(cuda.threadIdx.x, counters[POOL], cuda.blockDim.x):
        e = queue.pool[i]
        if e != first and compare(queue.keys[e], queue.keys[first]) == 0:
            queue.risen[cuda.atomic.add(counters, RISEN, 1)] = e
    cuda.syncthreads()


@cuda.jit(device=True)
def lower_nothing(graph: Graph, scratch: Scratch, row: int, e: int) -> None:
    """Nothing but values changes with a removal."""


def build_kernels(
    list_losses: Callable[..., Any], list_risen: Callable[..., Any], lower: Callable[..., Any] = lower_nothing
) -> tuple[Any, Any]:
    """Compile the kernels for one family of depths.

    Parameters
    ----------
    list_losses
        Device function ``(graph, scratch, row, e)``, for a block: list what the removal of pair e changes.
    list_risen
        Device function ``(graph, scratch, row, e, risen, counters)``, for a block: after that, list the pairs other
        than e whose keys the removal may make rise in ``risen``, each once, and add their number to
        ``counters[RISEN]``. It may make another list of vertices.
    lower
        Device function ``(graph, scratch, row, e)``, for a block: after ``list_losses``, bring all of the graph but
        values, degrees and pairs up to date.

    Returns
    -------
    evaluate
        Kernel ``(graph, scratch, chosen, after, keys)``: exact keys of the chosen pairs, each from the values above
        ``after[e]`` on.
    run_rounds
        Cooperative kernel ``(graph, scratch, queue, num_rounds, max_pool)``.
    """

    @cuda.jit
    def evaluate(graph: Graph, scratch: Scratch, chosen: Any, after: Any, keys: Any) -> None:
        words = cuda.shared.array(NUM_WORDS, int64)
        row = cuda.blockIdx.x
        for i in range(row, len(chosen), cuda.gridDim.x):
            list_losses(graph, scratch, row, chosen[i])
            write_key(graph, scratch, row, after[chosen[i]], keys[chosen[i]], words)

    @cuda.jit(device=True)
    def evaluate_chosen(graph: Graph, scratch: Scratch, queue: Queue, words: Any) -> None:
        """Step 2."""
        row = cuda.blockIdx.x
        for i in range(row, queue.counters[CHOSEN], cuda.gridDim.x):
            e = queue.chosen[i]
            list_losses(graph, scratch, row, e)
            write_key(graph, scratch, row, -1, queue.fresh[i], words)
            if cuda.threadIdx.x == 0:
                facts = 0
                if compare(queue.fresh[i], queue.keys[e]) == 0:
                    facts |= _STANDS
                # In a directed graph an edge back from v to u changes the same two vertices.
                if scratch.size[row] == 2 and graph.directed == 0 and not is_cut(queue.fresh[i]):
                    facts |= _SIMPLE
                if i > 0 and compare(queue.keys[queue.chosen[i - 1]], queue.keys[e]) == 0:
                    facts |= _SAME
                queue.facts[i] = facts
            cuda.syncthreads()

    @cuda.jit(device=True)
    def better_of_tie(graph: Graph, scratch: Scratch, queue: Queue, champion: int, e: int, words: Any) -> int:
        """Of two pairs with equal stored keys, that of the first being exact, the one to remove."""
        row, other = 0, scratch.size.shape[0] - 1
        spare = queue.fresh[len(queue.chosen)]
        list_losses(graph, scratch, other, e)
        write_key(graph, scratch, other, -1, spare, words)
        if compare(spare, queue.keys[e]) != 0:
            cuda.syncthreads()
            if cuda.threadIdx.x == 0:
                for j in range(2 * POINTS):
                    queue.keys[e, j] = spare[j]
                _push(queue, e)
            cuda.syncthreads()
            return champion
        list_losses(graph, scratch, row, champion)
        order = compare_beyond(graph, scratch, other, row, last_value(spare), words)
        if order > 0 or (order == 0 and queue.priority[e] < queue.priority[champion]):
            return e
        return champion

    @cuda.jit(device=True)
    def resolve_tie(graph: Graph, scratch: Scratch, queue: Queue, first: int, words: Any, lanes: Any) -> int:
        """The best of all pairs whose stored keys equal that of the first, by their keys to the end."""
        _list_tied(graph, queue, first, lanes)
        champion = first
        for i in range(queue.counters[RISEN]):
            champion = better_of_tie(graph, scratch, queue, champion, queue.risen[i], words)
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            queue.counters[RISEN] = 0
        return champion

    @cuda.jit(device=True)
    def remove_one(graph: Graph, scratch: Scratch, queue: Queue, e: int) -> None:
        """Take a pair out of the graph, and list the keys that may rise. For the first block."""
        list_losses(graph, scratch, 0, e)
        is_alone = scratch.size[0] == 2 and graph.directed == 0
        for i in range(cuda.threadIdx.x, scratch.size[0], cuda.blockDim.x):
            graph.value[scratch.vertex[0, i]] = new_value(graph, scratch, 0, i)
        lower(graph, scratch, 0, e)
        cuda.syncthreads()
        if not is_alone:
            list_risen(graph, scratch, 0, e, queue.risen, queue.counters)
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            graph.alive[e] = 0
            if graph.directed == 0:
                graph.degree[graph.ends[e, 0]] -= 1
            graph.degree[graph.ends[e, 1]] -= 1
            _drop_from_pool(queue, e)
        cuda.syncthreads()

    @cuda.jit(device=True)
    def remove_simple(graph: Graph, scratch: Scratch, queue: Queue) -> None:
        """Take all selected pairs out of the graph, none of which changes more than the values of its ends."""
        counters = queue.counters
        row = cuda.blockIdx.x
        for i in range(row, counters[REMOVED], cuda.gridDim.x):
            e = queue.removed[counters[DONE] - counters[REMOVED] + i]
            list_losses(graph, scratch, row, e)
            if cuda.threadIdx.x < 2:
                # Pairs of a round may share a vertex that is no target. Its value, which then may come out wrong, does
                # not count; its degree must be right.
                t = scratch.vertex[row, cuda.threadIdx.x]
                cuda.atomic.add(graph.value, t, -scratch.loss[row, cuda.threadIdx.x])
                cuda.atomic.add(graph.degree, t, -1)
            lower(graph, scratch, row, e)
            cuda.syncthreads()
            if cuda.threadIdx.x == 0:
                graph.alive[e] = 0

    @cuda.jit(device=True)
    def select_and_remove(graph: Graph, scratch: Scratch, queue: Queue, words: Any, lanes: Any) -> None:
        """Step 3, and step 4 if a single pair is removed. For the first block."""
        counters = queue.counters
        _select(graph, queue, lanes)
        done, removed = counters[DONE], counters[REMOVED]
        if removed == 1:
            e = queue.removed[done]
            if is_cut(queue.keys[e]):
                e = resolve_tie(graph, scratch, queue, e, words, lanes)
            cuda.syncthreads()
            if cuda.threadIdx.x == 0:
                queue.removed[done] = e
            remove_one(graph, scratch, queue, e)
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            counters[DONE] = done + removed

    @cuda.jit(device=True)
    def refresh_risen(graph: Graph, scratch: Scratch, queue: Queue, words: Any) -> None:
        """The keys that may have risen."""
        row = cuda.blockIdx.x
        for i in range(row, queue.counters[RISEN], cuda.gridDim.x):
            e = queue.risen[i]
            list_losses(graph, scratch, row, e)
            fresh = queue.fresh[len(queue.chosen) + 1 + row]
            write_key(graph, scratch, row, -1, fresh, words)
            if cuda.threadIdx.x == 0 and compare(fresh, queue.keys[e]) > 0:
                for j in range(queue.keys.shape[1]):
                    queue.keys[e, j] = fresh[j]
                _push(queue, e)
            cuda.syncthreads()

    @cuda.jit
    def run_rounds(graph: Graph, scratch: Scratch, queue: Queue, num_rounds: int, max_pool: int) -> None:
        words = cuda.shared.array(NUM_WORDS, int64)
        lanes = cuda.shared.array(MAX_LANES, int32)
        grid = cuda.cg.this_grid()
        is_first = cuda.blockIdx.x == 0
        for _ in range(num_rounds):
            _search_pool(queue, lanes)
            grid.sync()
            if is_first:
                _choose(graph, queue, max_pool, lanes)
            grid.sync()
            if queue.counters[STATUS] != RUNNING:
                break
            evaluate_chosen(graph, scratch, queue, words)
            grid.sync()
            if is_first:
                select_and_remove(graph, scratch, queue, words, lanes)
            grid.sync()
            if queue.counters[REMOVED] > 1:
                remove_simple(graph, scratch, queue)
            else:
                refresh_risen(graph, scratch, queue, words)
            grid.sync()

    return evaluate, run_rounds
