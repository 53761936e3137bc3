from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from wis.experiments.sweep import work
from wis.experiments.sweep.plan import Plan, load_plan
from wis.experiments.sweep.results import read_results
from wis.experiments.sweep.runs import expand
from wis.experiments.sweep.sweep import Tally, run_sweep

import wis
from tests.experiments.conftest import small_graph
from wis.registry import find_method

PLAN = Plan(
    name="small",
    datasets=("digits",),
    methods=("random", "wis:depth=2", "dspar-reweighted"),
    removed=(0.0, 0.25, 0.5, 1.0),
    seeds=(0, 1),
    epochs=3,
)
NUM_RUNS = 2 * (1 + 3 * 2 + 1)
MEASURED = ["method", "removed", "seed", "status", "test_score", "best_epoch", "pairs", "components", "kept"]


def run(folder: Path, plan: Plan = PLAN, **options) -> Tally:
    return run_sweep(plan, folder, **({"workers": 1, "progress": False} | options))


def table(folder: Path):
    return read_results(folder).cells[MEASURED]


@pytest.fixture
def calls(monkeypatch):
    """Every call of a method, and every training run."""
    seen: dict[str, list] = {"orders": [], "runs": []}
    removal_order, train = wis.removal_order, work.train

    def count_order(graph, method, **options):
        if graph is not None and not isinstance(graph, torch.Tensor):
            seen["orders"].append((method, options.get("seed")))
        return removal_order(graph, method, **options)

    def count_run(graph, run):
        seen["runs"].append(run.key)
        return train(graph, run)

    monkeypatch.setattr(wis, "removal_order", count_order)
    monkeypatch.setattr(work, "train", count_run)
    return seen


def test_every_order_and_every_run_once(tmp_path, small_dataset, calls):
    assert run(tmp_path) == Tally(ok=NUM_RUNS, diverged=0, failed=0)
    assert sorted(calls["orders"], key=str) == [("random", 0), ("random", 1), ("wis", None)]
    assert len(calls["runs"]) == len(set(calls["runs"])) == NUM_RUNS
    assert len(list((tmp_path / "orders").glob("*.npz"))) == 3


def test_a_second_time_there_is_nothing_to_do(tmp_path, small_dataset, calls):
    run(tmp_path)
    first = table(tmp_path)
    calls["orders"].clear(), calls["runs"].clear()
    extents = []
    assert run(tmp_path, announce=extents.append).ok == NUM_RUNS
    assert (extents[0].runs, extents[0].finished) == (NUM_RUNS, NUM_RUNS)
    assert calls == {"orders": [], "runs": []}
    assert table(tmp_path).equals(first)


def test_a_larger_plan_runs_only_what_is_new(tmp_path, small_dataset, calls):
    run(tmp_path, dataclasses.replace(PLAN, seeds=(0,)))
    calls["orders"].clear(), calls["runs"].clear()
    run(tmp_path)
    assert calls["orders"] == [("random", 1)]
    assert len(calls["runs"]) == NUM_RUNS // 2


def test_a_lost_order_is_computed_again_only_if_a_run_needs_it(tmp_path, small_dataset, calls):
    run(tmp_path, dataclasses.replace(PLAN, removed=(0.25,)))
    for path in (tmp_path / "orders").iterdir():
        path.unlink()
    calls["orders"].clear()
    run(tmp_path, dataclasses.replace(PLAN, removed=(0.25,)))
    assert calls["orders"] == []
    run(tmp_path, dataclasses.replace(PLAN, removed=(0.25, 0.5)))
    assert sorted(calls["orders"], key=str) == [("random", 0), ("random", 1), ("wis", None)]


def test_sparse_graphs_are_those_of_the_library(tmp_path, small_dataset):
    run(tmp_path)
    cells = read_results(tmp_path).cells
    pairs = small_dataset.edge_index.shape[1] // 2
    for removed, part in cells.groupby("removed"):
        assert set(part["pairs"]) == {round((1 - removed) * pairs)}
    half = wis.sparsify(small_dataset, keep=0.5, method="wis", depth=2)
    degrees = np.bincount(half.edge_index[0], minlength=40)
    chosen = cells[(cells["removed"] == 0.5) & (cells["method"] == "wis:depth=2")]
    assert set(chosen["isolated"]) == {np.count_nonzero(degrees == 0)}
    nothing = cells[cells["removed"] == 1.0]
    assert (set(nothing["components"]), set(nothing["isolated"])) == ({40}, {40})


