"""The results of a sweep: one SQLite file, one row a finished run."""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from wis.experiments.sweep.runs import Cell, Run, Sparsifier, canonical_json

FILE_NAME = "results.sqlite"
_FORMAT = 1

Status = Literal["ok", "diverged", "failed"]

_SCHEMA = """
CREATE TABLE sweep (
    format INTEGER, plan TEXT, command TEXT, started_at TEXT
);
CREATE TABLE datasets (
    name TEXT PRIMARY KEY, facts TEXT
);
CREATE TABLE environments (
    id INTEGER PRIMARY KEY, facts TEXT UNIQUE
);
CREATE TABLE cells (
    position INTEGER PRIMARY KEY, dataset TEXT, model TEXT, method TEXT, removed REAL, seed INTEGER, run_key TEXT,
    order_key TEXT
);
CREATE TABLE orders (
    key TEXT PRIMARY KEY, config TEXT, status TEXT, message TEXT, seconds REAL, peak_bytes INTEGER,
    environment INTEGER REFERENCES environments, finished_at TEXT
);
CREATE TABLE runs (
    key TEXT PRIMARY KEY, config TEXT, status TEXT CHECK (status IN ('ok', 'diverged', 'failed')), message TEXT,
    test_accuracy REAL, validation_accuracy REAL, best_epoch INTEGER, epochs INTEGER,
    sparsify_seconds REAL, train_seconds REAL, inference_seconds REAL, peak_bytes INTEGER,
    pairs INTEGER, components INTEGER, isolated INTEGER, kept TEXT,
    environment INTEGER REFERENCES environments, finished_at TEXT
);
"""


@dataclass(frozen=True)
class OrderOutcome:
    """How the computation of one removal order ended.

    Attributes
    ----------
    seconds
        Wall time of the method alone, without compilation.
    peak_bytes
        Largest resident memory of the process meanwhile; None where the system does not tell.
    """

    status: Status
    message: str = ""
    seconds: float | None = None
    peak_bytes: int | None = None


@dataclass(frozen=True)
class RunOutcome:
    """How one run ended and what it measured.

    Attributes
    ----------
    status
        ``"ok"``, ``"diverged"`` (a loss that is not finite) or ``"failed"`` (an exception; see ``message``).
    test_accuracy, validation_accuracy
        Shares in ``[0, 1]``, at the epoch with the best validation accuracy.
    sparsify_seconds
        Time to build the sparse graph (from the order, where the method has one).
    train_seconds, inference_seconds
        Wall time of the whole training and of one forward pass.
    pairs, components, isolated
        Pairs left, connected components and vertices without an edge.
    kept
        Further measures of what was kept, by name.
    """

    status: Status
    message: str = ""
    test_accuracy: float | None = None
    validation_accuracy: float | None = None
    best_epoch: int | None = None
    epochs: int | None = None
    sparsify_seconds: float | None = None
    train_seconds: float | None = None
    inference_seconds: float | None = None
    peak_bytes: int | None = None
    pairs: int | None = None
    components: int | None = None
    isolated: int | None = None
    kept: Mapping[str, float] = field(default_factory=dict)


