"""Sweeps on a real Ray cluster of several nodes on one machine; by hand, with Ray installed: ``pytest -m slow``."""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from wis.experiments.sweep.results import read_results
from wis.experiments.sweep.runs import expand
from wis.experiments.sweep.store import Store
from wis.experiments.sweep.sweep import Tally, run_sweep

from tests.experiments.sweep import test_sweep

PLAN = dataclasses.replace(test_sweep.PLAN, epochs=30)
NUM_RUNS = test_sweep.NUM_RUNS


def test_an_address_needs_the_executor(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="address is that of a Ray cluster and needs executor 'ray', got"):
        run_sweep(PLAN, tmp_path, address="auto", progress=False)
    with pytest.raises(ValueError, match="executor must be 'processes' or 'ray', got 'dask'"):
        run_sweep(PLAN, tmp_path, executor="dask", progress=False)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def cluster() -> Any:
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    small = {"num_cpus": 1, "object_store_memory": 10**8}
    found = cluster_utils.Cluster(initialize_head=True, head_node_args=small)
    for _ in range(2):
        found.add_node(**small)
    yield found
    found.shutdown()


def scores(folder: Path) -> list[tuple[Any, ...]]:
    columns = ["method", "removed", "seed", "test_score", "pairs", "kept"]
    return sorted(read_results(folder).cells[columns].itertuples(index=False, name=None))


@pytest.mark.slow
def test_a_cluster_gives_the_results_of_one_machine(tmp_path: Path, cluster: Any) -> None:
    tally = run_sweep(PLAN, tmp_path / "ray", executor="ray", address=cluster.address, progress=False)
    assert tally == Tally(NUM_RUNS, 0, 0)
    run_sweep(PLAN, tmp_path / "here", workers=1, progress=False)
    assert scores(tmp_path / "ray") == scores(tmp_path / "here")
    again = run_sweep(PLAN, tmp_path / "ray", executor="ray", address=cluster.address, progress=False)
    assert again == tally


@pytest.mark.slow
def test_a_node_killed_in_the_middle_loses_nothing(
    tmp_path: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = dataclasses.replace(PLAN, seeds=(0, 1, 2), epochs=100)
    stored: list[str] = []
    add_run = Store.add_run

    def count(self: Store, run: Any, outcome: Any) -> None:
        stored.append(run.key)
        add_run(self, run, outcome)

    monkeypatch.setattr(Store, "add_run", count)
    victim = cluster.add_node(num_cpus=1, object_store_memory=10**8)

    def kill() -> None:
        while len(stored) < 4:
            time.sleep(0.05)
        cluster.remove_node(victim, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    tally = run_sweep(plan, tmp_path, executor="ray", address=cluster.address, progress=False)
    killer.join()
    keys = {cell.run.key for cell in expand(plan, "cpu")}
    assert tally == Tally(len(keys), 0, 0)
    assert sorted(stored) == sorted(keys)  # none lost, none twice
