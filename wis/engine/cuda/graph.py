"""The graph that is left, and working memory, on the device: tensors on the host's side, arrays in kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch


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
    is_target
        uint8 ``[n]``: whether the walk index of a vertex counts.
    triangle_start, triangle
        int64 ``[m + 1]`` and int32 ``[3 t, 3]``: the triangles of every pair, as in ``triangles.listing``; else empty.
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
    is_target: Any
    triangle_start: Any
    triangle: Any
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
