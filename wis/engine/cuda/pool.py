"""The pairs that wait for removal, on the device, and the pool of those whose keys are no longer sorted by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from numba import cuda, int32

from wis.engine.cuda.keys import compare

if TYPE_CHECKING:
    import torch

# Positions in the array of counters: where among the sorted pairs the first is that may still be there; how many were
# sorted; pairs in the pool; removed, in all; rounds; candidates, removed pairs and risen keys of this round; the best
# pair of the pool, -1 if it is empty; and how the launch ends.
CURSOR, SORTED, POOL, DONE, ROUND, CHOSEN, REMOVED, RISEN, RIVAL, STATUS = range(10)
NUM_COUNTERS = 10

# Values of counters[STATUS].
RUNNING, FINISHED, POOL_IS_FULL = range(3)

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
def beats(queue: Queue, e: int, f: int) -> bool:
    """Whether pair e goes before pair f, by stored keys."""
    order = compare(queue.keys[e], queue.keys[f])
    return order > 0 or (order == 0 and queue.priority[e] < queue.priority[f])


@cuda.jit(device=True)
def push(queue: Queue, e: int) -> None:
    """Put pair e into the pool, unless it is there. For one thread, of many with other pairs."""
    if queue.slot[e] < 0:
        at = cuda.atomic.add(queue.counters, POOL, 1)
        queue.slot[e] = at
        queue.pool[at] = e


@cuda.jit(device=True)
def push_with(queue: Queue, e: int, key: Any) -> None:
    """Store a new key of pair e and put it into the pool. For one thread, of many with other pairs."""
    for j in range(queue.keys.shape[1]):
        queue.keys[e, j] = key[j]
    push(queue, e)


@cuda.jit(device=True)
def drop_from_pool(queue: Queue, e: int) -> None:
    """For one thread, while no other one writes to the pool."""
    at = queue.slot[e]
    if at >= 0:
        queue.counters[POOL] -= 1
        # The last one takes its place.
        last = queue.pool[queue.counters[POOL]]
        queue.pool[at] = last
        queue.slot[last] = at
        queue.slot[e] = -1


@cuda.jit(device=True)
def best_of_block(queue: Queue, mine: int, lanes: Any) -> int:
    """The best of the pairs that the threads of a block give, -1 for none; the same for all of them."""
    lanes[cuda.threadIdx.x] = mine
    width = cuda.blockDim.x
    while width > 1:
        cuda.syncthreads()
        # The upper half is compared with the lower one; of an odd width, the one in the middle waits.
        half = (width + 1) // 2
        other_place = cuda.threadIdx.x + half
        if other_place < width:
            other = lanes[other_place]
            best = lanes[cuda.threadIdx.x]
            if other >= 0 and (best < 0 or beats(queue, other, best)):
                lanes[cuda.threadIdx.x] = other
        width = half
    cuda.syncthreads()
    winner = lanes[0]
    cuda.syncthreads()
    return winner


@cuda.jit(device=True)
def search_pool(queue: Queue, lanes: Any) -> None:
    """Find the best pair of a block's share of the pool."""
    mine = int32(-1)
    for i in range(cuda.grid(1), queue.counters[POOL], cuda.gridsize(1)):
        e = queue.pool[i]
        if mine < 0 or beats(queue, e, mine):
            mine = e
    best = best_of_block(queue, mine, lanes)
    if cuda.threadIdx.x == 0:
        queue.bests[cuda.blockIdx.x] = best


@cuda.jit(device=True)
def best_of_pool(queue: Queue, lanes: Any) -> int:
    """The best of what the blocks have found, -1 if the pool is empty. For a block."""
    mine = int32(-1)
    for i in range(cuda.threadIdx.x, cuda.gridDim.x, cuda.blockDim.x):
        e = queue.bests[i]
        if e >= 0 and (mine < 0 or beats(queue, e, mine)):
            mine = e
    return best_of_block(queue, mine, lanes)
