"""In how many batches the models of a plan are trained: the whole graph at once where that fits into memory."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.baselines.gnn.batches import check_batches
from wis.baselines.gnn.data import TrainingData, check_labels
from wis.baselines.gnn.memory import MOST_BATCHES, Size, fewest_batches, needed_bytes, training_bytes
from wis.baselines.gnn.own import is_own
from wis.baselines.gnn.protocol import Protocol
from wis.baselines.ugs.masks import MaskLearner
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.runs import with_model
from wis.experiments.sweep.store import finished_batches
from wis.experiments.sweep.work import dataset

from wis.machine import find_device, free_bytes
from wis.registry import find_method, parse_method

if TYPE_CHECKING:
    from torch_geometric.data import Data

_log = logging.getLogger("wis")


def choose_batches(
    plan: Plan, folder: Path, *, data_root: Path | None = None, workers: int = 1
) -> dict[tuple[str, str], int]:
    """Batches of a training epoch for every data set and model of a plan.

    Where the plan gives a number, that one. With ``"auto"``, the smallest number with which a run takes no more memory
    than is free on the device, divided by the workers that run side by side; a folder goes on with the numbers of its
    finished runs. What a run takes is :func:`wis.baselines.gnn.memory.training_bytes`, on the whole graph, so that all
    removed shares have the same number.

    Parameters
    ----------
    plan
        What to compare.
    folder
        The run folder.
    data_root
        Folder of the data sets.
    workers
        Number of processes.

    Raises
    ------
    ValueError
        If batches would have fewer than two vertices; if a graph fits in no number of batches, for its scores are those
        of the whole; or if UGS, which learns its masks on the whole graph, has one that does not fit. The message names
        the argument.
    """
    pairs = [(name, model) for name in plan.datasets for model in plan.models]
    if plan.batches == 1:
        return dict.fromkeys(pairs, 1)
    known = finished_batches(folder) if plan.batches == "auto" else dict.fromkeys(pairs, plan.batches)
    device = find_device(plan.device)
    room = int(free_bytes(device) / min(workers, plan.num_cells))
    # Weights make some models keep a message for every edge.
    reweighted = any(find_method(parse_method(text)[0]).kind == "select" for text in plan.methods)
    chosen = {}
    for name in plan.datasets:
        if plan.batches == "auto" and all((name, model) in known for model in plan.models):
            chosen.update({(name, model): known[name, model] for model in plan.models})
            continue
        data_size = _size(name, data_root)
        for model in plan.models:
            size = replace(data_size, weighted=data_size.weighted or (reweighted and not is_own(model)))
            count = known.get((name, model)) or _fewest(name, model, size, room, device.type)
            check_batches(count, size.vertices, f" of {name}")
            chosen[name, model] = count
            _check_masks(plan, name, model, size, room, device.type)
    return chosen


def _size(name: str, data_root: Path | None) -> Size:
    data = dataset(name, data_root).data
    try:
        check_labels(data)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return Size.of(data)


def _fewest(name: str, model: str, size: Size, room: int, device: str) -> int:
    try:
        count = fewest_batches(model, size, room, device)
    except Exception as error:
        if not is_own(model):
            raise
        # Some models of users' own know only one graph.
        _log.warning(
            "%s, %s: the model does not train on a small random graph, so what it takes is unknown; it is trained on "
            "the whole graph at once, unless --batches N says otherwise (%s: %s)",
            *(name, model, type(error).__name__, error),
        )
        return 1
    if count is None:
        most = min(MOST_BATCHES, size.vertices // 2)
        whole, least = (training_bytes(model, size, b, device) for b in (1, most))
        raise ValueError(
            f"batches: training {model} on {name} takes about {_gib(whole)} at once and {_gib(least)} in "
            f"{most} batches, whose scores are still those of the whole graph, and {_gib(room)} are free for "
            "each worker; take fewer --workers, or give --batches N to try all the same"
        )
    if count > 1:
        _log.warning(
            "%s, %s: %d random batches an epoch: a whole graph at once takes about %s, and %s are free for each worker",
            *(name, model, count, _gib(training_bytes(model, size, 1, device)), _gib(room)),
        )
    return count


def _check_masks(plan: Plan, name: str, model: str, size: Size, room: int, device: str) -> None:
    """Raise ``ValueError`` if UGS is in the plan and its masks do not fit: they are learned on the whole graph."""
    if not any(0 < removed < 1 for removed in plan.removed):
        return
    learners: list[dict[str, Any]] = []
    for method, given in map(parse_method, plan.methods):
        record = find_method(method)
        chain = record.chain(with_model(record, given, model))
        learners += [options for used, options in chain if used.name == "ugs"]
    for options in learners:
        try:
            need = needed_bytes(partial(_learn_masks, device, options), size, device=device)
        except Exception:
            if not is_own(options["model"]):
                raise
            continue
        if need > room:
            raise ValueError(
                f"methods: ugs learns its masks on the whole graph at once, which takes about {_gib(need)} with "
                f"{options['model']} on {name}, and {_gib(room)} are free for each worker; take fewer --workers, or "
                "leave ugs out"
            )


def _learn_masks(device: str, options: Mapping[str, Any], data: Data) -> None:
    """One epoch of UGS with a mask on every other edge, each of which stands for itself and its reverse."""
    weights = options["s2"] if options["form"] == "original" else None
    learner = MaskLearner(
        *(TrainingData.from_pyg(data, device), options["model"], Protocol(epochs=1), 0, options["s1"], weights),
        hidden=options["hidden"],
    )
    learner.learn(data.edge_index[:, ::2].numpy(), False, 0, {}, lambda _: None)


def _gib(count: float) -> str:
    return f"{count / 2**30:.2g} GiB"
