"""At depth 4: which vertices are near the level; what follows is in :mod:`wis.engine.walks.levels.near_arcs`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Larger than what any end can lose.
_UNKNOWN = np.iinfo(np.int64).max


class Near(NamedTuple):
    """Near vertices, and places of arcs; ``n`` vertices, ``m`` edges.

    Attributes
    ----------
    stop
        int64 ``[n]``: the arcs of x up to here lead to near vertices, those from here on to others.
    holds
        bool ``[n]``: which vertices are near.
    at_tail, at_head
        int32 ``[m]``: where the arc from the tail, and from the head, of an edge stands.
    tail_loss, head_loss
        int64 ``[m]``: no less than what the tail and the head lose with an edge.
    entering
        int32 ``[n]``: scratch.
    """

    stop: np.ndarray
    holds: np.ndarray
    at_tail: np.ndarray
    at_head: np.ndarray
    tail_loss: np.ndarray
    head_loss: np.ndarray
    entering: np.ndarray


def make_near(num_nodes: int, num_pairs: int) -> Near:
    """Nothing is known yet."""
    return Near(
        stop=np.zeros(num_nodes, dtype=np.int64),
        holds=np.zeros(num_nodes, dtype=np.bool_),
        at_tail=np.empty(num_pairs, dtype=np.int32),
        at_head=np.empty(num_pairs, dtype=np.int32),
        tail_loss=np.full(num_pairs, _UNKNOWN, dtype=np.int64),
        head_loss=np.full(num_pairs, _UNKNOWN, dtype=np.int64),
        entering=np.empty(num_nodes, dtype=np.int32),
    )
