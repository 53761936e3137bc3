"""How much memory 2-WIS takes, and whether lists of triangles fit into what they may take."""

from __future__ import annotations

import logging

import numpy as np

from wis.engine.task import Task
from wis.graphs.edge_list import EdgeList
from wis.machine import free_memory
from wis.notices import tell

# Bytes of a triangle in lists: three entries of three int32.
_BYTES_A_TRIANGLE = 36

# Bytes that everything else takes for a pair: while triangles are listed, and while they are searched for.
_BYTES_A_PAIR, _BYTES_A_PAIR_SEARCHED = 150, 170

_log = logging.getLogger("wis")


def list_bytes(num_triangles: int) -> int:
    """Bytes of lists of so many triangles."""
    return num_triangles * _BYTES_A_TRIANGLE


def lists_fit(task: Task, num_triangles: int) -> bool:
    """Whether lists of so many triangles of the task's graph take no more than they may."""
    return list_bytes(num_triangles) <= bytes_for_triangles(task)


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


def say_what_searching_needs(task: Task, num_triangles: int) -> None:
    """Tell the user, before the work begins, why triangles are searched for, and what memory that takes."""
    m = task.edges.num_pairs
    need, free = _BYTES_A_PAIR_SEARCHED * m, free_memory()
    _log.info(
        "%s: lists of the %d triangles would take %.1f GiB, and %.1f GiB may be taken: until they fit, triangles are "
        "searched for, which needs %.1f GiB for %d pairs; %.1f GiB are free",
        task.name, num_triangles, list_bytes(num_triangles) / 2**30, bytes_for_triangles(task) / 2**30,
        need / 2**30, m, free / 2**30,
    )  # fmt: skip
    if need > free:
        tell(
            f"{task.name} of {m} pairs needs {need / 2**30:.1f} GiB of memory, {free / 2**30:.1f} GiB are free; "
            "depth=2 needs a third of that"
        )
