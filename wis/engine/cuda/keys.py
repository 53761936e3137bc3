"""What an edge's removal changes, as a key to compare: device functions run by all threads of a block.

The values that an edge takes out of the tuple and those it puts in are a signed count ``net(x)`` per value ``x``, all
cancelled; of two edges the one whose ``net`` is smaller at the smallest ``x`` where they differ goes first. Written as
a sequence, one pair of numbers a value in ascending order, that is plain lexicographic order, larger first:

    net(x) > 0:  (x - 2**62 - 1, -net)        the end:  (0, 0)        net(x) < 0:  (2**62 + 1 - x, -net)

The first ``POINTS`` pairs are stored as the key; what comes after is computed only where keys tie.

``words``, ``NUM_WORDS`` of int64 in the block's shared memory, comes from the kernel: numba-cuda cannot link a device
function that has shared memory of its own and is called along two paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from numba import cuda, int64

if TYPE_CHECKING:
    import torch

# Pairs of a stored key. An edge has at most four of them with no common neighbour, and two more for each.
POINTS = 8

NUM_WORDS = 2
_SMALLEST, _NET = range(2)

_SHIFT = (1 << 62) + 1
_NO_VALUE = (1 << 63) - 1


class Graph(NamedTuple):
    """The graph that is left, on the device: tensors on the host's side, arrays in kernels.

    Attributes
    ----------
    depth, directed
        Depth ``L``, and 1 if pairs are ordered, else 0.
    ends
        int32 ``[m, 2]``.
    start, to, pair
        Arcs out of vertex x: ``start[x]`` to ``start[x + 1]`` of ``to`` (the other end) and ``pair``; removed ones
        stay. int64 ``[n + 1]``, int32 and int32.
    back_start, back_to, back_pair
        Arcs into x; the same arrays if undirected.
    alive
        uint8 ``[m]``: whether a pair is left.
    degree
        int64 ``[n]``: pairs left at a vertex; only those into it if directed.
    value
        int64 ``[n]``: the walk index of a vertex.
    counts
        uint8 ``[n]``: whether the vertex is a target.
    corner_start, corner
        int64 ``[m + 1]`` and int32 ``[3 t, 3]``: the triangles of every pair, as in ``triangle_listing``; else empty.
    reach
        int64 ``[n, L + 1]``: walks of every length from a vertex to anywhere (``graph_walks`` only).
    """

    depth: int
    directed: int
    ends: Any
    start: Any
    to: Any
    pair: Any
    back_start: Any
    back_to: Any
    back_pair: Any
    alive: Any
    degree: Any
    value: Any
    counts: Any
    corner_start: Any
    corner: Any
    reach: Any


class Scratch(NamedTuple):
    """Working memory, one row a block and one more.

    Attributes
    ----------
    size
        int64 ``[rows]``: vertices listed in a row.
    vertex, loss
        int32 and int64 ``[rows, width]``: vertices that an edge's removal may change, its own ends first, and what each
        loses.
    place
        int32 ``[rows, n]``: where in its row a vertex is, -1 elsewhere (``balls`` only).
    walks
        int64 ``[rows, 4, L, width]``: see ``balls``.
    """

    size: Any
    vertex: Any
    loss: Any
    place: Any
    walks: Any


def make_scratch(rows: int, width: int, ball: int, steps: int, walkers: int, place: torch.device) -> Scratch:
    """Working memory: ``width`` vertices a row, ``ball`` places, and ``walkers`` numbers for each kind and step."""
    import torch

    return Scratch(
        size=torch.zeros(rows, dtype=torch.int64, device=place),
        vertex=torch.empty((rows, width), dtype=torch.int32, device=place),
        loss=torch.empty((rows, width), dtype=torch.int64, device=place),
        place=torch.full((rows, ball), -1, dtype=torch.int32, device=place),
        walks=torch.empty((rows, 4, steps, walkers), dtype=torch.int64, device=place),
    )


@cuda.jit(device=True)
def new_value(graph: Graph, scratch: Scratch, row: int, i: int) -> int:
    """Value of the i-th listed vertex after the removal."""
    return int64(graph.value[scratch.vertex[row, i]] - scratch.loss[row, i])


@cuda.jit(device=True)
def is_cut_off(graph: Graph, scratch: Scratch, row: int, i: int) -> bool:
    """Whether the removal leaves the i-th listed vertex without a neighbour (directed: without an edge into it)."""
    return i < 2 and (i == 1 or graph.directed == 0) and graph.degree[scratch.vertex[row, i]] == 1


@cuda.jit(device=True)
def next_value(graph: Graph, scratch: Scratch, row: int, after: int, words: Any) -> tuple[int, int]:
    """The smallest value above ``after`` with a net count other than zero, and that count; (-1, 0) if there is none."""
    while True:
        if cuda.threadIdx.x == 0:
            words[_SMALLEST] = _NO_VALUE
            words[_NET] = 0
        cuda.syncthreads()
        least = int64(_NO_VALUE)
        for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
            t = scratch.vertex[row, i]
            new, old = new_value(graph, scratch, row, i), graph.value[t]
            if graph.counts[t] and new != old:
                if after < new < least:
                    least = new
                if after < old < least:
                    least = old
        cuda.atomic.min(words, _SMALLEST, least)
        cuda.syncthreads()
        x = words[_SMALLEST]
        if x == _NO_VALUE:
            cuda.syncthreads()  # nobody may reset what others still read
            return int64(-1), int64(0)
        for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
            t = scratch.vertex[row, i]
            new, old = new_value(graph, scratch, row, i), graph.value[t]
            if graph.counts[t] and new != old:
                if new == x:
                    cuda.atomic.add(words, _NET, 1)
                elif old == x:
                    cuda.atomic.add(words, _NET, -1)
        cuda.syncthreads()
        count = words[_NET]
        cuda.syncthreads()
        if count != 0:
            return x, count
        after = x


@cuda.jit(device=True)
def write_key(graph: Graph, scratch: Scratch, row: int, after: int, key: Any, words: Any) -> None:
    """Write the key of the listed edge, from the values above ``after`` on, to ``key``."""
    # The length is the array's, not POINTS, so that the compiler does not write the body out that many times.
    for p in range(key.shape[0] >> 1):
        x, net = int64(-1), int64(0)
        if p == 0 or key[2 * p - 2] != 0:
            x, net = next_value(graph, scratch, row, after, words)
            after = x
        cuda.syncthreads()  # all have read the last pair before it is written over, and after
        if cuda.threadIdx.x == 0:
            key[2 * p] = first_number(x, net)
            key[2 * p + 1] = -net
        cuda.syncthreads()


@cuda.jit(device=True)
def first_number(x: int, net: int) -> int:
    """The first number of a pair."""
    if net == 0:
        return int64(0)
    return int64(x - _SHIFT) if net > 0 else int64(_SHIFT - x)


@cuda.jit(device=True)
def last_value(key: Any) -> int:
    """The value of the last stored pair of a full key."""
    number = key[2 * POINTS - 2]
    return int64(number + _SHIFT) if number < 0 else int64(_SHIFT - number)


@cuda.jit(device=True)
def is_cut(key: Any) -> bool:
    """Whether there may be more pairs than are stored."""
    return key[2 * POINTS - 2] != 0


@cuda.jit(device=True)
def compare(key: Any, other: Any) -> int:
    """1 if ``key`` is larger, -1 if smaller, 0 if the stored pairs are equal. For one thread."""
    for i in range(key.shape[0]):
        if key[i] != other[i]:
            return 1 if key[i] > other[i] else -1
    return 0


@cuda.jit(device=True)
def compare_beyond(graph: Graph, scratch: Scratch, row: int, other_row: Any, after: int, words: Any) -> int:
    """As ``compare``, for the pairs of two listed edges beyond the value ``after``, up to their ends. For a block."""
    other_after = after
    while True:
        after, net = next_value(graph, scratch, row, after, words)
        other_after, other_net = next_value(graph, scratch, other_row, other_after, words)
        number, other = first_number(after, net), first_number(other_after, other_net)
        if number != other:
            return 1 if number > other else -1
        if net != other_net:
            return 1 if net < other_net else -1
        if net == 0:
            return 0