def replace_order(folder: Path, method: str, content: bytes) -> Path:
    """Put other bytes in place of the order of a method of seed 0."""
    runs = (cell.run for cell in expand(PLAN, "cpu") if cell.run.sparsifier)
    key = next(run.sparsifier.key for run in runs if run.sparsifier.method == method)
    path = folder / "orders" / f"{key}.npz"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("damage", ["cut short", "flipped", "foreign", "empty", "of another graph", "exchanged"])
def test_an_order_that_does_not_fit_is_computed_again(tmp_path, small_dataset, calls, caplog, damage):
    """A changed order fails no run and stands under no wrong name."""
    run(tmp_path, dataclasses.replace(PLAN, removed=(0.25,)))
    whole = replace_order(tmp_path, "wis", b"").with_name("wis.npz")
    wis.removal_order(small_dataset, "wis", depth=2).save(whole)
    bent = bytearray(whole.read_bytes())
    bent[len(bent) // 3] ^= 1
    other = tmp_path / "other.npz"
    wis.removal_order(small_graph(50, 99) if "graph" in damage else small_dataset, "random", seed=1).save(other)
    content = {"cut short": whole.read_bytes()[:-99], "flipped": bytes(bent), "foreign": b"mine", "empty": b""}
    replace_order(tmp_path, "random", content.get(damage, other.read_bytes()))
    replace_order(tmp_path, "wis", whole.read_bytes())
    calls["orders"].clear()
    with caplog.at_level(logging.WARNING, "wis"):
        assert run(tmp_path, dataclasses.replace(PLAN, removed=(0.25, 0.5))).failed == 0
    # The order of wis says that it was made with other options: it names none of the defaults.
    assert sorted(calls["orders"], key=str) == [("random", 0), ("wis", None)]
    assert sum("computing an order again" in message for message in caplog.messages) == 2
    clean = tmp_path / "clean"
    run(clean, dataclasses.replace(PLAN, removed=(0.25, 0.5)))
    assert table(tmp_path).equals(table(clean))


def test_an_order_changed_meanwhile_fails_its_run_and_is_mended_by_retrying(tmp_path, small_dataset, monkeypatch):
    train = work.train

    def exchange(graph, of):
        for path in (tmp_path / "orders").glob("*.npz"):
            path.write_bytes(b"mine")
        return train(graph, of)

    monkeypatch.setattr(work, "train", exchange)
    assert run(tmp_path).failed > 0
    failed = read_results(tmp_path).cells.query("status == 'failed'")
    assert failed["message"].str.contains("is not a removal order").all()
    monkeypatch.setattr(work, "train", train)
    assert run(tmp_path, retry_failed=True) == Tally(ok=NUM_RUNS, diverged=0, failed=0)


def test_a_finished_folder_may_be_read_only(tmp_path, small_dataset, monkeypatch):
    run(tmp_path)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir() if path.is_file()}
    monkeypatch.setattr("wis.experiments.sweep.store.connect_to_write", lambda *_: pytest.fail("opened to write"))
    assert run(tmp_path).ok == NUM_RUNS
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


def test_another_plan_does_not_replace_one_that_is_finished(tmp_path, small_dataset, calls):
    run(tmp_path)
    for change in ({"methods": ("random",)}, {"epochs": 4}, {"removed": (0.5,)}):
        with pytest.raises(ValueError, match="holds another plan: .* give another --out"):
            run(tmp_path, dataclasses.replace(PLAN, **change))
    assert run(tmp_path).ok == NUM_RUNS
    assert not (tmp_path / "lock.json").exists()


def test_two_sweeps_do_not_run_in_one_folder(tmp_path, small_dataset, monkeypatch):
    train, refused = work.train, []

    def start_another(graph, of):
        if not refused:
            with pytest.raises(RuntimeError, match=r"a sweep is running in .*give another --out") as caught:
                run(tmp_path, dataclasses.replace(PLAN, seeds=(0, 1, 2)))
            refused.append(caught)
        return train(graph, of)

    monkeypatch.setattr(work, "train", start_another)
    assert run(tmp_path).ok == NUM_RUNS
    assert len(refused) == 1
    assert set(read_results(tmp_path).cells["seed"]) == {0, 1}


def test_processes_give_the_same_as_one(tmp_path):
    plan = load_plan("quick", methods=["random", "wis:depth=2"], removed=[0.5], seeds=2, epochs=2)
    run(tmp_path / "one", plan)
    run(tmp_path / "two", plan, workers=2)
    assert table(tmp_path / "one").equals(table(tmp_path / "two"))


