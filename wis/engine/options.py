"""The options of the method ``"wis"``, checked: what users pass becomes what engines take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wis.checks import check_bytes, check_choice, check_count, check_unmasked

OBJECTIVES = ("vertex", "graph")
TIES = ("first", "random")


@dataclass(frozen=True)
class Options:
    """Checked options; ``is_target`` is bool ``[n]`` or None, ``partitions`` as in :class:`~wis.engine.task.Task`."""

    depth: int
    is_target: np.ndarray | None
    partitions: list[tuple[np.ndarray, np.ndarray]] | None
    objective: str
    ties: str
    chunk: int
    memory: int | None


def check_options(
    *,
    depth: Any = 3,
    targets: Any = None,
    partitions: Any = None,
    objective: Any = "vertex",
    ties: Any = "first",
    chunk: Any = 1,
    memory: Any = None,
    num_nodes: int,
) -> Options:
    """Check the options of :func:`wis.engine.rank.rank` for a graph with ``num_nodes`` vertices; runs nothing.

    Raises
    ------
    TypeError, ValueError
        If an option does not fit; the message names it, what was given and what is allowed.
    """
    if targets is not None and partitions is not None:
        raise ValueError("give targets or partitions, not both: partitions name the vertices themselves")
    objective = check_choice("objective", objective, OBJECTIVES)
    depth = check_count("depth", depth, at_least=2)
    if memory is not None and (depth != 3 or objective != "vertex" or partitions is not None):
        raise ValueError("memory is for triangles, which only depth=3 with objective='vertex' and no partitions stores")
    return Options(
        depth=depth,
        is_target=None if targets is None else _target_mask(targets, num_nodes),
        partitions=None if partitions is None else _partitions(partitions, objective, num_nodes),
        objective=objective,
        ties=check_choice("ties", ties, TIES),
        chunk=check_count("chunk", chunk, at_least=1),
        memory=None if memory is None else check_bytes("memory", memory),
    )


def _target_mask(targets: Any, num_nodes: int) -> np.ndarray:
    values = _to_array("targets", targets)
    if values.dtype == bool:
        if len(values) != num_nodes:
            raise ValueError(f"targets is a mask over {len(values)} vertices, but the graph has {num_nodes}")
        mask = values.copy()
    else:
        mask = np.zeros(num_nodes, dtype=bool)
        mask[_check_vertices("targets", values, num_nodes)] = True
    if not mask.any():
        raise ValueError("targets names no vertex; give at least one, or None for all")
    return mask


def _partitions(partitions: Any, objective: str, num_nodes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Every subset with its targets: its vertices, or the one given with it."""
    if isinstance(partitions, (str, bytes)) or not hasattr(partitions, "__iter__"):
        raise TypeError(f"partitions must be a list of vertex subsets, got {type(partitions).__name__}")
    checked = []
    for i, item in enumerate(partitions):
        name = f"partitions[{i}]"
        subset, target = item if (paired := _is_pair(item)) else (item, None)
        vertices = _check_vertices(name, _to_array(name, subset), num_nodes)
        if len(vertices) == 0:
            raise ValueError(f"{name} is empty; every subset must have at least one vertex")
        if paired and objective == "graph":
            raise ValueError(f"{name} has a target, which objective='graph' has no use for; give subsets alone")
        targets = _check_vertices(name, np.array([target]), num_nodes) if paired else np.unique(vertices)
        checked.append((np.unique(vertices), targets))
    if not checked:
        raise ValueError("partitions is empty; give at least one vertex subset, or None for every single vertex")
    return checked


def _is_pair(item: Any) -> bool:
    """Whether it is a subset with a target, as ``([0, 1], 3)``."""
    return isinstance(item, (tuple, list)) and len(item) == 2 and hasattr(item[0], "__len__") and np.ndim(item[1]) == 0


def _to_array(name: str, values: Any) -> np.ndarray:
    """A 1-D array from any sequence or tensor, sets included."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    elif isinstance(values, (set, frozenset, range)):
        values = sorted(values)
    check_unmasked(name, values)
    try:
        array = np.asarray(values)
    except ValueError:
        raise TypeError(f"{name} must be one-dimensional vertex indices, got {values!r}") from None
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {list(array.shape)}")
    return array if array.size else array.astype(np.int64)


def _check_vertices(name: str, values: np.ndarray, num_nodes: int) -> np.ndarray:
    if values.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold vertex indices, got dtype {values.dtype}")
    if values.size and (values.min() < 0 or values.max() >= num_nodes):
        wrong = values[(values < 0) | (values >= num_nodes)][0]
        raise ValueError(f"{name} has vertex {wrong}; vertices are numbered from 0 to {num_nodes - 1}")
    return values.astype(np.int64)
