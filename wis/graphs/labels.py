"""Vertices that are called by other names than their numbers."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from wis.graphs.edge_list import check_columns


def number_vertices(columns: np.ndarray, num_nodes: int | None, name: str) -> tuple[np.ndarray, int, list[Any] | None]:
    """Number the vertices of columns ``[2, E]`` that hold numbers or names.

    Returns
    -------
    tuple
        Integer columns, the number of vertices, and what each is called in sorted order, or None if columns held
        numbers already.

    Raises
    ------
    TypeError, ValueError
        If the columns hold neither, a number out of range, or more names than ``num_nodes``.
    """
    if columns.size == 0 or columns.dtype.kind in "iu":
        return columns, check_columns(columns, num_nodes, name), None
    no_names = [at for at, end in enumerate(columns.ravel()) if not isinstance(end, str)]
    if no_names:
        # What is missing makes pandas hold all numbers of a column as floats.
        missing = (at for at in no_names if columns.ravel()[at] is None or columns.ravel()[at] != columns.ravel()[at])
        row = next(missing, no_names[0]) % columns.shape[1]
        raise TypeError(
            f"{name} must hold integers, or names in both columns: edge {row} is ({columns[0, row]!r}, "
            f"{columns[1, row]!r}); drop edges without a vertex, and have numbers as integers"
        )
    labels, positions = np.unique(columns.astype(str), return_inverse=True)
    if num_nodes is not None and num_nodes < len(labels):
        raise ValueError(f"{name} has {len(labels)} vertices, but num_nodes={num_nodes}; leave num_nodes out")
    return positions.reshape(columns.shape), len(labels), labels.tolist()


def check_numbered(labels: Sequence[Any] | None, argument: str) -> None:
    """Raise ``ValueError`` if a vertex is called by a number, or the same as a text, that is not its own.

    Vertices are numbered as they stand in the graph. A NetworkX graph made of the edges 2–1 and 1–0 has them in the
    order 2, 1, 0: whoever says 0 means the third one, and would get the first.

    Parameters
    ----------
    labels
        What the graph calls its vertices, in the order of their numbers; None where they are numbered.
    argument
        What tells vertices by their numbers.
    """
    for place, label in enumerate(labels or ()):
        number = int(label) if isinstance(label, str) and label.isdecimal() else label
        if isinstance(number, numbers.Real) and number != place:
            raise ValueError(
                f"{argument} tells vertices by their numbers, and vertex number {place} of graph is called {label!r}: "
                "give a graph that has the vertices 0, 1, … in this order (NetworkX: add_nodes_from(range(n)) before "
                "the edges)"
            )


def name_of(label: Any) -> str:
    """What a vertex is called in a saved order: ``repr`` of its label, that of NumPy's numbers without their type."""
    return repr(label.item() if isinstance(label, np.generic) else label)


def renumbering(own: Sequence[Any] | None, other: Sequence[Any] | None, num_nodes: int) -> np.ndarray | None:
    """Where the vertices of one graph stand in another: int64 ``[n]``, or None if they have the same numbers.

    A graph without labels calls its vertices 0 to ``n - 1``. Labels are compared as :func:`name_of` gives them.

    Raises
    ------
    ValueError
        If both have labels and these are different, or if one has numbers and the other the same as texts, in another
        order.
    """
    if own is None and other is None:
        return None
    numbers = [repr(number) for number in range(num_nodes)]
    names, others = own or numbers, other or numbers
    if names == others:
        return None
    position = {name: i for i, name in enumerate(others)}
    if len(position) == len(others) and position.keys() == set(names):
        return np.array([position[name] for name in names], dtype=np.int64)
    if own is None or other is None:
        stated, texts = names if other is None else others, [repr(str(number)) for number in range(num_nodes)]
        if stated != texts and set(stated) == set(texts):
            raise ValueError(
                "one of graph and order has the vertices 0, 1, …, the other the same as texts, '0', '1', …, in another "
                "order: have numbers in both, as networkx.relabel_nodes(graph, int)"
            )
        return None  # one graph has names and the other numbers, in the order of the names
    different = sorted(position.keys() ^ set(names))
    at = different[0] if different else "twice"
    raise ValueError(
        f"graph is not the one that this order was made from: their vertices have different labels, as {at}"
    )
