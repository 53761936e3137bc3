from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys

import pytest
from wis.experiments.sweep.database import errors_in_words
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.results import read_results
from wis.experiments.sweep.runs import expand
from wis.experiments.sweep.store import FILE_NAME, OrderOutcome, RunOutcome, Store, finished_runs

PLAN = Plan(name="mine", datasets=("digits",), methods=("random", "wis:depth=2"), removed=(0.0, 0.5), seeds=(0,))
CELLS = expand(PLAN, "cpu")
FACTS = {"python": "3", "versions": {"torch": "2"}}
OUTCOME = RunOutcome("ok", test_score=0.75, epochs=3, pairs=5, kept={"stretch": 1.5})


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
    assert results.cells["test_score"].tolist()[:2] == [0.75, 0.75]
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
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(ValueError, match="has format 99, this version reads 3"):
        Store(tmp_path)


def test_a_file_without_a_sweep(tmp_path):
    with Store(tmp_path):
        pass
    with pytest.raises(ValueError, match="holds no sweep yet"):
        read_results(tmp_path)


def fresh(folder):
    with Store(folder) as store:
        begin(store)
        store.add_run(CELLS[0].run, OUTCOME)
    return folder / FILE_NAME


def test_a_plan_may_grow_but_not_drop_what_is_finished(tmp_path):
    fresh(tmp_path)
    before = (tmp_path / FILE_NAME).read_bytes()
    with Store(tmp_path) as store, pytest.raises(ValueError, match="holds another plan: 1 of its finished runs"):
        begin(store, Plan(**{**PLAN.to_dict(), "removed": [0.5]}))
    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE_NAME]
    with Store(tmp_path) as store:
        begin(store, Plan(**{**PLAN.to_dict(), "seeds": [0, 1]}))
    assert read_results(tmp_path).cells["status"].tolist() == ["ok", "ok", *["missing"] * 6]


def test_two_sweeps_do_not_run_in_one_folder(tmp_path):
    with Store(tmp_path) as first:
        begin(first)
        with Store(tmp_path) as second, pytest.raises(RuntimeError, match="a sweep is running in"):
            begin(second)
        first.add_run(CELLS[0].run, OUTCOME)
        with Store(tmp_path) as third, pytest.raises(RuntimeError, match="a sweep is running in"):
            begin(third)
    with Store(tmp_path) as store:
        begin(store)


OPENER = """
import pathlib, sys
from wis.experiments.sweep.store import Store
ready, go, *folders = map(pathlib.Path, sys.argv[1:])
ready.touch()
while not go.exists():
    pass
for folder in folders:
    Store(folder)._database.close()
"""


def open_at_once(tmp_path, tries: int) -> None:
    """Two processes that open new stores, the same ones at the same time."""
    go = tmp_path / "go"
    folders = [str(tmp_path / f"run{i}") for i in range(tries)]
    ready = [tmp_path / "ready0", tmp_path / "ready1"]
    command = [sys.executable, "-c", OPENER]
    processes = [subprocess.Popen([*command, str(at), str(go), *folders], stderr=subprocess.PIPE) for at in ready]
    while not all(at.exists() for at in ready):
        assert all(process.poll() is None for process in processes)
    go.touch()
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()


def test_two_processes_open_one_new_store(tmp_path):
    open_at_once(tmp_path, 10)


@pytest.mark.slow
def test_two_processes_open_one_new_store_a_hundred_times(tmp_path):
    open_at_once(tmp_path, 100)


