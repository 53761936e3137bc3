"""Training of a GNN on one graph, whole or in random batches of vertices.

What never changes (sparse features, the sorted edges, GCN's normalisation) is prepared once, and where a model gives
the same outputs in training and evaluation, one forward pass over the whole graph serves training, validation and test.
Scores are those of a pass over the whole graph, without gradients, also where training goes by batches.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from wis.baselines.gnn.batches import RandomBatches
from wis.baselines.gnn.data import UNSEEN, TrainingData
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.protocol import Protocol
from wis.baselines.gnn.scores import SCORES


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
    test_score, val_score
        Accuracy, or what the metric of the data is, at the best validation epoch; the first of them if several are
        equal.
    best_epoch
        That epoch, from 1.
    epochs
        Number of epochs trained.
    final_loss
        Training loss at the last step, penalties included; not finite if training diverged.
    """

    test_score: float
    val_score: float
    best_epoch: int
    epochs: int
    final_loss: float = float("nan")


class _Record:
    """Follows the validation score from epoch to epoch: the best one, and when to stop."""

    def __init__(self, data: TrainingData, protocol: Protocol, on_best: Callable[[], None] | None) -> None:
        self._data, self._protocol, self._on_best = data, protocol, on_best
        self._parts = data.val, data.test
        self._reference = float("-inf")
        self._stale = 0
        self.best = Outcome(float("nan"), float("-inf"), 0, 0)

    def _score(self, logits: Tensor, part: Tensor) -> Tensor:
        return SCORES[self._data.metric](logits[part], self._data.labels[part])

    def add(self, epoch: int, logits: Tensor) -> bool:
        """Record the outputs after an epoch; True if training should stop."""
        val, test = torch.stack([self._score(logits.detach(), part) for part in self._parts]).tolist()
        if val > self.best.val_score:
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
    """Train a model in place, an epoch being one step of Adam on the whole graph, or one on each of its batches.

    Parameters
    ----------
    model
        A model of :mod:`wis.baselines.gnn.models`, on the device of the data.
    data, protocol
        On what and how.
    parameters
        Further parameters to learn, such as masks.
    graph
        Gives the graph of the next forward pass; ``data.graph`` if None. Needs ``protocol.batches`` to be 1.
    penalty
        Gives a term that is added to the cross-entropy of every step.
    on_best
        Called when the validation score was best so far, with the parameters it was measured at.
    advance
        Called with 1 after every epoch.

    Returns
    -------
    Outcome
        Scores at the best validation epoch.

    Raises
    ------
    ValueError
        If batches would have fewer than two vertices, or there are several and ``graph`` is given.

    Notes
    -----
    On the whole graph, where ``model.same_in_training``, the forward pass of a step also measures the epoch before it,
    and one more pass measures the last epoch. Outputs are those of a separate evaluation pass after every epoch.

    In batches every batch with a training vertex gives a step, on the mean cross-entropy of those that it has.
    """
    if graph is not None and protocol.batches > 1:
        raise ValueError(f"batches must be 1 where every pass has a graph of its own, got {protocol.batches}")
    graph = graph or (lambda: data.graph)
    optimizer = make_optimizer([*model.parameters(), *parameters], protocol)
    record = _Record(data, protocol, on_best)
    batches = RandomBatches(data, protocol.batches) if protocol.batches > 1 else None
    shared = batches is None and bool(getattr(model, "same_in_training", False))
    loss = torch.tensor(float("nan"))

    def step(logits: Tensor, labels: Tensor) -> Tensor:
        loss = nn.functional.cross_entropy(logits, labels, ignore_index=UNSEEN)
        if penalty is not None:
            loss = loss + penalty()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    model.train()
    for epoch in range(1, protocol.epochs + 1):
        if batches is None:
            logits = model(data.features, graph())
            if shared and epoch > 1 and record.add(epoch - 1, logits):
                break
            loss = step(logits, data.train_labels)
        else:
            for batch in batches:
                loss = step(model(batch.features, batch.graph), batch.train_labels)
        advance(1)
        if not shared and record.add(epoch, predict(model, data, graph())):
            break
    else:
        if shared:
            record.add(protocol.epochs, predict(model, data, graph()))
    return replace(record.best, final_loss=float(loss))


def make_optimizer(parameters: Iterable[Tensor], protocol: Protocol) -> torch.optim.Adam:
    """Adam as the protocol sets it."""
    return torch.optim.Adam(parameters, lr=protocol.lr, weight_decay=protocol.weight_decay, fused=True)


@torch.no_grad()
def predict(model: nn.Module, data: TrainingData, graph: Graph | None = None) -> Tensor:
    """Logits ``[n, classes]`` in evaluation mode; the model's mode is put back afterwards."""
    training = model.training
    model.eval()
    logits = model(data.features, data.graph if graph is None else graph)
    model.train(training)
    return logits
