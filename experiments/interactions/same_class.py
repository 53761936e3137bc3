"""Train GNNs on "is same class" where the walk index is low, high or between: runs that resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.interactions import task
from wis.experiments.interactions.task import Arrangement, Images
from wis.experiments.running.executors import choose_executor
from wis.experiments.running.rows import Rows

from wis.progress import track

MODELS = ("gcn", "gin", "gat")

# The accuracy on training pairs is the mean over so many last batches.
_LAST_BATCHES = 50


@dataclass(frozen=True)
class Protocol:
    """How long and on what a model is trained.

    Attributes
    ----------
    data
        ``"digits"`` or ``"fashion"``.
    train_pairs, test_pairs
        Pairs drawn, with replacement; the same for all arrangements and seeds.
    batch
        Pairs a step; None: all of them.
    steps
        Steps of Adam, at most.
    steps_of
        Others for some models, whose steps cost more.
    patience
        With full batches: stop once train accuracy has not risen by 1e-4 in so many steps; None: never.
    seeds
        Number of seeds, of weights and batches.
    """

    data: str = "digits"
    train_pairs: int = 20_000
    test_pairs: int = 2_000
    batch: int | None = 1_000
    steps: int = 1_000
    steps_of: Mapping[str, int] = field(default_factory=lambda: {"gat": 300})
    patience: int | None = None
    seeds: int = 5


# "paper": the published settings, on Fashion-MNIST. "full-batch": 1,000 pairs, which are memorised.
PROTOCOLS = {
    "digits": Protocol(),
    "full-batch": Protocol(train_pairs=1_000, batch=None),
    "paper": Protocol("fashion", 10_000, 2_000, None, 10_000, {}, patience=1_000),
}


@dataclass(frozen=True, eq=False)
class Run:
    """One training."""

    model: str
    arrangement: Arrangement
    seed: int
    protocol: Protocol
    data_root: Path | None

    @property
    def key(self) -> str:
        """A name that is unique in the plan."""
        return f"{self.model} | {self.arrangement.name} | seed {self.seed}"


def run_same_class(
    out: Path,
    arrangements: Sequence[Arrangement],
    protocol: Protocol,
    *,
    models: Sequence[str] = MODELS,
    data_root: Path | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Rows:
    """Do the runs that ``out`` does not have yet.

    Parameters
    ----------
    out
        Folder of ``runs.jsonl``.
    arrangements
        Where the images are.
    protocol
        How long and on what.
    models
        Names from :data:`MODELS`.
    data_root
        Folder of Fashion-MNIST's files, for its protocol.
    workers
        Processes, one thread each.
    progress
        Whether to show how far it is.

    Returns
    -------
    Rows
        A row a run: walk index, train and test accuracy, steps and seconds.
    """
    settings = asdict(protocol) | {"arrangements": {a.name: _stamp(a) for a in arrangements}}
    del settings["seeds"]  # more seeds may be added
    rows = Rows(out / "runs.jsonl", settings)
    runs = [
        Run(model, arrangement, seed, protocol, data_root)
        for model in models
        for seed in range(protocol.seeds)
        for arrangement in arrangements
    ]
    todo = [run for run in runs if run.key not in rows]
    with (
        track(len(todo), "is same class", unit="runs", enabled=progress) as advance,
        choose_executor(workers, ("torch_geometric.nn.dense",)) as executor,
    ):
        for run, row in executor.map(train, todo):
            rows.add(run.key, row)
            advance(1)
    return rows


def _stamp(arrangement: Arrangement) -> list[list[int]]:
    return [arrangement.runs.tolist(), sorted(map(sorted, arrangement.graph.edges))]


def load(protocol: Protocol, data_root: Path | None) -> tuple[Images, Images]:
    """Images for training and for the test."""
    if protocol.data == "digits":
        return task.load_digits()
    if data_root is None:
        raise ValueError("Fashion-MNIST needs --data-root, the folder of its four IDX files")
    return task.load_fashion(data_root)


def train(run: Run) -> dict[str, Any]:
    """Train one model and measure it; the random state of torch is left as it was."""
    import torch
    from wis.experiments.interactions.models import LEARNING_RATES, Classifier, accuracy

    start = time.perf_counter()
    protocol = run.protocol
    train_images, test_images = load(protocol, run.data_root)
    data = np.random.default_rng(0)
    train_set, test_set = (
        _tensors(images, count, run.arrangement, data)
        for images, count in ((train_images, protocol.train_pairs), (test_images, protocol.test_pairs))
    )
    adjacency = torch.from_numpy(run.arrangement.adjacency())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        model = Classifier(run.model, train_set[0].shape[2])
        fit = _fit_all if protocol.batch is None else partial(_fit_batches, protocol.batch)
        rate, steps = LEARNING_RATES[run.model], protocol.steps_of.get(run.model, protocol.steps)
        train_accuracy, steps = fit(model, train_set, adjacency, steps, rate, protocol.patience)
        test_accuracy = accuracy(model, test_set[0], adjacency, test_set[1])
    return {
        "model": run.model, "arrangement": run.arrangement.name, "seed": run.seed,
        "walk_index": run.arrangement.walk_index, "train": train_accuracy, "test": test_accuracy,
        "steps": steps, "seconds": time.perf_counter() - start,
    }  # fmt: skip


def _tensors(images: Images, count: int, arrangement: Arrangement, rng: np.random.Generator) -> tuple[Any, Any]:
    import torch

    pairs = task.draw_pairs(images, count, rng)
    inputs = task.vertex_inputs(images, pairs, arrangement.runs)
    return torch.from_numpy(inputs), torch.from_numpy(pairs.same)


def _fit_batches(
    batch: int, model: Any, data: tuple[Any, Any], adjacency: Any, steps: int, rate: float, _: int | None
) -> tuple[float, int]:
    """Steps on batches drawn without replacement; returns the mean train accuracy of the last ones."""
    import torch

    x, same = data
    step = _stepper(model, rate)
    right: list[float] = []
    while len(right) < steps:
        for chosen in torch.randperm(len(x)).split(batch)[: steps - len(right)]:
            right.append(step(x[chosen], adjacency, same[chosen]))  # noqa: PERF401
    return float(np.mean(right[-_LAST_BATCHES:])), steps


def _fit_all(
    model: Any, data: tuple[Any, Any], adjacency: Any, steps: int, rate: float, patience: int | None
) -> tuple[float, int]:
    """Steps on all pairs; returns the train accuracy at the last one, and how many there were."""
    step = _stepper(model, rate)
    best, right, stale, done = float("-inf"), float("nan"), 0, 0
    while done < steps and (patience is None or stale <= patience):
        right = step(data[0], adjacency, data[1])
        best, stale = (right, 0) if right > best + 1e-4 else (best, stale + 1)
        done += 1
    return right, done


def _stepper(model: Any, rate: float) -> Callable[[Any, Any, Any], float]:
    """A function that takes one step of Adam and returns the accuracy before it."""
    import torch

    optimizer = torch.optim.Adam(model.parameters(), lr=rate)

    def step(x: Any, adjacency: Any, same: Any) -> float:
        logits = model(x, adjacency)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(((logits > 0) == (same > 0.5)).float().mean())

    return step
