from __future__ import annotations

import sqlite3

import pytest
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.runs import expand
from wis.experiments.sweep.store import FILE_NAME, OrderOutcome, RunOutcome, Store, read_results

PLAN = Plan(name="mine", datasets=("digits",), methods=("random", "wis:depth=2"), removed=(0.0, 0.5), seeds=(0,))
CELLS = expand(PLAN, "cpu")
FACTS = {"python": "3", "versions": {"torch": "2"}}
OUTCOME = RunOutcome("ok", test_accuracy=0.75, epochs=3, pairs=5, kept={"stretch": 1.5})


def begin(store, plan=PLAN, facts=FACTS):
    store.begin(plan.to_dict(), "wis sweep mine", expand(plan, "cpu"), facts)


def test_rows_come_back(tmp_path):
    run = CELLS[2].run
    with Store(tmp_path) as store:
        begin(store)
        store.add_dataset("digits", {"vertices": 9})
        store.add_order(run.sparsifier, OrderOutcome("ok", seconds=2.0, peak_bytes=7))
        store.add_run(CELLS[0].run, OUTCOME)
        store.add_run(run, RunOutcome("failed", "ValueError: no"))
    results = read_results(tmp_path)
    assert results.plan == PLAN.to_dict()
    assert results.command == "wis sweep mine"
    assert results.datasets == {"digits": {"vertices": 9}}
    assert results.environments == [FACTS]
    assert results.cells["status"].tolist() == ["ok", "ok", "failed", "missing"]
    assert results.cells["test_accuracy"].tolist()[:2] == [0.75, 0.75]
    assert results.cells["kept"][0] == '{"stretch":1.5}'
    assert results.cells["message"][2] == "ValueError: no"
    assert results.orders[["dataset", "method", "seconds"]].to_numpy().tolist() == [["digits", "random", 2.0]]


def test_a_second_beginning_keeps_what_is_finished(tmp_path):
    with Store(tmp_path) as store:
        begin(store)
        store.add_run(CELLS[0].run, OUTCOME)
    with Store(tmp_path) as store:
        begin(store, Plan(**{**PLAN.to_dict(), "removed": [0]}), FACTS | {"cores": 2})
        assert store.finished("runs") == {CELLS[0].run.key: "ok"}
        assert store.finished("orders") == {}
    results = read_results(tmp_path)
    assert results.cells["status"].tolist() == ["ok", "ok"]
    assert results.environments == [FACTS]


def test_a_later_result_of_the_same_run_replaces_it(tmp_path):
    with Store(tmp_path) as store:
        begin(store)
        store.add_run(CELLS[0].run, RunOutcome("failed", "once"))
        store.add_run(CELLS[0].run, OUTCOME)
        assert store.finished("runs") == {CELLS[0].run.key: "ok"}


def test_only_known_states(tmp_path):
    with Store(tmp_path) as store:
        begin(store)
        with pytest.raises(sqlite3.IntegrityError):
            store.add_run(CELLS[0].run, RunOutcome("good"))
        assert store.finished("runs") == {}


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=f"is not a run folder: there is no {FILE_NAME}"):
        read_results(tmp_path)
    (tmp_path / FILE_NAME).write_text("not a database, but long enough to be looked at" * 50)
    with pytest.raises(ValueError, match="is not a results file"):
        read_results(tmp_path)


def test_another_format_is_refused(tmp_path):
    with Store(tmp_path):
        pass
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(ValueError, match="has format 99, this version reads 1"):
        Store(tmp_path)


def test_a_file_without_a_sweep(tmp_path):
    with Store(tmp_path):
        pass
    with pytest.raises(ValueError, match="holds no sweep yet"):
        read_results(tmp_path)
