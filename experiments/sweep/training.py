"""What a sweep needs of data sets, models and training, and nothing else of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.baselines.gnn.protocol import MODEL_NAMES, PROTOCOLS, Protocol
from wis.experiments.datasets import load as datasets

if TYPE_CHECKING:
    from wis.baselines.gnn.training import FitResult
    from wis.experiments.sweep.runs import Run


def dataset_name(name: Any) -> str:
    """The name of a data set as it is spelled in results.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        return datasets.find(name).name
    except TypeError as error:
        raise ValueError(str(error)) from error


def load_dataset(name: str, data_root: Path | None) -> Any:
    """Load a data set; see :func:`wis.experiments.datasets.load.load`."""
    return datasets.load(name, data_root)


def model_names() -> tuple[str, ...]:
    """The models that can be trained."""
    return MODEL_NAMES


def protocol_names() -> tuple[str, ...]:
    """The presets of the training protocol."""
    return tuple(PROTOCOLS)


def protocol_settings(name: str, epochs: int | None) -> dict[str, Any]:
    """Every setting of a preset, as plain values; ``epochs`` replaces its own unless None."""
    protocol = PROTOCOLS[name]
    return dataclasses.asdict(dataclasses.replace(protocol, epochs=epochs or protocol.epochs))


def train(graph: Any, run: Run) -> FitResult:
    """Train the model of a run on a graph and measure it."""
    from wis.baselines.gnn.training import fit

    return fit(run.model, graph, seed=run.seed, device=run.device, protocol=Protocol(**run.protocol))