def test_reading_writes_nothing_and_needs_no_permission_to(tmp_path):
    path = fresh(tmp_path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    for mode in (0o500, 0o700):
        tmp_path.chmod(mode)
        try:
            assert read_results(tmp_path).cells["status"].tolist() == ["ok", "ok", "missing", "missing"]
        finally:
            tmp_path.chmod(0o700)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [found.name for found in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("make_tables", [False, True])
def test_a_foreign_database_is_left_as_it_is(tmp_path, make_tables):
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("CREATE TABLE recipes (name TEXT)" if make_tables else "PRAGMA user_version = 3")
        database.execute("CREATE TABLE runs (key TEXT)")
    before = (tmp_path / FILE_NAME).read_bytes()
    for look in (read_results, Store):
        with pytest.raises(ValueError, match=f"{FILE_NAME} is not a results file: there is no"):
            look(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def kill_in_the_middle_of_a_row(path, statement="DELETE FROM runs"):
    """What is left by a process that was killed after SQLite wrote a page and before it committed: a hot journal."""
    script = (
        "import os, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('PRAGMA cache_size = 1')\n"
        "database.execute('BEGIN')\n"
        "database.execute(sys.argv[2])\n"
        "database.execute('CREATE TABLE other AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n'\n"
        "                 ' LIMIT 9999) SELECT i, hex(randomblob(99)) FROM n')\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path), statement]).returncode == 9
    assert path.with_name(f"{FILE_NAME}-journal").stat().st_size > 0


def test_a_half_written_row_is_undone_by_the_next_sweep_and_read_without_writing(tmp_path):
    path = fresh(tmp_path)
    kill_in_the_middle_of_a_row(path)
    before = {found.name: found.read_bytes() for found in tmp_path.iterdir()}
    assert read_results(tmp_path).cells["status"].tolist() == ["ok", "ok", "missing", "missing"]
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == before
    with Store(tmp_path) as store:
        assert store.finished("runs") == {CELLS[0].run.key: "ok"}
    assert [found.name for found in tmp_path.iterdir()] == [FILE_NAME]


def test_a_sweep_killed_while_it_makes_its_tables_can_go_on(tmp_path):
    """Pages are there, and the journal says that there were none."""
    kill_in_the_middle_of_a_row(tmp_path / FILE_NAME, "CREATE TABLE runs (key TEXT)")
    assert (tmp_path / FILE_NAME).stat().st_size > 0
    assert finished_runs(tmp_path, PLAN.to_dict()) == {}
    with pytest.raises(ValueError, match="holds no sweep yet"):
        read_results(tmp_path)
    fresh(tmp_path)
    assert finished_runs(tmp_path, PLAN.to_dict()) == {CELLS[0].run.key: "ok"}


def test_a_damaged_page_is_told_with_the_file(tmp_path):
    path = fresh(tmp_path)
    content = bytearray(path.read_bytes())
    for at in range(4096, len(content)):
        content[at] ^= 0x5A
    path.write_bytes(content)
    for look in (read_results, lambda folder: Store(folder).finished("runs")):
        with pytest.raises(ValueError, match=f"{FILE_NAME} is (damaged|not a results file)"):
            look(tmp_path)


def test_a_file_cut_short_is_told_with_the_file(tmp_path):
    path = fresh(tmp_path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ValueError, match=f"{FILE_NAME} is damaged"):
        read_results(tmp_path)


def test_a_full_disk_keeps_what_is_finished(tmp_path):
    fresh(tmp_path)
    with Store(tmp_path) as store:
        begin(store)
        pages = store._database.execute("PRAGMA page_count").fetchone()[0]
        store._database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OSError, match=f"cannot write .*{FILE_NAME}: no space is left on the disk; what has finish"):
            store.add_run(CELLS[2].run, RunOutcome("failed", "long " * 9999))
        assert store.finished("runs") == {CELLS[0].run.key: "ok"}


def test_a_lock_that_stays_is_told(tmp_path, monkeypatch):
    fresh(tmp_path)
    monkeypatch.setattr("wis.experiments.sweep.database._SECONDS_TO_WAIT", 0)
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for look in (read_results, Store):
            with pytest.raises(RuntimeError, match=f"{FILE_NAME} has been in use by another process for 0 seconds"):
                look(tmp_path)


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (sqlite3.SQLITE_READONLY, PermissionError, "cannot write x: no permission"),
        (sqlite3.SQLITE_CANTOPEN, PermissionError, "cannot open x: no permission to read it"),
        (sqlite3.SQLITE_IOERR | 3 << 8, OSError, "cannot read or write x: bad"),
        (sqlite3.SQLITE_CORRUPT, ValueError, "x is damaged: bad; restore it from a copy"),
        (None, ValueError, "x is damaged: bad"),
    ],
)
def test_words_for_errors(code, kind, message):
    error = sqlite3.OperationalError("bad")
    if code is not None:
        error.sqlite_errorcode = code
    with pytest.raises(kind, match=f"^{message}"), errors_in_words("x"):
        raise error


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    fresh(tmp_path)
    (tmp_path / FILE_NAME).chmod(0o400)
    try:
        with Store(tmp_path) as store, pytest.raises(PermissionError, match="cannot write"):
            begin(store)
    finally:
        (tmp_path / FILE_NAME).chmod(0o600)
