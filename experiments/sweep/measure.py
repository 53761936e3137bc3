"""What is measured beside accuracy: memory, the machine, and what is left of a graph."""

from __future__ import annotations

import math
import platform
from typing import Any

import numpy as np

from wis import EdgeList, machine

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


def dataset_facts(data: Any) -> dict[str, Any]:
    """Size of a dataset: vertices, pairs, features, classes, and how many vertices each mask has."""
    facts = {"vertices": data.num_nodes, **structure(data)}
    facts["features"] = data.num_node_features
    facts["classes"] = int(data.y.max()) + 1
    for mask in ("train_mask", "val_mask", "test_mask"):
        facts[mask.removesuffix("_mask")] = int(data[mask].sum())
    return facts


def structure(data: Any) -> dict[str, int]:
    """Pairs, connected components and isolated vertices of a PyG graph.

    Returns
    -------
    dict
        ``pairs`` (undirected, without self-loops), ``components`` (isolated vertices count as one each) and
        ``isolated``. O(n + m log m) time.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, pairs = data.num_nodes, _edge_list(data).pairs
    adjacency = coo_array((np.ones(pairs.shape[1], dtype=np.int8), (pairs[0], pairs[1])), shape=(n, n))
    components, _ = connected_components(adjacency, directed=False)
    degrees = np.bincount(pairs.ravel(), minlength=n)
    return {
        "pairs": pairs.shape[1],
        "components": int(components),
        "isolated": int(np.count_nonzero(degrees == 0)),
    }


def compare(data: Any, sparse: Any) -> dict[str, float]:
    """How much of a PyG graph its sparsification kept: :func:`wis.baselines.metrics.compare`, where defined."""
    from wis.baselines import metrics

    before, after = _edge_list(data), _edge_list(sparse)
    weights = None if sparse.get("edge_weight") is None else _pair_weights(after, sparse)
    found = metrics.compare(before, after, labels=data.y.cpu().numpy(), weights=weights)
    return {name: value for name, value in found.items() if math.isfinite(value) and name not in _COUNTED}


def _edge_list(data: Any) -> EdgeList:
    return EdgeList.from_columns(data.edge_index.cpu().numpy(), data.num_nodes, directed=False)


def _pair_weights(edges: EdgeList, data: Any) -> np.ndarray:
    """The weight of each pair; both of its directions have the same."""
    pair = edges.pair_of_columns(data.edge_index.cpu().numpy())
    weights = np.empty(edges.num_pairs)
    weights[pair[pair >= 0]] = data.edge_weight.cpu().numpy()[pair >= 0]
    return weights
