"""From a plan to the runs it needs, each identified by a hash of its whole configuration."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from wis.baselines.gnn import own as own_model
from wis.baselines.gnn.protocol import published_protocol
from wis.experiments.datasets import own as own_graph
from wis.experiments.datasets.catalogue import find
from wis.experiments.datasets.splits import has_one_split
from wis.experiments.sweep.plan import Plan

from wis.registry import Method, find_method, format_method, parse_method

# Part of every hash: raise it when a change to the code can change a result, and old results are computed anew.
RESULTS_VERSION = 4


@dataclass(frozen=True)
class Split:
    """Which vertices are for training, validation and test: see :func:`wis.experiments.datasets.splits.with_split`.

    Attributes
    ----------
    number
        Seed of a random split, or which of the published ones.
    parts
        Shares of a random split; None: the published splits, or 80/10/10.
    """

    number: int
    parts: tuple[float, ...] | None


@dataclass(frozen=True)
class Sparsifier:
    """Who removes edges, from what: the configuration of one removal order.

    Attributes
    ----------
    dataset
        Name of the dataset.
    method
        Name of the method.
    options
        All its options, defaults included, so that a changed default is a new configuration.
    seed
        The seed, or None if the method uses none: one order then serves every seed.
    split
        The split, if the method learns from labels, else None: one order then serves every split.
    own
        Fingerprints of what is a user's own: of the files of the graph, of the method, and of the model that it learns
        with.
    """

    dataset: str
    method: str
    options: Mapping[str, Any]
    seed: int | None
    split: Split | None = None
    own: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the configuration."""
        return _hash({"order": _config(self)})

    @property
    def has_order(self) -> bool:
        """Whether one order serves every share; else the method chooses edges anew for each."""
        return find_method(self.method).kind == "rank"


@dataclass(frozen=True)
class Run:
    """One model trained once on one sparse graph.

    Attributes
    ----------
    dataset, model
        Names.
    protocol
        Every setting of the training protocol; without ``batches`` where an epoch is one step on the whole graph.
    device
        ``"cpu"`` or ``"cuda"``.
    seed
        Seed of the model's initial weights and of training.
    split
        What is trained and tested on.
    removed
        Share of the pairs removed.
    sparsifier
        What removes them; None at shares 0 and 1, where every method leaves the same graph.
    own
        Fingerprints of what is a user's own: of the files of the graph and of the model.
    """

    dataset: str
    model: str
    protocol: Mapping[str, Any]
    device: str
    seed: int
    split: Split
    removed: float
    sparsifier: Sparsifier | None
    own: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the configuration."""
        return _hash({"run": _config(self)})


@dataclass(frozen=True)
class Cell:
    """One entry of the plan's grid. Several cells may share one run: all methods share those at 0 and 100 %."""

    dataset: str
    model: str
    method: str
    removed: float
    split: int
    seed: int
    run: Run


def expand(plan: Plan, device: str, batches: Mapping[tuple[str, str], int] = MappingProxyType({})) -> list[Cell]:
    """All cells of a plan, one seed and split after the other, so that a sweep stopped early compares every method.

    Parameters
    ----------
    plan
        The plan.
    device
        ``"cpu"`` or ``"cuda"``: what the plan's device came to on this machine.
    batches
        Batches of an epoch, by data set and model; where nothing is said, the whole graph at once.
    """
    methods = {text: parse_method(text) for text in plan.methods}
    codes = {text: _own_method(*parsed) for text, parsed in methods.items()}
    graphs = {name: {"graph": own_graph.fingerprint(name)} if find(name).own else {} for name in plan.datasets}
    single = {name for name in plan.datasets if plan.split is None and _has_one_split(name, plan)}
    cells: dict[tuple[str, str], Cell] = {}
    for seed, number in plan.seeds_and_splits:
        for dataset, model in itertools.product(plan.datasets, plan.models):
            split = Split(0 if dataset in single else number, plan.split)
            protocol = _protocol(dataset, model, plan, batches.get((dataset, model), 1))
            own = {**graphs[dataset], **_own_model(model)}
            for removed, (text, (name, options)) in itertools.product(plan.removed, methods.items()):
                sparsifier = None
                if 0 < removed < 1:
                    files = {**graphs[dataset], **codes[text]}
                    sparsifier = _sparsifier(dataset, name, options, seed, model, split, files)
                run = Run(dataset, model, protocol, device, seed, split, removed, sparsifier, own)
                cell = Cell(dataset, model, text, removed, split.number, seed, run)
                cells.setdefault((text, run.key), cell)
    return list(cells.values())


def _own_method(name: str, options: Mapping[str, Any]) -> dict[str, str]:
    """The fingerprint of a method of a user's own, also where another method takes its scores."""
    fingerprints = [method.file_fingerprint for method, _ in find_method(name).chain(options)]
    return {"method": " ".join(filter(None, fingerprints))} if any(fingerprints) else {}


def _own_model(name: str) -> dict[str, str]:
    return {"model": own_model.fingerprint(name)} if own_model.is_own(name) else {}


def _has_one_split(name: str, plan: Plan) -> bool:
    """Whether every number of a split means the same one: the published one, or that of a user's own graph."""
    dataset = find(name)
    if dataset.own and plan.split_seeds == "seeds":
        return has_one_split(own_graph.read_own(name))
    return dataset.num_splits == 1


def _protocol(dataset: str, model: str, plan: Plan, batches: int) -> dict[str, Any]:
    protocol = published_protocol(plan.protocol, dataset, model)
    settings = asdict(replace(protocol, epochs=plan.epochs or protocol.epochs, batches=batches))
    if batches == 1:  # runs of before there were batches are the same runs
        del settings["batches"]
    return settings


def _sparsifier(
    dataset: str, name: str, options: Mapping[str, Any], seed: int, model: str, split: Split, files: Mapping[str, str]
) -> Sparsifier:
    method = find_method(name)
    options = {**method.options, **with_model(method, options, model)}
    # What may be used changes no result: where it is left open, runs of before it could be said are the same.
    if options.get("memory", 0) is None:
        del options["memory"]
    own = dict(files)
    for _, used in method.chain(options):
        own.update(_own_model(used["model"]) if "model" in used else {})
    seed_used = seed if method.uses_seed(options) else None
    return Sparsifier(dataset, name, options, seed_used, split if method.learner(options) else None, own)


def with_model(method: Method, options: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The options, where a method that learns with a GNN learns with this one, unless they say otherwise.

    So does one whose order it works on.
    """
    options = {"model": model, **options} if method.uses_model else dict(options)
    if method.scored_by is not None:
        name, own = parse_method({**method.options, **options}[method.scored_by])
        options[method.scored_by] = format_method(name, with_model(find_method(name), own, model))
    return options


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal for equal configurations, on every machine.

    Raises
    ------
    ValueError
        If a value has no JSON form.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a configuration must be made of JSON values: {error}") from error


def _config(part: Sparsifier | Run) -> dict[str, Any]:
    """The fields, with fingerprints only where something is a user's own."""
    fields = asdict(part)
    for config in (fields, fields.get("sparsifier") or {}):
        if not config.get("own", True):
            del config["own"]
    return fields


def _hash(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json({"version": RESULTS_VERSION, **config}).encode()).hexdigest()