class Store:
    """The results of one sweep, in ``FOLDER/results.sqlite``.

    Every row is committed by itself and flushed to disk, so that a process killed at any moment loses only the runs
    in flight. One process writes; others may read meanwhile.

    Parameters
    ----------
    folder
        The run folder. It is made if it is not there.

    Raises
    ------
    ValueError
        If the file was written in another format.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = connect(folder / FILE_NAME)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def begin(self, plan: Mapping[str, Any], command: str, cells: Iterable[Cell], facts: Mapping[str, Any]) -> None:
        """Note what is about to run. Finished runs stay, also those that this plan does not ask for."""
        rows = [
            (i, c.dataset, c.model, c.method, c.removed, c.seed, c.run.key, c.run.sparsifier and c.run.sparsifier.key)
            for i, c in enumerate(cells)
        ]
        with _write(self._database) as write:
            write.execute("DELETE FROM sweep")
            write.execute("INSERT INTO sweep VALUES (?, ?, ?, ?)", (_FORMAT, canonical_json(plan), command, _now()))
            write.execute("DELETE FROM cells")
            write.executemany("INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            write.execute("INSERT OR IGNORE INTO environments (facts) VALUES (?)", (canonical_json(facts),))
        found = self._database.execute("SELECT id FROM environments WHERE facts = ?", (canonical_json(facts),))
        self._environment = found.fetchone()[0]

    def add_dataset(self, name: str, facts: Mapping[str, Any]) -> None:
        """Note the size of a dataset."""
        with _write(self._database) as write:
            write.execute("INSERT OR REPLACE INTO datasets VALUES (?, ?)", (name, canonical_json(facts)))

    def add_order(self, sparsifier: Sparsifier, outcome: OrderOutcome) -> None:
        """Note how the computation of an order ended."""
        self._insert("orders", sparsifier.key, asdict(sparsifier), asdict(outcome))

    def add_run(self, run: Run, outcome: RunOutcome) -> None:
        """Note how a run ended."""
        self._insert("runs", run.key, asdict(run), {**asdict(outcome), "kept": canonical_json(outcome.kept)})

    def finished(self, table: Literal["orders", "runs"]) -> dict[str, Status]:
        """Keys of the finished orders or runs, with their status."""
        return dict(self._database.execute(f"SELECT key, status FROM {table}"))

    def _insert(self, table: str, key: str, config: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
        row = {
            "key": key,
            "config": canonical_json(config),
            **outcome,
            "environment": self._environment,
            "finished_at": _now(),
        }
        names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        with _write(self._database) as write:
            write.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", row)


def connect(path: Path) -> sqlite3.Connection:
    """Open a results file, and make its tables if it is new.

    Raises
    ------
    ValueError
        If it is no results file of this format.
    """
    database = sqlite3.connect(path, timeout=60, isolation_level=None)
    try:
        # The rollback journal works on every file system, and FULL waits until a row is on the disk.
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA synchronous = FULL")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            with _write(database) as write:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    write.execute(statement)
                write.execute(f"PRAGMA user_version = {_FORMAT}")
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path} is not a results file: {error}") from error
    if version not in (0, _FORMAT):
        raise ValueError(f"{path} has format {version}, this version reads {_FORMAT}; give another run folder")
    return database


@contextlib.contextmanager
def _write(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction: all of it or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Results:
    """Everything a report needs.

    Attributes
    ----------
    plan
        The fields of the plan last run in this folder.
    command
        The command that ran it.
    cells
        pandas table, one row a cell of the plan: ``dataset, model, method, removed, seed``, and the columns of its run
        (``status`` is ``"missing"`` where it has not finished). Cells at shares 0 and 1 share runs.
    orders
        pandas table, one row a finished order: ``key, method, dataset, status, seconds, peak_bytes``.
    datasets
        Facts by dataset.
    environments
        Facts of every environment that a run of this plan finished in.
    """

    plan: Mapping[str, Any]
    command: str
    cells: Any
    orders: Any
    datasets: Mapping[str, Mapping[str, Any]]
    environments: list[Mapping[str, Any]]


def read_results(folder: Path) -> Results:
    """Read a run folder; a sweep may be running in it.

    Raises
    ------
    ValueError
        If the folder holds no results.
    """
    import pandas as pd

    path = folder / FILE_NAME
    if not path.is_file():
        raise ValueError(f"{folder} is not a run folder: there is no {FILE_NAME} in it")
    with contextlib.closing(connect(path)) as database:
        sweep = database.execute("SELECT plan, command FROM sweep").fetchone()
        if sweep is None:
            raise ValueError(f"{path} holds no sweep yet")
        cells = pd.read_sql_query(
            "SELECT * FROM cells LEFT JOIN runs ON runs.key = cells.run_key ORDER BY position", database
        )
        cells["status"] = cells["status"].fillna("missing")
        orders = pd.read_sql_query(
            "SELECT DISTINCT orders.*, cells.dataset, cells.method FROM orders JOIN cells ON key = order_key", database
        )
        facts = {name: json.loads(text) for name, text in database.execute("SELECT name, facts FROM datasets")}
        used = database.execute(
            "SELECT facts FROM environments WHERE id IN (SELECT environment FROM runs JOIN cells ON key = run_key)"
        )
        environments = [json.loads(text) for (text,) in used]
    return Results(json.loads(sweep[0]), sweep[1], cells, orders, facts, environments)