def test_failed_runs_are_kept_and_done_again_on_demand(tmp_path, small_dataset, monkeypatch, caplog):
    train = work.train

    def fail_once(graph, run):
        if run.seed == 1:
            raise MemoryError("all gone")
        return train(graph, run)

    monkeypatch.setattr(work, "train", fail_once)
    with caplog.at_level(logging.WARNING, "wis"):
        assert run(tmp_path) == Tally(ok=NUM_RUNS // 2, diverged=0, failed=NUM_RUNS // 2)
    assert "digits, gcn, random, 25% removed, split 1, seed 1 failed: MemoryError: all gone" in caplog.messages
    failed = read_results(tmp_path).cells.query("status == 'failed'")
    assert set(failed["message"]) == {"MemoryError: all gone"}
    assert failed["test_score"].isna().all()
    monkeypatch.setattr(work, "train", train)
    assert run(tmp_path).failed == NUM_RUNS // 2
    assert run(tmp_path, retry_failed=True) == Tally(ok=NUM_RUNS, diverged=0, failed=0)


def test_a_failed_order_fails_its_runs(tmp_path, small_dataset, monkeypatch):
    removal_order = wis.removal_order

    def fail(graph, method, **options):
        if method == "wis":
            raise OverflowError("too deep")
        return removal_order(graph, method, **options)

    monkeypatch.setattr(wis, "removal_order", fail)
    assert run(tmp_path) == Tally(ok=NUM_RUNS - 4, diverged=0, failed=4)
    failed = read_results(tmp_path).cells.query("status == 'failed'")
    assert set(failed["method"]) == {"wis:depth=2"}
    assert set(failed["message"]) == {"its removal order failed: OverflowError: too deep"}
    monkeypatch.setattr(wis, "removal_order", removal_order)
    assert run(tmp_path, retry_failed=True).ok == NUM_RUNS


def test_a_run_that_diverges_is_kept_as_such(tmp_path, small_dataset, monkeypatch):
    small_dataset.x[0] = 1e38  # its square is not finite
    tally = run(tmp_path, dataclasses.replace(PLAN, removed=(0.0,)))
    assert tally == Tally(ok=0, diverged=2, failed=0)
    cells = read_results(tmp_path).cells
    assert set(cells["message"]) == {"the training loss became nan"}
    assert cells["test_score"].isna().all()


def test_an_error_between_runs_keeps_what_is_finished(tmp_path, small_dataset, monkeypatch):
    """Ctrl-C in the middle of a run loses that run only."""
    train, done = work.train, []

    def interrupt(graph, run):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(run.key)
        return train(graph, run)

    monkeypatch.setattr(work, "train", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert (read_results(tmp_path).cells.drop_duplicates("run_key")["status"] == "ok").sum() == 5
    monkeypatch.setattr(work, "train", train)
    assert run(tmp_path).ok == NUM_RUNS


def test_the_model_is_part_of_an_order_that_learns_with_it(monkeypatch):
    learned = dataclasses.replace(find_method("random"), options={"model": "gin", "rounds": 2})
    monkeypatch.setattr("wis.experiments.sweep.runs.find_method", lambda name: learned)
    plan = dataclasses.replace(PLAN, methods=("random",), models=("gcn", "gin"), removed=(0.5,), seeds=(0,))
    assert [cell.run.sparsifier.options["model"] for cell in expand(plan, "cpu")] == ["gcn", "gin"]


def test_cuda_is_a_promise(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(RuntimeError, match="device='cuda' was asked for"):
        run(tmp_path, dataclasses.replace(PLAN, device="cuda"))


KILLS_ON_NO_EDGES = """
import os, signal
import torch

class Net(torch.nn.Module):
    def __init__(self, num_features, num_classes):
        super().__init__()
        self.linear = torch.nn.Linear(num_features, num_classes)

    def forward(self, x, edge_index):
        if edge_index.shape[1] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.linear(x)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_run_whose_process_is_killed_loses_only_itself(tmp_path, monkeypatch):
    (tmp_path / "killing_model.py").write_text(KILLS_ON_NO_EDGES)
    monkeypatch.syspath_prepend(tmp_path)
    plan = dataclasses.replace(PLAN, models=("killing_model:Net",), methods=("random",), removed=(0.0, 0.5, 1.0))
    plan = dataclasses.replace(plan, seeds=(0,))
    assert run(tmp_path / "run", plan, workers=2) == Tally(ok=2, diverged=0, failed=1)
    cells = read_results(tmp_path / "run").cells
    failed = cells[cells["status"] == "failed"]
    assert set(failed["removed"]) == {1.0}
    assert failed["message"].str.contains("killed twice").all()
    assert run(tmp_path / "run", plan, workers=2) == Tally(ok=2, diverged=0, failed=1)
