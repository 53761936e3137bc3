"""The results of a sweep: one SQLite file, one row a finished run."""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from wis.experiments.sweep import lock
from wis.experiments.sweep.database import connect_to_read, connect_to_write, errors_in_words, is_empty, transaction
from wis.experiments.sweep.runs import Cell, Run, Sparsifier, canonical_json

FILE_NAME = "results.sqlite"
_FORMAT = 3

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
    position INTEGER PRIMARY KEY, dataset TEXT, model TEXT, method TEXT, removed REAL, split INTEGER,
    seed INTEGER, run_key TEXT, order_key TEXT
);
CREATE TABLE orders (
    key TEXT PRIMARY KEY, config TEXT, status TEXT, message TEXT, seconds REAL, peak_bytes INTEGER,
    environment INTEGER REFERENCES environments, finished_at TEXT
);
CREATE TABLE runs (
    key TEXT PRIMARY KEY, config TEXT, status TEXT CHECK (status IN ('ok', 'diverged', 'failed')), message TEXT,
    metric TEXT, test_score REAL, val_score REAL, parameters INTEGER, best_epoch INTEGER, epochs INTEGER,
    sparsify_seconds REAL, train_seconds REAL, inference_seconds REAL, peak_bytes INTEGER,
    pairs INTEGER, components INTEGER, isolated INTEGER, graph_bytes INTEGER,
    field_vertices_mean REAL, field_vertices_p95 REAL, field_edges_mean REAL, field_edges_p95 REAL, kept TEXT,
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
    metric
        What the scores are: ``"accuracy"`` or ``"roc_auc"``.
    test_score, val_score
        In ``[0, 1]``, at the epoch with the best validation score.
    parameters
        Number of weights that the model learns.
    sparsify_seconds
        Time to build the sparse graph (from the order, where the method has one).
    train_seconds, inference_seconds
        Wall time of the whole training and of one forward pass.
    pairs, components, isolated
        Pairs left, connected components and vertices without an edge.
    graph_bytes
        What the edges take as the model gets them: ``edge_index`` and the weights, if there are any.
    field_vertices_mean, field_vertices_p95, field_edges_mean, field_edges_p95
        The receptive field, see :func:`wis.experiments.sweep.receptive_field.receptive_field`.
    kept
        Further measures of what was kept, by name.
    """

    status: Status
    message: str = ""
    metric: str | None = None
    test_score: float | None = None
    val_score: float | None = None
    parameters: int | None = None
    best_epoch: int | None = None
    epochs: int | None = None
    sparsify_seconds: float | None = None
    train_seconds: float | None = None
    inference_seconds: float | None = None
    peak_bytes: int | None = None
    pairs: int | None = None
    components: int | None = None
    isolated: int | None = None
    graph_bytes: int | None = None
    field_vertices_mean: float | None = None
    field_vertices_p95: float | None = None
    field_edges_mean: float | None = None
    field_edges_p95: float | None = None
    kept: Mapping[str, float] = field(default_factory=dict)


class Store:
    """The results of one sweep, in ``FOLDER/results.sqlite``.

    Every row is committed by itself and flushed to disk, so that a process killed at any moment loses only the runs
    in flight. One process writes, from :meth:`begin` to the end of the ``with`` block; others may read meanwhile.

    Parameters
    ----------
    folder
        The run folder. It is made if it is not there.

    Raises
    ------
    ValueError
        If the file is another one, was written in another format, or is damaged.
    OSError, RuntimeError
        If it cannot be opened or written, or another process does not let go of it; so do all methods.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._is_owner = False
        self._database = connect_to_write(folder / FILE_NAME, _SCHEMA, _FORMAT)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_owner:
            lock.release(self._folder)
        self._database.close()

    def begin(self, plan: Mapping[str, Any], command: str, cells: Collection[Cell], facts: Mapping[str, Any]) -> None:
        """Note what is about to run, and that it is this process that runs it. Finished runs stay.

        Raises
        ------
        RuntimeError
            If another sweep is running in the folder.
        ValueError
            If the folder has finished runs of its plan that this one does not ask for: they would be in no report.
        """
        rows = [
            (i, c.dataset, c.model, c.method, c.removed, c.split, c.seed, c.run.key, _order_key(c.run))
            for i, c in enumerate(cells)
        ]
        with self._write() as write:
            lock.take(self._folder)
            self._is_owner = True
            self._check_plan({cell.run.key for cell in cells})
            write.execute("DELETE FROM sweep")
            write.execute("INSERT INTO sweep VALUES (?, ?, ?, ?)", (_FORMAT, canonical_json(plan), command, _now()))
            write.execute("DELETE FROM cells")
            write.executemany("INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            write.execute("INSERT OR IGNORE INTO environments (facts) VALUES (?)", (canonical_json(facts),))
            found = write.execute("SELECT id FROM environments WHERE facts = ?", (canonical_json(facts),))
            self._environment = found.fetchone()[0]

    def _check_plan(self, wanted: Collection[str]) -> None:
        query = "SELECT DISTINCT run_key FROM cells JOIN runs ON key = run_key WHERE status <> 'failed'"
        lost = sum(key not in wanted for (key,) in self._database.execute(query))
        if lost:
            raise ValueError(
                f"{self._folder} holds another plan: {lost:,} of its finished runs are not in this one and would be in "
                "no report. The file of a graph, a method or a model may have changed since, or the version or the "
                "device; give another --out"
            )

    def add_dataset(self, name: str, facts: Mapping[str, Any]) -> None:
        """Note the size of a dataset."""
        with self._write() as write:
            write.execute("INSERT OR REPLACE INTO datasets VALUES (?, ?)", (name, canonical_json(facts)))

    def add_order(self, sparsifier: Sparsifier, outcome: OrderOutcome) -> None:
        """Note how the computation of an order ended."""
        self._insert("orders", sparsifier.key, asdict(sparsifier), asdict(outcome))

    def add_run(self, run: Run, outcome: RunOutcome) -> None:
        """Note how a run ended."""
        self._insert("runs", run.key, asdict(run), {**asdict(outcome), "kept": canonical_json(outcome.kept)})

    def finished(self, table: Literal["orders", "runs"]) -> dict[str, Status]:
        """Keys of the finished orders or runs, with their status."""
        with errors_in_words(self._folder / FILE_NAME):
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
        with self._write() as write:
            write.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", row)

    @contextlib.contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        with errors_in_words(self._folder / FILE_NAME), transaction(self._database) as write:
            yield write


def _order_key(run: Run) -> str | None:
    return run.sparsifier.key if run.sparsifier else None


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def open_results(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database of a run folder, to read; a sweep may be running there. Nothing is written; it may be empty yet.

    Raises
    ------
    ValueError
        If the folder holds no results.
    OSError, RuntimeError
        If they cannot be read.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise ValueError(f"{folder} is not a run folder: there is no {FILE_NAME} in it")
    with connect_to_read(path, _SCHEMA, _FORMAT) as database:
        yield database


def finished_batches(folder: Path) -> dict[tuple[str, str], int]:
    """Batches of an epoch in the finished runs of a folder that did not fail, by data set and model."""
    if not (folder / FILE_NAME).is_file():
        return {}
    with open_results(folder) as database:
        if is_empty(database):
            return {}
        rows = database.execute("SELECT config FROM runs WHERE status <> 'failed' ORDER BY finished_at")
        configs = [json.loads(config) for (config,) in rows]
    return {(run["dataset"], run["model"]): run["protocol"].get("batches", 1) for run in configs}


def finished_runs(folder: Path, plan: Mapping[str, Any]) -> dict[str, Status]:
    """Keys of the finished runs of a folder with their status; none if it holds another plan, or nothing yet."""
    if not (folder / FILE_NAME).is_file():
        return {}
    with open_results(folder) as database:
        # A sweep that was killed before it had made its tables leaves none.
        if is_empty(database) or database.execute("SELECT plan FROM sweep").fetchone() != (canonical_json(plan),):
            return {}
        return dict(database.execute("SELECT key, status FROM runs"))
