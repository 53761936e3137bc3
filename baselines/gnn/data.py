"""A labelled PyG graph, checked and prepared once for all the training on it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.models import Features
from wis.baselines.gnn.scores import SCORES
from wis.baselines.gnn.sparse import SparseFeatures

from wis.machine import find_device

# Features with fewer non-zeros than this share are kept sparse; a sparse product is faster well below it.
_SPARSE_BELOW = 0.1
_NEEDED = (
    "training needs features x [n, f], labels y [n] and bool masks train_mask, val_mask and test_mask [n]; wis sweep "
    "draws the masks by --split 0.8,0.1,0.1"
)
_MASKS = ("train_mask", "val_mask", "test_mask")
UNSEEN = -100  # the label that torch's losses leave out


@dataclass(frozen=True)
class TrainingData:
    """A labelled graph on its device, ready for training.

    Attributes
    ----------
    features
        ``[n, f]`` of torch's default dtype, sparse where mostly zero.
    graph
        The prepared graph.
    labels
        int64 ``[n]``.
    train_labels
        ``labels`` where training may look, -100 elsewhere.
    val, test
        int64 positions of the vertices for validation and test.
    num_features, num_classes
        Sizes of a model's input and output.
    metric
        What validation and test measure, a name of :data:`wis.baselines.gnn.scores.SCORES`.
    """

    features: Features
    graph: Graph
    labels: Tensor
    train_labels: Tensor
    val: Tensor
    test: Tensor
    num_features: int
    num_classes: int
    metric: str = "accuracy"

    @property
    def device(self) -> torch.device:
        """Where the data are."""
        return self.labels.device

    @classmethod
    def from_pyg(cls, data: Any, device: str | torch.device = "cpu") -> TrainingData:
        """Check and prepare a PyG graph.

        Parameters
        ----------
        data
            PyG ``Data`` with ``x`` ``[n, f]``, ``edge_index``, ``y`` int ``[n]`` and bool masks ``train_mask``,
            ``val_mask`` and ``test_mask`` ``[n]``; ``edge_weight`` ``[E]`` and ``metric``, ``"accuracy"`` or (two
            classes) ``"roc_auc"``, are used if they are there.
        device
            ``"cpu"``, ``"cuda"`` or ``"auto"``: the GPU where the data are, else any, else the CPU.

        Raises
        ------
        TypeError
            If it is no PyG graph.
        ValueError
            If something is missing, has the wrong shape or is not finite, an edge leads out of the graph, or masks
            overlap.
        RuntimeError
            If ``device="cuda"`` and there is none.
        """
        chosen = find_device(device)
        check_data(data)
        device = data.x.device if device == "auto" and data.x.is_cuda else chosen
        x = data.x.to(device=device, dtype=torch.get_default_dtype())
        y = data.y.to(device).long()
        train = data.train_mask.to(device)
        density = float(torch.count_nonzero(x)) / max(x.numel(), 1)
        return cls(
            features=SparseFeatures(x) if density < _SPARSE_BELOW else x,
            graph=_graph(data, device),
            labels=y,
            train_labels=torch.where(train, y, UNSEEN),
            val=data.val_mask.to(device).nonzero().flatten(),
            test=data.test_mask.to(device).nonzero().flatten(),
            num_features=x.shape[1],
            num_classes=int(y.max()) + 1,
            metric=data.get("metric") or "accuracy",
        )

    def with_edges_of(self, data: Any) -> TrainingData:
        """The same vertices on the edges of another PyG graph, whose weights count if it has any; all else is shared.

        Raises
        ------
        ValueError
            If that graph has another number of vertices, or its edges or their weights are none.
        """
        if data.num_nodes != len(self.labels):
            raise ValueError(f"data must have {len(self.labels)} vertices, as these have, got {data.num_nodes}")
        check_edges(data)
        return replace(self, graph=_graph(data, self.device))


def _graph(data: Any, device: torch.device) -> Graph:
    weight = data.get("edge_weight")
    if weight is not None:
        weight = weight.to(device=device, dtype=torch.get_default_dtype())
    return Graph(data.edge_index.to(device).long(), data.num_nodes, weight)


def check_data(data: Any) -> None:
    """Raise ``TypeError`` or ``ValueError`` unless a PyG graph has all that training needs."""
    if not hasattr(type(data), "num_nodes") or not hasattr(data, "get"):
        raise TypeError(f"data must be a PyG Data, got {type(data).__name__}")
    check_labels(data)
    check_edges(data)
    n = data.num_nodes
    for name in _MASKS:
        mask = data.get(name)
        if mask is None:
            raise ValueError(f"data has no {name}: {_NEEDED}")
        if mask.dtype != torch.bool or tuple(mask.shape) != (n,):
            more = "; choose one split, such as train_mask[:, 0]" if mask.dim() == 2 else ""
            raise ValueError(f"data.{name} must be bool [{n}], got {mask.dtype} of shape {list(mask.shape)}{more}")
        if not mask.any():
            raise ValueError(f"data.{name} selects no vertex")
        if (data.y[mask] < 0).any():
            raise ValueError(f"data.{name} selects vertices with a negative label; labels are 0, 1, …")
        if name != "train_mask" and data.get("metric") == "roc_auc" and len(data.y[mask].unique()) < 2:
            raise ValueError(
                f"data.{name} selects vertices of one class only, and there is no ROC-AUC of one class; draw a split "
                "with both classes in validation and test"
            )
    for one, other in itertools.combinations(_MASKS, 2):
        shared = int((data[one] & data[other]).sum())
        if shared:
            raise ValueError(
                f"data.{one} and data.{other} share {shared} vertices: no vertex may be in two of the three, or scores "
                "are not those of unseen vertices"
            )


def check_edges(data: Any) -> None:
    """Raise ``TypeError`` or ``ValueError`` unless edges of a PyG graph join its vertices and have one weight each.

    Kernels do not look where an edge leads, and would read whatever lies there.
    """
    edges, weight = data.edge_index, data.get("edge_weight")
    if edges.dim() != 2 or len(edges) != 2 or edges.dtype.is_floating_point or edges.dtype.is_complex:
        raise ValueError(f"data.edge_index must be integer [2, E], got {edges.dtype} of shape {list(edges.shape)}")
    if edges.numel() and (edges.min() < 0 or edges.max() >= data.num_nodes):
        raise ValueError(
            f"data.edge_index has vertices from {int(edges.min())} to {int(edges.max())}; the graph has "
            f"{data.num_nodes}, numbered from 0"
        )
    if weight is None:
        return
    if not isinstance(weight, Tensor):
        raise TypeError(f"data.edge_weight must be a tensor [E], got {type(weight).__name__}")
    if tuple(weight.shape) != (edges.shape[1],):
        raise ValueError(f"data.edge_weight must be [{edges.shape[1]}], one number an edge, got {list(weight.shape)}")
    count = _not_finite(weight)
    if count:
        raise ValueError(
            f"data.edge_weight has {count} values that are not finite; drop these edges, or the weights, or scale "
            f"them: models compute in {torch.get_default_dtype()}"
        )


def _not_finite(values: Tensor) -> int:
    """How many of the values are not finite in the precision that models compute in."""
    return int((~torch.isfinite(values.to(torch.get_default_dtype()))).sum())


def check_labels(data: Any) -> None:
    """Raise ``ValueError`` unless a PyG graph has features and one class a vertex, and a metric that fits them."""
    missing = [name for name in ("edge_index", "x", "y") if data.get(name) is None]
    if missing:
        raise ValueError(f"data has no {missing[0]}: {_NEEDED}")
    n, y = data.num_nodes, data.y
    if data.x.dim() != 2 or data.x.layout != torch.strided:
        raise ValueError(f"data.x must be a dense matrix [n, f], got shape {list(data.x.shape)}")
    count = _not_finite(data.x)
    if count:
        raise ValueError(
            f"data.x has {count} values that are not finite; set them, as data.x = data.x.nan_to_num(), or scale them: "
            f"models compute in {torch.get_default_dtype()}"
        )
    if tuple(y.shape) != (n,) or y.is_floating_point() or y.is_complex():
        raise ValueError(f"data.y must be integer [{n}], got {y.dtype} of shape {list(y.shape)}{_kind(y)}")
    if not (y >= 0).any():
        raise ValueError("data.y has no label: all are negative; labels are 0, 1, …")
    metric, classes = data.get("metric") or "accuracy", int(y.max()) + 1
    if metric not in SCORES:
        raise ValueError(f"data.metric must be {' or '.join(map(repr, SCORES))}, got {metric!r}")
    if metric == "roc_auc" and classes != 2:
        raise ValueError(f"data.metric is 'roc_auc', which needs two classes, and data.y has {classes}")


def _kind(labels: Tensor) -> str:
    """What such labels are for, and what to do instead."""
    if labels.dim() == 2 and labels.shape[1] == 1 and not labels.is_floating_point():
        return "; flatten it: data.y = data.y.flatten()"
    if labels.dim() == 2:
        return ": several labels a vertex (multi-label) are not served, only one class a vertex"
    if labels.is_floating_point():
        return ": numbers to predict (regression) are not served; if they are classes, data.y = data.y.long()"
    return ""
