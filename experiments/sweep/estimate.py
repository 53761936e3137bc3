"""What a sweep will take on this machine, measured before it begins."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from wis.baselines.gnn.fit import fit
from wis.baselines.gnn.protocol import Protocol
from wis.baselines.ugs.method import training_protocol
from wis.experiments.datasets.splits import with_split
from wis.experiments.running.executors import one_thread
from wis.experiments.sweep.batches import choose_batches
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.runs import Run, Sparsifier, expand
from wis.experiments.sweep.store import finished_runs
from wis.experiments.sweep.sweep import check_own_graphs
from wis.experiments.sweep.work import compile_kernels, dataset

import wis
from wis.machine import find_device
from wis.registry import find_method

_EPOCHS = 6


@dataclass(frozen=True)
class Estimate:
    """What is still to be done, in seconds of one process.

    Attributes
    ----------
    runs, orders
        Runs to train, and removal orders to compute before.
    training, ordering
        Seconds that they take.
    workers
        Processes that share them.
    stops_early
        Whether trainings may stop before their last epoch: then all of this is an upper bound.
    unknown
        Methods that learn in a way of their own, whose orders were left out.
    choosing
        Methods without an order, which choose edges in every run: that was left out too.
    batches
        Batches of an epoch by data set and model, where it does not go over the whole graph at once.
    """

    runs: int
    orders: int
    training: float
    ordering: float
    workers: int
    stops_early: bool
    unknown: tuple[str, ...]
    choosing: tuple[str, ...] = ()
    batches: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def __str__(self) -> str:
        whole = (self.training + self.ordering) / self.workers
        about = "at most about" if self.stops_early else "about"
        where = "in 1 process" if self.workers == 1 else f"in {self.workers} processes"
        text = (
            f"{about} {in_words(whole)} {where} on this machine: {self.runs:,} runs in {in_words(self.training)} of "
            f"one process, {self.orders:,} removal orders in {in_words(self.ordering)}"
        )
        for (name, model), count in self.batches.items():
            text += f"; {name}, {model} in {count} batches an epoch"
        left_out = ["reading the data", "measuring what is kept"]
        left_out += [f"the orders of {', '.join(self.unknown)}"] if self.unknown else []
        left_out += [f"the choices of {', '.join(self.choosing)} (no order)"] if self.choosing else []
        return f"{text}. Not counted: {', '.join(left_out)}"


def estimate(plan: Plan, folder: Path, *, data_root: Path | None = None, workers: int = 1) -> Estimate:
    """Measure what the missing runs and orders of a plan will take.

    Each model is trained for a few epochs on each data set, whole and without edges; an epoch at a share between takes
    a time between. One order of each kind is computed, a learned one with few epochs, for which it is scaled up. On the
    CPU these are CPU times: what it takes on cores with nothing else to do. Reading the data, measuring
    what is kept and the choices of methods without an order are not in it, as the text says.

    Parameters
    ----------
    plan
        What to compare.
    folder
        The run folder, whose finished runs are not counted.
    data_root
        Folder of the data sets.
    workers
        Number of processes of one thread.

    Raises
    ------
    ValueError, FileNotFoundError
        If a data set is not there, cannot be used, or does not fit into memory.
    """
    check_own_graphs(plan)
    batches = choose_batches(plan, folder, data_root=data_root, workers=workers)
    runs = {cell.run.key: cell.run for cell in expand(plan, find_device(plan.device).type, batches)}
    finished = finished_runs(folder, plan.to_dict())
    missing = [run for key, run in runs.items() if key not in finished]
    orders = {run.sparsifier.key: run.sparsifier for run in missing if run.sparsifier and run.sparsifier.has_order}
    without_order = {run.sparsifier.method for run in missing if run.sparsifier and not run.sparsifier.has_order}
    known = [order for order in orders.values() if not _learns_its_own_way(order)]
    with one_thread(), _quiet():
        training, ordering = _training_seconds(missing, data_root), _ordering_seconds(known, data_root)
    return Estimate(
        runs=len(missing),
        orders=len(known),
        training=training,
        ordering=ordering,
        workers=workers,
        stops_early=any(run.protocol["patience"] is not None for run in missing),
        unknown=tuple(sorted({order.method for order in orders.values() if _learns_its_own_way(order)})),
        choosing=tuple(sorted(without_order)),
        batches={pair: count for pair, count in batches.items() if count > 1},
    )


def in_words(seconds: float) -> str:
    """A time as one would say it."""
    for size, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} seconds" if seconds >= 1.5 else "a second"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of the rounds of a method that is only timed."""
    log = logging.getLogger("wis")
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)


def _training_seconds(runs: Iterable[Run], data_root: Path | None) -> float:
    of_epoch: dict[tuple[str, str], tuple[float, float]] = {}
    total = 0.0
    for run in runs:
        kind = run.dataset, run.model
        if kind not in of_epoch:
            of_epoch[kind] = _epoch_seconds(run, 0, data_root), _epoch_seconds(run, 1, data_root)
        whole, without_edges = of_epoch[kind]
        total += run.protocol["epochs"] * ((1 - run.removed) * whole + run.removed * without_edges)
    return total


def _epoch_seconds(run: Run, removed: float, data_root: Path | None) -> float:
    graph = dataset(run.dataset, data_root)
    whole = graph.data if removed == 0 else graph.keep_pairs(np.zeros(graph.edges.num_pairs, dtype=bool), None)
    data = with_split(whole, run.split.number, run.split.parts)

    def train(epochs: int) -> None:
        protocol = replace(Protocol(**run.protocol), epochs=epochs, patience=None)
        fit(run.model, data, seed=0, device=run.device, protocol=protocol)

    train(1)  # the first training of a process also loads libraries
    return _fixed_and_each(train, run.device)[1]


def _fixed_and_each(work: Callable[[int], object], device: str) -> tuple[float, float]:
    """Seconds of a work of epochs: what it takes whatever their number, and each of them."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    work(1)
    one = clock()
    work(1 + _EPOCHS)
    each = max(clock() - one - (one - start), 0) / _EPOCHS
    return max(one - start - each, 0), each


def _learns_its_own_way(order: Sparsifier) -> bool:
    return find_method(order.method).learner(order.options) is not None and order.method != "ugs"


def _ordering_seconds(orders: Iterable[Sparsifier], data_root: Path | None) -> float:
    seconds: dict[tuple[str, str], float] = {}
    total = 0.0
    for order in orders:
        kind = order.dataset, f"{order.method} {sorted(order.options.items(), key=str)}"
        if kind not in seconds:
            seconds[kind] = _order_seconds(order, data_root)
        total += seconds[kind]
    return total


def _order_seconds(order: Sparsifier, data_root: Path | None) -> float:
    data, options = dataset(order.dataset, data_root).data, dict(order.options)
    if order.split is None:
        compile_kernels(order)
        start = time.process_time()
        wis.removal_order(data, order.method, seed=order.seed, **options)
        return time.process_time() - start
    data = with_split(data, order.split.number, order.split.parts)

    def learn(epochs: int) -> None:
        wis.removal_order(data, order.method, seed=order.seed, **{**options, "epochs": epochs})

    # Every round is prepared, whatever its epochs.
    fixed, each = _fixed_and_each(learn, find_device("auto").type)
    return fixed + training_protocol(**options).epochs * each
