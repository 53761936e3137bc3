"""1-WIS of a graph on disk: the edges of highest degree are in memory, the others wait as an offset to the degrees.

Edges go by falling key: the smaller degree of the ends, then the larger one; keys only fall. So the removals down to a
key ``K`` concern only the edges whose keys are at least ``K`` now (a *band*): all others stay for the time being, and
count in the degrees of their ends. A band is as many edges as memory has room for; :mod:`~wis.engine.degrees.levels`
removes its edges down to ``K``, as it does with a whole graph. Then the degrees have fallen, and the next band is read.

Edges of one single key may be more than memory has room for. Among them the first by priority goes first, and takes
those at its ends out of the class: they go as they are read, in canonical order, and need no room.

What stays in memory is the degree of every vertex and one bit a pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wis.engine.degrees.levels import DONE, State, remove_down_to
from wis.engine.degrees.state import new_state
from wis.graphs.disk_arrays import temporary_file, write_array
from wis.graphs.pair_files import PairFile, mark
from wis.kernels import compiled
from wis.progress import track

# Bytes in memory for an edge of a band and for a vertex that its edges touch, and for every vertex of the graph.
EDGE_BYTES = 60
VERTEX_BYTES = 76
NODE_BYTES = 8

# Within a band edges are numbered in 32 bits.
_MOST_EDGES = (1 << 31) - 1

# Removals between two looks at Ctrl-C and the progress bar.
_SLICE = 1 << 17

Taken = Callable[[np.ndarray, np.ndarray], None]


class _Band(NamedTuple):
    """The edges with keys of at least (``level``, ``degree``), in canonical order."""

    level: int
    degree: int
    keys: np.ndarray  # int64 [edges]
    numbers: np.ndarray  # int64 [edges]: positions of the pairs


def remove_in_bands(
    pairs: PairFile, limit: int, room: int, folder: Path, *, taken: Taken | None = None, progress: bool = False
) -> np.ndarray:
    """Remove edges by 1-WIS, exactly as :func:`wis.engine.degrees.cpu.removal_order` does with ``ties="first"``.

    Parameters
    ----------
    pairs
        All pairs of the graph; fewer than 2**31 - 1 vertices. The file is left open.
    limit
        Number of pairs to remove, at most ``m``.
    room
        Bytes for the edges of a band; more is taken only where a single edge needs it.
    folder
        On whose disk the pairs that are left are written once most are gone: 16 bytes each.
    taken
        Called with the keys ``u << 32 | v`` and the positions of the pairs removed, in order, some at a time.
    progress
        Show progress.

    Returns
    -------
    np.ndarray
        uint8 ``[m // 8 + 1]``: one bit a pair, set where it was removed, lowest bit first.

    Notes
    -----
    Beside ``room``: 8 bytes a vertex and a bit a pair. Every band reads the pairs that are left two or three times.
    """
    num_pairs = pairs.num_pairs
    degree = pairs.degrees()
    removed = np.zeros(num_pairs // 8 + 1, dtype=np.uint8)
    number = np.full(pairs.num_nodes, -1, dtype=np.int32)
    left, done = pairs, 0
    try:
        with track(limit, "1-WIS", enabled=progress) as advance:
            while done < limit:
                if num_pairs - done < left.num_pairs // 2:
                    left = _without(left, pairs, removed, folder)
                for keys, numbers in _next_removals(left, degree, removed, number, room, limit - done, advance):
                    done += len(keys)
                    if taken is not None:
                        taken(keys, numbers)
    finally:
        if left is not pairs:
            left.close()
    return removed


def _next_removals(
    left: PairFile,
    degree: np.ndarray,
    removed: np.ndarray,
    number: np.ndarray,
    room: int,
    limit: int,
    advance: Callable[[int], None],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Remove the edges of the next band; their keys and numbers in order."""
    count = _histogram(left, degree, removed, 0)
    level, num_edges = _lowest(count, _vertices_from(degree), room)
    larger = level
    if num_edges == 0:
        level = len(count) - 1
        count = _histogram(left, degree, removed, level)
        larger, num_edges = _lowest(count, None, room)
        if num_edges == 0:
            yield from _remove_class(left, degree, removed, level, len(count) - 1, limit, advance)
            return
    band = _read_band(left, degree, removed, level, larger, num_edges)
    order = _remove_band(band, degree, number, limit, advance)
    numbers = band.numbers[order]
    mark(removed, numbers)
    yield band.keys[order], numbers


def _histogram(left: PairFile, degree: np.ndarray, removed: np.ndarray, level: int) -> np.ndarray:
    """How many edges are left by smaller degree; by larger degree of those whose smaller one is ``level`` unless 0."""
    count = np.zeros(int(degree.max()) + 1, dtype=np.int64)
    for keys, numbers in left.blocks():
        _count_keys(keys, numbers, removed, degree, level, count)
    return np.trim_zeros(count, "b")


def _vertices_from(degree: np.ndarray) -> np.ndarray:
    """How many vertices have at least each degree."""
    return np.bincount(degree)[::-1].cumsum()[::-1]


def _lowest(count: np.ndarray, num_vertices: np.ndarray | None, room: int) -> tuple[int, int]:
    """Down to which degree the edges have room, and how many these are: none if those of the highest have not.

    ``num_vertices[d]`` bounds the vertices that edges from degree ``d`` on touch; each touches two at most.
    """
    edges = count[::-1].cumsum()[::-1]
    vertices = 2 * edges if num_vertices is None else np.minimum(2 * edges, num_vertices[: len(edges)])
    fits = np.flatnonzero((edges * EDGE_BYTES + vertices * VERTEX_BYTES <= room) & (edges <= _MOST_EDGES))
    if len(fits) == 0:
        return len(count) - 1, 0
    lowest = max(int(fits[0]), 1)
    return lowest, int(edges[lowest]) if lowest < len(count) else 0


def _read_band(
    left: PairFile, degree: np.ndarray, removed: np.ndarray, level: int, larger: int, num_edges: int
) -> _Band:
    band = _Band(level, larger, np.empty(num_edges, dtype=np.int64), np.empty(num_edges, dtype=np.int64))
    at = 0
    for keys, numbers in left.blocks():
        at = _choose(keys, numbers, removed, degree, level, larger, at, band.keys, band.numbers)
    return band


def _remove_band(
    band: _Band, degree: np.ndarray, number: np.ndarray, limit: int, advance: Callable[[int], None]
) -> np.ndarray:
    """Remove the edges of a band down to its lowest key, and lower the degrees: the edges, int32, in order."""
    state = _prepare(band, degree, number, limit)
    done = 0
    while done < len(state.order):
        stop = min(done + _SLICE, len(state.order))
        remove_down_to(state, band.level, band.degree, stop)
        advance(int(state.counters[DONE]) - done)
        done = int(state.counters[DONE])
        if done < stop:
            break
    degree[state.name] = state.degree
    number[state.name] = -1
    return state.order[:done]


def _prepare(band: _Band, degree: np.ndarray, number: np.ndarray, limit: int) -> State:
    """The state of a whole graph, except that a degree may be larger than the number of arcs."""
    m = len(band.keys)
    cut = _count_vertices(band.keys, degree, number)
    n = int(cut[0])
    name, degrees = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    _number(degree, cut, number, name, degrees)
    first = np.zeros(n + 2, dtype=np.uint32)
    arcs = np.empty(2 * m, dtype=np.int64)
    _put_arcs(band.keys, number, first, arcs)
    return new_state(name, first[: n + 1], arcs, cut, degrees, m, 1, np.empty(min(m, limit), dtype=np.int32))


def _remove_class(
    left: PairFile,
    degree: np.ndarray,
    removed: np.ndarray,
    level: int,
    larger: int,
    limit: int,
    advance: Callable[[int], None],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Remove the edges of the one key (``level``, ``larger``), the highest there is, as they are read."""
    for keys, numbers in left.blocks():
        if limit == 0:
            return
        taken = np.empty(len(keys), dtype=np.int32)
        count = _take_class(keys, numbers, removed, degree, level, larger, limit, taken)
        limit -= count
        advance(count)
        yield keys[taken[:count]], numbers[taken[:count]]


def _without(left: PairFile, pairs: PairFile, removed: np.ndarray, folder: Path) -> PairFile:
    """The pairs that are not removed, in a file of their own; what was left before is closed unless it is all."""
    keys_left, numbers_left = temporary_file(folder), temporary_file(folder)
    count = 0
    with closing(left) if left is not pairs else nullcontext():
        for keys, numbers in left.blocks():
            stays = removed[numbers >> 3] >> (numbers & 7).astype(np.uint8) & 1 == 0
            write_array(keys_left, keys[stays])
            write_array(numbers_left, numbers[stays])
            count += int(np.count_nonzero(stays))
    return PairFile(pairs.num_nodes, count, keys_left, numbers_left)


@compiled
def _count_keys(
    keys: np.ndarray, numbers: np.ndarray, removed: np.ndarray, degree: np.ndarray, level: int, count: np.ndarray
) -> None:
    for i in range(len(keys)):
        if removed[numbers[i] >> 3] >> (numbers[i] & 7) & 1:
            continue
        a, b = degree[keys[i] >> 32], degree[keys[i] & 0xFFFFFFFF]
        if level == 0:
            count[min(a, b)] += 1
        elif min(a, b) == level:
            count[max(a, b)] += 1


@compiled
def _choose(
    keys: np.ndarray,
    numbers: np.ndarray,
    removed: np.ndarray,
    degree: np.ndarray,
    level: int,
    larger: int,
    at: int,
    chosen_keys: np.ndarray,
    chosen_numbers: np.ndarray,
) -> int:
    """Copy the edges of a band to their place from ``at`` on; where the next ones go."""
    for i in range(len(keys)):
        if removed[numbers[i] >> 3] >> (numbers[i] & 7) & 1:
            continue
        a, b = degree[keys[i] >> 32], degree[keys[i] & 0xFFFFFFFF]
        if min(a, b) > level or (min(a, b) == level and max(a, b) >= larger):
            chosen_keys[at] = keys[i]
            chosen_numbers[at] = numbers[i]
            at += 1
    return at


@compiled
def _take_class(
    keys: np.ndarray,
    numbers: np.ndarray,
    removed: np.ndarray,
    degree: np.ndarray,
    level: int,
    larger: int,
    limit: int,
    taken: np.ndarray,
) -> int:
    count = 0
    for i in range(len(keys)):
        if count == limit:
            break
        if removed[numbers[i] >> 3] >> (numbers[i] & 7) & 1:
            continue
        u, v = keys[i] >> 32, keys[i] & 0xFFFFFFFF
        if min(degree[u], degree[v]) == level and max(degree[u], degree[v]) == larger:
            degree[u] -= 1
            degree[v] -= 1
            removed[numbers[i] >> 3] |= np.uint8(1 << (numbers[i] & 7))
            taken[count] = i
            count += 1
    return count


@compiled
def _count_vertices(keys: np.ndarray, degree: np.ndarray, number: np.ndarray) -> np.ndarray:
    """How many vertices of a band have at least each degree; puts 0 in place of -1 as their number."""
    largest = 0
    for key in keys:
        largest = max(largest, degree[key >> 32], degree[key & 0xFFFFFFFF])
    cut = np.zeros(largest + 3, dtype=np.int32)
    for key in keys:
        for x in (key >> 32, key & 0xFFFFFFFF):
            if number[x] < 0:
                number[x] = 0
                cut[degree[x]] += 1
    for d in range(largest, -1, -1):
        cut[d] += cut[d + 1]
    return cut


@compiled
def _number(
    degree: np.ndarray, cut: np.ndarray, number: np.ndarray, name: np.ndarray, degree_of_number: np.ndarray
) -> None:
    """Number the vertices of a band by falling degree."""
    following = cut[1:].copy()
    for x in range(len(number)):
        if number[x] >= 0:
            at = following[degree[x]]
            following[degree[x]] += 1
            number[x] = at
            name[at] = x
            degree_of_number[at] = degree[x]


@compiled
def _put_arcs(keys: np.ndarray, number: np.ndarray, first: np.ndarray, arcs: np.ndarray) -> None:
    """Both arcs of every edge, and in ``first`` where those of each vertex begin."""
    for key in keys:
        first[number[key >> 32] + 2] += 1
        first[number[key & 0xFFFFFFFF] + 2] += 1
    for x in range(len(first) - 2):
        first[x + 2] += first[x + 1]
    for e in range(len(keys)):
        x, y = number[keys[e] >> 32], number[keys[e] & 0xFFFFFFFF]
        arcs[first[x + 1]] = np.int64(y) << 32 | e
        first[x + 1] += 1
        arcs[first[y + 1]] = np.int64(x) << 32 | e
        first[y + 1] += 1
