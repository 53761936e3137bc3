"""How much memory 2-WIS takes, and whether lists of triangles fit into what they may take."""

from __future__ import annotations

import logging

import numpy as np

from wis.engine.task import Task
from wis.engine.triangles.state import ENTRY_COLUMNS, entry_type
from wis.graphs.edge_list import EdgeList
from wis.machine import free_memory
from wis.notices import tell

# Bytes that everything but the lists takes for a pair.
_BYTES_A_PAIR = 170

_log = logging.getLogger("wis")


def list_bytes(num_triangles: int, most_neighbours: int) -> int:
    """Bytes of lists of so many triangles, an entry at each of three edges, where no vertex has more neighbours."""
    return 3 * ENTRY_COLUMNS * entry_type(most_neighbours).itemsize * num_triangles


def lists_fit(task: Task, num_triangles: int, most_neighbours: int) -> bool:
    """Whether lists of so many triangles take no more than they may."""
    return list_bytes(num_triangles, most_neighbours) <= bytes_for_triangles(task)


def bytes_for_triangles(task: Task) -> int:
    """What the task allows; without a word of it, what is free beside all else that the task's pairs need."""
    if task.memory is not None:
        return task.memory
    return max(free_memory() - _BYTES_A_PAIR * task.edges.num_pairs, 0)


def most_triangles(edges: EdgeList) -> int:
    """No fewer than the graph has, without counting them."""
    degree = edges.degrees()
    # A pair is in fewer triangles than either endpoint has neighbours.
    return (int(np.minimum(degree[edges.pairs[0]], degree[edges.pairs[1]]).sum()) - edges.num_pairs) // 3


def say_what_searching_needs(task: Task, num_triangles: int, most_neighbours: int) -> None:
    """Tell the user, before the work begins, why triangles are searched for, and what memory that takes."""
    m = task.edges.num_pairs
    need, free = _BYTES_A_PAIR * m, free_memory()
    _log.info(
        "%s: lists of the %d triangles would take %.1f GiB, and %.1f GiB may be taken: until they fit, triangles are "
        "searched for, which needs %.1f GiB for %d pairs; %.1f GiB are free",
        task.name, num_triangles, list_bytes(num_triangles, most_neighbours) / 2**30,
        bytes_for_triangles(task) / 2**30, need / 2**30, m, free / 2**30,
    )  # fmt: skip
    if need > free:
        tell(
            f"{task.name} of {m} pairs needs {need / 2**30:.1f} GiB of memory, {free / 2**30:.1f} GiB are free; "
            "depth=2 needs a third of that"
        )
