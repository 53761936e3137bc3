from __future__ import annotations

import logging
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from wis.experiments.sweep import trackers
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.results import read_results
from wis.experiments.sweep.sweep import Tally, run_sweep

PLAN = Plan(
    name="small", datasets=("digits",), methods=("random", "wis:depth=2"), removed=(0.0, 0.5), seeds=(0,), epochs=2
)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What a tracker hears."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(trackers, "TRACKERS", {"wandb": lambda sweep, folder: lambda *run: calls.append((sweep, *run))})
    return calls


def test_every_finished_run_is_told_once(tmp_path: Path, small_dataset: Any, heard: list[tuple[Any, ...]]) -> None:
    assert run_sweep(PLAN, tmp_path, workers=1, progress=False, log="wandb") == Tally(3, 0, 0)
    assert len(heard) == 3
    cells = read_results(tmp_path).cells.set_index("run_key")
    assert len({name for _, name, _, _ in heard}) == 3
    for sweep, name, settings, numbers in heard:
        assert sweep == "small"
        (row,) = cells[cells.index.str.startswith(name)].drop_duplicates("seed").to_dict("records")
        assert settings["removed"] == row["removed"]
        assert numbers["test_score"] == row["test_score"]
        assert numbers["field_edges_mean"] == row["field_edges_mean"]
        assert settings["status"] == "ok"
    assert {settings["method"] for _, _, settings, _ in heard} == {"none", "random", "wis"}
    run_sweep(PLAN, tmp_path, workers=1, progress=False, log="wandb")
    assert len(heard) == 3  # nothing has run, nothing is told


def test_a_fault_of_a_tracker_ends_its_part_and_no_sweep(
    tmp_path: Path, small_dataset: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    def log(name: str, *_: object) -> None:
        calls.append(name)
        raise ConnectionError("no network")

    monkeypatch.setattr(trackers, "TRACKERS", {"mlflow": lambda sweep, folder: log})
    with caplog.at_level(logging.WARNING):
        assert run_sweep(PLAN, tmp_path, workers=1, progress=False, log="mlflow") == Tally(3, 0, 0)
    assert len(calls) == 1
    assert [text for text in caplog.messages if "--log mlflow failed" in text and "no network" in text]


def test_a_tracker_that_is_not_installed_is_named_before_anything_runs(
    tmp_path: Path, small_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(ImportError, match=r"--log trackio needs trackio.*wis-graph\[trackio\]"):
        run_sweep(PLAN, tmp_path, workers=1, progress=False, log="trackio")
    assert set(read_results(tmp_path).cells["status"]) == {"missing"}
    with pytest.raises(ValueError, match="log must be one of 'wandb'"):
        run_sweep(PLAN, tmp_path, workers=1, progress=False, log="comet")


def test_what_a_tracker_of_the_api_of_wandb_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Any]] = []
    fake = types.SimpleNamespace(
        init=lambda **options: calls.append(("init", options)),
        log=lambda numbers: calls.append(("log", numbers)),
        finish=lambda: calls.append(("finish", None)),
    )
    monkeypatch.setitem(sys.modules, "trackio", fake)
    trackers.TRACKERS["trackio"]("sweep", tmp_path)("run", {"seed": 0}, {"test_score": 0.5})
    assert calls == [
        ("init", {"project": "sweep", "name": "run", "config": {"seed": 0}}),
        ("log", {"test_score": 0.5}),
        ("finish", None),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wandb", "trackio", "mlflow", "tensorboard"])
def test_the_real_trackers_offline(
    tmp_path: Path, small_dataset: Any, monkeypatch: pytest.MonkeyPatch, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """By hand, with the tracker installed: what it keeps on the disk is read back."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    pytest.importorskip(kind)
    folder = tmp_path / "run"
    with caplog.at_level(logging.WARNING):
        assert run_sweep(PLAN, folder, workers=1, progress=False, log=kind) == Tally(3, 0, 0)
    assert "failed and gets no more runs" not in caplog.text
    if kind == "wandb":
        assert len(list(folder.glob("wandb/offline-run-*/*.wandb"))) == 3
    if kind == "tensorboard":
        assert len(list((folder / "tensorboard").iterdir())) == 3
    if kind == "mlflow":
        import mlflow

        found = mlflow.search_runs(experiment_names=["small"])
        scores = sorted(read_results(folder).cells.drop_duplicates("run_key")["test_score"])
        assert sorted(found["metrics.test_score"]) == pytest.approx(scores)
    if kind == "trackio":
        assert list((tmp_path / "trackio").glob("*.db"))
