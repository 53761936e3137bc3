"""The two pieces of work of a sweep: compute one removal order, and train one model on one sparse graph.

Both are plain functions of one picklable task that return a picklable outcome and never raise for a run that fails, so
that any executor can call them, in this process or in another one. They write nothing but the order's own file.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from wis.baselines.gnn.protocol import Protocol
from wis.experiments.datasets.load import read
from wis.experiments.datasets.splits import with_split
from wis.experiments.sweep.measure import bytes_of_edges, structure, what_is_kept
from wis.experiments.sweep.receptive_field import receptive_field
from wis.experiments.sweep.runs import Run, Sparsifier, Split, canonical_json
from wis.experiments.sweep.store import OrderOutcome, RunOutcome

import wis
from wis.budget import pairs_to_keep
from wis.calls import check_call, choose
from wis.graphs.edge_list import EdgeList, LoadedGraph
from wis.graphs.load import load_graph
from wis.machine import PeakMemory
from wis.registry import find_method

if TYPE_CHECKING:
    from wis.baselines.gnn.data import TrainingData
    from wis.baselines.gnn.fit import FitResult
    from wis.baselines.metrics import Reference

_compiled: set[str] = set()
_log = logging.getLogger("wis")
_measured: dict[tuple[str, str | None, str | None, float, int], tuple[dict[str, float], dict[str, float]]] = {}


@dataclass(frozen=True)
class OrderTask:
    """Compute the order of ``sparsifier`` and save it as ``path``; ``may_be_there`` if an earlier sweep has done so.

    ``graph`` is the data set where it is at hand, else it is loaded.
    """

    sparsifier: Sparsifier
    path: Path
    data_root: Path | None
    device: str
    may_be_there: bool = False
    graph: LoadedGraph | None = None


@dataclass(frozen=True)
class RunTask:
    """Do ``run``; ``order_path`` is its removal order, or None if it needs none.

    ``graph`` is the data set where it is at hand, else it is loaded.
    """

    run: Run
    order_path: Path | None
    data_root: Path | None
    graph: LoadedGraph | None = None


def compute_order(task: OrderTask) -> OrderOutcome | None:
    """Compute one removal order and save it, whole or not at all; None if it is there and fits."""
    sparsifier = task.sparsifier
    try:
        graph = task.graph or dataset(sparsifier.dataset, task.data_root)
        if task.may_be_there and order_is_there(task, graph):
            return None
        compile_kernels(sparsifier)
        memory, start = PeakMemory(), time.perf_counter()
        order = wis.removal_order(
            _with_split(graph.data, sparsifier.split),
            sparsifier.method,
            seed=sparsifier.seed,
            device=task.device,
            **sparsifier.options,
        )
        seconds = time.perf_counter() - start
        order.save(task.path)
        _load_order.cache_clear()
    except Exception as error:
        return OrderOutcome("failed", _message(error))
    return OrderOutcome("ok", seconds=seconds, peak_bytes=memory.bytes())


def execute_run(task: RunTask) -> RunOutcome:
    """Sparsify, train and measure."""
    try:
        graph = task.graph or dataset(task.run.dataset, task.data_root)
        memory, start = PeakMemory(), time.perf_counter()
        stays, weights = _choose(task, graph)
        sparse = graph.data if task.run.removed == 0 else graph.keep_pairs(stays, weights)
        sparsify_seconds = time.perf_counter() - start
        trained = train(_prepared(graph, task.run.split, task.run.device).with_edges_of(sparse), task.run)
        peak_bytes = trained.peak_memory_bytes if task.run.device == "cuda" else memory.bytes()
        facts, kept = _left(task, graph, stays, weights, trained.depth)
    except Exception as error:
        return RunOutcome("failed", _message(error))
    message = ""
    if not math.isfinite(trained.final_loss):
        message = f"the training loss became {trained.final_loss}"
    elif not (math.isfinite(trained.test_score) and math.isfinite(trained.val_score)):
        message = f"the model's outputs have no {trained.metric}: {trained.val_score} and {trained.test_score}"
    fine = not message
    return RunOutcome(
        "ok" if fine else "diverged",
        message,
        metric=trained.metric,
        test_score=trained.test_score if fine else None,
        val_score=trained.val_score if fine else None,
        parameters=trained.parameters,
        best_epoch=trained.best_epoch,
        epochs=trained.epochs,
        sparsify_seconds=sparsify_seconds,
        train_seconds=trained.train_seconds,
        inference_seconds=trained.inference_seconds,
        peak_bytes=peak_bytes,
        graph_bytes=bytes_of_edges(sparse),
        kept=kept,
        **facts,
    )


def train(data: TrainingData, run: Run) -> FitResult:
    """Train the model of a run on what is prepared for it and measure it."""
    from wis.baselines.gnn.fit import fit

    return fit(run.model, data, seed=run.seed, protocol=Protocol(**run.protocol))


def load_dataset(name: str, data_root: Path | None) -> LoadedGraph:
    """Load a dataset and read its pairs, on which all that follows works."""
    return load_graph(read(name, data_root))


def _choose(task: RunTask, graph: LoadedGraph) -> tuple[np.ndarray, np.ndarray | None]:
    """Which pairs stay, and the weights of all pairs if the method sets any."""
    run, edges = task.run, graph.edges
    if run.sparsifier is None:
        return np.full(edges.num_pairs, run.removed == 0), None
    num_keep = pairs_to_keep(edges.num_pairs, 1 - run.removed)
    if task.order_path is not None:
        return _order(task.order_path, run.sparsifier).kept_pairs(edges, num_keep), None
    options, seed = run.sparsifier.options, run.sparsifier.seed
    method = check_call(run.sparsifier.method, options, "auto", seed)
    data = _with_split(graph.data, run.sparsifier.split)
    return choose(method, graph, num_keep, options, data=data, seed=seed)


def _with_split(data: Any, split: Split | None) -> Any:
    return data if split is None else with_split(data, split.number, split.parts)


def _left(
    task: RunTask, graph: LoadedGraph, stays: np.ndarray, weights: np.ndarray | None, depth: int
) -> tuple[dict[str, Any], dict[str, float]]:
    """What is left of the graph; measured once for the runs of this process that share a sparse graph."""
    run, before = task.run, _weighted(graph)
    key = (run.dataset, run.own.get("graph"), run.sparsifier.key if run.sparsifier else None, run.removed, depth)
    if key not in _measured:
        kept = None if before.weights is None else before.weights[stays]
        after = EdgeList(before.num_nodes, np.compress(stays, before.pairs, axis=1), before.directed, kept)
        if weights is not None:  # factors, of weights that are 1 where there are none
            weights = weights[stays] if kept is None else weights[stays] * kept
        facts = {**structure(after), **(receptive_field(after, depth) if depth else {})}
        _measured[key] = facts, what_is_kept(_reference(before), after, graph.data.y.numpy(), weights)
    return _measured[key]


@functools.lru_cache(maxsize=1)
def _prepared(graph: LoadedGraph, split: Split, device: str) -> TrainingData:
    """The whole graph, checked and prepared for the runs that come one after the other on its sparse graphs."""
    from wis.baselines.gnn.data import TrainingData

    return TrainingData.from_pyg(_with_split(graph.data, split), device)


@functools.lru_cache(maxsize=1)
def _weighted(graph: LoadedGraph) -> EdgeList:
    """The pairs with their weights; without where one is no positive number, as methods that read none allow."""
    try:
        return graph.weighted_edges()
    except (TypeError, ValueError):
        return graph.edges


@functools.lru_cache(maxsize=1)
def _reference(edges: EdgeList) -> Reference:
    """What sparse graphs of the runs that come one after the other are compared with."""
    from wis.baselines.metrics import Reference

    return Reference(edges)


# The dataset of the runs that come one after the other.
dataset = functools.lru_cache(maxsize=1)(load_dataset)


@functools.lru_cache(maxsize=1)
def _load_order(path: Path) -> wis.RemovalOrder:
    return wis.RemovalOrder.load(path)


def _order(path: Path, sparsifier: Sparsifier) -> wis.RemovalOrder:
    """The order of a sparsifier, which says of itself what made it.

    Raises
    ------
    ValueError
        If the file is damaged, or the order is another one.
    """
    order = _load_order(path)
    made_by = canonical_json([order.method, order.options, order.seed])
    if made_by != canonical_json([sparsifier.method, dict(sparsifier.options), sparsifier.seed]):
        raise ValueError(f"{path} is the order of another method, options or seed: {made_by}")
    return order


def order_is_there(task: OrderTask, graph: LoadedGraph) -> bool:
    """Whether the file holds the order that is asked for; a line says so where it holds something else."""
    _load_order.cache_clear()  # the file may have changed
    try:
        _order(task.path, task.sparsifier).kept_pairs(graph.edges, 0)
    except (ValueError, OSError) as error:
        _log.warning("computing an order again: %s", error)
        return False
    return True


def compile_kernels(sparsifier: Sparsifier) -> None:
    """Have the kernels of a method compiled, so that its time is its own; learned methods have none."""
    import torch

    from wis.warm import DENSE, SMALL

    asked = canonical_json([sparsifier.method, sparsifier.options])
    if asked in _compiled:
        return
    _compiled.add(asked)
    # A real error shows again, and is reported, when the method gets the real graph.
    # Only plain 2-WIS has kernels of its own for dense graphs.
    usual = find_method(sparsifier.method).options
    changed = {name for name, value in sparsifier.options.items() if value != usual.get(name)}
    plain = sparsifier.method == "wis" and changed <= {"ties"}
    for pairs in (SMALL, DENSE) if plain else (SMALL,):
        both = torch.from_numpy(np.hstack([pairs, pairs[::-1]]))
        with contextlib.suppress(Exception):
            wis.removal_order(both, sparsifier.method, seed=0, **sparsifier.options)


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip()
