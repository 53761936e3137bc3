"""Experiment trackers that hear of every finished run of a sweep: W&B, Trackio, MLflow and TensorBoard.

The store of the run folder is what counts. A tracker only gets a copy: a fault of one is told, ends its part, and never
the sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from wis.experiments.sweep.runs import Run
from wis.experiments.sweep.store import RunOutcome

from wis.extras import needed_for

# Called with the name of a run, its settings and its numbers.
Log: TypeAlias = Callable[[str, Mapping[str, Any], Mapping[str, float]], None]

_log = logging.getLogger("wis")


def _wandb(sweep: str, folder: Path) -> Log:
    import wandb

    def log(name: str, settings: Mapping[str, Any], numbers: Mapping[str, float]) -> None:
        with wandb.init(project=sweep, name=name, config=dict(settings), dir=folder, reinit="create_new") as run:
            run.log(dict(numbers))

    return log


def _trackio(sweep: str, folder: Path) -> Log:
    import trackio

    def log(name: str, settings: Mapping[str, Any], numbers: Mapping[str, float]) -> None:
        trackio.init(project=sweep, name=name, config=dict(settings))
        trackio.log(dict(numbers))
        trackio.finish()

    return log


def _mlflow(sweep: str, folder: Path) -> Log:
    import mlflow

    mlflow.set_experiment(sweep)

    def log(name: str, settings: Mapping[str, Any], numbers: Mapping[str, float]) -> None:
        with mlflow.start_run(run_name=name):
            mlflow.log_params(dict(settings))
            mlflow.log_metrics(dict(numbers))

    return log


def _tensorboard(sweep: str, folder: Path) -> Log:
    from torch.utils.tensorboard import SummaryWriter

    def log(name: str, settings: Mapping[str, Any], numbers: Mapping[str, float]) -> None:
        with SummaryWriter(folder / "tensorboard" / name) as writer:
            writer.add_hparams(dict(settings), dict(numbers), run_name=".")

    return log


TRACKERS: Mapping[str, Callable[[str, Path], Log]] = MappingProxyType(
    {"wandb": _wandb, "trackio": _trackio, "mlflow": _mlflow, "tensorboard": _tensorboard}
)


@contextmanager
def tracked(kind: str | None, sweep: str, folder: Path) -> Iterator[Callable[[Run, RunOutcome], None]]:
    """Yield what is to be called with every finished run and its outcome.

    Parameters
    ----------
    kind
        One of :data:`TRACKERS`, or None: nobody hears.
    sweep
        Name of the plan: the project, or experiment, of the tracker.
    folder
        The run folder; W&B's and TensorBoard's files go there, MLflow and Trackio have places of their own.

    Raises
    ------
    ImportError
        If the tracker is not installed.
    """
    if kind is None:
        yield lambda run, outcome: None
        return
    with needed_for(f"--log {kind}"):
        log: Log | None = TRACKERS[kind](sweep, folder)

    def tell(run: Run, outcome: RunOutcome) -> None:
        nonlocal log
        if log is None:
            return
        try:
            log(*describe(run, outcome))
        except Exception as error:
            _log.warning("--log %s failed and gets no more runs; the sweep goes on: %s", kind, error)
            log = None

    yield tell


def describe(run: Run, outcome: RunOutcome) -> tuple[str, dict[str, Any], dict[str, float]]:
    """Name, settings and numbers of a run, as plain text and numbers."""
    sparsifier = run.sparsifier
    settings = {
        "dataset": run.dataset,
        "model": run.model,
        "method": "none" if sparsifier is None else sparsifier.method,
        **({f"method.{name}": str(value) for name, value in sparsifier.options.items()} if sparsifier else {}),
        "removed": run.removed,
        "batches": run.protocol.get("batches", 1),
        "split": run.split.number,
        "seed": run.seed,
        "status": outcome.status,
    }
    measured = {**asdict(outcome), **outcome.kept}
    numbers = {name: float(value) for name, value in measured.items() if isinstance(value, int | float)}
    return run.key[:12], settings, numbers
