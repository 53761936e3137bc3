from __future__ import annotations

import dataclasses

import pytest
from wis.experiments.sweep import estimate as module
from wis.experiments.sweep.estimate import estimate, in_words
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.sweep import run_sweep

PLAN = Plan(
    "small",
    datasets=("digits",),
    methods=("random", "spectral", "ugs:epochs=7,prune=0.5"),
    removed=(0, 0.25, 1),
    seeds=(0, 1),
    epochs=100,
)


@pytest.fixture
def measured(monkeypatch):
    """An epoch of the whole graph takes 2 s and one without edges 1 s; every order takes 10 s."""
    monkeypatch.setattr(module, "_epoch_seconds", lambda run, removed, data_root: 2.0 - removed)
    monkeypatch.setattr(module, "_order_seconds", lambda order, data_root: 10.0)


def test_all_that_is_missing_is_counted(tmp_path, small_dataset, measured):
    found = estimate(PLAN, tmp_path / "run", workers=2)
    assert (found.runs, found.orders) == (2 * 5, 2 + 2 + 2)
    assert found.training == pytest.approx(2 * 100 * (2.0 + 3 * 1.75 + 1.0))
    assert found.ordering == pytest.approx(60)
    assert str(found) == (
        "about 14 minutes in 2 processes on this machine: 10 runs in 28 minutes of one process, "
        "6 removal orders in 60 seconds. Not counted: reading the data, measuring what is kept"
    )


def test_what_is_left_out_is_said(tmp_path, small_dataset, measured):
    methods = ("dspar-reweighted", "spanner", "random")
    found = estimate(Plan("small", datasets=("digits",), methods=methods, removed=(0.5,), epochs=1), tmp_path)
    assert found.choosing == methods[:2]
    assert str(found).endswith("what is kept, the choices of dspar-reweighted, spanner (no order)")
    assert str(dataclasses.replace(found, unknown=("mine",), choosing=())).endswith("kept, the orders of mine")


def test_finished_runs_are_not_counted(tmp_path, small_dataset, measured):
    plan = Plan("small", datasets=("digits",), methods=("random",), removed=(0, 0.5), seeds=(0,), epochs=1)
    assert estimate(plan, tmp_path / "run").runs == 2
    run_sweep(plan, tmp_path / "run", workers=1, progress=False)
    again = estimate(plan, tmp_path / "run")
    assert (again.runs, again.orders, again.training) == (0, 0, 0)


def test_a_stop_by_patience_makes_it_a_bound(tmp_path, small_dataset, measured):
    plan = Plan("small", datasets=("digits",), methods=("random",), removed=(0,), seeds=(0,), protocol="paper")
    assert str(estimate(plan, tmp_path)).startswith("at most about 6 hours in 1 process")


def test_learned_orders_are_scaled_to_their_epochs(small_dataset, monkeypatch, tmp_path):
    time = [0.0]
    monkeypatch.setattr(module.time, "process_time", lambda: time[0])

    def removal_order(*arguments, epochs, **options):
        time[0] += 3 + 2 * epochs

    monkeypatch.setattr(module.wis, "removal_order", removal_order)
    monkeypatch.setattr(module, "_training_seconds", lambda runs, data_root: 0.0)
    plan = Plan("s", datasets=("digits",), methods=("ugs:epochs=70",), removed=(0.5,), seeds=(0, 1), epochs=1)
    assert estimate(plan, tmp_path).ordering == pytest.approx(2 * (3 + 2 * 70))


def test_real_times_are_above_nothing(tmp_path, small_dataset):
    found = estimate(PLAN, tmp_path)
    assert found.training > 0
    assert found.ordering > 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.1, "a second"), (119, "119 seconds"), (150, "2 minutes"), (7300, "2 hours"), (1e6, "12 days")],
)
def test_times_in_words(seconds, words):
    assert in_words(seconds) == words
