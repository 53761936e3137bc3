"""The greedy algorithm on a GPU, seen from the host: memory, launches and sorting."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wis.engine.cuda import device, keys, pool
from wis.engine.cuda.graph import Graph, Scratch, make_scratch
from wis.engine.task import Task
from wis.machine import check_memory, free_bytes
from wis.progress import track

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

# Candidates of a round, and rounds of a launch: some 0.1 s.
_CANDIDATES = 256
_ROUNDS = 4096

# Memory but for triangles and scratch rows: pairs and arcs, keys; and, taken last, the queue and a sort on the way.
_LATER_BYTES_A_PAIR = 20 + 56
_BYTES_A_PAIR = 16 + 8 + 16 + 1 + 16 * keys.POINTS + 8 + _LATER_BYTES_A_PAIR
_BYTES_A_VERTEX = 33

# Pairs in the pool that make a new sort worth it: the pool is searched through once a round, by all blocks together,
# and by the first one where keys tie beyond what is stored of them.
_MAX_POOL = 8192

# Threads of a block in the rounds: most of their time a single block is at work on few things.
_THREADS = 128


class Family(NamedTuple):
    """What is particular to a family of depths.

    Attributes
    ----------
    evaluate, run_rounds
        The kernels of :func:`rounds.build_kernels`.
    fill_values
        ``fill_values(graph, scratch)``: compute ``graph.value`` for the pairs that are left.
    threads
        Threads of a block in ``evaluate``: as many as an edge has work for.
    list_triangles
        ``list_triangles(ends, start, to, pair)``: the fields ``triangle_start`` and ``triangle`` of the graph; None
        where triangles play no part.
    balls
        Whether whole balls of vertices are listed, and walks in them counted.
    reach
        Whether walks to anywhere count, of every length.
    """

    evaluate: Any
    run_rounds: Any
    fill_values: Callable[[Graph, Scratch], None]
    threads: int
    list_triangles: Callable[[Any, Any, Any, Any], tuple[Any, Any]] | None = None
    balls: bool = False
    reach: bool = False


class _Run(NamedTuple):
    """One run: the graph, and the memory it works in."""

    family: Family
    graph: Graph
    scratch: Scratch
    keys: torch.Tensor
    priority: torch.Tensor


def greedy_order(task: Task, family: Family) -> np.ndarray:
    """Exact greedy order, int64 ``[limit]``.

    Raises
    ------
    RuntimeError
        If there is no CUDA device; the message says why.
    MemoryError
        If the GPU has too little memory; the message says how much is needed.

    Notes
    -----
    GPU memory: about 260 bytes a pair, 33 a vertex, 36 a triangle (depth 3), and for every block 12 bytes a triangle of
    the pair that has most (depth 3) or ``(16 + 32 * depth) * n`` bytes (above; graph prediction ``8 * depth * n`` once
    more). There are as many blocks as the device runs at once, or as half of the memory that is left has room for, but
    at least two. A graph that is on the GPU stays there; only the order is copied to the host.
    """
    device.require_cuda()
    if task.limit == 0:
        return np.empty(0, dtype=np.int64)
    place = device.place_of(task.edges)
    with device.at(place):
        run = _prepare(task, family, place)
        with track(task.limit, f"{task.name} on the GPU", enabled=task.progress) as advance:
            remove = _remove_in_rounds if task.chunk == 1 else _remove_in_chunks
            return remove(run, task.chunk, task.limit, advance).astype(np.int64)


def _prepare(task: Task, family: Family, place: torch.device) -> _Run:
    """Take the graph to the GPU, unless it is there, and take all memory."""
    import torch

    edges, depth = task.edges, task.depth
    n, m = edges.num_nodes, edges.num_pairs
    reach_bytes = 8 * (depth + 1) * n if family.reach else 0
    check_memory(_BYTES_A_PAIR * m + _BYTES_A_VERTEX * n + reach_bytes, place)
    pairs = device.pairs_on(edges, place)
    arcs = back = device.build_csr(pairs, n, both=not edges.directed)
    if edges.directed:
        back = device.build_csr(pairs.flip(0), n, both=False)
    ends = pairs.T.int().contiguous()
    triangle_start = torch.zeros(1, dtype=torch.int64, device=place)
    triangle = torch.zeros((1, 3), dtype=torch.int32, device=place)
    if family.list_triangles is not None:
        triangle_start, triangle = family.list_triangles(ends, *arcs)
    graph = Graph(
        depth=depth,
        directed=int(edges.directed),
        ends=ends,
        start=arcs[0],
        to=arcs[1],
        pair=arcs[2],
        back_start=back[0],
        back_to=back[1],
        back_pair=back[2],
        alive=torch.ones(m, dtype=torch.uint8, device=place),
        degree=back[0].diff(),
        value=torch.zeros(n, dtype=torch.int64, device=place),
        is_target=torch.from_numpy(task.targets().astype(np.uint8)).to(place),
        triangle_start=triangle_start,
        triangle=triangle,
        reach=torch.ones((n, depth + 1) if family.reach else (1, 1), dtype=torch.int64, device=place),
    )
    stored = torch.empty((m, 2 * keys.POINTS), dtype=torch.int64, device=place)
    run = _Run(family, graph, _make_scratch(family, graph), stored, torch.from_numpy(task.priorities()).to(place))
    family.fill_values(run.graph, run.scratch)
    return run


def _make_scratch(family: Family, graph: Graph) -> Scratch:
    """A row for each of the blocks that can run at once, and one more; fewer if memory is short."""
    n, place = len(graph.value), graph.value.device
    ball, steps, width = (n, graph.depth, n) if family.balls else (1, 1, 2)
    if family.list_triangles is not None:
        width = 2 + int(graph.triangle_start.diff().max())
    one_row = 12 * width + 4 * ball + 32 * steps * (width if family.balls else 1)
    later = _LATER_BYTES_A_PAIR * len(graph.alive) + 8 * n
    check_memory(2 * one_row + later, place)
    tiny = make_scratch(1, 1, 1, 1, 1, place)
    stored, chosen, after = tiny.loss, tiny.vertex[0], tiny.size
    blocks = device.resident_blocks(family.evaluate, family.threads, graph, tiny, chosen, after, stored)
    # More blocks than work would only take memory.
    blocks = min(blocks, max(n, len(graph.alive)))
    rows = max(2, min(blocks + 1, (free_bytes(place) - later) // 2 // one_row))
    return make_scratch(rows, width, ball, steps, width if family.balls else 1, place)


def _num_blocks(run: _Run) -> int:
    return len(run.scratch.size) - 1


def _evaluate(run: _Run, chosen: torch.Tensor, after: torch.Tensor) -> None:
    """Exact keys of the chosen pairs, from the values above ``after`` on."""
    blocks = min(_num_blocks(run), len(chosen))
    device.launch(run.family.evaluate, blocks, run.family.threads, run.graph, run.scratch, chosen, after, run.keys)


def _left(run: _Run) -> torch.Tensor:
    """The pairs that are left, int32, in canonical order."""
    return run.graph.alive.nonzero()[:, 0].int()


def _remove_in_rounds(run: _Run, chunk: int, limit: int, advance: Callable[[int], None]) -> np.ndarray:
    queue = pool.make_queue(run.keys, run.priority, len(run.graph.value), limit, _CANDIDATES, _num_blocks(run))
    arguments = (run.graph, run.scratch, queue, _ROUNDS, _MAX_POOL)
    blocks = device.resident_blocks(run.family.run_rounds, _THREADS, *arguments)
    blocks = min(blocks, _num_blocks(run), _CANDIDATES)
    after = run.priority.new_full((len(run.keys),), -1)
    _evaluate(run, _left(run), after)
    counters = queue.counters.to("cpu", copy=True)
    # Nothing is sorted yet, which is what this tells.
    counters[pool.STATUS] = pool.POOL_IS_FULL
    launches = 0
    while counters[pool.STATUS] != pool.FINISHED:
        if counters[pool.STATUS] == pool.POOL_IS_FULL:
            _sort_anew(run, queue, counters)
        done = int(counters[pool.DONE])
        device.launch(run.family.run_rounds, blocks, _THREADS, *arguments)
        counters = queue.counters.to("cpu", copy=True)
        advance(int(counters[pool.DONE]) - done)
        launches += 1
    _log.debug("%d removals in %d rounds and %d launches", limit, counters[pool.ROUND], launches)
    return queue.removed.cpu().numpy()


def _sort_anew(run: _Run, queue: pool.Queue, counters: torch.Tensor) -> None:
    """Put all pairs left in order, and none in the pool."""
    in_order = device.sort_edges(run.keys, run.priority, _left(run))
    queue.in_order[: len(in_order)] = in_order
    queue.slot.fill_(-1)
    counters[pool.CURSOR] = counters[pool.POOL] = 0
    counters[pool.STATUS] = pool.RUNNING
    counters[pool.SORTED] = len(in_order)
    queue.counters.copy_(counters)


def _remove_in_chunks(run: _Run, chunk: int, limit: int, advance: Callable[[int], None]) -> np.ndarray:
    """Evaluate all pairs, remove the best ``chunk`` of them, and again."""
    order = np.empty(limit, dtype=np.int32)
    done = 0
    while done < limit:
        size = min(chunk, limit - done)
        order[done : done + size] = _best(run, size)
        done += size
        if done < limit:
            _drop(run, order[done - size : done])
        advance(size)
    return order


def _best(run: _Run, size: int) -> np.ndarray:
    """The best pairs of all that are left, in order, by their keys to the end."""
    import torch

    place = run.keys.device
    after = run.priority.new_full((len(run.keys),), -1)
    left = _left(run)
    _evaluate(run, left, after)
    best, stored = _top(run, device.sort_edges(run.keys, run.priority, _front(run, left, size)), size)
    # Where stored keys tie and are cut, the pairs are evaluated again from the last stored value on, until they differ
    # or end.
    unsettled = [(low, high, stored[low:high]) for low, high in _cut_ties(stored)]
    while unsettled:
        low, high, stored = unsettled.pop()
        if low >= size:
            continue
        tied = torch.from_numpy(best[low:high]).to(place)
        after[tied] = torch.from_numpy(_last_values(stored)).to(place)
        _evaluate(run, tied, after)
        tied = device.sort_edges(run.keys, run.priority, tied)
        best[low:high], stored = tied.cpu().numpy(), run.keys[tied].cpu().numpy()
        unsettled += [(low + first, low + stop, stored[first:stop]) for first, stop in _cut_ties(stored)]
    return best[:size]


def _front(run: _Run, left: torch.Tensor, size: int) -> torch.Tensor:
    """Those of the pairs that are among the best, or tie with the last of these, as far as the first numbers tell."""
    first = run.keys[left, 0]
    return left[first >= first.topk(size).values[-1]]


def _top(run: _Run, in_order: torch.Tensor, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The first pairs in order and their stored keys: ``size`` of them, and all that tie with the last of these."""
    count = size
    while True:
        best = in_order[:count]
        stored = run.keys[best].cpu().numpy()
        if len(best) == len(in_order) or (stored[-1] != stored[size - 1]).any() or stored[-1, -2] == 0:
            return best.cpu().numpy(), stored
        count *= 2


def _cut_ties(stored: np.ndarray) -> list[tuple[int, int]]:
    """Ranges of equal rows, two or more, of which the stored keys are cut."""
    differs = (stored[1:] != stored[:-1]).any(axis=1)
    bounds = np.concatenate([[0], np.flatnonzero(differs) + 1, [len(stored)]])
    return [
        (int(low), int(high)) for low, high in itertools.pairwise(bounds) if high - low > 1 and stored[low, -2] != 0
    ]


def _last_values(stored: np.ndarray) -> np.ndarray:
    """As ``keys.last_value``, for many keys."""
    number = stored[:, -2]
    shift = (1 << 62) + 1
    return np.where(number < 0, number + shift, shift - number)


def _drop(run: _Run, removed: np.ndarray) -> None:
    """Take pairs out of the graph, and count the walks of what is left."""
    import torch

    graph = run.graph
    gone = torch.from_numpy(removed).to(graph.alive.device)
    # All values anew: after a chunk most have changed.
    graph.alive[gone] = 0
    ends = graph.ends[gone, 1] if graph.directed else graph.ends[gone].flatten()
    graph.degree.index_add_(0, ends, graph.degree.new_full((len(ends),), -1))
    run.family.fill_values(graph, run.scratch)
