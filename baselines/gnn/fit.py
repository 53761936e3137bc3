"""Train a model by name and measure it: accuracy, time and memory."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch_geometric.nn import MessagePassing
from wis.baselines.gnn.data import TrainingData
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.models import build
from wis.baselines.gnn.own import is_own
from wis.baselines.gnn.protocol import Protocol, find_protocol
from wis.baselines.gnn.training import Outcome, predict, seeded, train

from wis.machine import peak_bytes
from wis.progress import track


@dataclass(frozen=True, kw_only=True)
class FitResult(Outcome):
    """What training came to, and what it took.

    Attributes
    ----------
    train_seconds
        Wall-clock time of the training loop.
    inference_seconds
        Wall-clock time of one forward pass in evaluation mode, the median of three.
    peak_memory_bytes
        On CUDA: the most that tensors took during training. On the CPU: the largest resident size of the whole process
        so far; None where the system does not tell.
    device
        Where it ran.
    metric
        What the scores are: ``"accuracy"`` or ``"roc_auc"``.
    parameters
        Number of weights that the model learns.
    depth
        Number of its message-passing layers, which are PyG's ``MessagePassing`` modules; 0 if it has none.
    """

    train_seconds: float
    inference_seconds: float
    peak_memory_bytes: int | None
    device: str
    metric: str
    parameters: int
    depth: int


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
        One of :data:`wis.baselines.gnn.protocol.MODEL_NAMES`, or one of a user's own, as ``package.module:Class``.
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
    _warm_up("gcn" if is_own(model_name) else model_name, ready.device)
    with seeded(seed, ready.device):
        model = build(model_name, ready.num_features, ready.num_classes).to(ready.device)
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
        metric=ready.metric,
        parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
        depth=sum(isinstance(module, MessagePassing) for module in model.modules()),
    )


@functools.cache
def _warm_up(model_name: str, device: torch.device) -> None:
    """Train on two vertices once: what torch loads and Numba compiles in a first epoch is no training time."""
    both, labels = torch.tensor([[0, 1], [1, 0]], device=device), torch.arange(2, device=device)
    features = torch.eye(2, device=device)
    data = TrainingData(features, Graph(both, 2), labels, labels, labels, labels, num_features=2, num_classes=2)
    with seeded(0, device):
        train(build(model_name, 2, 2).to(device), data, Protocol(epochs=1))


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
