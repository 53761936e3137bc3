"""Full-batch training of a GNN on one graph.

What never changes (sparse features, the sorted edges, GCN's normalisation) is prepared once, and where a model gives
the same outputs in training and evaluation, one forward pass an epoch serves training, validation and test.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.models import Features, build
from wis.baselines.gnn.protocol import Protocol, find_protocol
from wis.baselines.gnn.sparse import SparseFeatures

from wis.machine import find_device, peak_bytes
from wis.progress import track

# Features with fewer non-zeros than this share are kept sparse; a sparse product is faster well below it.
_SPARSE_BELOW = 0.1
_IGNORED = -100


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
    """

    features: Features
    graph: Graph
    labels: Tensor
    train_labels: Tensor
    val: Tensor
    test: Tensor
    num_features: int
    num_classes: int

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
            ``val_mask`` and ``test_mask`` ``[n]``; ``edge_weight`` ``[E]`` is used if it is there.
        device
            ``"cpu"``, ``"cuda"`` or ``"auto"``: the GPU where the data are, else any, else the CPU.

        Raises
        ------
        TypeError
            If it is no PyG graph.
        ValueError
            If something is missing or has the wrong shape.
        RuntimeError
            If ``device="cuda"`` and there is none.
        """
        chosen = find_device(device)
        _check(data)
        device = data.x.device if device == "auto" and data.x.is_cuda else chosen
        dtype = torch.get_default_dtype()
        x = data.x.to(device=device, dtype=dtype)
        y = data.y.to(device)
        train = data.train_mask.to(device)
        weight = data.get("edge_weight")
        if weight is not None:
            weight = weight.to(device=device, dtype=dtype)
        density = float(torch.count_nonzero(x)) / max(x.numel(), 1)
        return cls(
            features=SparseFeatures(x) if density < _SPARSE_BELOW else x,
            graph=Graph(data.edge_index.to(device), data.num_nodes, weight),
            labels=y,
            train_labels=torch.where(train, y, _IGNORED),
            val=data.val_mask.to(device).nonzero().flatten(),
            test=data.test_mask.to(device).nonzero().flatten(),
            num_features=x.shape[1],
            num_classes=int(y.max()) + 1,
        )


def _check(data: Any) -> None:
    if not hasattr(type(data), "num_nodes") or not hasattr(data, "get"):
        raise TypeError(f"data must be a PyG Data, got {type(data).__name__}")
    needed = ("edge_index", "x", "y", "train_mask", "val_mask", "test_mask")
    missing = [name for name in needed if data.get(name) is None]
    if missing:
        raise ValueError(
            f"data has no {missing[0]}: training needs features x [n, f], labels y [n] and bool masks train_mask, "
            "val_mask and test_mask [n]"
        )
    n = data.num_nodes
    if data.x.dim() != 2 or data.x.layout != torch.strided:
        raise ValueError(f"data.x must be a dense matrix [n, f], got shape {list(data.x.shape)}")
    if tuple(data.y.shape) != (n,) or data.y.is_floating_point() or data.y.is_complex():
        raise ValueError(f"data.y must be integer [{n}], got {data.y.dtype} of shape {list(data.y.shape)}")
    for name in ("train_mask", "val_mask", "test_mask"):
        mask = data[name]
        if mask.dtype != torch.bool or tuple(mask.shape) != (n,):
            more = "; choose one split, such as train_mask[:, 0]" if mask.dim() == 2 else ""
            raise ValueError(f"data.{name} must be bool [{n}], got {mask.dtype} of shape {list(mask.shape)}{more}")
        if not mask.any():
            raise ValueError(f"data.{name} selects no vertex")
        if (data.y[mask] < 0).any():
            raise ValueError(f"data.{name} selects vertices with a negative label; labels are 0, 1, …")


@contextlib.contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Seed torch inside the block and leave the caller's random state as it was. None: seed it freshly."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        if seed is None:
            torch.seed()
        else:
            torch.manual_seed(seed)
        yield


@dataclass(frozen=True)
class Outcome:
    """What training came to.

    Attributes
    ----------
    test_accuracy, val_accuracy
        At the best validation epoch; the first of them if several are equal.
    best_epoch
        That epoch, from 1.
    epochs
        Number of epochs trained.
    final_loss
        Training loss at the last step, penalties included; not finite if training diverged.
    """

    test_accuracy: float
    val_accuracy: float
    best_epoch: int
    epochs: int
    final_loss: float = float("nan")


class _Record:
    """Follows validation accuracy from epoch to epoch: the best one, and when to stop."""

    def __init__(self, data: TrainingData, protocol: Protocol, on_best: Callable[[], None] | None) -> None:
        self._data, self._protocol, self._on_best = data, protocol, on_best
        self._reference = float("-inf")
        self._stale = 0
        self.best = Outcome(float("nan"), float("-inf"), 0, 0)

    def add(self, epoch: int, logits: Tensor) -> bool:
        """Record the outputs after an epoch; True if training should stop."""
        correct = (logits.detach().argmax(dim=1) == self._data.labels).float()
        accuracies = torch.stack([correct[self._data.val].mean(), correct[self._data.test].mean()])
        val, test = accuracies.tolist()
        if val > self.best.val_accuracy:
            self.best = Outcome(test, val, epoch, epoch)
            if self._on_best is not None:
                self._on_best()
        if val > self._reference + self._protocol.min_delta:
            self._reference, self._stale = val, 0
        else:
            self._stale += 1
        self.best = replace(self.best, epochs=epoch)
        return self._protocol.patience is not None and self._stale > self._protocol.patience


def train(
    model: nn.Module,
    data: TrainingData,
    protocol: Protocol,
    *,
    parameters: Iterable[Tensor] = (),
    graph: Callable[[], Graph] | None = None,
    penalty: Callable[[], Tensor] | None = None,
    on_best: Callable[[], None] | None = None,
    advance: Callable[[int], Any] = lambda _: None,
) -> Outcome:
    """Train a model in place, one step of Adam on the whole graph an epoch.

    Parameters
    ----------
    model
        A model of :mod:`wis.baselines.gnn.models`, on the device of the data.
    data, protocol
        On what and how.
    parameters
        Further parameters to learn, such as masks.
    graph
        Gives the graph of the next forward pass; ``data.graph`` if None.
    penalty
        Gives a term that is added to the cross-entropy.
    on_best
        Called when validation accuracy was best so far, with the parameters it was measured at.
    advance
        Called with 1 after every epoch.

    Returns
    -------
    Outcome
        Accuracies at the best validation epoch.

    Notes
    -----
    Where ``model.same_in_training``, the forward pass of a step also measures the epoch before it, and one more pass
    measures the last epoch. Outputs are those of a separate evaluation pass after every epoch.
    """
    graph = graph or (lambda: data.graph)
    optimizer = _adam([*model.parameters(), *parameters], protocol)
    record = _Record(data, protocol, on_best)
    shared = bool(getattr(model, "same_in_training", False))
    model.train()
    for epoch in range(1, protocol.epochs + 1):
        logits = model(data.features, graph())
        if shared and epoch > 1 and record.add(epoch - 1, logits):
            break
        loss = nn.functional.cross_entropy(logits, data.train_labels, ignore_index=_IGNORED)
        if penalty is not None:
            loss = loss + penalty()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        advance(1)
        if not shared and record.add(epoch, predict(model, data, graph())):
            break
    else:
        if shared:
            record.add(protocol.epochs, predict(model, data, graph()))
    return replace(record.best, final_loss=float(loss.detach()))


def _adam(parameters: list[Tensor], protocol: Protocol) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=protocol.lr, weight_decay=protocol.weight_decay, fused=True)


@torch.no_grad()
def predict(model: nn.Module, data: TrainingData, graph: Graph | None = None) -> Tensor:
    """Logits ``[n, classes]`` in evaluation mode; the model's mode is put back afterwards."""
    training = model.training
    model.eval()
    logits = model(data.features, data.graph if graph is None else graph)
    model.train(training)
    return logits


