"""The two pieces of work of a sweep: compute one removal order, and train one model on one sparse graph.

Both are plain functions of one picklable task that return a picklable outcome and never raise for a run that fails, so
that any executor can call them, in this process or in another one. They write nothing but the order's own file.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wis.experiments.sweep import training
from wis.experiments.sweep.measure import compare, structure
from wis.experiments.sweep.runs import Run, Sparsifier, canonical_json
from wis.experiments.sweep.store import OrderOutcome, RunOutcome

import wis
from wis.machine import PeakMemory

# Four vertices, one triangle and a tail: enough to have every kernel of a method compiled before it is timed.
_TINY_GRAPH = ([0, 1, 0, 2, 1, 2, 2, 3], [1, 0, 2, 0, 2, 1, 3, 2])
_compiled: set[str] = set()
_measured: dict[tuple[str, str | None, float], tuple[dict[str, int], dict[str, float]]] = {}


@dataclass(frozen=True)
class OrderTask:
    """Compute the order of ``sparsifier`` and save it as ``path``."""

    sparsifier: Sparsifier
    path: Path
    data_root: Path | None
    device: str


@dataclass(frozen=True)
class RunTask:
    """Do ``run``; ``order_path`` is its removal order, or None if it needs none."""

    run: Run
    order_path: Path | None
    data_root: Path | None


def compute_order(task: OrderTask) -> OrderOutcome:
    """Compute one removal order and save it, whole or not at all."""
    sparsifier = task.sparsifier
    try:
        data = _dataset(sparsifier.dataset, task.data_root)
        _compile(sparsifier)
        memory, start = PeakMemory(), time.perf_counter()
        order = wis.removal_order(
            data, sparsifier.method, seed=sparsifier.seed, device=task.device, **sparsifier.options
        )
        seconds = time.perf_counter() - start
        order.save(task.path)
    except Exception as error:
        return OrderOutcome("failed", _message(error))
    return OrderOutcome("ok", seconds=seconds, peak_bytes=memory.bytes())


def execute_run(task: RunTask) -> RunOutcome:
    """Sparsify, train and measure."""
    try:
        data = _dataset(task.run.dataset, task.data_root)
        memory, start = PeakMemory(), time.perf_counter()
        sparse = _sparse_graph(task, data)
        sparsify_seconds = time.perf_counter() - start
        trained = training.train(sparse, task.run)
        peak_bytes = trained.peak_memory_bytes if task.run.device == "cuda" else memory.bytes()
        facts, kept = _left(task, data, sparse)
    except Exception as error:
        return RunOutcome("failed", _message(error))
    fine = math.isfinite(trained.final_loss)
    return RunOutcome(
        "ok" if fine else "diverged",
        "" if fine else f"the training loss became {trained.final_loss}",
        test_accuracy=trained.test_accuracy if fine else None,
        validation_accuracy=trained.val_accuracy if fine else None,
        best_epoch=trained.best_epoch,
        epochs=trained.epochs,
        sparsify_seconds=sparsify_seconds,
        train_seconds=trained.train_seconds,
        inference_seconds=trained.inference_seconds,
        peak_bytes=peak_bytes,
        kept=kept,
        **facts,
    )


def _left(task: RunTask, data: Any, sparse: Any) -> tuple[dict[str, int], dict[str, float]]:
    """What is left of the graph; measured once for the runs of this process that share a sparse graph."""
    run = task.run
    key = (run.dataset, run.sparsifier.key if run.sparsifier else None, run.removed)
    if key not in _measured:
        _measured[key] = structure(sparse), compare(data, sparse)
    return _measured[key]


def _sparse_graph(task: RunTask, data: Any) -> Any:
    run = task.run
    if run.sparsifier is None:
        return data if run.removed == 0 else wis.sparsify(data, keep=0.0, method="random", seed=0)
    if task.order_path is not None:
        return _order(task.order_path).apply(data, keep=1 - run.removed)
    return wis.sparsify(
        data, keep=1 - run.removed, method=run.sparsifier.method, seed=run.sparsifier.seed, **run.sparsifier.options
    )


@functools.lru_cache(maxsize=1)
def _dataset(name: str, data_root: Path | None) -> Any:
    return training.load_dataset(name, data_root)


@functools.lru_cache(maxsize=1)
def _order(path: Path) -> wis.RemovalOrder:
    return wis.RemovalOrder.load(path)


def _compile(sparsifier: Sparsifier) -> None:
    """Have the kernels of a method compiled, so that its time is its own; learned methods have none."""
    import torch

    asked = canonical_json([sparsifier.method, sparsifier.options])
    if asked in _compiled:
        return
    _compiled.add(asked)
    # A real error shows again, and is reported, when the method gets the real graph.
    with contextlib.suppress(Exception):
        wis.removal_order(torch.tensor(_TINY_GRAPH), sparsifier.method, num_nodes=4, seed=0, **sparsifier.options)


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip()
