"""Graphs that are several: a batch, a list, one graph an edge type. Each part has a budget of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wis.graphs.edge_list import LoadedGraph


@dataclass(frozen=True, eq=False)
class LoadedParts:
    """Several graphs, read.

    Attributes
    ----------
    parts
        Each graph, which may have parts itself.
    combine
        ``combine(sparse)``: the whole, from what ``keep_pairs`` of each part gave, in the order of ``parts``.
    what
        What the parts are, for an error.
    """

    parts: Sequence[LoadedGraph | LoadedParts]
    combine: Callable[[list[Any]], Any]
    what: str
