"""A run folder with made-up results, whose numbers are known."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.runs import expand
from wis.experiments.sweep.store import FILE_NAME, OrderOutcome, RunOutcome, Store

PLAN = Plan(
    name="made-up",
    datasets=("digits", "Cora"),
    methods=("random", "spectral", "wis:depth=2", "dspar-reweighted"),
    removed=(0.0, 0.25, 0.5, 1.0),
    seeds=tuple(range(8)),
)
FACTS = {"python": "3.11", "processor": "a <fast> one", "versions": {"torch": "2.13.0"}}
# Points lost when everything is removed.
LOSS = {"random": 0.12, "spectral": 0.12, "wis": 0.06, "dspar-reweighted": 0.3}


def made_up_accuracy(run, rng: np.random.Generator) -> float:
    method = run.sparsifier.method if run.sparsifier else "random"
    return round(0.9 - LOSS[method] * run.removed + rng.normal(0, 0.005), 4)


def fill(folder: Path, plan: Plan = PLAN, *, leave_out: tuple[int, ...] = ()) -> Path:
    """Store a result for every run but those in ``leave_out``."""
    folder.mkdir(exist_ok=True)
    (folder / FILE_NAME).write_bytes(filled(plan, leave_out))
    return folder


@functools.cache
def filled(plan: Plan, leave_out: tuple[int, ...]) -> bytes:
    """A results file: each result is a write that waits for the disk, so that each file is made once."""
    with tempfile.TemporaryDirectory() as folder:
        store_results(Path(folder), plan, leave_out)
        return Path(folder, FILE_NAME).read_bytes()


def store_results(folder: Path, plan: Plan, leave_out: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    cells = expand(plan, "cpu")
    runs = list({cell.run.key: cell.run for cell in cells}.values())
    with Store(folder) as store:
        store.begin(plan.to_dict(), "wis sweep made-up.yaml --workers 2", cells, FACTS)
        for name in plan.datasets:
            store.add_dataset(name, {"vertices": 1000, "pairs": 4000})
        for i, run in enumerate(runs):
            outcome = RunOutcome(
                "ok",
                metric="accuracy",
                test_score=(score := made_up_accuracy(run, rng)),
                val_score=score + 0.01,
                parameters=1234,
                epochs=100,
                best_epoch=50,
                sparsify_seconds=0.004,
                train_seconds=2.0 - run.removed,
                inference_seconds=0.01 - 0.005 * run.removed,
                peak_bytes=2**28,
                pairs=round(4000 * (1 - run.removed)),
                components=round(1 + 99 * run.removed),
                isolated=round(40 * run.removed),
                graph_bytes=round(64_000 * (1 - run.removed)),
                field_vertices_mean=900 * (1 - run.removed),
                field_vertices_p95=950 * (1 - run.removed),
                field_edges_mean=3000 * (1 - run.removed) ** 2,
                field_edges_p95=3900 * (1 - run.removed) ** 2,
                kept={"stretch": 1 + run.removed},
            )
            if i not in leave_out:
                store.add_run(run, outcome)
            if run.sparsifier and run.sparsifier.has_order:
                seconds = {"random": 0.001, "spectral": 1.5, "wis": 0.02}[run.sparsifier.method]
                store.add_order(run.sparsifier, OrderOutcome("ok", seconds=seconds, peak_bytes=2**29))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("run"))
