"""The state of `levels` before the first removal, of a graph in memory or of a band of one on disk."""

from __future__ import annotations

import numpy as np

from wis.engine.degrees.levels import INFINITE, LEVEL, NUM_COUNTERS, State
from wis.engine.sorting import NUM_DIGITS


def new_state(
    name: np.ndarray,
    first: np.ndarray,
    arcs: np.ndarray,
    cut: np.ndarray,
    degree: np.ndarray,
    num_edges: int,
    pending: int,
    order: np.ndarray,
) -> State:
    """A state in which no level was opened; the arrays are fields of it, ``pending`` the removals that may wait.

    Arrays that only a level or a chunk fills are taken at their largest: memory never touched is never used.
    """
    n, infinite = len(name), len(cut) - 2
    counters = np.zeros(NUM_COUNTERS, dtype=np.int64)
    # Edges between two vertices of infinite degree are the free ones, so that the first level is a finite one.
    counters[INFINITE] = infinite
    counters[LEVEL] = infinite - 1
    by_degree = np.arange(n - 1, -1, -1, dtype=np.int32)
    return State(
        counters=counters,
        name=name,
        first=first,
        length=~np.diff(first).view(np.int32),
        arcs=arcs,
        cut=cut,
        removed=np.zeros(num_edges // 8 + 1, dtype=np.uint8),
        degree=degree,
        opening=degree.copy(),
        by_degree=by_degree,
        place=by_degree.copy(),
        bins=n - cut,
        degrees=np.empty(infinite + 2, dtype=np.int32),
        owners_at=np.full(infinite + 1, -1, dtype=np.int32),
        events_at=np.full(infinite + 1, -1, dtype=np.int32),
        next_event=np.empty(n, dtype=np.int32),
        owner_of=np.full(n, -1, dtype=np.int32),
        owners=np.empty((n, 4), dtype=np.int32),
        called=np.empty(n, dtype=np.int64),
        entries=np.empty((num_edges, 2), dtype=np.int64),
        members=np.empty(num_edges, dtype=np.int64),
        turns=np.empty(n + 1, dtype=np.int64),
        digits=np.empty(NUM_DIGITS, dtype=np.int32),
        pending=np.empty(pending, dtype=np.int64),
        order=order,
    )
