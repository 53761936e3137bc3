"""Which attributes of a graph follow its edges: one rule for every reader.

The rule looks at names first, then at lengths, and asks where both leave it open (``docs/graphs.md``):

1. Supervision edges never change: ``edge_label_index``, any other name with ``edge_index`` in it, as
   ``neg_edge_index``, and labels and attributes beside such a list, as ``neg_edge_attr``. Nor do ``ptr``, ``batch``,
   ``…_ptr``, ``…_batch`` of other attributes, counts ``num_…`` and what PyG knows as attributes of vertices, as ``x``
   and ``n_id``.
2. What does not have one entry an edge stays.
3. A name with ``edge`` in it follows.
4. If the length fits nothing else, the attribute follows, unless ``index`` in its name calls it a list of others.
5. Else ``y``, masks of vertices and lists of names stay; for anything else ``edge_attrs`` decides.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

_OF_VERTICES = frozenset({"x", "pos", "feat", "node_type", "n_id", "tf", "face"})
_OF_VERTICES_IF_OPEN = frozenset({"y", "z", "train_mask", "val_mask", "test_mask"})
_OF_EDGES = frozenset({"e_id"})
# Of PyG's loaders: what they were asked for, not what they sampled.
_SUPERVISION = frozenset({"src_index", "dst_pos_index", "dst_neg_index", "input_id", "seed_time"})


class _EdgesAlone(frozenset[str]):
    """A kind of its own, since all empty sets are one object."""


# ``edge_attrs`` of a graph that is read for its edges alone: nothing follows them, and nothing is asked.
EDGES_ALONE = _EdgesAlone()

# An undirected graph with one pair has two columns, as many entries as a short label of the graph.
_FEW_COLUMNS = 2


def fitting_levels(
    length: int | np.ndarray, num_nodes: int | np.ndarray, num_edges: int | np.ndarray, num_graphs: int = 1
) -> set[str]:
    """What an attribute of some length can belong to, by its length.

    Parameters
    ----------
    length, num_nodes, num_edges
        Entries of the attribute, vertices and stored edges; of each graph of a batch, as arrays ``[graphs]``.
    num_graphs
        Number of graphs whose sizes are summed up.

    Returns
    -------
    set of str
        Some of ``"edges"``, ``"vertices"`` and ``"graph"``.
    """
    fits = {
        "edges": length == num_edges,
        "vertices": length == num_nodes,
        "graph": (length == num_graphs) | ((length == num_edges) & (np.asarray(num_edges) <= _FEW_COLUMNS)),
    }
    return {level for level, is_fit in fits.items() if np.all(is_fit)}


def follows_edges(
    name: str,
    fits: Collection[str],
    names: Collection[str],
    edge_attrs: Collection[str] | None = None,
    *,
    is_text: bool = False,
) -> bool:
    """Whether an attribute follows the edges; every reader asks this function.

    Parameters
    ----------
    name
        Name of the attribute.
    fits
        What it can belong to, by :func:`fitting_levels`.
    names
        Names of all attributes of the graph.
    edge_attrs
        Names of those that follow where name and length leave it open; all others then stay. None: an error.
    is_text
        Whether its entries are strings.

    Raises
    ------
    ValueError
        If it is open and ``edge_attrs`` is None, or ``edge_attrs`` names what cannot follow.
    """
    is_elsewhere = _belongs_elsewhere(name, names)
    if edge_attrs is not None and name in edge_attrs:
        _check_can_follow(name, fits, is_elsewhere)
        return True
    if is_elsewhere or "edges" not in fits:
        return False
    is_only_fit = set(fits) == {"edges"} and "index" not in name
    if says_edges(name) or is_only_fit:
        return True
    if edge_attrs is not None or name in _OF_VERTICES_IF_OPEN or "node" in name or (is_text and "vertices" in fits):
        return False
    raise ValueError(
        f"{name} has as many entries as the graph has edges, but {_doubt(fits)}: pass "
        f"edge_attrs=[{name!r}] if it follows the edges, or edge_attrs=[] if it stays"
    )


def says_edges(name: str) -> bool:
    """Whether the name calls an attribute one of edges, though perhaps of others."""
    return "edge" in name or name in _OF_EDGES


def told_by_length(name: str, length: int, num_nodes: int, num_edges: int, names: Collection[str]) -> bool | None:
    """Whether an attribute follows the edges where its length alone says so; None where its name does, or neither."""
    if says_edges(name) or "index" in name or _belongs_elsewhere(name, names):
        return None
    fits = fitting_levels(length, num_nodes, num_edges)
    return None if len(fits) > 1 else fits == {"edges"}


def check_edge_attrs(edge_attrs: Any) -> frozenset[str] | None:
    """Return the names as a set, or raise ``TypeError``."""
    if edge_attrs is None or edge_attrs is EDGES_ALONE:
        return edge_attrs
    is_list = isinstance(edge_attrs, Collection) and not isinstance(edge_attrs, str)
    if not is_list or not all(isinstance(name, str) for name in edge_attrs):
        raise TypeError(f"edge_attrs must be a list of names, got {edge_attrs!r}")
    return frozenset(edge_attrs)


def check_are_there(edge_attrs: Collection[str] | None, names: Collection[str]) -> None:
    """Raise ``ValueError`` if a name of ``edge_attrs`` is no attribute of the graph."""
    missing = sorted(set(edge_attrs or ()) - set(names))
    if missing:
        raise ValueError(f"edge_attrs names {missing[0]!r}, which the graph does not have; it has {sorted(names)}")


def _belongs_elsewhere(name: str, names: Collection[str]) -> bool:
    """Whether the name alone says that the attribute does not follow."""
    is_list = name in _SUPERVISION or "edge_label_index" in name or _is_other_list(name)
    is_batch = name in ("ptr", "batch") or name.endswith("_ptr") or _is_batch(name, names)
    return is_list or is_batch or name.startswith("num_") or name in _OF_VERTICES or _is_supervision(name, names)


def _is_batch(name: str, names: Collection[str]) -> bool:
    """Whether PyG made it for another attribute; an ``edge_batch`` of the user's own says the graph of every edge."""
    return name.endswith("_batch") and ("edge" not in name or name.removesuffix("_batch") in names)


def _is_other_list(name: str) -> bool:
    """Whether the name calls it a list of other edges."""
    return "edge_index" in name and name != "edge_index" and not name.endswith(("_ptr", "_batch"))


def _is_supervision(name: str, names: Collection[str]) -> bool:
    """Whether it belongs to other edges, as ``edge_label`` beside ``edge_label_index`` does."""
    if f"{name}_index" in names:
        return name != "edge"
    if "edge_label" in name and any("edge_label_index" in other for other in names):
        return True
    return any(_is_beside(name, other) for other in names if _is_other_list(other))


def _is_beside(name: str, other: str) -> bool:
    """Whether it is called as a list of other edges is: ``neg_edge_attr`` beside ``neg_edge_index``."""
    before, _, after = other.partition("edge_index")
    return name.startswith(f"{before}edge_") and name.endswith(after)


def _check_can_follow(name: str, fits: Collection[str], is_elsewhere: bool) -> None:
    if is_elsewhere:
        raise ValueError(f"edge_attrs names {name!r}, which by its name does not belong to the edges; leave it out")
    if "edges" not in fits:
        raise ValueError(f"edge_attrs names {name!r}, which does not have one entry for each edge; leave it out")


def _doubt(fits: Collection[str]) -> str:
    if "vertices" in fits:
        return "also as many as it has vertices"
    if "graph" in fits:
        return "also as many as a label of a graph with so few edges may have"
    return "its name calls it a list of vertices or of other edges"
