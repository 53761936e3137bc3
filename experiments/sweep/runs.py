"""From a plan to the runs it needs, each identified by a hash of its whole configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from wis.baselines.gnn.protocol import PROTOCOLS
from wis.experiments.sweep.plan import Plan

from wis.registry import find_method, parse_method

# Part of every hash: raise it when a change to the code can change a result, and old results are computed anew.
RESULTS_VERSION = 1


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
    """

    dataset: str
    method: str
    options: Mapping[str, Any]
    seed: int | None

    @cached_property
    def key(self) -> str:
        """SHA-256 of the configuration."""
        return _hash({"order": asdict(self)})

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
        Every setting of the training protocol.
    device
        ``"cpu"`` or ``"cuda"``.
    seed
        Seed of the model's initial weights and of training.
    removed
        Share of the pairs removed.
    sparsifier
        What removes them; None at shares 0 and 1, where every method leaves the same graph.
    """

    dataset: str
    model: str
    protocol: Mapping[str, Any]
    device: str
    seed: int
    removed: float
    sparsifier: Sparsifier | None

    @cached_property
    def key(self) -> str:
        """SHA-256 of the configuration."""
        return _hash({"run": asdict(self)})


@dataclass(frozen=True)
class Cell:
    """One entry of the plan's grid. Several cells may share one run: all methods share those at 0 and 100 %."""

    dataset: str
    model: str
    method: str
    removed: float
    seed: int
    run: Run


def expand(plan: Plan, device: str) -> list[Cell]:
    """All cells of a plan, one seed after the other, so that a sweep stopped early compares every method.

    Parameters
    ----------
    plan
        The plan.
    device
        ``"cpu"`` or ``"cuda"``: what the plan's device came to on this machine.
    """
    preset = PROTOCOLS[plan.protocol]
    protocol = asdict(replace(preset, epochs=plan.epochs or preset.epochs))
    methods = {text: parse_method(text) for text in plan.methods}
    cells = []
    for seed in plan.seeds:
        for dataset in plan.datasets:
            for model in plan.models:
                for removed in plan.removed:
                    for text, (name, options) in methods.items():
                        sparsifier = None
                        if 0 < removed < 1:
                            sparsifier = _sparsifier(dataset, name, options, seed, model)
                        run = Run(dataset, model, protocol, device, seed, removed, sparsifier)
                        cells.append(Cell(dataset, model, text, removed, seed, run))
    return cells


def _sparsifier(dataset: str, name: str, options: Mapping[str, Any], seed: int, model: str) -> Sparsifier:
    method = find_method(name)
    # A method that learns with a GNN learns with the one it is compared on, unless the plan says otherwise.
    own_model = {"model": model} if method.uses_model else {}
    options = {**method.options, **own_model, **options}
    return Sparsifier(dataset, name, options, seed if method.uses_seed(options) else None)


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


def _hash(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json({"version": RESULTS_VERSION, **config}).encode()).hexdigest()
