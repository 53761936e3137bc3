"""What is measured beside accuracy: the machine, and what is left of a graph."""

from __future__ import annotations

import math
import platform
from typing import TYPE_CHECKING, Any

import numpy as np
from wis.experiments.datasets.splits import MASKS, with_split
from wis.experiments.sweep.runs import Split

from wis import EdgeList, machine
from wis.graphs.edge_list import LoadedGraph

if TYPE_CHECKING:
    from wis.baselines.metrics import Reference

_PACKAGES = ("wis-graph", "torch", "torch-geometric", "numpy", "scipy", "numba", "scikit-learn", "networkit")

# Measures that a run has as columns of their own.
_COUNTED = frozenset({"components", "isolated"})


def environment(device: str, workers: int) -> dict[str, Any]:
    """Versions, processor and threads, as a report shows them."""
    import torch

    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": machine.processor(),
        "cores": machine.usable_cores(),
        "workers": workers,
        "threads per worker": 1,
        "device": device,
        "versions": machine.versions(_PACKAGES),
    }
    if device == "cuda":
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def dataset_facts(graph: LoadedGraph, split: Split, caution: str = "") -> dict[str, Any]:
    """Size of a dataset: vertices, pairs, features, classes, how many vertices each mask has; and what to beware of."""
    data = with_split(graph.data, split.number, split.parts)
    facts: dict[str, Any] = {"vertices": data.num_nodes, **structure(graph.edges)}
    facts["features"] = data.num_node_features
    facts["classes"] = int(data.y.max()) + 1
    for mask in MASKS:
        facts[mask.removesuffix("_mask")] = int(data[mask].sum())
    return {**facts, "caution": caution} if caution else facts


def bytes_of_edges(data: Any) -> int:
    """Bytes of the ``edge_index`` of a PyG graph, and of its ``edge_weight`` if it has one."""
    parts = [data.edge_index, data.get("edge_weight")]
    return sum(part.numel() * part.element_size() for part in parts if part is not None)


def structure(edges: EdgeList) -> dict[str, int]:
    """Pairs, connected components and isolated vertices.

    Returns
    -------
    dict
        ``pairs`` (undirected, without self-loops), ``components`` (isolated vertices count as one each) and
        ``isolated``. O(n + m log m) time.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(edges.num_pairs, dtype=np.int8)
    adjacency = coo_array((ones, tuple(edges.pairs)), shape=(edges.num_nodes, edges.num_nodes))
    components, _ = connected_components(adjacency, directed=False)
    isolated = int(np.count_nonzero(edges.degrees() == 0))
    return {"pairs": edges.num_pairs, "components": int(components), "isolated": isolated}


def what_is_kept(
    reference: Reference, after: EdgeList, labels: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, float]:
    """The measures of :mod:`wis.baselines.metrics` that are defined, without those that a run has as columns."""
    found = reference.compare(after, labels=labels, weights=weights)
    return {name: value for name, value in found.items() if math.isfinite(value) and name not in _COUNTED}
