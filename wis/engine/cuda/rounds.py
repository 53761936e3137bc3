"""Exact greedy removal in rounds, on the device (docs/engine.md, section 13).

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
from typing import Any

from numba import cuda, int32, int64

from wis.engine.cuda.choosing import SAME, SIMPLE, STANDS, choose, list_tied, select
from wis.engine.cuda.graph import Graph, Scratch
from wis.engine.cuda.keys import NUM_SHARED, compare, compare_beyond, is_cut, last_value, new_value, write_key
from wis.engine.cuda.pool import (
    CHOSEN,
    DONE,
    MAX_LANES,
    REMOVED,
    RISEN,
    RUNNING,
    STATUS,
    Queue,
    drop_from_pool,
    push_with,
    search_pool,
)


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
        shared = cuda.shared.array(NUM_SHARED, int64)
        row = cuda.blockIdx.x
        for i in range(row, len(chosen), cuda.gridDim.x):
            list_losses(graph, scratch, row, chosen[i])
            write_key(graph, scratch, row, after[chosen[i]], keys[chosen[i]], shared)

    @cuda.jit(device=True)
    def evaluate_chosen(graph: Graph, scratch: Scratch, queue: Queue, shared: Any) -> None:
        """Step 2."""
        row = cuda.blockIdx.x
        for i in range(row, queue.counters[CHOSEN], cuda.gridDim.x):
            e = queue.chosen[i]
            list_losses(graph, scratch, row, e)
            write_key(graph, scratch, row, -1, queue.fresh[i], shared)
            if cuda.threadIdx.x == 0:
                # Facts are found here, where all blocks are at work, and not in step 3, where one is.
                facts = 0
                if compare(queue.fresh[i], queue.keys[e]) == 0:
                    facts |= STANDS
                # In a directed graph an edge back from v to u changes the same two vertices.
                if scratch.size[row] == 2 and graph.directed == 0 and not is_cut(queue.fresh[i]):
                    facts |= SIMPLE
                if i > 0 and compare(queue.keys[queue.chosen[i - 1]], queue.keys[e]) == 0:
                    facts |= SAME
                queue.facts[i] = facts
            cuda.syncthreads()

    @cuda.jit(device=True)
    def better_of_tie(graph: Graph, scratch: Scratch, queue: Queue, champion: int, e: int, shared: Any) -> int:
        """Of two pairs with equal stored keys, that of the first being exact, the one to remove."""
        # The first block has its own row and the one that no block has.
        row, other = 0, scratch.size.shape[0] - 1
        spare = queue.fresh[len(queue.chosen)]
        list_losses(graph, scratch, other, e)
        write_key(graph, scratch, other, -1, spare, shared)
        # What is stored was an upper bound: the pair has fallen and is not tied.
        if compare(spare, queue.keys[e]) != 0:
            cuda.syncthreads()
            if cuda.threadIdx.x == 0:
                push_with(queue, e, spare)
            cuda.syncthreads()
            return champion
        list_losses(graph, scratch, row, champion)
        order = compare_beyond(graph, scratch, other, row, last_value(spare), shared)
        if order > 0 or (order == 0 and queue.priority[e] < queue.priority[champion]):
            return e
        return champion

    @cuda.jit(device=True)
    def resolve_tie(graph: Graph, scratch: Scratch, queue: Queue, first: int, shared: Any, lanes: Any) -> int:
        """The best of all pairs whose stored keys equal that of the first, by their keys to the end."""
        list_tied(graph, queue, first, lanes)
        champion = first
        for i in range(queue.counters[RISEN]):
            champion = better_of_tie(graph, scratch, queue, champion, queue.risen[i], shared)
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
        # Losses are those of the graph with the pair: nothing of it goes before they are all taken.
        lower(graph, scratch, 0, e)
        cuda.syncthreads()
        # While the pair is still there: the walks over it tell which keys may rise.
        if not is_alone:
            list_risen(graph, scratch, 0, e, queue.risen, queue.counters)
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            graph.alive[e] = 0
            if graph.directed == 0:
                graph.degree[graph.ends[e, 0]] -= 1
            graph.degree[graph.ends[e, 1]] -= 1
            drop_from_pool(queue, e)
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
    def select_and_remove(graph: Graph, scratch: Scratch, queue: Queue, shared: Any, lanes: Any) -> None:
        """Step 3, and step 4 if a single pair is removed. For the first block."""
        counters = queue.counters
        select(graph, queue, lanes)
        done, removed = counters[DONE], counters[REMOVED]
        if removed == 1:
            e = queue.removed[done]
            # Several are known to their ends. A single one may be tied with others beyond what is stored.
            if is_cut(queue.keys[e]):
                e = resolve_tie(graph, scratch, queue, e, shared, lanes)
            cuda.syncthreads()
            if cuda.threadIdx.x == 0:
                queue.removed[done] = e
            remove_one(graph, scratch, queue, e)
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            counters[DONE] = done + removed

    @cuda.jit(device=True)
    def refresh_risen(graph: Graph, scratch: Scratch, queue: Queue, shared: Any) -> None:
        """The keys that may have risen."""
        row = cuda.blockIdx.x
        for i in range(row, queue.counters[RISEN], cuda.gridDim.x):
            e = queue.risen[i]
            list_losses(graph, scratch, row, e)
            fresh = queue.fresh[len(queue.chosen) + 1 + row]
            write_key(graph, scratch, row, -1, fresh, shared)
            # Those that fell keep their upper bound and their place in order.
            if cuda.threadIdx.x == 0 and compare(fresh, queue.keys[e]) > 0:
                push_with(queue, e, fresh)
            cuda.syncthreads()

    @cuda.jit
    def run_rounds(graph: Graph, scratch: Scratch, queue: Queue, num_rounds: int, max_pool: int) -> None:
        shared = cuda.shared.array(NUM_SHARED, int64)
        lanes = cuda.shared.array(MAX_LANES, int32)
        grid = cuda.cg.this_grid()
        is_first = cuda.blockIdx.x == 0
        for _ in range(num_rounds):
            search_pool(queue, lanes)
            grid.sync()
            if is_first:
                choose(graph, queue, max_pool, lanes)
            grid.sync()
            # The same for all: it was written before the barrier, and nobody writes it until the next round.
            if queue.counters[STATUS] != RUNNING:
                break
            evaluate_chosen(graph, scratch, queue, shared)
            grid.sync()
            if is_first:
                select_and_remove(graph, scratch, queue, shared, lanes)
            grid.sync()
            if queue.counters[REMOVED] > 1:
                remove_simple(graph, scratch, queue)
            else:
                refresh_risen(graph, scratch, queue, shared)
            grid.sync()

    return evaluate, run_rounds
