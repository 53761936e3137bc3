"""What training takes of memory, found out by training on small random graphs, and in how many batches it fits.

Tensors that an epoch holds at once grow with the graph: twice the vertices and edges, twice the bytes. So two random
graphs with the features, classes and edges a vertex of the real one tell by a straight line what that one takes,
whatever the model: its depth, width and messages, and what torch keeps of them for the gradients, are all in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch_geometric.data import Data
from wis.baselines.gnn.data import TrainingData
from wis.baselines.gnn.models import build
from wis.baselines.gnn.protocol import Protocol
from wis.baselines.gnn.training import seeded, train

# The larger of the two random graphs has this many vertices at least, and about so many edges at most.
_VERTICES = 1024
_EDGES = 1 << 18
# A batch of the random graphs has this many vertices, where edges allow it.
_IN_A_BATCH = 64
# What an allocator takes for a byte of tensors: it gives back some of what it took only when all around it is free.
# glibc's took 1.2 to 3.3 of tensors below 32 MiB each, and 1.0 to 1.1 of larger ones, which are mapped by themselves.
_ALLOCATOR = 2
# With more batches a vertex would hardly meet a neighbour: of an edge's two ends, one in 256 would be in one batch.
MOST_BATCHES = 256


@dataclass(frozen=True)
class Size:
    """What the memory of training depends on, beside the model.

    Attributes
    ----------
    vertices, edges, features, classes
        Numbers of them; edges are the columns of ``edge_index``.
    density
        Share of the features that are not zero.
    weighted
        Whether edges have weights.
    """

    vertices: int
    edges: int
    features: int
    classes: int
    density: float = 1.0
    weighted: bool = False

    @classmethod
    def of(cls, data: Any) -> Size:
        """The size of a labelled PyG graph."""
        density = float(torch.count_nonzero(data.x)) / max(data.x.numel(), 1)
        classes = int(data.y.max()) + 1
        return cls(data.num_nodes, data.num_edges, data.num_features, classes, density, "edge_weight" in data)

    @property
    def held_bytes(self) -> int:
        """Main memory that holds the data all the while: features, the whole graph and its pairs, a sparse graph."""
        return 4 * self.vertices * self.features + (16 + 8 + 16) * self.edges


def training_bytes(model: str, size: Size, batches: int = 1, device: str = "cpu") -> int:
    """Bytes that preparing a graph, training a model on it, and its scores on the whole graph take at their peak.

    Twice the tensors that are alive at once, for what the allocator holds beside them, and the data.

    Parameters
    ----------
    model
        A name that :func:`wis.baselines.gnn.models.build` takes.
    size
        Size of the graph.
    batches
        Batches of an epoch.
    device
        ``"cpu"`` or ``"cuda"``: whose memory. On the CPU the data themselves are counted too, libraries are not.
    """
    return needed_bytes(partial(_train_once, model, batches, device), size, batches, device)


def needed_bytes(work: Callable[[Data], object], size: Size, batches: int = 1, device: str = "cpu") -> int:
    """Bytes that a work on a labelled graph of a size takes at its peak, as the work on two small random ones tells.

    The work is linear in vertices and edges, goes by so many batches, and computes by torch in this thread.
    """
    edges_each = size.edges / max(size.vertices, 1)
    larger = max(min(max(_VERTICES, 2 * _IN_A_BATCH * batches), int(_EDGES / max(edges_each, 1))), 4 * batches, 64)
    smaller = larger // 2
    few, many = (_peak(work, _random_graph(replace(size, vertices=n), edges_each), device) for n in (smaller, larger))
    tensors = many + (size.vertices - larger) * (many - few) / (larger - smaller)
    return int(_ALLOCATOR * max(tensors, 0)) + (size.held_bytes if device == "cpu" else 0)


def fewest_batches(model: str, size: Size, memory: float, device: str = "cpu") -> int | None:
    """The smallest number of batches with which training fits into ``memory`` bytes; None if not even 256 will do.

    Each batch is tried on a random graph, as :func:`training_bytes` says; more batches take no more memory.
    """
    most = min(MOST_BATCHES, size.vertices // 2)

    def fits(batches: int) -> bool:
        return training_bytes(model, size, batches, device) <= memory

    if fits(1):
        return 1
    too_few, enough = 1, 2
    while enough <= most and not fits(enough):
        too_few, enough = enough, 2 * enough
    if enough > most:
        if too_few >= most or not fits(most):
            return None
        enough = most
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if fits(middle) else (middle, enough)
    return enough


def _train_once(model: str, batches: int, device: str, data: Data) -> None:
    ready = TrainingData.from_pyg(data, device)
    with seeded(0, ready.device):
        learner = build(model, ready.num_features, ready.num_classes).to(ready.device)
        train(learner, ready, Protocol(epochs=1, batches=batches))


def _random_graph(size: Size, edges_each: float) -> Data:
    random = torch.Generator().manual_seed(0)
    n, num_edges = size.vertices, round(size.vertices * edges_each)
    x = torch.rand(n, size.features, generator=random)
    x *= torch.rand(n, size.features, generator=random) < size.density
    vertex = torch.arange(n)
    data = Data(
        x=x,
        edge_index=torch.randint(n, (2, num_edges), generator=random),
        y=vertex % size.classes,
        train_mask=vertex % 4 < 2,
        val_mask=vertex % 4 == 2,
        test_mask=vertex % 4 == 3,
    )
    if size.weighted:
        data.edge_weight = torch.ones(num_edges)
    return data


def _peak(work: Callable[[Data], object], data: Data, device: str) -> int:
    """The most bytes that the tensors made by the work have at once."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work(data)
        return torch.cuda.max_memory_allocated() - before
    with _TensorsAlive() as alive:
        work(data)
    return alive.peak


class _TensorsAlive(TorchDispatchMode):
    """Follows the memory of all tensors made inside the ``with`` block; torch counts it for GPUs only."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        # A view of what was there before, such as the data, is nothing new.
        given = {storage._cdata for storage in _storages((args, kwargs))}
        for storage in _storages(result):
            if storage._cdata not in given:
                self._alive.setdefault(storage._cdata, (StorageWeakRef(storage), storage.nbytes()))
        self._alive = {key: kept for key, kept in self._alive.items() if not kept[0].expired()}
        self.peak = max(self.peak, sum(size for _, size in self._alive.values()))
        return result


def _storages(tree: Any) -> Iterator[torch.UntypedStorage]:
    """The memory of the dense tensors in nested tuples, lists and dicts."""
    for leaf in tree_leaves(tree):
        if isinstance(leaf, torch.Tensor) and leaf.layout == torch.strided:
            yield leaf.untyped_storage()
