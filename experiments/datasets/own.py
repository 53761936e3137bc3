"""Graphs of users' own: a file, or an entry point of the group ``wis.datasets``."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENTRY_POINT_GROUP = "wis.datasets"


@functools.cache
def entry_points() -> Mapping[str, importlib.metadata.EntryPoint]:
    """Data sets of other packages by name: functions without arguments that return a PyG ``Data``."""
    return {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}


def read_own(name: str) -> Any:
    """Read and check a graph that a model can be trained on.

    Parameters
    ----------
    name
        A file that :func:`wis.read_graph` reads, or the name of an entry point.

    Returns
    -------
    torch_geometric.data.Data
        With ``x``, ``edge_index`` and ``y``; masks as they are, or none.

    Raises
    ------
    ValueError
        If it has no features or labels, labels of a kind that is not served, or edges of one direction only.
    """
    import wis

    data = entry_points()[name].load()() if name in entry_points() else wis.read_graph(name)
    try:
        check_own(data)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return data


def check_own(data: Any) -> None:
    """Raise ``ValueError`` unless a graph has what a sweep needs."""
    from torch_geometric.data import Data
    from torch_geometric.utils import is_undirected
    from wis.baselines.gnn.data import check_labels

    if not isinstance(data, Data):
        raise ValueError(
            f"a sweep needs features and labels, and {type(data).__name__} has none: save a PyG Data with x [n, f], "
            "edge_index and y [n] as a .pt file"
        )
    check_labels(data)
    if not is_undirected(data.edge_index, num_nodes=data.num_nodes):
        raise ValueError(
            "some edges have one direction only, and sweeps are on undirected graphs: add the others with "
            "torch_geometric.transforms.ToUndirected()(data)"
        )


def fingerprint(name: str) -> str:
    """SHA-256 of a file; of an entry point, what it stands for."""
    if name in entry_points():
        return entry_points()[name].value
    digest = hashlib.sha256()
    with Path(name).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
