"""What is measured beside accuracy: memory, the machine, and what is left of a graph."""

from __future__ import annotations

import contextlib
import importlib.metadata
import math
import os
import platform
import re
from pathlib import Path
from typing import Any

import numpy as np

from wis import EdgeList

_PACKAGES = ("wis-graph", "torch", "torch-geometric", "numpy", "scipy", "numba", "scikit-learn", "networkit")
# Measures that a run has as columns of their own.
_COUNTED = frozenset({"components", "isolated"})


class PeakMemory:
    """The largest resident memory of this process since the object was made.

    Linux lets a process reset its own high-water mark. Where that is not possible, the mark of the whole process is
    returned, which is an upper bound; where there is no mark at all, None.
    """

    _STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            self._RESET.write_text("5")

    def bytes(self) -> int | None:
        """The peak in bytes."""
        with contextlib.suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", self._STATUS.read_text())
            if found:
                return int(found[1]) * 1024
        with contextlib.suppress(ImportError):
            import resource

            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return peak if platform.system() == "Darwin" else peak * 1024
        return None


def environment(device: str, workers: int) -> dict[str, Any]:
    """Versions, processor and threads, as a report shows them."""
    import torch

    versions = {}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": usable_cores(),
        "workers": workers,
        "threads per worker": 1,
        "device": device,
        "versions": versions,
    }
    if device == "cuda":
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def usable_cores() -> int:
    """Number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    with contextlib.suppress(OSError):
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


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