@dataclass(frozen=True)
class FitResult:
    """What :func:`fit` measured.

    Attributes
    ----------
    test_accuracy, val_accuracy, best_epoch, epochs, final_loss
        As in :class:`Outcome`.
    train_seconds
        Wall-clock time of the training loop.
    inference_seconds
        Wall-clock time of one forward pass in evaluation mode, the median of three.
    peak_memory_bytes
        On CUDA: the most that tensors took during training. On the CPU: the largest resident size of the whole process
        so far; None where the system does not tell.
    device
        Where it ran.
    """

    test_accuracy: float
    val_accuracy: float
    best_epoch: int
    epochs: int
    final_loss: float
    train_seconds: float
    inference_seconds: float
    peak_memory_bytes: int | None
    device: str


def fit(
    model_name: str,
    data: Any,
    *,
    seed: int | None = None,
    device: str = "auto",
    protocol: str | Protocol = "reduced",
    progress: bool = False,
) -> FitResult:
    """Train a model by name on a PyG graph and measure it.

    Parameters
    ----------
    model_name
        ``"gcn"``, ``"gin"`` or ``"resgcn"``.
    data
        A PyG graph as :meth:`TrainingData.from_pyg` takes it, or :class:`TrainingData` made before (then ``device`` is
        where those are).
    seed
        Seed of weights and dropout. The same seed gives the same result on the CPU; the random state of the caller is
        left alone.
    device
        ``"cpu"``, ``"cuda"`` or ``"auto"``.
    protocol
        ``"reduced"``, ``"paper"`` or a :class:`~wis.baselines.gnn.protocol.Protocol`.
    progress
        Show a progress bar.

    Raises
    ------
    ValueError
        If the model or protocol is unknown, or the graph lacks something.
    RuntimeError
        If ``device="cuda"`` and there is none.
    """
    protocol = find_protocol(protocol)
    ready = data if isinstance(data, TrainingData) else TrainingData.from_pyg(data, device)
    cuda = ready.device.type == "cuda"
    with seeded(seed, ready.device):
        model = build(model_name, ready.num_features, ready.num_classes).to(ready.device)
        # The first optimizer of a process makes torch load its compiler, for seconds. That is no training time.
        _adam(list(model.parameters()), protocol)
        if cuda:
            torch.cuda.reset_peak_memory_stats(ready.device)
        start = _now(ready.device)
        with track(protocol.epochs, f"training {model_name}", unit="epochs", enabled=progress) as advance:
            outcome = train(model, ready, protocol, advance=advance)
        seconds = _now(ready.device) - start
    return FitResult(
        **vars(outcome),
        train_seconds=seconds,
        inference_seconds=_time_inference(model, ready),
        peak_memory_bytes=torch.cuda.max_memory_allocated(ready.device) if cuda else peak_bytes(),
        device=str(ready.device),
    )


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _time_inference(model: nn.Module, data: TrainingData) -> float:
    times = []
    for _ in range(3):
        start = _now(data.device)
        predict(model, data)
        times.append(_now(data.device) - start)
    return sorted(times)[1]
