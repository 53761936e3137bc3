"""Common neighbours of all pairs at distance two, kept up to date by :mod:`wis.engine.walks.levels.quadrangles`.

The pairs are numbered once. For every vertex x a square block of these numbers says for any two of its neighbours which
pair they are, so that all pairs of one neighbour with the others are one row of the block.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.graphs.csr import build_csr
from wis.graphs.edge_list import EdgeList
from wis.kernels import compiled

# Blocks of common neighbours take 4 to 6 bytes an entry: at most 768 MiB.
_MAX_BLOCK_ENTRIES = 1 << 27


class Wedges(NamedTuple):
    """Common neighbours of all pairs at distance two.

    Attributes
    ----------
    row
        int64 ``[n]``: where the block of vertex x begins.
    degree
        int64 ``[n]``: its number of rows, the degree of x at the start.
    place
        int32 ``[arcs]``: which row of the block of x is that of the other end of the arc.
    place_of_tail, place_of_head
        int32 ``[m]``: which row of the block of its head is that of the tail of a pair, and vice versa.
    block
        int32: the blocks, numbers of pairs.
    common
        int32: twice the common neighbours of a pair, plus 1 if the two are neighbours themselves.
    own
        int32 ``[m]``: the number of the two ends of an edge, -1 if they had no common neighbour at the start.
    """

    row: np.ndarray
    degree: np.ndarray
    place: np.ndarray
    place_of_tail: np.ndarray
    place_of_head: np.ndarray
    block: np.ndarray
    common: np.ndarray
    own: np.ndarray


def fits(edges: EdgeList) -> bool:
    """Whether the blocks of an undirected graph stay below the size that is allowed."""
    degree = np.bincount(edges.pairs.ravel(), minlength=edges.num_nodes)
    return int(np.square(degree).sum()) <= _MAX_BLOCK_ENTRIES


def make_wedges(edges: EdgeList) -> Wedges:
    """Number the pairs at distance two of an undirected graph and count their common neighbours.

    O(sum of squared degrees) time and memory.
    """
    m = edges.num_pairs
    start, to, pair = build_csr(edges)
    degree = np.diff(start)
    squares = degree * degree
    entries = int(squares.sum())
    wedges = Wedges(
        row=np.cumsum(squares) - squares,
        degree=degree,
        place=np.empty(len(to), dtype=np.int32),
        place_of_tail=np.empty(m, dtype=np.int32),
        place_of_head=np.empty(m, dtype=np.int32),
        block=np.empty(entries, dtype=np.int32),
        common=np.empty((entries - int(degree.sum())) // 2, dtype=np.int32),
        own=np.full(m, -1, dtype=np.int32),
    )
    total = _number_pairs(start[:-1], start[1:], to, pair, edges.pairs[0].astype(np.int32), wedges)
    # Room was taken for as many pairs as neighbours can form; mostly many of these are the same.
    return wedges._replace(common=wedges.common[:total].copy())


def no_wedges() -> Wedges:
    """Empty arrays, for the other kinds of losses."""
    long, short = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
    return Wedges(long, long, short, short, short, short, short, short)


@compiled
def _number_pairs(
    start: np.ndarray, stop: np.ndarray, to: np.ndarray, pair: np.ndarray, tail: np.ndarray, wedges: Wedges
) -> int:
    """Fill the wedges; return how many pairs there are."""
    n = len(start)
    row, degree, place, place_of_tail, place_of_head, block, common, own = wedges
    for x in range(n):
        for at in range(start[x], stop[x]):
            place[at] = at - start[x]
            if tail[pair[at]] == x:
                place_of_head[pair[at]] = place[at]
            else:
                place_of_tail[pair[at]] = place[at]
    number_of = np.full(n, -1, dtype=np.int32)
    total = 0
    for a in range(n):
        first = total
        for at in range(start[a], stop[a]):
            x = to[at]
            i = place_of_tail[pair[at]] if a < x else place_of_head[pair[at]]
            for j in range(degree[x]):
                b = to[start[x] + j]
                # Every pair is numbered at the smaller of its vertices.
                if b <= a:
                    continue
                number = number_of[b]
                # A number below `first` was given with an earlier a: the array need not be cleared in between.
                if number < first:
                    number = total
                    number_of[b] = number
                    common[number] = 0
                    total += 1
                common[number] += 2
                block[row[x] + i * degree[x] + j] = number
                block[row[x] + j * degree[x] + i] = number
        for at in range(start[a], stop[a]):
            b = to[at]
            if b > a and number_of[b] >= first:
                # Neighbours that also are at distance two: the lowest bit says that they are neighbours.
                own[pair[at]] = number_of[b]
                common[number_of[b]] += 1
    return total
